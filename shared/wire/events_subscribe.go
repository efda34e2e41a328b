package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/dispatch"
	"github.com/act-platform/enhanced-integration/shared/setting"
)

// EventsSubscribe answers POST /events/subscribe.
func EventsSubscribe() http.Handler {
	return deskHandler("events-subscribe", func(p parts, desk dispatch.Desk) http.Handler {
		return p.api().Subscribe(desk, p.connection(setting.Settings{ConnectionID: config.DefaultConnection}).Mapping.Names())
	})
}
