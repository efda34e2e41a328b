package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// Alerts answers GET and POST /alerts.
func Alerts() http.Handler { return perConnection("alerts", deps.answerAlerts) }

func (p deps) answerAlerts(pool *postgres.Pool) http.Handler {
	return p.api().Alerts(p.alerts(pool))
}

func (p deps) alerts(pool *postgres.Pool) postgres.Alerts {
	return postgres.Alerts{Pool: pool, ConnectionID: p.id(), Kinds: p.connection().Kinds(), NewID: newID}
}
