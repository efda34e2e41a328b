package engine

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Matcher finds out, when two filled sides meet, which page is which row.
type Matcher interface {
	// Meets reports whether both sides may meet for the first time: the table has live records, the base has none.
	Meets(ctx context.Context) (bool, error)
	// Match decides about the pages that the run has staged, and stores the part as it is then. What is one-to-one is the same record
	// from then on; what is ambiguous is in doubt, and held until somebody decides. fault.Conflict when the lease was lost.
	Match(ctx context.Context, lease journal.Lease, part journal.Part) (matched, doubtful int, err error)
	// Decided returns pages of which somebody has decided which row they are, and at which nobody has looked since, by their ids, after
	// the given one.
	Decided(ctx context.Context, after string, limit int) ([]journal.Key, error)
}

// match stages one answer of a listing of the whole database, and decides after the last: what is unique can only be told from all.
func (w *worker) match(ctx context.Context) error {
	at := &w.part.Checkpoint
	if at.Pages > 0 && at.Cursor == "" {
		return w.matched(ctx)
	}
	listing, err := w.list(ctx, time.Time{}, at.Cursor)
	if err != nil {
		return err
	}
	if err := w.bind(ctx, listing.Live); err != nil {
		return err
	}
	batch := journal.Batch{At: w.Now(), Database: &w.database, Events: w.events}
	for i := range listing.Pages {
		staged, err := w.stage(ctx, &listing.Pages[i])
		if err != nil {
			return err
		}
		batch.Staged = append(batch.Staged, staged)
	}
	at.Pages++
	at.Cursor = listing.Next
	batch.Part = w.part
	_, err = w.tables.Commit(ctx, w.lease, batch)
	w.events = nil
	return err
}

// matched decides, and goes on to the pull.
func (w *worker) matched(ctx context.Context) error {
	part := w.part
	part.Checkpoint = journal.Checkpoint{Phase: journal.Pulling, Whole: true}
	matched, doubtful, err := w.tables.Match(ctx, w.lease, part)
	if err != nil {
		return err
	}
	w.part = part
	w.log.InfoContext(ctx, "pages and rows were matched", "matched", matched, "doubtful", doubtful)
	return nil
}

// stage returns what matching has to know of a page, whole.
func (w *worker) stage(ctx context.Context, page *record.Page) (journal.Staged, error) {
	fields := []mapping.Field{w.lens.Kind.Title()}
	if key, named := w.lens.Kind.KeyField(); named {
		fields = append(fields, key)
	}
	var cut []string
	for _, f := range fields {
		if id := w.lens.Binding[f.Column].ID; page.Properties[id].Truncated && !slices.Contains(cut, id) {
			cut = append(cut, id)
		}
	}
	if len(cut) > 0 {
		if err := w.notion.Complete(ctx, page, cut); err != nil {
			return journal.Staged{}, err
		}
	}
	shown := w.lens.OfPage(page, record.Tree{})
	texts := make([]string, len(fields))
	for i, f := range fields {
		_ = json.Unmarshal(record.Column(f, shown.Fields[f.Column]), &texts[i]) // null: nothing in common with anything
	}
	staged := journal.Staged{PageID: page.ID, RowKey: page.RowKey, Title: texts[0]}
	if len(texts) > 1 {
		staged.Key = texts[1]
	}
	return staged, nil
}

// lookAtDecided looks at the pages of which somebody has decided which row they are: no listing of what changed shows them. A run
// that may not write both sides leaves them to the next that may.
func (w *worker) lookAtDecided(ctx context.Context) error {
	if t := w.part.Run.Type; !t.WritesNotion() || !t.WritesPostgres() {
		return nil
	}
	for after := ""; ; {
		keys, err := w.tables.Decided(ctx, after, BatchSize)
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := w.bind(ctx, nil); err != nil {
			return err
		}
		items, err := w.fetch(ctx, keys)
		if err != nil {
			return err
		}
		var decided journal.Batch
		for _, k := range keys[:len(items)] {
			decided.Decided = append(decided.Decided, k.PageID)
		}
		if err := w.settle(ctx, items, decided); err != nil {
			return err
		}
		if w.time.late() {
			return errDeadline
		}
		after = keys[len(keys)-1].PageID
	}
}
