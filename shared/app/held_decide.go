package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// HeldDecide answers GET and POST /sync/held/{id}.
func HeldDecide() http.Handler { return perConnection("held-decide", deps.answerHeldDecide) }

func (p deps) answerHeldDecide(pool *postgres.Pool) http.Handler {
	return p.api().Held(p.decisions(pool), p.carry(pool))
}
