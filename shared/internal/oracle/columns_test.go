//go:build !race

package oracle

import (
	"context"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// droppable are the fields whose columns migrations of the application drop and add, and what they are.
func droppable() []string { return []string{"choice", "moment", "link"} }

func columnType(field string) string {
	if field == "moment" {
		return "timestamptz"
	}
	return "text"
}

// anew is what the column of a choice is called once a migration has renamed it, and the mapping with it.
const anew = "selection"

// columnName returns what a field's column is called now.
func (a *arena) columnName(field string) string {
	if field == "choice" && a.anew {
		return anew
	}
	return field
}

// column returns SQL for what a row has in a field: nothing where its column was dropped.
func (a *arena) column(field string) string {
	if a.dropped[field] {
		return "null::" + columnType(field)
	}
	return a.columnName(field)
}

// fieldOf returns the field of a column.
func (a *arena) fieldOf(column string) string {
	if column == anew {
		return "choice"
	}
	return column
}

// makeTables makes the tables.
func (a *arena) makeTables() error {
	for statement := range strings.SplitSeq(table, ";\n") {
		if _, err := a.person.Exec(context.Background(), statement); err != nil {
			return err
		}
	}
	return nil
}

// mostColumns is how many columns a table may have had: Postgres counts the dropped ones, up to 1600.
const mostColumns = 1000

// renewTables undoes the migrations of the history before.
func (a *arena) renewTables(t *rapid.T) {
	a.app.forget()
	for _, field := range droppable() {
		a.returnColumn(t, field)
	}
	if a.anew {
		a.exec(t, "alter table things rename column "+anew+" to choice")
		a.mapChoice(false)
	}
	a.dropped = map[string]bool{}
	if a.migrations < mostColumns {
		return
	}
	a.migrations = 0
	if _, err := a.person.Exec(context.Background(), "drop table things_links, things, notion_things"); err != nil {
		t.Fatal(err)
	}
	if err := a.makeTables(); err != nil {
		t.Fatal(err)
	}
}

// migrates reports whether somebody can change the table now: while an application is at work, it would wait.
func (a *arena) migrates(t *rapid.T) bool {
	return a.app.tx == nil && a.bound(t) && rapid.Bool().Draw(t, "migrates")
}

// dropColumn drops a column. What the page shows as well is not lost with it.
func (a *arena) dropColumn(t *rapid.T) {
	field := rapid.SampledFrom(droppable()).Draw(t, "column")
	if a.dropped[field] || !a.migrates(t) {
		return
	}
	n, _ := a.views(t)
	for _, r := range a.rows(t) {
		for _, text := range r.values[field] {
			if !n[r.mark].has(field, text) {
				a.model.replaced(r.mark, map[string][]string{field: {text}})
			}
		}
		a.model.touch(r.mark)
	}
	for written, w := range a.model.tokens {
		if written.field == field {
			w.whole = "" // it returns as Notion shows it
		}
	}
	a.model.unsure[field] = true
	a.exec(t, "alter table things drop column "+a.columnName(field))
	a.dropped[field] = true
	a.migrations++
	a.counts.dropped++
}

// addColumn adds one that was dropped.
func (a *arena) addColumn(t *rapid.T) {
	gone := slices.DeleteFunc(droppable(), func(field string) bool { return !a.dropped[field] })
	if len(gone) > 0 && a.app.tx == nil {
		a.returnColumn(t, rapid.SampledFrom(gone).Draw(t, "column"))
	}
}

func (a *arena) returnColumn(t *rapid.T, field string) {
	if a.dropped[field] {
		a.exec(t, "alter table things add column "+a.columnName(field)+" "+columnType(field))
		a.dropped[field] = false
	}
}

// renameColumn renames a column, and in the mapping as well: the field is another then, of which the base knows nothing.
func (a *arena) renameColumn(t *rapid.T) {
	if a.dropped["choice"] || a.names["choice"] || !a.migrates(t) {
		return
	}
	is := a.columnName("choice")
	a.mapChoice(!a.anew)
	a.exec(t, "alter table things rename column "+is+" to "+a.columnName("choice"))
	a.model.unsure["choice"] = true
	for _, l := range a.model.records {
		l.touched = true
	}
	a.counts.renamed++
}

// mapChoice has the sync go by another mapping.
func (a *arena) mapChoice(renamed bool) {
	a.anew = renamed
	kinds := slices.Clone(a.mapping.Kinds)
	kinds[0].Fields = slices.Clone(kinds[0].Fields)
	i := slices.IndexFunc(kinds[0].Fields, func(f mapping.Field) bool { return a.fieldOf(f.Column) == "choice" })
	kinds[0].Fields[i].Column = a.columnName("choice")
	a.mapping = mapping.Mapping{Kinds: kinds}
	if a.world != nil {
		a.world.Syncer.Connection.Mapping = a.mapping
	}
}
