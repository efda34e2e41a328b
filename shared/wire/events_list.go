package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsList answers GET /events.
func EventsList() http.Handler { return perConnection("events-list", parts.answerEventsList) }

func (p parts) answerEventsList(pool *pgxpool.Pool) http.Handler {
	return p.api().Events(postgres.Events{Pool: pool, ConnectionID: p.id()})
}
