package engine

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// atOnce is how many pages are written after one look at them, and after one look whether somebody waits.
const atOnce = 4

// writeNotion carries out what the plans ask of Notion, each write after its intent is stored. The error says that Notion
// cannot be worked with at all.
func (w *worker) writeNotion(ctx context.Context, decisions []*decision) error {
	if !w.part.Run.Type.WritesNotion() {
		return nil
	}
	asks := func(d *decision) bool { return d.err == nil && !d.held && d.plan.Notion.Op != merge.Nothing }
	writes := slices.Collect(filter(decisions, asks))
	for first := true; len(writes) > 0; first = false {
		batch, rest, err := w.nextWrites(ctx, writes)
		if err != nil {
			return err
		}
		writes = rest
		looks := len(slices.Collect(filter(batch, w.looksAgain)))
		if !first || looks > 0 { // a page is looked at once it can be written as well: until then somebody may edit it
			if err := w.turn(ctx, looks+len(batch)); err != nil {
				return err
			}
		}
		for _, d := range batch {
			if err := w.lookAgain(ctx, d); err != nil {
				return err
			}
		}
		sent, full := slices.Collect(filter(batch, asks)), w.room.full != ""
		if err := errors.Join(w.writeBatch(ctx, sent), w.learnRoom(ctx, sent)); err != nil {
			return err
		}
		if full && w.room.full == "" {
			writes = append(writes, roomFor(decisions)...)
		}
	}
	return nil
}

func filter(decisions []*decision, is func(*decision) bool) iter.Seq[*decision] {
	return func(yield func(*decision) bool) {
		for _, d := range decisions {
			if is(d) && !yield(d) {
				return
			}
		}
	}
}

// looksAgain reports whether a page is read once more right before it is written: Notion has no conditional write. A page that
// people have just been editing may have been edited again; one that is to go into the trash may have been put there by
// somebody, or edited, and its answer would not tell which; one that is to come out of it may be gone for good. A relation is
// replaced as a whole, and shows or hides pages without the page having been edited.
func (w *worker) looksAgain(d *decision) bool {
	hot := d.page != nil && d.page.State == record.Live && !d.page.EditedAt.Before(w.part.Checkpoint.Through)
	op := d.plan.Notion.Op
	matters := hot || d.unread || op == merge.Archive || op == merge.Restore || op == merge.Update && w.relates(d.plan.Notion)
	return d.known.Key.PageID != "" && d.left == nil && !d.justRead && matters
}

// lookAgain reads a page once more, where that matters, and plans its record anew.
func (w *worker) lookAgain(ctx context.Context, d *decision) error {
	if !w.looksAgain(d) {
		return nil
	}
	page, err := w.show(ctx, d.known.Key.PageID)
	if err != nil {
		return err
	}
	if d.page == nil || d.page.State != page.State {
		if err := w.absences(ctx, page); err != nil {
			return err
		}
	}
	if d.page != nil {
		d.shown = w.lens.OfPage(d.page, record.Tree{}).Fields
	}
	d.page = &page
	w.asked.recheck()
	if err := w.complete(ctx, d.item); err != nil {
		return err
	}
	if err := w.open(d); err != nil {
		return err
	}
	w.plan(d)
	return nil
}

// writeBatch makes a few writes, several at once.
func (w *worker) writeBatch(ctx context.Context, writes []*decision) error {
	if len(writes) == 0 {
		return nil
	}
	if w.part.Run.DryRun {
		return w.pretend(ctx, writes)
	}
	if slices.ContainsFunc(writes, func(d *decision) bool { return d.plan.Notion.Op == merge.Create }) {
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
	if err := group.Wait(); err != nil {
		return err
	}
	if slices.ContainsFunc(writes, func(d *decision) bool { return d.again && d.rekeyed }) {
		w.database.RowKey = ""
	}
	return w.writeBatch(ctx, w.withoutRefused(writes))
}

// prepareRowKey makes room for the row's key in the database, once, where it may.
func (w *worker) prepareRowKey(ctx context.Context) error {
	if w.database.RowKey != "" || w.lens.Kind.RowKeyProperty == "" {
		return nil
	}
	key, err := w.notion.PrepareRowKey(ctx, w.database.DataSourceID, w.database.Binding)
	w.database.RowKey = key
	return err
}

// intend describes the write, with what it overwrites. What the row has yet to take as well, such as a set into which both sides put
// something, is not among its columns: should the worker die, the row would seem to have lost it. A page that is made has nothing where the row
// has nothing, or what Notion cannot hold.
func (p *planner) intend(d *decision) journal.Intent {
	title, _ := d.plan.Notion.Fields[p.lens.Kind.Title().Column].(property.Text)
	columns := map[string]json.RawMessage{}
	for _, f := range p.lens.Fields() {
		v, written := d.plan.Notion.Fields[f.Column]
		_, lacking := d.plan.Postgres.Fields[f.Column]
		_, waits := d.waits[f.Column]
		if !lacking && (written || d.plan.Notion.Op == merge.Create && (bare(f, d.known.Row) || waits && !fills(f))) {
			columns[f.Column] = record.Column(f, v)
			if column, shown := columnOf(f, d.known.Row); shown && written {
				columns[f.Column] = column // which may hold more than Notion is told
			}
		}
	}
	replaces := ""
	if d.intent != nil {
		replaces = d.intent.ID
	}
	return journal.Intent{
		Replaces: replaces,
		ID:       p.NewID(), Key: d.known.Key, Op: d.plan.Notion.Op, At: p.Now(),
		Title: property.PlainText(title), Columns: columns,
		Conflicts:  p.conflicts(d, merge.Supabase),
		RowReturns: d.plan.Postgres.Op == merge.Restore || d.plan.Postgres.Op == merge.Create,
	}
}

// columnOf returns what a row shows of a field; false where there is no row, or the field is a relation, which is kept elsewhere.
func columnOf(f mapping.Field, row *record.Row) (json.RawMessage, bool) {
	if row == nil || f.Join != nil {
		return nil, false
	}
	column, shown := row.Columns[f.Column]
	return column, shown
}

// fills reports whether Notion itself puts something into a field of a page that is made: into a status, and into what it computes.
func fills(f mapping.Field) bool {
	return !f.Type.Writable() && f.Type != property.TypeFiles || f.Type == property.TypeStatus
}

// bare reports whether a row has nothing in a field, and the page that is made for it will have nothing there either.
func bare(f mapping.Field, row *record.Row) bool {
	if fills(f) || row == nil {
		return false
	}
	column, shown := row.Columns[f.Column]
	v, err := record.FromColumn(f, column, nil)
	nothing := record.Column(f, nil)
	return shown && err == nil && record.SameColumn(f.ColumnType, record.Column(f, v), nothing)
}

// write makes one record's write and takes in Notion's answer. The error is one that the other writes would meet as well.
func (w *worker) write(ctx context.Context, d *decision) (err error) {
	if ctx.Err() != nil {
		d.open = true
		return ctx.Err()
	}
	ctx, span := trace.Start(ctx, "sync write", trace.Internal)
	defer func() { span.End(failureOf(errors.Join(err, d.err))) }()
	todo := d.plan.Notion
	if err := w.send(ctx, d, todo); err != nil || d.err != nil {
		return err
	}
	d.made = todo
	if todo.Op != merge.Archive {
		return nil
	}
	d.trashed = true
	w.plan(d)
	if d.plan.Notion.Op == merge.Restore {
		// The answer shows what somebody wrote to the page since it was read: the edit wins, and the page returns.
		d.made, d.trashed = merge.Action{}, false
		return w.send(ctx, d, d.plan.Notion)
	}
	return nil
}

// putFewer makes a write that Notion refused once more, without all related pages that are gone. The write is still refused where none is.
func (w *worker) putFewer(ctx context.Context, d *decision, todo merge.Action, fields record.Fields, refused error) (record.Page, error) {
	fewer, err := w.writable(ctx, d, todo, func(string) bool { return true })
	if err != nil {
		return record.Page{}, err
	}
	if fault.KindOf(refused) == fault.Invalid && maps.EqualFunc(fields, fewer, property.Equal) {
		return record.Page{}, refused
	}
	return w.put(ctx, d, todo, fewer)
}

// put makes a write.
func (w *worker) put(ctx context.Context, d *decision, todo merge.Action, fields record.Fields) (record.Page, error) {
	what := journal.Write{Op: todo.Op, Fields: fields, Binding: w.lens.Binding}
	if todo.Op == merge.Create {
		return w.notion.Create(ctx, w.database.DataSourceID, w.database.RowKey, d.known.Key.RowID, what)
	}
	return w.notion.Update(ctx, d.known.Key.PageID, what)
}

// refused finds out what Notion has refused of a write: the property of the row ids, which people may have changed since it was looked at, or
// a field. Notion names a property that is gone by its id, one of another type by its name, and that may be a new one.
func (w *worker) refused(d *decision, todo merge.Action, err error) {
	key, kind := w.database.RowKey, fault.KindOf(err)
	keyed := todo.Op == merge.Create && key != "" && !d.rekeyed
	switch {
	case kind == fault.Full: // whatever was written
	case keyed && (strings.Contains(err.Error(), key) || strings.Contains(err.Error(), w.lens.Kind.RowKeyProperty)):
		d.again, d.rekeyed = true, true
	case w.blame(d, todo, err):
	case keyed && kind == fault.Invalid:
		d.again, d.rekeyed = true, true
	}
}

// send makes a write and plans the record anew with Notion's answer.
func (w *worker) send(ctx context.Context, d *decision, todo merge.Action) error {
	fields, err := w.writable(ctx, d, todo, w.doubtful(d))
	var page record.Page
	if err == nil {
		page, err = w.put(ctx, d, todo, fields)
	}
	if fault.KindOf(err) == fault.NotFound && w.relates(todo) {
		// The page is not there, or one that it names is not, and nobody has noticed yet: it may be one whose own record waits for this. Or
		// none of them can be seen.
		w.asked.recheck()
		for _, f := range w.lens.Fields() {
			if _, written := todo.Fields[f.Column]; written && f.Type == property.TypeRelation {
				if err := w.certainOf(ctx, f); err != nil {
					d.open = true
					return err
				}
			}
		}
	}
	if kind := fault.KindOf(err); (kind == fault.NotFound || kind == fault.Invalid) && w.relates(todo) {
		page, err = w.putFewer(ctx, d, todo, fields, err)
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.TooLarge, fault.Full:
		d.err = err
		w.refused(d, todo, err)
		return nil
	case fault.RateLimited, fault.Unauthorized, fault.Forbidden, fault.Unavailable, fault.Internal:
	}
	if err != nil {
		d.open = true
		w.unknown.Store(true)
		return err
	}
	d.page = &page
	d.known.Key.PageID = page.ID
	d.wrote = todo.Fields
	w.asked.recheck()
	if err := w.complete(ctx, d.item); err != nil {
		d.open = true // what was written is known, what Notion now holds is not
		w.unknown.Store(true)
		return err
	}
	if todo.Op == merge.Create {
		d.known.Waits = d.waits
		if err := w.open(d); err != nil {
			return err
		}
	}
	w.plan(d)
	return nil
}
