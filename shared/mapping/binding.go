package mapping

import (
	"cmp"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/property"
)

// Live is a property that a Notion database has now.
type Live struct {
	ID   string
	Name string
	Type property.Type
}

// Binding ties each field to the property that holds it, by the property's id: a property may be renamed, its id stays.
type Binding map[string]Live

// Drift is a difference between the mapping and the Notion database.
type Drift struct {
	Field  string `json:"field"`
	Change string `json:"change"` // renamed, retyped, removed, missing, or added: a property that no field holds
	Was    string `json:"was"`
	Is     string `json:"is"`
}

// Stops reports whether the drift takes the field out of the sync: neither side's value is read or written until the
// property, or the mapping, is mended.
func (d Drift) Stops() bool { return d.Change != "renamed" && d.Change != "added" }

// holds reports whether a field is tied to the property of that id.
func (b Binding) holds(id string) bool {
	for _, p := range b {
		if p.ID == id {
			return true
		}
	}
	return false
}

// Bind ties the fields of k to what the database has now. known is the binding so far, nil at first contact. A field that
// was bound follows its property's id; one that is new, or whose property went, is looked up by name among the properties that no
// other field follows. A field whose property is missing or of another type is left out. The drifts are sorted by field.
func (k Kind) Bind(known Binding, live []Live) (Binding, []Drift) {
	bound := Binding{}
	var drifts []Drift
	for _, f := range k.Fields {
		was, met := known[f.Column]
		p, found := find(live, func(l Live) bool { return met && l.ID == was.ID })
		if !found {
			p, found = find(live, func(l Live) bool { return l.Name == f.Property && !known.holds(l.ID) })
		}
		switch {
		case !found && met:
			drifts = append(drifts, Drift{Field: f.Column, Change: "removed", Was: was.Name})
		case !found:
			drifts = append(drifts, Drift{Field: f.Column, Change: "missing", Was: f.Property})
		case p.Type != f.Type:
			drifts = append(drifts, Drift{Field: f.Column, Change: "retyped", Was: string(f.Type), Is: string(p.Type)})
		default:
			if met && p.ID == was.ID && p.Name != was.Name {
				drifts = append(drifts, Drift{Field: f.Column, Change: "renamed", Was: was.Name, Is: p.Name})
			}
			bound[f.Column] = p
		}
	}
	drifts = append(drifts, k.unheld(known, bound, live)...)
	slices.SortFunc(drifts, func(a, b Drift) int { return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Is, b.Is)) })
	return bound, drifts
}

// unheld gives the properties that no field holds, nor has held.
func (k Kind) unheld(known, bound Binding, live []Live) []Drift {
	var drifts []Drift
	for _, p := range live {
		meant := slices.ContainsFunc(k.Fields, func(f Field) bool { return f.Property == p.Name }) // of another type than it should be
		if !known.holds(p.ID) && !bound.holds(p.ID) && !meant && p.Name != k.RowKeyProperty {
			drifts = append(drifts, Drift{Change: "added", Is: p.Name})
		}
	}
	return drifts
}

func find(live []Live, is func(Live) bool) (Live, bool) {
	i := slices.IndexFunc(live, is)
	if i < 0 {
		return Live{}, false
	}
	return live[i], true
}
