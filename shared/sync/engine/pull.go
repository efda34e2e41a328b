package engine

import (
	"context"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// settling is how long after an edit a listing may still not show it: Notion rounds times down to the minute, and an edit made
// while a listing is put together may miss it.
const settling = 3 * time.Minute

// begin decides what the listing is of. A database that fits into one answer is always listed as a whole, since that costs no
// more than asking what changed, and shows deletions as well. Where two filled sides meet, their records are matched first.
func (w *worker) begin(ctx context.Context) error {
	if err := w.follow(ctx); err != nil {
		return err
	}
	t := w.part.Run.Type
	whole := t == journal.Full || t == journal.NotionToSupabase || w.database.NotionThrough.IsZero() || w.size <= BatchSize || len(w.database.Learning) > 0
	w.part.Checkpoint = journal.Checkpoint{Phase: journal.Pulling, Whole: whole, Learns: w.database.Learning}
	if whole {
		w.part.Checkpoint.Expected = w.size
	}
	if w.database.NotionThrough.IsZero() {
		meets, err := w.tables.Meets(ctx)
		if err != nil {
			return err
		}
		if meets {
			w.part.Checkpoint.Phase = journal.Matching
		}
	}
	if w.part.Checkpoint.Phase == journal.Pulling && len(w.database.Renames) > 0 && t.WritesPostgres() {
		w.part.Checkpoint.Phase = journal.Renaming
	}
	return w.remember(ctx)
}

// pull takes in one answer of the listing.
func (w *worker) pull(ctx context.Context) error {
	at := &w.part.Checkpoint
	var since time.Time
	if !at.Whole {
		since = w.database.NotionThrough
	}
	listing, err := w.list(ctx, since, at.Cursor)
	if err != nil {
		return err
	}
	if at.Through.IsZero() {
		at.Through = through(listing)
	}
	if err := w.bind(ctx, listing.Live); err != nil {
		return err
	}
	items, err := w.itemsOf(ctx, listing.Pages)
	if err != nil {
		return err
	}
	if err := w.expect(ctx, listing); err != nil {
		return err
	}
	single := at.Pages == 0 && listing.Next == ""
	at.Pages++
	at.Cursor = listing.Next
	w.part.Counts.Read += len(listing.Pages)
	batch := journal.Batch{}
	if at.Whole && !single {
		batch.Seen = idsOf(listing.Pages)
	}
	if listing.Next == "" {
		w.pulled(single)
	}
	if err := w.settle(ctx, items, batch); err != nil {
		return err
	}
	if single && at.Whole {
		w.shown = idsOf(listing.Pages)
		return w.absentFrom(ctx)
	}
	return nil
}

// list asks for one answer of the listing.
func (w *worker) list(ctx context.Context, since time.Time, cursor string) (journal.Listing, error) {
	ctx, span := trace.Start(ctx, "sync list page", trace.Internal)
	listing, err := w.notion.List(ctx, w.database.DataSourceID, since, cursor)
	span.Set(trace.Number("sync.records", int64(len(listing.Pages))))
	span.End(failureOf(err))
	return listing, err
}

// pulled moves on from the end of a listing. A whole listing of one answer has its absences looked for at once, while what it
// showed is at hand; a longer one's are looked for from what was stored of it.
func (w *worker) pulled(single bool) {
	at := &w.part.Checkpoint
	at.Phase = journal.Pushing
	if at.Whole && !single {
		at.Phase = journal.Missing
	}
	if w.part.Run.Type.WritesPostgres() {
		w.database.NotionThrough = at.Through
	}
	if at.Whole {
		w.database.ListedAt = w.Now()
	}
	if at.Whole && w.part.Run.Type.WritesPostgres() && w.part.Run.Type.WritesNotion() {
		w.database.Learning = slices.DeleteFunc(slices.Clone(w.database.Learning), func(field string) bool { return slices.Contains(at.Learns, field) })
	}
}

// through is up to when a listing that begins with this answer shows every edit.
func through(l journal.Listing) time.Time {
	if !l.ServedAt.IsZero() {
		return l.ServedAt.Add(-settling).Truncate(time.Minute)
	}
	var last time.Time
	for _, p := range l.Pages {
		if p.EditedAt.After(last) {
			last = p.EditedAt
		}
	}
	return last
}

// absentFrom looks at each record that a whole listing of one answer did not show.
func (w *worker) absentFrom(ctx context.Context) error {
	after := ""
	for {
		keys, err := w.tables.Absent(ctx, w.part.Run.ID, w.shown, after, BatchSize)
		if err != nil || len(keys) == 0 {
			return err
		}
		if keys, err = w.verify(ctx, keys); err != nil {
			return err
		}
		if w.time.late() {
			return errDeadline // the others are looked for by the next run, which lists so small a database whole again
		}
		after = keys[len(keys)-1].RowID
	}
}

// lookForAbsent looks at the next records that a whole listing of several answers did not show. Each is a request: they are few at a time.
func (w *worker) lookForAbsent(ctx context.Context) error {
	at := &w.part.Checkpoint
	keys, err := w.tables.Absent(ctx, w.part.Run.ID, nil, at.Cursor, few)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		at.Phase, at.Cursor = journal.Pushing, ""
		return nil
	}
	_, err = w.verify(ctx, keys)
	return err
}

// verify looks at the pages themselves: a listing says that a page is not in it, only the page says why. It gives the keys of those that
// it had the time for, the first at least.
func (w *worker) verify(ctx context.Context, keys []journal.Key) ([]journal.Key, error) {
	items, err := w.fetch(ctx, keys)
	if err != nil {
		return nil, err
	}
	keys = keys[:len(items)]
	if w.part.Checkpoint.Phase == journal.Missing {
		w.part.Checkpoint.Cursor = keys[len(keys)-1].RowID
	}
	return keys, w.settle(ctx, items, journal.Batch{})
}

// fetch asks for pages one by one, as many of the first as there is time for, and at least one.
func (w *worker) fetch(ctx context.Context, keys []journal.Key) ([]item, error) {
	var pages []record.Page
	for i, key := range keys {
		if i > 0 && w.time.late() {
			break
		}
		page, err := w.show(ctx, key.PageID)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
	}
	if err := w.absences(ctx, pages...); err != nil {
		return nil, err
	}
	return w.itemsOf(ctx, pages)
}

// absences sees to it, before anything follows from pages that are away, that it is not their database that is.
func (w *worker) absences(ctx context.Context, pages ...record.Page) error {
	if !slices.ContainsFunc(pages, func(p record.Page) bool { return p.State != record.Live }) {
		return nil
	}
	return w.notion.Present(ctx, w.database.DatabaseID, w.database.DataSourceID)
}

// page returns a page, whose database is there.
func (w *worker) page(ctx context.Context, id string) (record.Page, error) {
	page, err := w.show(ctx, id)
	if err != nil {
		return page, err
	}
	return page, w.absences(ctx, page)
}

// show returns a page as the sync sees it: one that is not there any more is Gone, and one that was moved to another database is
// out of this one, as if in the trash, until it is moved back; whether it is in the trash there is that database's.
func (w *worker) show(ctx context.Context, id string) (record.Page, error) {
	page, err := w.notion.Page(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return record.Page{ID: id, State: record.Gone}, nil
	}
	if err == nil && page.State != record.Gone && page.DataSourceID != w.database.DataSourceID {
		page.State, page.Elsewhere = record.Archived, true
	}
	return page, err
}

func idsOf(pages []record.Page) []string {
	ids := make([]string, len(pages))
	for i, p := range pages {
		ids[i] = p.ID
	}
	return ids
}
