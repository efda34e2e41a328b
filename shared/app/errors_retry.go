package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// ErrorsRetry answers POST /sync/errors/retry.
func ErrorsRetry() http.Handler { return perConnection("errors-retry", deps.answerErrorsRetry) }

func (p deps) answerErrorsRetry(pool *postgres.Pool) http.Handler {
	return p.api().ErrorsRetry(p.decisions(pool), p.carry(pool))
}
