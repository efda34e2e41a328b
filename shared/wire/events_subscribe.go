package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// EventsSubscribe answers POST /events/subscribe.
func EventsSubscribe() http.Handler {
	return perConnection("events-subscribe", parts.answerEventsSubscribe)
}

func (p parts) answerEventsSubscribe(pool *pgxpool.Pool) http.Handler {
	return p.api().Subscribe(p.desk(pool), p.cfg.Mapping.Names())
}
