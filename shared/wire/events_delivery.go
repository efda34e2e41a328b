package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/dispatch"
)

// EventsDelivery answers GET /events/subscriptions/{id}/deliveries/{delivery}.
func EventsDelivery() http.Handler {
	return deskHandler("events-delivery", func(p parts, desk dispatch.Desk) http.Handler {
		return p.api().Delivery(desk)
	})
}
