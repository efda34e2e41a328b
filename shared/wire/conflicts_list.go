package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// ConflictsList answers GET /sync/conflicts.
func ConflictsList() http.Handler { return perConnection("conflicts-list", parts.answerConflictsList) }

func (p parts) answerConflictsList(pool *pgxpool.Pool) http.Handler {
	return p.api().Conflicts(p.decisions(pool))
}
