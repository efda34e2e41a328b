package workspace

import (
	"github.com/act-platform/enhanced-integration/infra/notionsim/rollup"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// maxDepth is how many rollups and formulas may lead to one another.
const maxDepth = 4

// rollup gathers what the related pages hold.
func (w *Workspace) rollup(page *Page, p *schema.Property, by reader) value.Value {
	relation := w.SchemaOf(page).ByID(p.Rollup.Relation)
	if p.Unsupported || by.depth >= maxDepth || relation == nil || relation.Relation == nil {
		return value.Computed{Function: p.Rollup.Function, Kind: "unsupported"}
	}
	other := w.sources[relation.Relation.DataSourceID]
	if other == nil || other.Schema.ByID(p.Rollup.Property) == nil {
		return value.Computed{Function: p.Rollup.Function, Kind: "unsupported"}
	}
	target := other.Schema.ByID(p.Rollup.Property)
	refs, _ := w.related(page, relation, by).(value.Refs)
	items := make([]value.Item, len(refs))
	for i, id := range refs {
		items[i] = value.Item{Property: target, Value: w.valueOf(w.pages[id], target, by.deeper())}
	}
	return rollup.Gather(p.Rollup.Function, items, func(v value.Value) string { return w.shown(v, target) })
}
