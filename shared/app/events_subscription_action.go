package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsSubscriptionAction answers POST /events/subscriptions/{id}/rotate-secret, pause, resume, test and replay.
func EventsSubscriptionAction() http.Handler {
	return perConnection("events-subscription-action", deps.answerEventsSubscriptionAction)
}

func (p deps) answerEventsSubscriptionAction(pool *postgres.Pool) http.Handler {
	return p.api().SubscriptionAction(p.subscriptionManager(pool))
}
