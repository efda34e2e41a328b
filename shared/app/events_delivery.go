package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsDelivery answers GET /events/subscriptions/{id}/deliveries/{delivery}.
func EventsDelivery() http.Handler {
	return perConnection("events-delivery", deps.answerEventsDelivery)
}

func (p deps) answerEventsDelivery(pool *postgres.Pool) http.Handler {
	return p.api().Delivery(p.subscriptionManager(pool))
}
