package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrorsList answers GET /sync/errors.
func ErrorsList() http.Handler { return perConnection("errors-list", parts.answerErrorsList) }

func (p parts) answerErrorsList(pool *pgxpool.Pool) http.Handler {
	return p.api().Errors(p.decisions(pool))
}
