package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsDeliveries answers GET /events/subscriptions/{id}/deliveries.
func EventsDeliveries() http.Handler {
	return perConnection("events-deliveries", deps.answerEventsDeliveries)
}

func (p deps) answerEventsDeliveries(pool *postgres.Pool) http.Handler {
	return p.api().Deliveries(p.subscriptionManager(pool))
}
