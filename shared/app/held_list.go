package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// HeldList answers GET /sync/held.
func HeldList() http.Handler { return perConnection("held-list", deps.answerHeldList) }

func (p deps) answerHeldList(pool *postgres.Pool) http.Handler {
	return p.api().HeldList(p.decisions(pool).Holds)
}
