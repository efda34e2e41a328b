package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// EventsSubscriptions answers GET /events/subscriptions.
func EventsSubscriptions() http.Handler {
	return perConnection("events-subscriptions", parts.answerEventsSubscriptions)
}

func (p parts) answerEventsSubscriptions(pool *pgxpool.Pool) http.Handler {
	return p.api().Subscriptions(p.desk(pool))
}
