package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsSubscriptionAction answers POST /events/subscriptions/{id}/rotate-secret, pause, resume, test and replay.
func EventsSubscriptionAction() http.Handler {
	return perConnection("events-subscription-action", parts.answerEventsSubscriptionAction)
}

func (p parts) answerEventsSubscriptionAction(pool *postgres.Pool) http.Handler {
	return p.api().SubscriptionAction(p.desk(pool))
}
