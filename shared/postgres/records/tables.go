// Package records is the Postgres side of one database: the application's table, the base table beside it, and the journal of
// the sync, which are written together or not at all. It is the only place where identifiers of a mapping become SQL.
package records

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Tables are the tables of one kind over one connection.
type Tables struct {
	pool         *postgres.Pool
	connectionID string
	mapped       mapping.Kind // as the mapping has it
	kind         mapping.Kind // with those fields whose columns can be used, once it is open
	relations    []relation   // of the kind
	touching     []relation   // of the kind or to it
	newID        func() string
	runID        *string // of a dry run, nil of a real one
	most         int     // how many records at once were committed in time, where it was not all of them; 0: nothing is known
	scope        scope
	sql          statements

	opening sync.Mutex
	columns map[string]journal.Column // nil until it is open
	passing map[string][]indexed      // unique indexes whose values rows were seen to pass on
}

// New opens the tables of a kind of the mapping.
func New(pool *postgres.Pool, connectionID string, m mapping.Mapping, kind mapping.Kind, newID func() string) *Tables {
	t := &Tables{
		pool: pool, connectionID: connectionID, mapped: kind, kind: kind, newID: newID, scope: inForce,
		relations: relationsOf(m.Relations(kind.Name)), touching: relationsOf(m.Touching(kind.Name)),
	}
	t.sql = statementsFor(kind, kind.Title().Column, t.relations, t.scope)
	return t
}

// statements are those that name a kind's tables and columns. Each is made beside the code that runs it.
type statements struct {
	look, lockTable, lockRows, create, change, advance, forget, size, absent, named, changed, deletedRows, absentPages, meets, stage, note, same string
}

// naming is what of a mapping stands in statements, as SQL.
type naming struct {
	kind         mapping.Kind
	title        string // the column of the titles
	relations    []relation
	scope        scope
	table, base  string
	row          string   // what is read of a row r
	made         string   // what is read of a row r that was just inserted
	names        []string // of the columns
	typed, given []string // the columns with their types, and what is written to them, where a record x has what is given
}

// statementsFor returns the statements for a kind with those fields whose columns can be used; title is the column of the titles.
func statementsFor(k mapping.Kind, title string, relations []relation, at scope) statements {
	n := naming{kind: k, title: title, relations: relations, scope: at, table: postgres.TableOf(k.Table), base: postgres.TableOf(k.BaseTable)}
	n.names, n.typed, n.given = columnsOf(k)
	shown := make([]string, len(n.names))
	for i, column := range n.names {
		shown[i] = "r." + column
	}
	rest := fmt.Sprintf(`case when r.archived_at is null then 'live' else 'archived' end, (select to_jsonb(v.*) from (select %s) v)`, strings.Join(shown, ", "))
	n.row, n.made = "r.id::text, r.xmin::text, "+rest, "r.id::text, '', "+rest
	return statements{
		look: n.look(), changed: n.changed(), absent: n.absent(), named: n.named(),
		lockTable: lockTable(n.table), lockRows: lockRows(n.table),
		create: n.create(), change: n.change(), same: n.same(), advance: n.advance(), forget: n.forget(),
		size: n.size(), deletedRows: n.deletedRows(), absentPages: n.absentPages(),
		meets: n.meets(), stage: n.stage(), note: n.note(),
	}
}

// listOf returns SQL's parts as the rest of a list.
func listOf(parts []string) string { return strings.Join(append([]string{""}, parts...), ", ") }

// columnsOf returns the columns of a kind's fields: their names, their names with their types, and what is written to them, where a record x has what
// is given. A column that may not be null and is given nothing takes its default.
func columnsOf(k mapping.Kind) (names, typed, given []string) {
	for _, f := range k.Fields {
		if f.Join != nil {
			continue
		}
		is := property.ColumnOf(f.Column, f.ColumnType)
		if f.Stored != nil {
			is = *f.Stored
		}
		column := pgx.Identifier{f.Column}.Sanitize()
		value := "x." + column
		if is.Fills() {
			value = fmt.Sprintf("coalesce(%s, %s)", value, is.Default)
		}
		names, typed, given = append(names, column), append(typed, column+" "+is.SQL), append(given, value)
	}
	return names, typed, given
}

// textOf returns the SQL of a column of r as text, null where there is none.
func textOf(k mapping.Kind, column string) string {
	if _, there := k.Field(column); !there {
		return "null::text"
	}
	return "r." + pgx.Identifier{column}.Sanitize() + "::text"
}

// heldAs finds the hold of a record: of the kind that the second argument gives, with the row's id that the third gives.
const heldAs = `select from integration.sync_held_records hr join integration.sync_holds h on h.id = hr.hold_id
	where hr.connection_id = $1 and hr.kind = %[2]s and hr.row_id = %[3]s`

// seen returns the pages that a run has been shown. With NOT IN they are hashed, whatever the planner knows of the table: it is filled in the
// run that asks, long before anybody has analyzed it, and NOT EXISTS would go through all of it for each record.
func seen(run, kind string) string {
	return "select s.notion_id from integration.sync_listed_pages s where s.run_id = " + run + " and s.kind = " + kind
}

// storable returns JSON for a jsonb parameter, as jsonb can keep it; nil for none. It is for values that are logged, not for those that are kept in
// step.
func storable(data json.RawMessage) any {
	if !json.Valid(data) {
		return nil
	}
	return record.Keepable(data)
}
