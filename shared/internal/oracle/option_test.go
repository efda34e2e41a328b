//go:build !race

package oracle

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// renamable are the fields whose options people rename.
func renamable() []string { return []string{"choice", "tags"} }

// atFirst returns what an option was called when it was written, which is its token: it is the same option by whatever name.
func (a *arena) atFirst(field, name string) string {
	if first, renamed := a.options[name]; renamed && slices.Contains(renamable(), field) {
		return first
	}
	return name
}

// allAtFirst is atFirst of each.
func (a *arena) allAtFirst(field string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	first := make([]string, len(names))
	for i, name := range names {
		first[i] = a.atFirst(field, name)
	}
	return first
}

// renameOption renames an option that a page has. It is no edit of any page, and nobody's row counts as changed.
func (a *arena) renameOption(t *rapid.T) {
	field := rapid.SampledFrom(renamable()).Draw(t, "field")
	p, ok := pick(t, a.pages(t), "page", func(p page) bool { return len(p.options[field]) > 0 })
	if !ok {
		return
	}
	i := rapid.IntRange(0, len(p.options[field])-1).Draw(t, "option")
	a.model.next++
	was, name := p.options[field][i], fmt.Sprintf("%s%d", field, a.model.next)
	property := map[string]string{"choice": "Choice", "tags": "Tags"}[field]
	if a.names[field] {
		property += " "
	}
	a.note("a person renames the option %s %s", was, name)
	if err := a.sim.RenameOption(a.database, property, was, name); err != nil {
		t.Fatal(err)
	}
	a.options[name] = p.values[field][i]
	a.counts.options++
}
