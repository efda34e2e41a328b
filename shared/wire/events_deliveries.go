package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// EventsDeliveries answers GET /events/subscriptions/{id}/deliveries.
func EventsDeliveries() http.Handler {
	return perConnection("events-deliveries", parts.answerEventsDeliveries)
}

func (p parts) answerEventsDeliveries(pool *pgxpool.Pool) http.Handler {
	return p.api().Deliveries(p.desk(pool))
}
