package app

import (
	"context"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// notifyingLedger has the relay look when runs begin and end.
type notifyingLedger struct {
	engine.Ledger
	nudger
}

// Begin begins a part.
func (l notifyingLedger) Begin(ctx context.Context, runID, kind string, at time.Time) (journal.Part, error) {
	part, err := l.Ledger.Begin(ctx, runID, kind, at)
	if err == nil && !part.Done {
		l.nudge(ctx)
	}
	return part, err
}

// Finish ends a part.
func (l notifyingLedger) Finish(ctx context.Context, lease journal.Lease, part journal.Part, reason string, at time.Time) error {
	err := l.Ledger.Finish(ctx, lease, part, reason, at)
	if err == nil {
		l.nudge(ctx)
	}
	return err
}

// notifyingTables has the relay look when a batch was stored that has something to tell.
type notifyingTables struct {
	engine.Tables
	nudger
}

// Commit stores a batch.
func (t notifyingTables) Commit(ctx context.Context, lease journal.Lease, batch journal.Batch) ([]journal.Outcome, error) {
	outcomes, err := t.Tables.Commit(ctx, lease, batch)
	if err == nil && tells(batch) {
		t.nudge(ctx)
	}
	return outcomes, err
}

func tells(batch journal.Batch) bool {
	return len(batch.Events) > 0 || slices.ContainsFunc(batch.Settled, func(s journal.Settled) bool {
		return len(s.Events) > 0 || len(s.OnRow) > 0 || s.Refusal != nil
	})
}
