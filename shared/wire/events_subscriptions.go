package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/dispatch"
)

// EventsSubscriptions answers GET /events/subscriptions.
func EventsSubscriptions() http.Handler {
	return deskHandler("events-subscriptions", func(p parts, desk dispatch.Desk) http.Handler {
		return p.api().Subscriptions(desk)
	})
}
