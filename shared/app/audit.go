package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// Audit answers GET /audit.
func Audit() http.Handler { return perConnection("audit", deps.answerAudit) }

func (p deps) answerAudit(pool *postgres.Pool) http.Handler {
	return p.api().Audit(postgres.AuditLog{Pool: pool, ConnectionID: p.id()})
}
