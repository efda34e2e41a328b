package app

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/events/dispatch"
	"github.com/act-platform/enhanced-integration/shared/events/realtime"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// EventRelay empties the outboxes of all connections. Whatever calls it, messages of the outbox queue or the schedule, only says "look":
// one event or ten, it looks once.
func EventRelay() func(context.Context, json.RawMessage) error {
	return around("event-relay", trace.Internal, forMessages(1), func(ctx context.Context, all allConnections, _ json.RawMessage) error {
		err := all.each(ctx, func(ctx context.Context, p deps) error { return p.relay(all.db).Run(ctx) })
		all.renewSeals(ctx, all.db)
		return err
	}, func(ctx context.Context, p deps, event json.RawMessage, work func() error) error {
		err := work()
		if err != nil && nudges(event) {
			p.log.WarnContext(ctx, "the outbox was not emptied; the schedule looks within a minute", "error", err)
			return nil
		}
		return err
	})
}

// nudges reports whether an event is of the outbox queue. Its messages need not come again: the schedule looks as well, and sooner than they
// would.
func nudges(event json.RawMessage) bool {
	var in struct{ Records []json.RawMessage }
	return json.Unmarshal(event, &in) == nil && len(in.Records) > 0
}

// relay is the connection's relay. Who is signed in to Supabase hears of the first connection.
func (p deps) relay(pool *postgres.Pool) dispatch.Relay {
	relay := dispatch.Relay{
		Outbox: postgres.Outbox{Pool: pool, ConnectionID: p.id(), NewID: newID},
		Queue:  p.deliveries(),
		Now:    time.Now,
		Log:    p.log,
	}
	if p.cfg.RealTimeSync && p.cfg.SupabaseURL != "" && p.id() == config.DefaultConnection {
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

// renewSeals seals the secrets in tables that are not sealed under the newest key: those of before there was sealing, and after a rotation.
// What fails is left to the next look: the events are on their way.
func (p deps) renewSeals(ctx context.Context, pool *postgres.Pool) {
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
