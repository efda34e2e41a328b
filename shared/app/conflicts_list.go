package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// ConflictsList answers GET /sync/conflicts.
func ConflictsList() http.Handler { return perConnection("conflicts-list", deps.answerConflictsList) }

func (p deps) answerConflictsList(pool *postgres.Pool) http.Handler {
	return p.api().Conflicts(p.decisions(pool))
}
