package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/dispatch"
)

// EventsDeliveries answers GET /events/subscriptions/{id}/deliveries.
func EventsDeliveries() http.Handler {
	return deskHandler("events-deliveries", func(p parts, desk dispatch.Desk) http.Handler {
		return p.api().Deliveries(desk)
	})
}
