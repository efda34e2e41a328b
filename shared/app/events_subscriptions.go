package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsSubscriptions answers GET /events/subscriptions.
func EventsSubscriptions() http.Handler {
	return perConnection("events-subscriptions", deps.answerEventsSubscriptions)
}

func (p deps) answerEventsSubscriptions(pool *postgres.Pool) http.Handler {
	return p.api().Subscriptions(p.subscriptionManager(pool))
}
