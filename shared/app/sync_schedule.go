package app

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// early is how long before its interval is over a sync may start: schedules do not tick to the second.
const early = 30 * time.Second

// lost is the type of the event that only has what was lost handed over again.
const lost journal.Type = "lost"

// SyncSchedule starts the scheduled runs of each connection, and hands over again what was lost. An event is {"type":"incremental"},
// {"type":"full"}, or every minute {"type":"lost"}; one that comes twice finds its run under way.
func SyncSchedule() func(context.Context, json.RawMessage) error {
	return function("sync-schedule", trace.Internal, forMessages(1), func(ctx context.Context, all allConnections, event json.RawMessage) error {
		var in struct {
			Type journal.Type `json:"type"`
		}
		if err := json.Unmarshal(event, &in); err != nil || in.Type != journal.Full && in.Type != journal.Incremental && in.Type != lost {
			return fault.New(fault.Invalid, "The schedule's event must be {\"type\":\"incremental\"}, {\"type\":\"full\"} or {\"type\":\"lost\"}.")
		}
		return all.each(ctx, func(ctx context.Context, p deps) error { return p.tick(ctx, all.db, in.Type) })
	})
}

// tick starts the connection's run of a type when it is time.
func (p deps) tick(ctx context.Context, pool *postgres.Pool, t journal.Type) error {
	c, starter := p.settings, p.starter(pool)
	failed := errors.Join(starter.Requeue(ctx), p.notices(pool).Sweep(ctx))
	if rests, err := p.rests(ctx, pool); t == lost || rests || err != nil || len(starter.Kinds) == 0 {
		return errors.Join(failed, err)
	}
	if t == journal.Incremental && c.Interval > 0 {
		last, err := postgres.Ledger{Pool: pool}.Last(ctx, c.ConnectionID, t)
		if ago := time.Since(last); err != nil || ago > -early && ago < c.Interval-early { // further ahead is a clock that was wrong
			return errors.Join(failed, err)
		}
	}
	return errors.Join(failed, starter.Schedule(ctx, t))
}
