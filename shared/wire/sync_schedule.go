package wire

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/syncrun"
)

// SyncSchedule starts the scheduled runs, and hands over again what was lost. An event is {"type":"incremental"} or
// {"type":"full"}; one that comes twice finds its run under way.
func SyncSchedule() func(context.Context, json.RawMessage) error {
	type made struct {
		syncrun.Starter
		gauge *gauge
	}
	get := onFirstUse(func(ctx context.Context) (made, error) {
		p, err := newParts("sync-schedule")
		if err != nil {
			return made{}, err
		}
		pool, err := p.pool(context.WithoutCancel(ctx), 1)
		if err != nil {
			return made{}, err
		}
		return made{p.starter(pool), p.gauge}, nil
	})
	return func(ctx context.Context, event json.RawMessage) error {
		var in struct {
			Type journal.Type `json:"type"`
		}
		if err := json.Unmarshal(event, &in); err != nil || in.Type != journal.Full && in.Type != journal.Incremental {
			return fault.New(fault.Invalid, "The schedule's event must be {\"type\":\"incremental\"} or {\"type\":\"full\"}.")
		}
		starter, err := get(ctx)
		if err != nil {
			return err
		}
		defer starter.gauge.flush(ctx)
		lost := starter.Requeue(ctx)
		if len(starter.Kinds) == 0 {
			return lost
		}
		_, err = starter.Start(ctx, syncrun.Request{Type: in.Type, RequestedBy: "schedule"})
		if fault.KindOf(err) == fault.Conflict {
			err = nil
		}
		return errors.Join(lost, err)
	}
}
