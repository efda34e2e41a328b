package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrorsRetry answers POST /sync/errors/retry.
func ErrorsRetry() http.Handler { return perConnection("errors-retry", parts.answerErrorsRetry) }

func (p parts) answerErrorsRetry(pool *pgxpool.Pool) http.Handler {
	return p.api().ErrorsRetry(p.decisions(pool), p.carry(pool))
}
