package wire

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/dispatch"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/realtime"
)

// EventRelay empties the outboxes of all connections. Whatever calls it, messages of the outbox queue or the schedule, only says "look":
// one event or ten, it looks once.
func EventRelay() func(context.Context, json.RawMessage) error {
	get := forMessages("event-relay", 1)
	return func(ctx context.Context, _ json.RawMessage) error {
		all, err := get(ctx)
		if err != nil {
			return err
		}
		defer all.gauge.flush(ctx)
		return all.each(ctx, func(ctx context.Context, p parts) error { return p.relay(all.db).Run(ctx) })
	}
}

// relay is the connection's relay. Who is signed in to Supabase hears of the first connection.
func (p parts) relay(pool *pgxpool.Pool) dispatch.Relay {
	relay := dispatch.Relay{
		Outbox: postgres.Outbox{Pool: pool, ConnectionID: p.id(), NewID: newID},
		Queue:  p.deliveries(),
		Now:    time.Now,
		Log:    p.log,
	}
	if p.cfg.RealTimeSync && p.cfg.SupabaseURL != "" && p.id() == config.DefaultConnection {
		relay.Broadcast = realtime.Channel{
			URL:    p.cfg.SupabaseURL,
			Key:    func(ctx context.Context) (string, error) { return p.secret.Get(ctx, config.SupabaseServiceRoleKey) },
			Client: &http.Client{},
		}
	}
	return relay
}
