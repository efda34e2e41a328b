package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// MatchesSettle answers POST /sync/matches/{page_id}.
func MatchesSettle() http.Handler { return perConnection("matches-settle", parts.answerMatchesSettle) }

func (p parts) answerMatchesSettle(pool *pgxpool.Pool) http.Handler {
	return p.api().MatchSettle(p.doubts(pool), p.carry(pool))
}
