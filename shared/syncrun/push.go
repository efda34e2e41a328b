package syncrun

import (
	"context"

	"github.com/act-platform/enhanced-integration/shared/journal"
)

// push takes in the next rows that somebody changed, after those that were refused and are due again.
func (w *worker) push(ctx context.Context) error {
	at := &w.part.Checkpoint
	if !w.part.Run.Type.WritesNotion() {
		at.Phase = journal.Finished
		return nil
	}
	if !w.retried {
		w.retried = true
		if err := w.retry(ctx); err != nil {
			return err
		}
	}
	rowIDs, last, err := w.tables.Changed(ctx, at.Change, BatchSize)
	if err != nil {
		return err
	}
	if len(rowIDs) == 0 {
		at.Phase = journal.Finished
		return nil
	}
	at.Change = last
	keys := make([]journal.Key, len(rowIDs))
	for i, id := range rowIDs {
		keys[i].RowID = id
	}
	known, err := w.tables.Look(ctx, keys)
	if err != nil {
		return err
	}
	items := make([]item, len(known))
	for i, k := range known {
		items[i] = item{known: k}
	}
	return w.settle(ctx, items, journal.Batch{})
}

// retry looks again, on both sides, at the records that were refused.
func (w *worker) retry(ctx context.Context) error {
	keys, err := w.tables.Due(ctx, w.Now(), BatchSize)
	if err != nil || len(keys) == 0 {
		return err
	}
	known, err := w.tables.Look(ctx, keys)
	if err != nil {
		return err
	}
	items := make([]item, len(known))
	for i, k := range known {
		items[i].known = k
		if k.Key.PageID == "" {
			continue
		}
		page, err := w.page(ctx, k.Key.PageID)
		if err != nil {
			return err
		}
		items[i].page = &page
	}
	return w.settle(ctx, items, journal.Batch{})
}
