//go:build !race

package oracle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
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

// jumpProperty has a field jump: its property gets another name, one that is made gets the name that it had, and is filled, and the old one is
// deleted. What the old one showed is gone with it.
func (a *arena) jumpProperty(t *rapid.T) {
	field := rapid.SampledFrom(removable()).Draw(t, "property")
	if a.names[field] || a.without[field] || !a.boundTo(t, field) {
		return
	}
	a.counts.jumps++
	a.model.unsure[field] = true
	for _, p := range a.pages(t) {
		a.model.replaced(p.mark, map[string][]string{field: p.values[field]})
		a.model.touch(p.mark)
	}
	old := notionName(field) + " that was"
	a.shape(t, notionName(field), map[string]any{"name": old})
	a.giveBack(t, field)
	first := rapid.Bool().Draw(t, "deletes it first")
	if first {
		a.shape(t, old, nil)
	}
	for _, p := range a.pages(t) {
		if p.trashed || !rapid.Bool().Draw(t, "fills it") {
			continue
		}
		before := a.model.step
		text := a.model.fresh(p.mark, field, notion)
		property := a.inFull(t, field, text, a.model.tokens[token{field, text}])
		if p.key != "" && !a.met(t, p.id) {
			a.model.unheard(p.mark, before)
		}
		a.patch(t, p.id, map[string]any{"properties": byID(p, map[string]any{notionName(field): property})})
	}
	if !first {
		a.shape(t, old, nil)
	}
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

// removeKeys takes away the property that holds the ids of the rows, or gives it another name or type: not while the sync has to find by it a page
// that it may have made.
func (a *arena) removeKeys(t *rapid.T) {
	const keys = "Supabase ID"
	var making bool
	if err := a.person.QueryRow(context.Background(), `select exists (select from integration.sync_intents where op = 'create')`).Scan(&making); err != nil {
		t.Fatal(err)
	}
	schema := a.call(t, "GET", "/v1/data_sources/"+a.source, nil)["properties"].(map[string]any)
	if _, there := schema[keys]; !there || making {
		return
	}
	a.counts.keys++
	is := []any{nil, map[string]any{"name": fmt.Sprint("Our ID ", a.counts.keys)}, map[string]any{"checkbox": map[string]any{}}}
	a.shape(t, keys, rapid.SampledFrom(is).Draw(t, "keys"))
}

func (a *arena) giveBack(t *rapid.T, field string) {
	i := slices.IndexFunc(a.mapping.Kinds[0].Fields, func(f mapping.Field) bool { return f.Column == field })
	a.without[field], a.outlived[field] = false, a.boundID(t, field)
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
