package workspace

import (
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// row is a page as a filter and a sort see it.
type row struct {
	w *Workspace
	p *Page
}

func (r row) Created() time.Time                   { return r.w.compared(r.p.Created) }
func (r row) Edited() time.Time                    { return r.w.compared(r.p.Edited) }
func (r row) Value(p *schema.Property) value.Value { return r.w.valueOf(r.p, p, 0) }
func (r row) Text(t value.Text) string             { return value.String(t, r.w.view(0)) }

// compared gives a time as filters compare it.
func (w *Workspace) compared(t time.Time) time.Time {
	if w.Limits.FilterRaw {
		return t
	}
	return t.Truncate(time.Minute)
}

// valueOf gives what a page holds in a property, computed ones and the page's own times and users included. Depth counts how
// many rollups led here.
func (w *Workspace) valueOf(page *Page, p *schema.Property, depth int) value.Value {
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
		return w.formula(page, p, depth)
	case schema.RollupType:
		return w.rollup(page, p, depth)
	case schema.RelationType:
		return w.related(page, p)
	default:
		return page.Values[p.ID]
	}
}

// related gives the related pages that show: those that exist and are not in the trash.
func (w *Workspace) related(page *Page, p *schema.Property) value.Value {
	refs, _ := page.Values[p.ID].(value.Refs)
	gone := func(id string) bool { other := w.pages[id]; return other == nil || other.InTrash }
	if slices.ContainsFunc(refs, gone) {
		refs = slices.DeleteFunc(slices.Clone(refs), gone)
	}
	if len(refs) == 0 {
		return nil
	}
	return refs
}
