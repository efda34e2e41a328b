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
)

// EventRelay empties the outboxes of all connections. Whatever calls it, messages of the outbox queue or the schedule, only says "look":
// one event or ten, it looks once.
func EventRelay() func(context.Context, json.RawMessage) error {
	type made struct {
		parts
		db *pgxpool.Pool
	}
	get := onFirstUse(func(ctx context.Context) (made, error) {
		p, err := newParts("event-relay")
		if err != nil {
			return made{}, err
		}
		pool, err := p.pool(ctx, 1)
		return made{p, pool}, err
	})
	return func(ctx context.Context, _ json.RawMessage) error {
		m, err := get(ctx)
		if err != nil {
			return err
		}
		defer m.gauge.flush(ctx)
		connections, err := postgres.Settings{Pool: m.db}.List(ctx)
		problems := []error{err}
		for _, c := range connections {
			problems = append(problems, m.relay(m.db, c.ConnectionID).Run(ctx))
		}
		m.renewSeals(ctx, m.db)
		return errors.Join(problems...)
	}
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
			URL:    p.cfg.SupabaseURL,
			Key:    func(ctx context.Context) (string, error) { return p.secret.Get(ctx, config.SupabaseServiceRoleKey) },
			Client: &http.Client{},
		}
	}
	return relay
}

// renewSeals seals the secrets in tables that are not sealed under the newest key: those of before there was sealing, and after a rotation.
// What fails is left to the next look: the events are on their way.
func (p parts) renewSeals(ctx context.Context, pool *pgxpool.Pool) {
	done, err := postgres.Seals{Pool: pool, Sealing: p.sealing()}.Renew(ctx, time.Now())
	if done.Sealed > 0 {
		p.log.InfoContext(ctx, "secrets in tables were sealed", "rows", done.Sealed)
	}
	if done.Bare > 0 {
		p.log.WarnContext(ctx, "secrets in tables are not sealed: put WEBHOOK_SEALING_KEY into the app secret", "rows", done.Bare)
	}
	if done.Unreadable > 0 {
		p.log.WarnContext(ctx, "secrets in tables cannot be read: the key that they were sealed under is not in WEBHOOK_SEALING_KEY, or they are damaged",
			"rows", done.Unreadable)
	}
	if err != nil {
		p.log.ErrorContext(ctx, "secrets in tables were not sealed", "error", err)
	}
}
