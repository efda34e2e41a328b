package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsSubscriptions answers GET /events/subscriptions.
func EventsSubscriptions() http.Handler {
	return perConnection("events-subscriptions", parts.answerEventsSubscriptions)
}

func (p parts) answerEventsSubscriptions(pool *postgres.Pool) http.Handler {
	return p.api().Subscriptions(p.desk(pool))
}
