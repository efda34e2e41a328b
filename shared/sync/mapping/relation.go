package mapping

import (
	"slices"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Join says where a relation is kept: in a table of pairs of rows. A relation that Notion keeps two-way is named by the mapping at
// one end: it is one property with two ends, and one table. What is edited at the other end shows at this one as well.
type Join struct {
	Kind  string `json:"kind"`  // of the related records
	Table string `json:"table"` // the pairs
	From  string `json:"from"`  // the column of the record's row
	To    string `json:"to"`    // the column of the related row
}

// Relation is a relation with both its ends.
type Relation struct {
	Field         string
	Join          Join
	Kind, Related Kind
}

// Relations returns the relations that the kind of that name has, in the mapping's order.
func (m Mapping) Relations(kind string) []Relation {
	return m.relations(func(r Relation) bool { return r.Kind.Name == kind })
}

// Touching returns the relations that the kind of that name has, and those that lead to it, in the mapping's order.
func (m Mapping) Touching(kind string) []Relation {
	return m.relations(func(r Relation) bool { return r.Kind.Name == kind || r.Related.Name == kind })
}

func (m Mapping) relations(fits func(Relation) bool) []Relation {
	var all []Relation
	for _, k := range m.Kinds {
		for _, f := range k.Fields {
			if f.Join == nil {
				continue
			}
			related, _ := m.Kind(f.Join.Kind) // check saw that there is one
			if r := (Relation{Field: f.Column, Join: *f.Join, Kind: k, Related: related}); fits(r) {
				all = append(all, r)
			}
		}
	}
	return all
}

// checkJoin checks where a relation is kept. tables are the names that are taken.
func (m Mapping) checkJoin(k Kind, f Field, tables map[string]bool, fail func(string, ...any)) {
	if (f.Type == property.TypeRelation) != (f.Join != nil) {
		fail("%s, property %q: a relation, and nothing else, names the join table that keeps it", k.Name, f.Property)
		return
	}
	if f.Join == nil {
		return
	}
	j := *f.Join
	if !slices.Contains(m.Names(), j.Kind) {
		fail("%s, property %q: the join leads to the kind %q, which the mapping does not have", k.Name, f.Property, j.Kind)
	}
	if !identifier.MatchString(j.Table) || tables[j.Table] {
		fail("%s, property %q: the join table %q must be lower-case letters, digits and _, and stand once; "+
			"a two-way relation is named at one of its ends only", k.Name, f.Property, j.Table)
	}
	tables[j.Table] = true
	if !identifier.MatchString(j.From) || !identifier.MatchString(j.To) || j.From == j.To {
		fail("%s, property %q: the join's columns %q and %q must be lower-case letters, digits and _, and two", k.Name, f.Property, j.From, j.To)
	}
}
