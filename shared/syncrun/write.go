package syncrun

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/merge"
	"github.com/act-platform/enhanced-integration/shared/property"
	"github.com/act-platform/enhanced-integration/shared/record"
)

// writeNotion carries out what the plans ask of Notion, each write after its intent is stored. The error says that Notion
// cannot be worked with at all.
func (w *worker) writeNotion(ctx context.Context, decisions []*decision) error {
	if !w.part.Run.Type.WritesNotion() {
		return nil
	}
	var writes []*decision
	creates := false
	for _, d := range decisions {
		if d.err == nil && d.plan.Notion.Op != merge.Nothing {
			writes = append(writes, d)
			creates = creates || d.plan.Notion.Op == merge.Create
		}
	}
	if len(writes) == 0 {
		return nil
	}
	if creates {
		if err := w.prepareRowKey(ctx); err != nil {
			return err
		}
	}
	intents := make([]journal.Intent, len(writes))
	for i, d := range writes {
		intents[i] = w.intend(d)
	}
	if err := w.tables.Intend(ctx, w.lease, intents); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(max(w.Writers, 1))
	for i, d := range writes {
		d.intent = &intents[i]
		group.Go(func() error { return w.write(groupCtx, d) })
	}
	return group.Wait()
}

// prepareRowKey makes room for the row's key in the database, once.
func (w *worker) prepareRowKey(ctx context.Context) error {
	if w.database.RowKeyReady || w.lens.Kind.RowKeyProperty == "" {
		return nil
	}
	if err := w.notion.PrepareRowKey(ctx, w.database.DataSourceID); err != nil {
		return err
	}
	w.database.RowKeyReady = true
	return nil
}

// intend describes the write, with what it overwrites.
func (w *worker) intend(d *decision) journal.Intent {
	title, _ := d.plan.Notion.Fields[w.lens.Kind.Title().Column].(property.Text)
	return journal.Intent{
		ID: w.NewID(), Key: d.known.Key, Op: d.plan.Notion.Op, At: w.Now(),
		Title:     property.PlainText(title),
		Conflicts: w.conflicts(d, merge.Supabase),
	}
}

// write makes one record's write and takes in Notion's answer. The error is one that the other writes would meet as well.
func (w *worker) write(ctx context.Context, d *decision) error {
	if ctx.Err() != nil {
		d.open = true
		return ctx.Err()
	}
	todo := d.plan.Notion
	what := journal.Write{Op: todo.Op, Fields: todo.Fields, Binding: w.lens.Binding}
	var page record.Page
	var err error
	if todo.Op == merge.Create {
		page, err = w.notion.Create(ctx, w.database.DataSourceID, d.known.Key.RowID, what)
	} else {
		page, err = w.notion.Update(ctx, d.known.Key.PageID, what)
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.TooLarge:
		d.err = err
		return nil
	case fault.RateLimited, fault.Unauthorized, fault.Forbidden, fault.Unavailable, fault.Internal:
	}
	if err != nil {
		d.open = true
		return err
	}
	d.made, d.page = todo, &page
	d.known.Key.PageID = page.ID
	if err := w.complete(ctx, d.item); err != nil {
		d.open = true // what was written is known, what Notion now holds is not
		return err
	}
	d.err = w.plan(d)
	return nil
}
