package engine

import (
	"context"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// push takes in the next rows that somebody changed, after those that were refused and are due again. A row's change is planned against
// what its page is now, and Notion has no conditional write. So the page is known to be as the base has it, or it is read: of one row, or of
// the few that somebody waits for, each page right before it is written; of more, by listing what was edited (catchUp).
func (w *worker) push(ctx context.Context) error {
	at := &w.part.Checkpoint
	if !w.part.Run.Type.WritesNotion() {
		at.Phase = journal.Finished
		return nil
	}
	if !w.retried {
		if err := w.probeRoom(ctx); err != nil {
			return err
		}
		if err := w.retry(ctx); err != nil {
			return err
		}
		w.retried = true
	}
	left, err := w.tables.Left(ctx, at.Change)
	if err != nil {
		return err
	}
	at.Push(left, w.Now())
	rowIDs, last, err := w.tables.Changed(ctx, at.Change, BatchSize)
	if err != nil {
		return err
	}
	if len(rowIDs) == 0 {
		if err := w.rekey(ctx); err != nil {
			return err
		}
		at.Phase = journal.Finished
		return nil
	}
	keys := make([]journal.Key, len(rowIDs))
	for i, id := range rowIDs {
		keys[i].RowID = id
	}
	known, err := w.load(ctx, keys)
	if err != nil {
		return err
	}
	paged := 0
	for _, k := range known {
		if !k.Aside && k.Key.PageID != "" && !w.undecided(k) {
			paged++
		}
	}
	each := w.hasty || paged == 1
	if paged > 0 && !each && w.edits.due() {
		return w.catchUp(ctx)
	}
	items := make([]item, len(known))
	var asked []record.Page
	for i, k := range known {
		items[i] = item{known: k, unread: each}
		if k.Aside || k.Key.PageID == "" || !w.undecided(k) {
			continue
		}
		page, err := w.show(ctx, k.Key.PageID)
		if err != nil {
			return err
		}
		items[i].page, items[i].justRead, asked = &page, each, append(asked, page)
	}
	if err := w.absences(ctx, asked...); err != nil {
		return err
	}
	at.Change, at.Left = last, max(at.Left-len(rowIDs), 0)
	w.edits.covered += paged
	return w.settle(ctx, items, journal.Batch{})
}

// undecided reports whether the base does not tell what a record's page is now, though nobody has edited it since a listing. Of a record that was
// set aside a listing has shown what did not come into the base.
func (w *worker) undecided(k journal.Known) bool {
	return k.RefusedFor != "" || k.Verdict != "" || len(k.Disputes) > 0 || k.Base == nil || k.Base.Mixed() || w.lens.Lacks(k.Base)
}

// retry looks again at the records that were refused.
func (w *worker) retry(ctx context.Context) error {
	keys, err := w.tables.Due(ctx, w.Now(), BatchSize)
	if err != nil {
		return err
	}
	return w.tryAgain(ctx, keys)
}

// tryAgain looks again, on both sides, at records.
func (w *worker) tryAgain(ctx context.Context, keys []journal.Key) error {
	if len(keys) == 0 {
		return nil
	}
	known, err := w.load(ctx, keys)
	if err != nil {
		return err
	}
	items := make([]item, len(known))
	var asked []record.Page
	for i, k := range known {
		items[i].known = k
		if k.Key.PageID == "" {
			continue
		}
		page, err := w.show(ctx, k.Key.PageID)
		if err != nil {
			return err
		}
		items[i].page, asked = &page, append(asked, page)
	}
	if err := w.absences(ctx, asked...); err != nil {
		return err
	}
	return w.settle(ctx, items, journal.Batch{})
}
