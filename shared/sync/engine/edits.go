package engine

import (
	"cmp"
	"context"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

const (
	// coveredByOne is how many rows are pushed at least for each request of the listing before them. The sync's own writes of the current
	// minute come up in a listing again, so that a listing for every batch would cost more requests than the writes themselves.
	coveredByOne = 50
	// unlisted is how long after an edit the next listing of the same worker may still not show it.
	unlisted = 15 * time.Second
)

// edits is what a worker that pushes knows of edits in Notion. Before rows are written it takes in the pages that were edited since the
// last listing, as a pull does. From then on the base tells what a page is, but for what people do until the rows are written. The
// sync's own writes are in the base by their answers: they come up in the listing, and nothing is to be done.
type edits struct {
	since    time.Time // where the listing begins; zero: where the pull's did
	cursor   string    // where the listing goes on; "": it is at its beginning
	next     time.Time // where the next listing is to begin
	through  time.Time // up to when the listing shows every edit, by Notion's clock
	requests int       // that the listing took
	covered  int       // rows that were pushed since
}

// due reports whether pages have to be listed before more rows are pushed.
func (e edits) due() bool {
	return e.cursor != "" || e.requests == 0 || e.covered >= max(BatchSize, coveredByOne*e.requests)
}

// catchUp takes in one answer of the listing of what was edited since the last. Nothing of it is kept but where it ended.
func (w *worker) catchUp(ctx context.Context) error {
	at, e := &w.part.Checkpoint, w.edits
	if e.cursor == "" {
		e = edits{since: cmp.Or(e.next, at.Through, w.database.NotionThrough)}
	}
	listing, err := w.list(ctx, e.since, e.cursor)
	if err != nil {
		return err
	}
	if e.requests == 0 {
		e.through = through(listing)
		e.next = e.through
		if !listing.ServedAt.IsZero() {
			e.next = listing.ServedAt.Add(-unlisted).Truncate(time.Minute)
		}
	}
	e.requests++
	e.cursor = listing.Next
	if err := w.bind(ctx, listing.Live); err != nil {
		return err
	}
	items, err := w.itemsOf(ctx, listing.Pages)
	if err != nil {
		return err
	}
	w.advance(e, listing)
	if err := w.settle(ctx, items, journal.Batch{}); err != nil {
		return err
	}
	w.edits = e
	return nil
}

// advance notes up to when every edit has been taken in once this answer is. The listing is in the order of the edits.
func (w *worker) advance(e edits, l journal.Listing) {
	upTo := e.through
	if n := len(l.Pages); l.Next != "" && n > 0 && l.Pages[n-1].EditedAt.Before(upTo) {
		upTo = l.Pages[n-1].EditedAt
	}
	at := &w.part.Checkpoint
	if upTo.After(at.Through) {
		at.Through = upTo
	}
	if w.part.Run.Type.WritesPostgres() && upTo.After(w.database.NotionThrough) {
		w.database.NotionThrough = upTo
	}
}
