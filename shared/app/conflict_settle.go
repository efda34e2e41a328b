package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// ConflictSettle answers GET and POST /sync/conflicts/{id}.
func ConflictSettle() http.Handler {
	return perConnection("conflict-settle", deps.answerConflictSettle)
}

func (p deps) answerConflictSettle(pool *postgres.Pool) http.Handler {
	return p.api().Conflict(p.decisions(pool), p.carry(pool), p.reviewer(pool).Conflict)
}
