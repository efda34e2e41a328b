package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// ConflictsList answers GET /sync/conflicts.
func ConflictsList() http.Handler { return perConnection("conflicts-list", parts.answerConflictsList) }

func (p parts) answerConflictsList(pool *postgres.Pool) http.Handler {
	return p.api().Conflicts(p.decisions(pool))
}
