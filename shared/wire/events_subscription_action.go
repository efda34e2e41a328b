package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/dispatch"
)

// EventsSubscriptionAction answers POST /events/subscriptions/{id}/rotate-secret, pause, resume, test and replay.
func EventsSubscriptionAction() http.Handler {
	return deskHandler("events-subscription-action", func(p parts, desk dispatch.Desk) http.Handler {
		return p.api().SubscriptionAction(desk)
	})
}
