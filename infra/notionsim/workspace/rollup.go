package workspace

import (
	"github.com/act-platform/enhanced-integration/infra/notionsim/rollup"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// maxDepth is how many rollups and formulas may lead to one another.
const maxDepth = 4

// rollup gathers what the related pages hold.
func (w *Workspace) rollup(page *Page, p *schema.Property, depth int) value.Value {
	relation := w.SchemaOf(page).ByID(p.Rollup.Relation)
	if depth >= maxDepth || relation == nil || relation.Relation == nil {
		return value.Computed{Function: p.Rollup.Function, Kind: "unsupported"}
	}
	other := w.sources[relation.Relation.DataSourceID]
	if other == nil || other.Schema.ByID(p.Rollup.Property) == nil {
		return value.Computed{Function: p.Rollup.Function, Kind: "unsupported"}
	}
	target := other.Schema.ByID(p.Rollup.Property)
	refs, _ := page.Values[relation.ID].(value.Refs)
	var items []value.Item
	for _, id := range refs {
		if related := w.pages[id]; related != nil && !related.InTrash {
			items = append(items, value.Item{Property: target, Value: w.valueOf(related, target, depth+1)})
		}
	}
	return rollup.Gather(p.Rollup.Function, items, func(v value.Value) string { return w.shown(v, target) })
}
