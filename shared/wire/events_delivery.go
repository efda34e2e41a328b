package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// EventsDelivery answers GET /events/subscriptions/{id}/deliveries/{delivery}.
func EventsDelivery() http.Handler {
	return perConnection("events-delivery", parts.answerEventsDelivery)
}

func (p parts) answerEventsDelivery(pool *pgxpool.Pool) http.Handler {
	return p.api().Delivery(p.desk(pool))
}
