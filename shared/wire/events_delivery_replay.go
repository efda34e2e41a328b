package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// EventsDeliveryReplay answers POST /events/subscriptions/{id}/deliveries/{delivery}/replay.
func EventsDeliveryReplay() http.Handler {
	return perConnection("events-delivery-replay", parts.answerEventsDeliveryReplay)
}

func (p parts) answerEventsDeliveryReplay(pool *pgxpool.Pool) http.Handler {
	return p.api().Replay(p.desk(pool))
}
