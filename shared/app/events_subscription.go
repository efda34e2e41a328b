package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsSubscription answers GET, PATCH and DELETE /events/subscriptions/{id}.
func EventsSubscription() http.Handler {
	return perConnection("events-subscription", deps.answerEventsSubscription)
}

func (p deps) answerEventsSubscription(pool *postgres.Pool) http.Handler {
	return p.api().Subscription(p.subscriptionManager(pool), p.cfg.Mapping.Names())
}
