package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// ConflictSettle answers GET and POST /sync/conflicts/{id}.
func ConflictSettle() http.Handler {
	return perConnection("conflict-settle", parts.answerConflictSettle)
}

func (p parts) answerConflictSettle(pool *postgres.Pool) http.Handler {
	return p.api().Conflict(p.decisions(pool), p.carry(pool), p.glance(pool).Conflict)
}
