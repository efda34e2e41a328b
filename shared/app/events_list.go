package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsList answers GET /events.
func EventsList() http.Handler { return perConnection("events-list", deps.answerEventsList) }

func (p deps) answerEventsList(pool *postgres.Pool) http.Handler {
	return p.api().Events(postgres.Events{Pool: pool, ConnectionID: p.id()})
}
