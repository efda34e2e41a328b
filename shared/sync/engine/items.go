package engine

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// itemsOf finds the records of pages. A page that the base does not know belongs to the row whose key it carries, when that row
// has no page; else it is a new record. A page that a person duplicated carries the key of the original's row, and is new.
func (w *worker) itemsOf(ctx context.Context, pages []record.Page) ([]item, error) {
	keys := make([]journal.Key, len(pages))
	for i, p := range pages {
		keys[i] = journal.Key{PageID: p.ID, RowID: w.rowIDOf(p.ID)}
		if key, err := uuid.Parse(p.RowKey); err == nil { // which takes more spellings than Postgres
			keys[i].RowID = key.String()
		}
	}
	known, err := w.load(ctx, keys)
	if err != nil {
		return nil, err
	}
	var copies []int
	for i, k := range known {
		foreign := k.Base != nil && k.Base.PageID != pages[i].ID
		orphaned := k.Base == nil && k.Row == nil
		repeated := slices.ContainsFunc(known[:i], func(o journal.Known) bool { return o.Key.RowID == k.Key.RowID })
		if foreign || orphaned || repeated {
			keys[i].RowID = w.rowIDOf(pages[i].ID)
			copies = append(copies, i)
		}
	}
	if len(copies) > 0 {
		again := make([]journal.Key, len(copies))
		for j, i := range copies {
			again[j] = keys[i]
		}
		found, err := w.load(ctx, again)
		if err != nil {
			return nil, err
		}
		for j, i := range copies {
			known[i] = found[j]
			// A page that went, and whose record has another by now, says nothing of the record.
			if base := known[i].Base; base != nil && base.PageID != pages[i].ID && pages[i].State != record.Live {
				known[i].Aside = true
			}
		}
	}
	items := make([]item, len(pages))
	for i := range pages {
		known[i].Key.PageID = pages[i].ID
		items[i] = item{known: known[i], page: &pages[i]}
	}
	return items, nil
}

// complete sees to it that all of a page's fields are known: what Notion cut is made whole, and what it hides is found.
func (w *worker) complete(ctx context.Context, it item) error {
	if it.page == nil || it.page.Document == nil {
		return nil
	}
	if err := w.makeWhole(ctx, it); err != nil {
		return err
	}
	return w.findHidden(ctx, it)
}

// makeWhole makes whole what Notion cut of a page's fields; what is cut is neither compared nor written. Where the page has not been
// edited since the base was taken, the base has the whole; else it is fetched, as long as there is time, and once at least.
func (w *worker) makeWhole(ctx context.Context, it item) error {
	base, settled := it.known.Base, sameEdit(it)
	it.page.Fresh = !it.page.EditedAt.Add(time.Minute).Before(w.part.Checkpoint.Through)
	var cut []string
	for _, live := range w.lens.Binding {
		p := it.page.Properties[live.ID]
		if !p.Truncated || p.Type != live.Type {
			continue
		}
		take := it.page.Take
		if p.Type == property.TypeRelation {
			take = it.page.Keep // which pages are in the trash changes without an edit: the document may show others than the page
		}
		if !settled || !take(live.ID, record.RawProperty(base.Document, live.ID)) {
			cut = append(cut, live.ID)
		}
	}
	if len(cut) == 0 {
		return nil
	}
	if w.completed.Load() && w.time.late() {
		return errDeadline
	}
	w.completed.Store(true)
	slices.Sort(cut)
	it.page.Completed = true
	return w.notion.Complete(ctx, it.page, cut)
}

// sameEdit reports whether a page has not been edited since the base was taken.
func sameEdit(it item) bool {
	base := it.known.Base
	return base != nil && base.Exact && it.page.EditedAt.Equal(record.EditedAt(base.Document))
}

// rowIDOf returns the id of the row of a page that was born in Notion: always the same, so that no page gets two rows.
func (p *planner) rowIDOf(pageID string) string {
	return uuid.NewSHA1(uuid.MustParse(p.Connection.ID), []byte(pageID)).String()
}

// resume looks into the writes to Notion of which it is not known whether they were made: the worker died, or the answer was
// lost. A record may have several.
func (w *worker) resume(ctx context.Context) error {
	intents, err := w.tables.Intended(ctx)
	if err != nil {
		return err
	}
	if w.unknown.Store(false); len(intents) == 0 {
		return nil
	}
	if err := w.bind(ctx, nil); err != nil {
		return err
	}
	for _, i := range intents { // what a column or property had that is gone says nothing of the one in its place
		for _, field := range w.database.Forget {
			delete(i.Columns, field)
		}
	}
	byRow, at := map[string][]journal.Intent{}, map[string]int{}
	var keys []journal.Key // with the page that was written: where both sides just met, or it was just made, the base does not know it yet
	for _, i := range intents {
		if byRow[i.Key.RowID] == nil {
			at[i.Key.RowID] = len(keys)
			keys = append(keys, i.Key)
		}
		byRow[i.Key.RowID] = append(byRow[i.Key.RowID], i)
		if key := &keys[at[i.Key.RowID]]; key.PageID == "" {
			key.PageID = i.Key.PageID
		}
	}
	for chunk := range slices.Chunk(keys, BatchSize) {
		known, err := w.load(ctx, chunk)
		if err != nil {
			return err
		}
		var items []item
		for i, k := range known {
			if i > 0 && w.time.late() {
				break
			}
			it, err := w.left(ctx, k, byRow[k.Key.RowID])
			if err != nil {
				return err
			}
			items = append(items, it)
		}
		if err := w.settle(ctx, items, journal.Batch{}); err != nil {
			return err
		}
		if len(items) < len(known) {
			return errDeadline
		}
	}
	return nil
}

// left returns the record of left-over writes with its page as it now is, none where it was to be created and was not.
func (w *worker) left(ctx context.Context, known journal.Known, intents []journal.Intent) (item, error) {
	it := item{known: known, left: intents}
	var born map[string]json.RawMessage
	if i := slices.IndexFunc(intents, func(i journal.Intent) bool { return i.Op == merge.Create }); i >= 0 {
		page, err := w.made(ctx, intents[i])
		if err != nil {
			return it, err
		}
		if page != nil {
			it.page, it.known.Key.PageID, born = page, page.ID, intents[i].Columns
		}
	}
	if it.page == nil && known.Key.PageID != "" {
		page, err := w.page(ctx, known.Key.PageID)
		if err != nil {
			return it, err
		}
		it.page = &page
	}
	if it.page == nil || it.page.State == record.Gone { // which shows nothing of what was written
		return it, nil
	}
	it.trashed = it.page.State == record.Archived && it.meant(merge.Archive)
	if err := w.complete(ctx, it); err != nil {
		return it, err
	}
	return it, w.rebase(&it, born)
}

// meant reports whether a write of such a kind is among those that are left over.
func (it item) meant(op merge.Op) bool {
	return slices.ContainsFunc(it.left, func(i journal.Intent) bool { return i.Op == op })
}

// made returns the page that was made for an intent, nil when there is none. Copies that people made of it, or of the one before it, carry the
// row's key as well: those are records of their own, once they have been seen. One that is alike may be another intent's.
func (w *worker) made(ctx context.Context, intent journal.Intent) (*record.Page, error) {
	rowID := intent.Key.RowID
	pages, err := w.notion.Created(ctx, w.database.DataSourceID, intent)
	if err != nil || len(pages) == 0 {
		return nil, err
	}
	keys := make([]journal.Key, len(pages))
	for i, p := range pages {
		keys[i] = journal.Key{PageID: p.ID, RowID: rowID}
	}
	known, err := w.load(ctx, keys)
	if err != nil {
		return nil, err
	}
	for i, k := range known {
		if (k.Base == nil || k.Base.ID == rowID) && !w.claimed[pages[i].ID] {
			if w.claimed == nil {
				w.claimed = map[string]bool{}
			}
			w.claimed[pages[i].ID] = true
			return &pages[i], nil
		}
	}
	return nil, nil
}

// rebase moves the base to what left-over writes are known to have left on both sides: the row had the values when they were
// written, and the page shows them, or was born with them. What a person has done on either side since is then told from what the sync did.
func (p *planner) rebase(it *item, born map[string]json.RawMessage) error {
	base, err := p.lens.OfBase(it.known.Base)
	if err != nil {
		return err
	}
	page := p.lens.Formerly(it.page, p.renames) // which shows what was written as it was written
	shown := p.lens.OfPage(page, base)
	written := map[string]json.RawMessage{}
	unsettled := map[string]bool{}
	for _, f := range p.lens.Fields() {
		unsettled[f.Column] = true
		for _, intent := range it.left {
			column, ok := intent.Columns[f.Column]
			if ok && record.Took(f, base.Fields[f.Column], column, shown.Fields[f.Column], it.page.Hidden) {
				written[f.Column] = column
				delete(unsettled, f.Column)
			}
		}
	}
	row := it.known.Row
	away := row == nil || row.State != record.Live
	returning := away && slices.ContainsFunc(it.left, func(i journal.Intent) bool { return i.RowReturns })
	restored := base.State == record.Archived && it.page.State == record.Live && it.meant(merge.Restore)
	switch {
	case len(written) == 0 && born == nil && !restored:
		return nil
	case base.State == record.None && away && (returning || p.addedTo(it, shown, written)):
		return nil
	}
	before := it.known.Base
	if born != nil {
		had, err := p.lens.Born(before, born)
		if err == nil {
			had, err = p.lens.Without(had, it.unborn(born), p.lens.ColumnsOf(it.page))
		}
		if err != nil {
			return err
		}
		before = &had
	}
	next, err := p.lens.Advance(before, page, &record.Row{ID: it.known.Key.RowID, Columns: written}, record.Live, unsettled)
	if returning {
		next.State = base.State // the row is away still, and not again
	}
	it.known.Base, it.rebased = &next, true
	return err
}

// unborn returns the fields that wait and that the page of a record was not made with, nor without: Notion filled them.
func (it item) unborn(born map[string]json.RawMessage) []string {
	var fields []string
	for field := range it.known.Waits {
		if _, with := born[field]; !with {
			fields = append(fields, field)
		}
	}
	return fields
}

// addedTo reports whether a page that the sync made shows anything else than what is known to have been written to it. What a person put in
// there has no base to be told from, so that a deletion of the row has to be met without one: then the page is kept.
func (p *planner) addedTo(it *item, shown record.Tree, written map[string]json.RawMessage) bool {
	return slices.ContainsFunc(p.lens.Fields(), func(f mapping.Field) bool {
		if _, known := written[f.Column]; known || !f.Type.Writable() {
			return false
		}
		meant := slices.ContainsFunc(it.left, func(i journal.Intent) bool { _, ok := i.Columns[f.Column]; return ok })
		value := shown.Fields[f.Column]
		return meant || value != nil && value != property.Checked(false)
	})
}
