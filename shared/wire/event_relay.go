package wire

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/dispatch"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/realtime"
)

// EventRelay empties the outbox. Whatever calls it, messages of the outbox queue or the schedule, only says "look": one event or
// ten, it looks once.
func EventRelay() func(context.Context, json.RawMessage) error {
	get := onFirstUse(func(ctx context.Context) (dispatch.Relay, error) {
		p, err := newParts("event-relay")
		if err != nil {
			return dispatch.Relay{}, err
		}
		pool, err := p.pool(context.WithoutCancel(ctx), 1)
		if err != nil {
			return dispatch.Relay{}, err
		}
		relay := dispatch.Relay{
			Outbox: postgres.Outbox{Pool: pool, ConnectionID: config.DefaultConnection, NewID: newID},
			Queue:  p.deliveries(),
			Now:    time.Now,
			Log:    p.log,
		}
		if p.cfg.RealTimeSync && p.cfg.SupabaseURL != "" {
			relay.Broadcast = realtime.Channel{
				URL:    p.cfg.SupabaseURL,
				Key:    func(ctx context.Context) (string, error) { return p.secret.Get(ctx, config.SupabaseServiceRoleKey) },
				Client: &http.Client{},
			}
		}
		return relay, nil
	})
	return func(ctx context.Context, _ json.RawMessage) error {
		relay, err := get(ctx)
		if err != nil {
			return err
		}
		return relay.Run(ctx)
	}
}
