package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/dispatch"
	"github.com/act-platform/enhanced-integration/shared/setting"
)

// EventsSubscription answers GET, PATCH and DELETE /events/subscriptions/{id}.
func EventsSubscription() http.Handler {
	return deskHandler("events-subscription", func(p parts, desk dispatch.Desk) http.Handler {
		return p.api().Subscription(desk, p.connection(setting.Settings{ConnectionID: config.DefaultConnection}).Mapping.Names())
	})
}
