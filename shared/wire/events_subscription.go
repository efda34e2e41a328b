package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// EventsSubscription answers GET, PATCH and DELETE /events/subscriptions/{id}.
func EventsSubscription() http.Handler {
	return perConnection("events-subscription", parts.answerEventsSubscription)
}

func (p parts) answerEventsSubscription(pool *pgxpool.Pool) http.Handler {
	return p.api().Subscription(p.desk(pool), p.cfg.Mapping.Names())
}
