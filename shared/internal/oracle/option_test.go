//go:build !race

package oracle

import (
	"fmt"

	"pgregory.net/rapid"
)

// atFirst returns what an option was called when it was written, which is its token: it is the same option by whatever name.
func (a *arena) atFirst(field, name string) string {
	if first, renamed := a.options[name]; field == "choice" && renamed {
		return first
	}
	return name
}

// renameOption gives an option that a page has another name. It is no edit of any page, and nobody's row counts as changed.
func (a *arena) renameOption(t *rapid.T) {
	p, ok := pick(t, a.pages(t), "page", func(p page) bool { return p.option != "" })
	if !ok {
		return
	}
	a.model.next++
	name := fmt.Sprintf("choice%d", a.model.next)
	property := "Choice"
	if a.names["choice"] {
		property += " "
	}
	a.note("a person renames the option %s %s", p.option, name)
	if err := a.sim.RenameOption(a.database, property, p.option, name); err != nil {
		t.Fatal(err)
	}
	a.options[name] = p.values["choice"][0]
	a.counts.options++
}
