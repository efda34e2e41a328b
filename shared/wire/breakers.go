package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// Breakers answers GET and POST /breakers.
func Breakers() http.Handler { return perConnection("breakers", parts.answerBreakers) }

func (p parts) answerBreakers(pool *pgxpool.Pool) http.Handler {
	return p.api().Breakers(postgres.Breakers{Pool: pool, ConnectionID: p.id()})
}
