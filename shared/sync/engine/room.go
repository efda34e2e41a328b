package engine

import (
	"context"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// Room keeps whether the workspace takes more pages. Its limit is one for all of its databases.
type Room interface {
	// Full returns why the workspace takes no more pages, "" when it does. probe: the run is the one to try, with one page, whether it
	// does again; it is told so once.
	Full(ctx context.Context, runID string) (reason string, probe bool, err error)
	// Filled notes that the run was refused a page for want of room.
	Filled(ctx context.Context, runID, reason string) error
	// Emptied notes that there is room: the records that waited for it count as changed.
	Emptied(ctx context.Context) error
	// WaitingForRoom returns a record that waits for room; false when none does.
	WaitingForRoom(ctx context.Context) (journal.Key, bool, error)
}

// room is what a worker knows of the room in the workspace.
type room struct {
	known bool
	full  string // why no page is created; "": it may be
	probe bool   // one page is created all the same
}

// findRoom asks, once, whether the workspace takes more pages.
func (w *worker) findRoom(ctx context.Context) (err error) {
	if !w.room.known {
		w.room.full, w.room.probe, err = w.tables.Full(ctx, w.part.Run.ID)
		w.room.known = err == nil
	}
	return err
}

// probeRoom looks at one record that waits for room, where the run is to try whether there is some.
func (w *worker) probeRoom(ctx context.Context) error {
	key, found, err := w.tables.WaitingForRoom(ctx)
	if err != nil || !found {
		return err
	}
	if err := w.findRoom(ctx); err != nil || !w.room.probe {
		return err
	}
	return w.tryAgain(ctx, []journal.Key{key})
}

// nextWrites cuts the writes that go together from those that are left. Creations that have no room are refused here, without asking
// Notion; one that tries whether there is room goes alone.
func (w *worker) nextWrites(ctx context.Context, left []*decision) (next, rest []*decision, err error) {
	if slices.ContainsFunc(left, creates) {
		if err := w.findRoom(ctx); err != nil {
			return nil, nil, err
		}
	}
	if w.room.full != "" {
		if i := slices.IndexFunc(left, creates); i >= 0 && w.room.probe {
			return left[i : i+1], slices.Delete(slices.Clone(left), i, i+1), nil
		}
		for _, d := range left {
			if creates(d) {
				d.err = fault.New(fault.Full, "%s", w.room.full)
			}
		}
		left = slices.DeleteFunc(slices.Clone(left), func(d *decision) bool { return d.err != nil })
	}
	n := min(atOnce, len(left))
	return left[:n], left[n:], nil
}

// creates reports whether what is to be done makes a page.
func creates(d *decision) bool { return d.plan.Notion.Op == merge.Create }

// roomFor returns the creations that were refused here for want of room, now that there is some.
func roomFor(decisions []*decision) (again []*decision) {
	for _, d := range decisions {
		if d.intent == nil && fault.KindOf(d.err) == fault.Full {
			d.err = nil
			again = append(again, d)
		}
	}
	return again
}

// learnRoom notes what the answers to creations say of the room in the workspace.
func (w *worker) learnRoom(ctx context.Context, writes []*decision) error {
	if w.part.Run.DryRun {
		return nil
	}
	for _, d := range writes {
		switch {
		case d.intent != nil && d.intent.Op == merge.Create && fault.KindOf(d.err) == fault.Full:
			if w.room.full == "" {
				w.log.WarnContext(ctx, "the Notion workspace is full: no page is created until it takes one again", "reason", fault.Message(d.err))
			}
			w.room = room{known: true, full: fault.Message(d.err)}
			return w.tables.Filled(ctx, w.part.Run.ID, w.room.full)
		case d.made.Op == merge.Create && w.room.full != "":
			w.log.InfoContext(ctx, "the Notion workspace takes pages again")
			w.room = room{known: true}
			return w.tables.Emptied(ctx)
		}
	}
	return nil
}
