package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// Audit answers GET /audit.
func Audit() http.Handler { return perConnection("audit", parts.answerAudit) }

func (p parts) answerAudit(pool *postgres.Pool) http.Handler {
	return p.api().Audit(postgres.Trail{Pool: pool, ConnectionID: p.id()})
}
