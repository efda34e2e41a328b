package syncrun

import (
	"context"

	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/record"
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
		if err := w.rekey(ctx); err != nil {
			return err
		}
		at.Phase = journal.Finished
		return nil
	}
	at.Change = last
	keys := make([]journal.Key, len(rowIDs))
	for i, id := range rowIDs {
		keys[i].RowID = id
	}
	known, err := w.load(ctx, keys)
	if err != nil {
		return err
	}
	fresh, err := w.edited(ctx)
	if err != nil {
		return err
	}
	items := make([]item, len(known))
	var asked []record.Page
	for i, k := range known {
		items[i] = item{known: k}
		page, ok := fresh[k.Key.PageID]
		if undecided := k.Verdict != "" || len(k.Disputes) > 0 || k.Base == nil || k.Base.Mixed() || w.lens.Lacks(k.Base); !ok && undecided && !k.Aside && k.Key.PageID != "" {
			// The base does not tell what its page is now, and the listing may not.
			if page, err = w.show(ctx, k.Key.PageID); err != nil {
				return err
			}
			ok, asked = true, append(asked, page)
		}
		if ok {
			items[i].page = &page
		}
	}
	if err := w.absences(ctx, asked...); err != nil {
		return err
	}
	return w.settle(ctx, items, journal.Batch{})
}

// edited gives the pages that were edited since the last listing began. A row's change is planned against what its page is now, and
// Notion has no conditional write: the pages are asked for right before.
func (w *worker) edited(ctx context.Context) (map[string]record.Page, error) {
	pages := map[string]record.Page{}
	if w.database.NotionThrough.IsZero() {
		return pages, nil
	}
	for cursor := ""; ; {
		listing, err := w.list(ctx, w.database.NotionThrough, cursor)
		if err != nil {
			return nil, err
		}
		if err := w.bind(ctx, listing.Live); err != nil {
			return nil, err
		}
		for _, p := range listing.Pages {
			pages[p.ID] = p
		}
		if cursor = listing.Next; cursor == "" {
			return pages, nil
		}
	}
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
