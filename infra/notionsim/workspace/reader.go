package workspace

import (
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
)

// reader is who sees a value, and how many formulas and rollups led to it.
type reader struct {
	bot   bool
	depth uint8
}

// deeper returns the reader of what a formula or a rollup computes with.
func (r reader) deeper() reader {
	r.depth++
	return r
}

// unshared reports whether a property is a relation to a data source that is not shared with the reader, or a rollup along one.
func (w *Workspace) unshared(s schema.Schema, p *schema.Property, r reader) bool {
	if !r.bot || w.Limits.Unshared == UnsharedShown {
		return false
	}
	if p.Rollup != nil {
		p = s.ByID(p.Rollup.Relation)
	}
	if p == nil || p.Relation == nil {
		return false
	}
	other := w.sources[p.Relation.DataSourceID]
	return other != nil && w.databases[other.DatabaseID].Unshared
}

// omitted reports whether the reader sees nothing at all of a property.
func (w *Workspace) omitted(s schema.Schema, p *schema.Property, r reader) bool {
	return w.Limits.Unshared == UnsharedOmitted && w.unshared(s, p, r)
}
