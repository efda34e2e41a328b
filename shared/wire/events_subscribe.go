package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/dispatch"
)

// EventsSubscribe answers POST /events/subscribe.
func EventsSubscribe() http.Handler {
	return deskHandler("events-subscribe", func(p parts, desk dispatch.Desk) http.Handler {
		return p.api().Subscribe(desk, p.cfg.Mapping.Names())
	})
}
