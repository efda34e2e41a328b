package mapping

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Live is a property that a Notion database has now.
type Live struct {
	ID   string
	Name string
	Type property.Type
	// RelatedTo is the data source that a relation leads to. Only the schema tells it, pages do not.
	RelatedTo string `json:",omitempty"`
	// Options are the names of a select's, status's or multi_select's options by their ids. Only the schema tells them; nil where nobody knows.
	Options map[string]string `json:",omitempty"`
}

// Binding ties each field to the property that holds it, by the property's id: a property may be renamed, its id stays.
type Binding map[string]Live

// Drift is a difference between the mapping and the Notion database.
type Drift struct {
	Field  string `json:"field"`
	Change Change `json:"change"`
	Was    string `json:"was"`
	Is     string `json:"is"`
}

// Rename is an option that a person gave another name. Its id stays, and no page counts as edited.
type Rename struct {
	Field  string `json:"field"`
	Option string `json:"option"` // its id
	Was    string `json:"was"`
	Is     string `json:"is"`
}

// Renames adds to the renames so far the options that have another name in b than they had in was. One that was renamed before has each of its old
// names among them, and the newest stands for all. The result is sorted.
func (b Binding) Renames(was Binding, soFar []Rename) []Rename {
	renames := slices.Clone(soFar)
	for field, now := range b {
		before := was[field]
		if before.ID != now.ID {
			continue
		}
		for id, name := range now.Options {
			old, known := before.Options[id]
			if !known || old == name {
				continue
			}
			for i, r := range renames {
				if r.Field == field && r.Option == id {
					renames[i].Is = name
				}
			}
			renames = append(renames, Rename{Field: field, Option: id, Was: old, Is: name})
		}
	}
	renames = slices.DeleteFunc(renames, func(r Rename) bool { return r.Was == r.Is }) // it was renamed back
	slices.SortFunc(renames, func(a, b Rename) int {
		return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Option, b.Option), strings.Compare(a.Was, b.Was))
	})
	return slices.Compact(renames)
}

// Change says how the mapping and what there is differ.
type Change string

// The changes.
const (
	Renamed  Change = "renamed"  // the property has another name
	Replaced Change = "replaced" // another property has the name of the one that is gone
	Retyped  Change = "retyped"
	Removed  Change = "removed"
	Missing  Change = "missing" // there never was such a property
	Added    Change = "added"   // a property that no field holds
	// Unshared: the database that the relation leads to is gone, or not shared with the integration. Its pages then look unrelated.
	Unshared Change = "unshared"
	NoColumn Change = "no_column" // the table has no such column, or there is no such join table
	// Unusable: the column is of a type that cannot hold the property, or nothing can be written to it.
	Unusable Change = "unusable"
	// Keyless: the property of the rows' ids is of another type, or holds a field. Pages are created without their rows' ids.
	Keyless Change = "keyless"
)

// Stops reports whether the drift takes the field out of the sync: neither side's value is read or written until the
// property, the column or the mapping is mended.
func (d Drift) Stops() bool { return !slices.Contains([]Change{Renamed, Replaced, Added}, d.Change) }

// Keeps reports whether what both sides had of the field is still known once it is in step again: nothing happened to either of them.
func (d Drift) Keeps() bool { return d.Change == Unshared }

// Lasting reports whether a listing's pages cannot show that the drift is over.
func (d Drift) Lasting() bool { return d.Change == Unshared || d.OfColumn() }

// OfColumn reports whether the drift is one of the table, and not of the Notion database.
func (d Drift) OfColumn() bool { return d.Change == NoColumn || d.Change == Unusable }

// Message says in a sentence why the field is out of step, and what to do; "" where it is not.
func (d Drift) Message() string {
	switch d.Change {
	case Unshared:
		return fmt.Sprintf("The relation %q leads to a database that is not shared with the integration, or is gone. Share it in Notion (••• › Connections); nothing is changed until then.", d.Was)
	case NoColumn:
		return fmt.Sprintf("The database has no column or join table %q. Add it, or change the mapping.", d.Was)
	case Unusable:
		return fmt.Sprintf("The column %q %s", d.Was, d.Is)
	case Removed:
		return fmt.Sprintf("The property %q was removed in Notion. Restore it, add one of that name, or change the mapping.", d.Was)
	case Keyless:
		if d.Is == "" {
			return fmt.Sprintf("The property %q is synced as a field, and cannot hold the ids of the rows as well. Pages are created without the ids until you rename it.", d.Was)
		}
		return fmt.Sprintf("The property %q is of the type %s in Notion, and is meant to hold the ids of the rows as text. Pages are made without the ids until you rename it or change its type to text.", d.Was, d.Is)
	case Missing:
		return fmt.Sprintf("The Notion database has no property %q. Add it, or change the mapping.", d.Was)
	case Retyped:
		return fmt.Sprintf("The property is now of the type %s in Notion, and the mapping says %s. Change it back, or change the mapping.", d.Is, d.Was)
	case Renamed, Replaced, Added:
	}
	return ""
}

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
	known, live, bound := k.own(known), storable(live), Binding{}
	var drifts []Drift
	for _, f := range k.Fields {
		was, met := known[f.Column]
		p, found := find(live, func(l Live) bool { return met && l.ID == was.ID })
		if !found {
			p, found = find(live, func(l Live) bool { return l.Name == f.Property && !known.holds(l.ID) })
		}
		switch {
		case !found && met:
			drifts = append(drifts, Drift{Field: f.Column, Change: Removed, Was: was.Name})
		case !found:
			drifts = append(drifts, Drift{Field: f.Column, Change: Missing, Was: f.Property})
		case p.Type != f.Type:
			drifts = append(drifts, Drift{Field: f.Column, Change: Retyped, Was: string(f.Type), Is: string(p.Type)})
		default:
			switch {
			case met && p.ID != was.ID:
				drifts = append(drifts, Drift{Field: f.Column, Change: Replaced, Was: was.Name, Is: p.Name})
			case met && p.Name != was.Name:
				drifts = append(drifts, Drift{Field: f.Column, Change: Renamed, Was: was.Name, Is: p.Name})
			}
			bound[f.Column] = p.with(was)
		}
	}
	if p, usable, found := k.RowKey(live, bound); found && !usable {
		d := Drift{Field: "id", Change: Keyless, Was: p.Name}
		if p.Type != property.TypeRichText {
			d.Is = string(p.Type)
		}
		drifts = append(drifts, d)
	}
	drifts = append(drifts, k.unheld(known, bound, live)...)
	slices.SortFunc(drifts, func(a, b Drift) int { return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Is, b.Is)) })
	return bound, drifts
}

// RowKey returns the property that has the name of the one for the rows' ids, and reports whether it can hold them: it is a text, and no field is
// bound to it. found is false where there is no such property.
func (k Kind) RowKey(live []Live, bound Binding) (p Live, usable, found bool) {
	p, found = find(live, func(l Live) bool { return k.RowKeyProperty != "" && l.Name == k.RowKeyProperty })
	return p, p.Type == property.TypeRichText && !bound.holds(p.ID), found
}

// storable returns properties with such names as Postgres can store, and as it has them in a page's document: NUL becomes U+FFFD.
func storable(live []Live) []Live {
	clean := slices.Clone(live)
	for i, p := range clean {
		clean[i].Name = strings.ReplaceAll(p.Name, "\x00", "\ufffd")
		clean[i].Options = maps.Clone(p.Options)
		for id, name := range p.Options {
			clean[i].Options[id] = strings.ReplaceAll(name, "\x00", "\ufffd")
		}
	}
	return clean
}

// own returns the part of a binding that is of the kind's fields: what a field that the mapping no longer has was bound to is free.
func (k Kind) own(known Binding) Binding {
	own := Binding{}
	for _, f := range k.Fields {
		if p, met := known[f.Column]; met {
			own[f.Column] = p
		}
	}
	return own
}

// with returns the property with what only the schema tells, as it was known before.
func (p Live) with(was Live) Live {
	if p.ID != was.ID || p.Type != was.Type {
		return p
	}
	p.RelatedTo = cmp.Or(p.RelatedTo, was.RelatedTo)
	if p.Options == nil {
		p.Options = was.Options
	}
	return p
}

// Same reports whether two are the same property, shown alike.
func (p Live) Same(other Live) bool {
	return p.ID == other.ID && p.Name == other.Name && p.Type == other.Type && p.RelatedTo == other.RelatedTo && maps.Equal(p.Options, other.Options)
}

// unheld returns the properties that no field holds, nor has held.
func (k Kind) unheld(known, bound Binding, live []Live) []Drift {
	var drifts []Drift
	for _, p := range live {
		meant := slices.ContainsFunc(k.Fields, func(f Field) bool { return f.Property == p.Name }) // of another type than it should be
		if !known.holds(p.ID) && !bound.holds(p.ID) && !meant && p.Name != k.RowKeyProperty {
			drifts = append(drifts, Drift{Change: Added, Is: p.Name})
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
