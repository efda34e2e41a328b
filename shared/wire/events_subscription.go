package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/dispatch"
)

// EventsSubscription answers GET, PATCH and DELETE /events/subscriptions/{id}.
func EventsSubscription() http.Handler {
	return deskHandler("events-subscription", func(p parts, desk dispatch.Desk) http.Handler {
		return p.api().Subscription(desk, p.cfg.Mapping.Names())
	})
}
