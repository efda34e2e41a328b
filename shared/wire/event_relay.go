package wire

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/dispatch"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/realtime"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/trace"
)

// EventRelay empties the outboxes of all connections. Whatever calls it, messages of the outbox queue or the schedule, only says "look":
// one event or ten, it looks once.
func EventRelay() func(context.Context, json.RawMessage) error {
	type made struct {
		parts
		db *pgxpool.Pool
	}
	return function("event-relay", trace.Internal, func(ctx context.Context, p parts) (made, error) {
		pool, err := p.pool(ctx, 1)
		return made{p, pool}, err
	}, func(ctx context.Context, m made, _ json.RawMessage) error {
		connections, err := postgres.Settings{Pool: m.db}.List(ctx)
		problems := []error{err}
		for _, c := range connections {
			problems = append(problems, m.relay(m.db, c.ConnectionID).Run(ctx))
		}
		return errors.Join(problems...)
	})
}

// relay is a connection's relay. Who is signed in to Supabase hears of the first connection.
func (p parts) relay(pool *pgxpool.Pool, connectionID string) dispatch.Relay {
	relay := dispatch.Relay{
		Outbox: postgres.Outbox{Pool: pool, ConnectionID: connectionID, NewID: newID},
		Queue:  p.deliveries(),
		Now:    time.Now,
		Log:    p.log,
	}
	if p.cfg.RealTimeSync && p.cfg.SupabaseURL != "" && connectionID == config.DefaultConnection {
		relay.Broadcast = realtime.Channel{
			URL: p.cfg.SupabaseURL,
			Key: func(ctx context.Context) (secret.Text, error) {
				return p.secret.Get(ctx, config.SupabaseServiceRoleKey)
			},
			Client: &http.Client{},
		}
	}
	return relay
}
