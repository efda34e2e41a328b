package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// findHidden finds the related pages that a page does not show because they are in the trash, or gone. A page says only that another
// is not related to it; the other says why. Where one turns out to be live, the page is read once more: it may have been in the
// trash when the page was read.
func (w *worker) findHidden(ctx context.Context, it item) error {
	base := it.known.Base
	if base != nil && base.PageID != it.page.ID {
		base = nil // a page that was made in another's place hides nothing that the other one showed
	}
	known, err := w.lens.Related(base)
	if err != nil {
		return err
	}
	maps.Copy(known, it.wrote)
	maps.Copy(known, withShown(known, it.shown))
	it.page.Hidden = map[string]bool{}
	unseen := w.lens.Unseen(it.page, known)
	if len(unseen) == 0 {
		return nil
	}
	same, shown, asked := sameEdit(it), w.lens.Shown(it.known.Base), false
	for _, id := range unseen {
		// Nobody took it out since: it was hidden already, or is known to be in the trash by now. One that is back, and still is not shown, was
		// taken out while it was hidden.
		if is, asleep := it.known.Asleep[id]; same && asleep && (!shown[id] || is == record.Archived) {
			it.page.Hidden[id] = true
			continue
		}
		if !asked {
			if err := w.certain(ctx, it.page, known); err != nil {
				return err
			}
			asked = true
		}
		hidden, err := w.hidden(ctx, it, id)
		if err != nil {
			return err
		}
		if hidden {
			it.page.Hidden[id] = true
		}
	}
	if len(it.page.Hidden) == len(unseen) {
		return nil
	}
	hidden := it.page.Hidden
	if *it.page, err = w.page(ctx, it.page.ID); err != nil || it.page.Document == nil {
		return err
	}
	it.page.Hidden = hidden
	return w.makeWhole(ctx, it)
}

// withShown returns the relations of what a page showed before, with what is known of them.
func withShown(known, shown record.Fields) record.Fields {
	all := record.Fields{}
	for name, v := range shown {
		refs, related := v.(property.Refs)
		if !related {
			continue
		}
		were, _ := known[name].(property.Refs)
		all[name] = append(slices.Clone(were), slices.DeleteFunc(slices.Clone(refs), func(id string) bool { return slices.Contains(were, id) })...)
	}
	return all
}

// hidden reports whether a page that another does not name any more is in the trash, or gone.
func (w *worker) hidden(ctx context.Context, it item, id string) (bool, error) {
	now, err := w.related(ctx, id)
	if is, asleep := it.known.Asleep[id]; asleep && is == record.None {
		return now == record.Archived, err // it is of no record that is known, and once it is gone it does not return
	}
	return now != record.Live, err
}

// related says where a related page stands: one that was moved to a database that no relation leads to is gone. Of one that is away it asks once a
// batch; of a live one each time, for it may just have gone, by somebody's hand or by the sync's.
func (w *worker) related(ctx context.Context, id string) (record.State, error) {
	if state, known := w.asked.find(id); known {
		return state, nil
	}
	page, err := w.notion.Page(ctx, id)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		page.State = record.Gone
	case err != nil:
		return record.None, err
	case page.State == record.Live && !w.leadsTo(page.DataSourceID):
		page.State = record.Gone
	}
	if page.State != record.Live {
		w.asked.note(id, page.State)
	}
	return page.State, nil
}

// leadsTo reports whether a relation leads to a data source, as far as that is known.
func (w *worker) leadsTo(dataSourceID string) bool {
	return slices.ContainsFunc(w.lens.Fields(), func(f mapping.Field) bool {
		to := w.lens.Binding[f.Column].RelatedTo
		return f.Type == property.TypeRelation && (to == "" || to == dataSourceID)
	})
}

// asked remembers the related pages that are away, and the data sources that can be seen. It is safe for concurrent use: several pages are written at once.
type asked struct {
	mu     sync.Mutex
	states map[string]record.State
	sees   map[string]bool
}

func (a *asked) seen(dataSourceID string) (sees, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sees, known = a.sees[dataSourceID]
	return sees, known
}

func (a *asked) see(dataSourceID string, sees bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sees == nil {
		a.sees = map[string]bool{}
	}
	a.sees[dataSourceID] = sees
}

// recheck forgets which data sources can be seen: a page was read since.
func (a *asked) recheck() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.sees)
}

func (a *asked) find(id string) (record.State, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	state, known := a.states[id]
	return state, known
}

func (a *asked) note(id string, state record.State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.states == nil {
		a.states = map[string]record.State{}
	}
	a.states[id] = state
}

func (a *asked) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.states)
	clear(a.sees)
}

// doubtful tells which related pages may be gone, as far as is known.
func (p *planner) doubtful(d *decision) func(pageID string) bool {
	return func(id string) bool {
		_, asleep := d.known.Asleep[id]
		return asleep || d.page != nil && d.page.Hidden[id]
	}
}

// writable returns a write without those related pages that Notion would refuse because they are gone, of the doubtful ones. One that is in
// the trash stays: Notion replaces the whole of a relation, and the page would return without it.
func (w *worker) writable(ctx context.Context, d *decision, todo merge.Action, doubtful func(pageID string) bool) (record.Fields, error) {
	fields := maps.Clone(todo.Fields)
	for name, v := range fields {
		refs, related := v.(property.Refs)
		if !related {
			continue
		}
		kept := property.Refs{}
		for _, id := range refs {
			if todo.Op == merge.Create && id == d.known.Key.PageID {
				continue // it was related to itself; its new page is, once it is there
			}
			if doubtful(id) {
				if state, err := w.related(ctx, id); err != nil {
					return nil, err
				} else if state == record.Gone {
					continue
				}
			}
			kept = append(kept, id)
		}
		fields[name] = kept
	}
	return fields, nil
}

// relates reports whether a write replaces a relation.
func (p *planner) relates(a merge.Action) bool {
	return slices.ContainsFunc(p.lens.Fields(), func(f mapping.Field) bool {
		_, given := a.Fields[f.Column]
		return given && f.Type == property.TypeRelation
	})
}

// sameColumns reports whether the row shows what it showed at the base, but for fields that wait. It may show more than Notion can hold: then the
// base follows it, so that it does not count as an edit later.
func (p *planner) sameColumns(d *decision) bool {
	row, base, apart := d.known.Row, d.known.Base, d.apart()
	return row == nil || !slices.ContainsFunc(p.lens.Fields(), func(f mapping.Field) bool {
		return !apart[f.Column] && !record.SameColumn(f.ColumnType, row.Columns[f.Column], base.Columns[f.Column])
	})
}

// sameMoved has a relation of the row count as it was at the base, where nothing but the pages of the related records has changed: that is
// nobody's edit of this record, and does not outlive its deletion.
func (p *planner) sameMoved(d *decision, postgres record.Tree) {
	for name, v := range d.base.Fields {
		refs, related := v.(property.Refs)
		if !related {
			continue
		}
		if property.Equal(followed(refs, d.known.Moved), postgres.Fields[name]) {
			postgres.Fields[name] = v
		}
	}
}

// moveAlong has a page that is made name the pages that were made in the place of others. (Other writes name none that nobody looked at.)
func moveAlong(todo merge.Action, moved map[string]string) {
	for name, v := range todo.Fields {
		if refs, related := v.(property.Refs); related && slices.ContainsFunc(refs, func(id string) bool { return moved[id] != "" }) {
			now := property.Refs{}
			for _, id := range followed(refs, moved) {
				if !slices.Contains(now, id) {
					now = append(now, id)
				}
			}
			todo.Fields[name] = now
		}
	}
}

// followed returns related pages, with those that were made in the place of others in theirs.
func followed(refs property.Refs, moved map[string]string) property.Refs {
	now := make(property.Refs, len(refs))
	for i, id := range refs {
		now[i] = cmp.Or(moved[id], id)
	}
	return now
}
