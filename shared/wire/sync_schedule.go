package wire

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/setting"
	"github.com/act-platform/enhanced-integration/shared/syncrun"
	"github.com/act-platform/enhanced-integration/shared/trace"
)

// early is how long before its interval is over a sync may start: schedules do not tick to the second.
const early = 30 * time.Second

// SyncSchedule starts the scheduled runs of each connection, and hands over again what was lost. An event is {"type":"incremental"} or
// {"type":"full"}; one that comes twice finds its run under way.
func SyncSchedule() func(context.Context, json.RawMessage) error {
	return function("sync-schedule", trace.Internal, func(ctx context.Context, p parts) (schedule, error) {
		pool, err := p.pool(ctx, 1)
		return schedule{p, pool}, err
	}, func(ctx context.Context, s schedule, event json.RawMessage) error {
		var in struct {
			Type journal.Type `json:"type"`
		}
		if err := json.Unmarshal(event, &in); err != nil || in.Type != journal.Full && in.Type != journal.Incremental {
			return fault.New(fault.Invalid, "The schedule's event must be {\"type\":\"incremental\"} or {\"type\":\"full\"}.")
		}
		connections, err := postgres.Settings{Pool: s.db}.List(ctx)
		problems := []error{err}
		for _, c := range connections {
			problems = append(problems, s.tick(ctx, c, in.Type))
		}
		return errors.Join(problems...)
	})
}

type schedule struct {
	parts
	db *pgxpool.Pool
}

// tick starts a connection's run of a type when it is time.
func (s schedule) tick(ctx context.Context, c setting.Settings, t journal.Type) error {
	starter := s.starterOf(s.db, s.connection(c))
	lost := errors.Join(starter.Requeue(ctx), s.notices(s.db, c).Sweep(ctx))
	if len(starter.Kinds) == 0 {
		return lost
	}
	if t == journal.Incremental && c.Interval > 0 {
		last, err := postgres.Ledger{Pool: s.db}.Last(ctx, c.ConnectionID, t)
		if err != nil || time.Since(last) < c.Interval-early {
			return errors.Join(lost, err)
		}
	}
	_, err := starter.Start(ctx, syncrun.Request{Type: t, RequestedBy: "schedule"})
	if fault.KindOf(err) == fault.Conflict {
		err = nil
	}
	return errors.Join(lost, err)
}
