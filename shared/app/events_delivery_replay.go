package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsDeliveryReplay answers POST /events/subscriptions/{id}/deliveries/{delivery}/replay.
func EventsDeliveryReplay() http.Handler {
	return perConnection("events-delivery-replay", deps.answerEventsDeliveryReplay)
}

func (p deps) answerEventsDeliveryReplay(pool *postgres.Pool) http.Handler {
	return p.api().Replay(p.subscriptionManager(pool))
}
