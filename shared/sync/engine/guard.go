package engine

import (
	"context"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// guard holds deletions that are too many to be made unasked: a table that was emptied by mistake does not empty the database on
// the other side. Everything else goes on.
func (w *worker) guard(ctx context.Context, decisions []*decision) error {
	for _, side := range []merge.Side{merge.Notion, merge.Supabase} {
		if err := w.guardSide(ctx, side, decisions); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) guardSide(ctx context.Context, side merge.Side, decisions []*decision) error {
	var unasked []*decision
	var keys []journal.Key
	for _, d := range decisions {
		if d.err != nil || !d.deletes(side) {
			continue
		}
		switch d.known.Verdict {
		case journal.Waiting:
			d.held = true
		case "":
			unasked, keys = append(unasked, d), append(keys, d.known.Key)
		case journal.Approved, journal.Refused, journal.Withdrawn:
		}
	}
	if len(unasked) == 0 {
		return nil
	}
	holds, err := w.tables.Hold(ctx, w.lease, journal.Deletions{
		Side: side, Keys: keys, Made: w.deleted[side], Listed: w.listed(), RunID: w.part.Run.ID, Shown: w.shown, Limit: w.Connection.Limit, At: w.Now(),
	})
	if err != nil {
		return err
	}
	for _, d := range unasked {
		d.held = holds
	}
	if !holds {
		w.deleted[side] += len(unasked)
	}
	w.holds = w.holds || holds
	return nil
}

// listed reports whether it is known what a whole listing has shown: of one answer while it is at hand, of several once it is
// stored to its end.
func (w *worker) listed() bool {
	at := w.part.Checkpoint
	if at.Pages == 1 {
		return at.Whole && w.shown != nil
	}
	return at.Whole && at.Phase != journal.Pulling
}

// deletes reports whether the plan deletes the record on that side.
func (d *decision) deletes(side merge.Side) bool {
	if side == merge.Notion {
		return d.plan.Notion.Op == merge.Archive
	}
	return d.plan.Postgres.Op == merge.Archive
}
