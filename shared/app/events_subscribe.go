package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsSubscribe answers POST /events/subscribe.
func EventsSubscribe() http.Handler {
	return perConnection("events-subscribe", parts.answerEventsSubscribe)
}

func (p parts) answerEventsSubscribe(pool *postgres.Pool) http.Handler {
	return p.api().Subscribe(p.desk(pool), p.cfg.Mapping.Names())
}
