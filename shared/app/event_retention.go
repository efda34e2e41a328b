package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// webhookMemory is how long a webhook of Notion's is known again: it comes for a day at the most.
const webhookMemory = 3 * 24 * time.Hour

// forgotten is how many events go in one transaction.
const forgotten = 1000

// EventRetention forgets events that are older than is kept, with their deliveries, and webhooks that will not come again. What it leaves over goes the next day.
func EventRetention() func(context.Context, json.RawMessage) error {
	return seldom("event-retention", 1, func(ctx context.Context, all allConnections) error {
		return all.each(ctx, func(ctx context.Context, p deps) error { return p.forget(ctx, all.db) })
	})
}

// forget forgets what is old of the connection.
func (p deps) forget(ctx context.Context, pool *postgres.Pool) error {
	outbox := postgres.Outbox{Pool: pool, ConnectionID: p.id(), NewID: newID}
	before, total := time.Now().AddDate(0, 0, -p.cfg.EventDays), 0
	for n := forgotten; n == forgotten && ctx.Err() == nil; total += n {
		var err error
		if n, err = outbox.Forget(ctx, before, forgotten); err != nil {
			return err
		}
	}
	if err := p.noticeStore(pool).Forget(ctx, time.Now().Add(-webhookMemory)); err != nil {
		return err
	}
	p.log.InfoContext(ctx, "events were forgotten", "connection_id", p.id(), "events", total, "older_than_days", p.cfg.EventDays)
	return nil
}
