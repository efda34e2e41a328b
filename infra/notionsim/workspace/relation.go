package workspace

import (
	"slices"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// relate makes refs the related pages of a page. Of a two-way relation, each page that came or went shows the change at its
// own end, and counts as edited.
func (w *Workspace) relate(p *Page, prop *schema.Property, refs value.Refs, a Actor) {
	before, _ := p.Values[prop.ID].(value.Refs)
	if len(refs) == 0 {
		set(p, prop.ID, nil)
	} else {
		set(p, prop.ID, refs)
	}
	w.changes.mark("page", p.ID)
	synced := w.syncedOf(prop)
	if synced == nil {
		return
	}
	for _, id := range before {
		if !slices.Contains(refs, id) {
			w.reflect(id, synced, p.ID, false, a)
		}
	}
	for _, id := range refs {
		if !slices.Contains(before, id) {
			w.reflect(id, synced, p.ID, true, a)
		}
	}
}

// syncedOf returns the property at the other end of a two-way relation, or nil.
func (w *Workspace) syncedOf(p *schema.Property) *schema.Property {
	other := w.sources[p.Relation.DataSourceID]
	if other == nil || !p.Relation.Dual {
		return nil
	}
	return other.Schema.ByID(p.Relation.SyncedID)
}

// reflect adds a page to the other end of a two-way relation, or takes it away there.
func (w *Workspace) reflect(id string, synced *schema.Property, related string, add bool, a Actor) {
	p := w.pages[id]
	if p == nil {
		return
	}
	held, _ := p.Values[synced.ID].(value.Refs)
	if slices.Contains(held, related) == add {
		return
	}
	if add {
		held = append(slices.Clip(held), related)
	} else {
		held = slices.DeleteFunc(slices.Clone(held), func(id string) bool { return id == related })
	}
	if len(held) == 0 {
		set(p, synced.ID, nil)
	} else {
		set(p, synced.ID, held)
	}
	w.touch(p, a)
	w.tellPage("page.properties_updated", p, a, synced.EncodedID())
}
