package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsSubscribe answers POST /events/subscribe.
func EventsSubscribe() http.Handler {
	return perConnection("events-subscribe", deps.answerEventsSubscribe)
}

func (p deps) answerEventsSubscribe(pool *postgres.Pool) http.Handler {
	return p.api().Subscribe(p.subscriptionManager(pool), p.cfg.Mapping.Names())
}
