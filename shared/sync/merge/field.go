package merge

import (
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// values are one field's three values.
type values struct {
	base, notion, postgres property.Value
}

// merge returns the value that both sides are to hold, and the conflict if one had to lose. winner is the side whose value stays
// when both changed it, by that rule.
func (v values) merge(f Field, winner Side, rule Rule) (property.Value, *Conflict) {
	switch {
	case property.Equal(v.notion, v.postgres), !v.changed(v.postgres):
		return v.notion, nil
	case f.Rule == OneWay:
		return v.notion, v.conflict(f.Name, Notion, OneWay)
	case !v.changed(v.notion):
		return v.postgres, nil
	}
	if set, ok := v.mergeSets(); ok {
		return set, nil
	}
	if rule == Words {
		if text, ok := v.mergeTexts(); ok {
			return text, nil
		}
	}
	if winner == Supabase {
		return v.postgres, v.conflict(f.Name, winner, rule)
	}
	return v.notion, v.conflict(f.Name, winner, rule)
}

// overruled returns what the sides lose to a decision without the person's having seen it.
func (v values) overruled(field string, d Decision) []Conflict {
	lost := func(side property.Value, seen bool) bool { return !seen && !property.Equal(side, d.Value) }
	var conflicts []Conflict
	if lost(v.notion, d.NotionSeen) {
		conflicts = append(conflicts, *v.conflict(field, Supabase, Decided))
	}
	if lost(v.postgres, d.PostgresSeen) && !property.Equal(v.notion, v.postgres) {
		conflicts = append(conflicts, *v.conflict(field, Notion, Decided))
	}
	return conflicts
}

// mergeTexts merges texts that were edited in different places. False when they were not, or the values are no texts.
func (v values) mergeTexts() (property.Value, bool) {
	base, notion, postgres, ok := each[property.Text](v)
	if !ok {
		return nil, false
	}
	merged, ok := property.MergeText(base, notion, postgres)
	return merged, ok
}

// changed reports whether side differs from what both had. A checkbox has no empty: where nothing is known, it was false.
func (v values) changed(side property.Value) bool {
	if box, ok := side.(property.Checked); ok && v.base == nil {
		return bool(box)
	}
	return !property.Equal(side, v.base)
}

func (v values) conflict(field string, winner Side, rule Rule) *Conflict {
	return &Conflict{Field: field, Rule: rule, Winner: winner, Base: v.base, Notion: v.notion, Postgres: v.postgres}
}

// laterInPostgres compares the two sides' edits as exactly as Notion allows: its time stands for any in that minute.
func laterInPostgres(notion, postgres time.Time) bool {
	return !postgres.Before(notion.Add(time.Minute))
}

// mergeSets merges values that are sets: what either side added is in, what either removed is out. The order is Notion's,
// then Postgres's additions. False when the values are no sets.
func (v values) mergeSets() (property.Value, bool) {
	itself := func(s string) string { return s }
	if b, n, p, ok := each[property.Options](v); ok {
		return orNil(property.Options(mergeLists(b, n, p, itself))), true
	}
	if b, n, p, ok := each[property.Refs](v); ok {
		return orNil(property.Refs(mergeLists(b, n, p, itself))), true
	}
	if b, n, p, ok := each[property.People](v); ok {
		return orNil(property.People(mergeLists(b, n, p, func(p property.Person) string { return p.ID }))), true
	}
	return nil, false
}

func mergeLists[E any](base, notion, postgres []E, key func(E) string) []E {
	inBase, inNotion, inPostgres := keys(base, key), keys(notion, key), keys(postgres, key)
	var merged []E
	for _, e := range notion {
		if removed := inBase[key(e)] && !inPostgres[key(e)]; !removed {
			merged = append(merged, e)
		}
	}
	for _, e := range postgres {
		if added := !inBase[key(e)] && !inNotion[key(e)]; added {
			merged = append(merged, e)
		}
	}
	return merged
}

func keys[E any](list []E, key func(E) string) map[string]bool {
	in := make(map[string]bool, len(list))
	for _, e := range list {
		in[key(e)] = true
	}
	return in
}

// each returns the three values as one type; an empty value is of every type. False when one is of another, or all are empty.
func each[T property.Value](v values) (base, notion, postgres T, ok bool) {
	base, okBase := v.base.(T)
	notion, okNotion := v.notion.(T)
	postgres, okPostgres := v.postgres.(T)
	fits := func(value property.Value, is bool) bool { return is || value == nil }
	ok = (okNotion || okPostgres) && fits(v.base, okBase) && fits(v.notion, okNotion) && fits(v.postgres, okPostgres)
	return base, notion, postgres, ok
}

// orNil returns an empty list in the one form of an empty value.
func orNil[E any, L interface {
	~[]E
	property.Value
}](list L) property.Value {
	if len(list) == 0 {
		return nil
	}
	return list
}

func sorted(fields []Field) []Field {
	return slices.SortedFunc(slices.Values(fields), func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
}
