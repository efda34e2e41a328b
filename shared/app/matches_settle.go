package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// MatchesSettle answers POST /sync/matches/{page_id}.
func MatchesSettle() http.Handler { return perConnection("matches-settle", deps.answerMatchesSettle) }

func (p deps) answerMatchesSettle(pool *postgres.Pool) http.Handler {
	return p.api().MatchSettle(p.doubts(pool), p.carry(pool))
}
