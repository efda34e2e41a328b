package wire

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/trace"
)

// webhookMemory is how long a webhook of Notion's is known again: it comes for a day at the most.
const webhookMemory = 3 * 24 * time.Hour

// forgotten is how many events go in one transaction.
const forgotten = 1000

// EventRetention forgets events that are older than is kept, with their deliveries, and webhooks that will not come again. What it leaves over goes the next day.
func EventRetention() func(context.Context, json.RawMessage) error {
	return func(ctx context.Context, _ json.RawMessage) (err error) {
		p, err := newParts("event-retention")
		if err != nil {
			return err
		}
		ctx, end := p.gauge.begin(ctx, p.gauge.function, trace.Internal)
		defer func() { end(failureOf(err)) }()
		pool, err := p.pool(ctx, 1)
		if err != nil {
			return err
		}
		defer pool.Close()
		connections, err := postgres.Settings{Pool: pool}.List(ctx)
		problems := []error{err}
		for _, c := range connections {
			problems = append(problems, p.forget(ctx, pool, c.ConnectionID))
		}
		return errors.Join(problems...)
	}
}

// forget forgets what is old of a connection.
func (p parts) forget(ctx context.Context, pool *pgxpool.Pool, connectionID string) error {
	outbox := postgres.Outbox{Pool: pool, ConnectionID: connectionID, NewID: newID}
	before, total := time.Now().AddDate(0, 0, -p.cfg.EventDays), 0
	for n := forgotten; n == forgotten && ctx.Err() == nil; total += n {
		var err error
		if n, err = outbox.Forget(ctx, before, forgotten); err != nil {
			return err
		}
	}
	if err := p.noticeStore(pool, connectionID).Forget(ctx, time.Now().Add(-webhookMemory)); err != nil {
		return err
	}
	p.log.InfoContext(ctx, "events were forgotten", "connection_id", connectionID, "events", total, "older_than_days", p.cfg.EventDays)
	return nil
}
