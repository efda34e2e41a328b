package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// ErrorsList answers GET /sync/errors.
func ErrorsList() http.Handler { return perConnection("errors-list", deps.answerErrorsList) }

func (p deps) answerErrorsList(pool *postgres.Pool) http.Handler {
	return p.api().Errors(p.decisions(pool))
}
