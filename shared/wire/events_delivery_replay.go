package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/dispatch"
)

// EventsDeliveryReplay answers POST /events/subscriptions/{id}/deliveries/{delivery}/replay.
func EventsDeliveryReplay() http.Handler {
	return deskHandler("events-delivery-replay", func(p parts, desk dispatch.Desk) http.Handler {
		return p.api().Replay(desk)
	})
}
