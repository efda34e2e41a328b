package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// rename has the rows take the new names of options that a person renamed, before anything is listed. No page is asked for: what each has is
// known, and the schema tells the names. A row that somebody changed is looked at as in a push.
func (w *worker) rename(ctx context.Context) error {
	at := &w.part.Checkpoint
	keys, err := w.tables.Named(ctx, w.database.Renames, at.Cursor, BatchSize)
	if err != nil {
		return err
	}
	known, err := w.load(ctx, keys)
	if err != nil {
		return err
	}
	items := make([]item, len(known))
	for i, k := range known {
		items[i] = item{known: k, unread: true}
	}
	if len(keys) == BatchSize {
		at.Cursor = keys[len(keys)-1].RowID
	} else {
		at.Phase, at.Cursor = journal.Pulling, ""
		w.database.Renames = nil
	}
	return w.settle(ctx, items, journal.Batch{})
}

// open reads the base of a record. Options that have another name by now stand in it under the names that they have in Notion, but for those
// that the row still has under the old one. Of a page that was made anew it has what the page was made with.
func (p *planner) open(d *decision) error {
	p.respell(d)
	var err error
	if known := d.known.Base; known != nil && d.page != nil && d.page.ID != known.PageID && d.page.Document != nil {
		base, err := p.lens.Without(*known, slices.Collect(maps.Keys(d.known.Waits)), p.lens.ColumnsOf(d.page))
		if err != nil {
			return err
		}
		d.known.Base = &base
	}
	if d.base, err = p.lens.OfBase(d.known.Base); err != nil {
		return err
	}
	d.latest = d.base
	renamed := p.lens.Renamed(d.known.Base, d.base, p.renames, d.page)
	if len(renamed) == 0 {
		return nil
	}
	base := *d.known.Base
	base.Renamed = renamed
	d.known.Base = &base
	d.latest, d.base = d.base.Latest(renamed), p.lens.AsRow(d.base, renamed, d.known.Row)
	return nil
}

// deletes plans the deletion of a page whose row was deleted, and of which nothing has changed but what its options are called: that is nobody's
// edit of it. It reports false where that is not so.
func (p *planner) deletes(d *decision, trees merge.Trees) bool {
	if d.known.Base == nil || len(d.known.Base.Renamed) == 0 || !trees.Notion.State.Alive() || trees.Postgres.State.Alive() {
		return false
	}
	named := record.Fields{}
	for field := range d.known.Base.Renamed {
		named[field] = d.latest.Fields[field]
	}
	trees.Base = trees.Base.With(named)
	p.make(d, trees)
	return d.plan.Notion.Op == merge.Archive
}
