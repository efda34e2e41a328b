//go:build !race

package oracle

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/mapping"
)

// removable are the fields whose properties people take away and put back.
func removable() []string { return []string{"number", "day", "link"} }

// removeProperty takes a property away, or makes it one of another type. What Notion showed of it is gone; what Postgres has of it stays.
func (a *arena) removeProperty(t *rapid.T) {
	if !a.bound(t) {
		return
	}
	field := rapid.SampledFrom(removable()).Draw(t, "property")
	if a.names[field] || a.without[field] {
		return
	}
	for _, p := range a.pages(t) {
		a.model.replaced(p.mark, map[string][]string{field: p.values[field]})
		a.model.touch(p.mark)
	}
	var is any
	if rapid.Bool().Draw(t, "of another type") {
		is = map[string]any{"checkbox": map[string]any{}}
	}
	a.without[field], a.model.unsure[field] = true, true
	a.shape(t, notionName(field), is)
}

// returnProperty puts a property back under its name and type.
func (a *arena) returnProperty(t *rapid.T) {
	var gone []string
	for field, is := range a.without {
		if is {
			gone = append(gone, field)
		}
	}
	if len(gone) == 0 {
		return
	}
	slices.Sort(gone)
	a.giveBack(t, rapid.SampledFrom(gone).Draw(t, "property"))
}

func (a *arena) giveBack(t *rapid.T, field string) {
	i := slices.IndexFunc(a.mapping.Kinds[0].Fields, func(f mapping.Field) bool { return f.Column == field })
	a.without[field] = false
	a.shape(t, notionName(field), map[string]any{string(a.mapping.Kinds[0].Fields[i].Type): map[string]any{}})
}

// shape changes the database's properties.
func (a *arena) shape(t *rapid.T, property string, is any) {
	a.note("a person makes %s %v", property, is)
	a.call(t, "PATCH", "/v1/data_sources/"+a.source, map[string]any{"properties": map[string]any{property: is}})
}

// writable leaves out of values for a page those whose properties are away.
func (a *arena) writable(properties map[string]any) map[string]any {
	for name := range properties {
		if a.without[strings.ToLower(name)] {
			delete(properties, name)
		}
	}
	return properties
}
