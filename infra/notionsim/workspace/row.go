package workspace

import (
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// row is a page as a filter and a sort see it.
type row struct {
	w  *Workspace
	p  *Page
	by reader
}

func (r row) Created() time.Time                   { return r.w.compared(r.p.Created) }
func (r row) Edited() time.Time                    { return r.w.compared(r.p.Edited) }
func (r row) Value(p *schema.Property) value.Value { return r.w.valueOf(r.p, p, r.by) }
func (r row) Text(t value.Text) string             { return value.String(t, r.w.view(0)) }

// compared returns a time as filters compare it.
func (w *Workspace) compared(t time.Time) time.Time {
	if w.Limits.FilterRaw {
		return t
	}
	return t.Truncate(time.Minute)
}

// valueOf returns what a reader sees that a page holds in a property, computed ones and the page's own times and users included.
func (w *Workspace) valueOf(page *Page, p *schema.Property, by reader) value.Value {
	switch p.Type {
	case schema.CreatedTime:
		return value.Stamp{Time: w.compared(page.Created)}
	case schema.LastEditedTime:
		return value.Stamp{Time: w.compared(page.Edited)}
	case schema.CreatedBy:
		return value.Author(page.CreatedBy)
	case schema.LastEditedBy:
		return value.Author(page.EditedBy)
	case schema.Formula:
		return w.formula(page, p, by)
	case schema.RollupType:
		return w.rollup(page, p, by)
	case schema.RelationType:
		return w.related(page, p, by)
	default:
		return page.Values[p.ID]
	}
}

// related returns the related pages that show: those that exist, are not in the trash and are shared with the reader.
func (w *Workspace) related(page *Page, p *schema.Property, by reader) value.Value {
	refs, _ := page.Values[p.ID].(value.Refs)
	if len(refs) > 0 && w.unshared(nil, p, by) {
		return nil
	}
	gone := func(id string) bool { other := w.pages[id]; return other == nil || other.InTrash }
	if slices.ContainsFunc(refs, gone) {
		refs = slices.DeleteFunc(slices.Clone(refs), gone)
	}
	if len(refs) == 0 {
		return nil
	}
	return refs
}
