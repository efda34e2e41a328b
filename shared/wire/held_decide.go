package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// HeldDecide answers GET and POST /sync/held/{id}.
func HeldDecide() http.Handler { return perConnection("held-decide", parts.answerHeldDecide) }

func (p parts) answerHeldDecide(pool *pgxpool.Pool) http.Handler {
	return p.api().Held(p.decisions(pool), p.carry(pool))
}
