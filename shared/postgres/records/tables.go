// Package records is the Postgres side of one database: the application's table, the base table beside it, and the journal of
// the sync, which are written together or not at all. It is the only place where identifiers of a mapping become SQL.
package records

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
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

// statements are those that name a kind's tables and columns.
type statements struct {
	look, lockTable, lockRows, create, change, advance, forget, size, absent, named, changed, deletedRows, absentPages, meets, stage, note, same string
}

// statementsFor makes the statements for a kind with those fields whose columns can be used; title is the column of the titles.
func statementsFor(k mapping.Kind, title string, relations []relation, at scope) statements {
	table, base := pgx.Identifier{k.Table}.Sanitize(), pgx.Identifier{k.BaseTable}.Sanitize()
	names, typed, given := columnsOf(k)
	shown, changed := make([]string, len(names)), make([]string, len(names))
	for i, column := range names {
		shown[i] = "r." + column
		changed[i] = fmt.Sprintf("%[1]s = case when x.changes ? '%[2]s' then %[3]s else r.%[1]s end", column, strings.Trim(column, `"`), given[i])
	}
	list := func(parts []string) string { return strings.Join(append([]string{""}, parts...), ", ") }
	row := fmt.Sprintf(`r.id::text, r.xmin::text, case when r.archived_at is null then 'live' else 'archived' end,
		(select to_jsonb(v) from (select %s) v)`, strings.Join(shown, ", "))
	return statements{
		look: fmt.Sprintf(`
			select coalesce(b.notion_id, m.notion_id, k.page_id), coalesce(b.id, m.row_id, k.row_id)::text,
				b.id::text, b.notion_id, b.state, b.data, b.row_data, b.sync_version, b.exact,
				r.id, r.version, r.state, r.columns, %[5]s,
				coalesce(c.seqs, '{}'), coalesce(c.changed_at, case when b.id is null and isfinite(r.updated_at) then r.updated_at end), coalesce(e.attempts, 0), coalesce(e.reason, ''), coalesce(e.fields, '{}'),
				coalesce(h.status, ''), coalesce(p.disputes, '[]'),
				coalesce(m.state = 'doubtful', false) or b.id is null and exists (
					select from sync_match_rows d where d.connection_id = $1 and d.kind = $4 and d.row_id = coalesce(m.row_id, k.row_id)
					and d.state = 'doubtful' and %[6]s
				) or %[8]s or exists (
					select from sync_moves v where v.connection_id = $1 and v.kind = $4
					and (v.old_id = coalesce(b.id, m.row_id, k.row_id) or v.new_id = coalesce(b.id, m.row_id, k.row_id))
				),
				case when b.id is null and m.row_id is not null then m.how else '' end
			from unnest($2::text[], $3::uuid[]) with ordinality as k(page_id, row_id, place)
			left join lateral (
				select * from sync_match_pages m
				where m.connection_id = $1 and m.kind = $4 and (m.notion_id = k.page_id or k.page_id = '' and m.row_id = k.row_id) and %[7]s
				and not exists (select from %[1]s o where o.connection_id = $1 and o.id = m.row_id and o.notion_id <> m.notion_id)
				order by m.run_id nulls last limit 1
			) m on true
			left join lateral (
				select * from %[1]s where connection_id = $1 and (notion_id = k.page_id or id = coalesce(m.row_id, k.row_id))
				order by notion_id = k.page_id desc limit 1
			) b on true
			left join lateral (
				select r.id, r.version, r.state, r.columns || %[4]s as columns, r.updated_at
				from (select %[3]s, r.updated_at from %[2]s r where r.connection_id = $1 and r.id = coalesce(b.id, m.row_id, k.row_id))
					as r(id, version, state, columns, updated_at)
				limit 1 -- there is one at most; so that it is looked up for each, and not all of them for all
			) r on true
			left join lateral (
				select array_agg(seq order by seq) as seqs, max(changed_at) filter (where isfinite(changed_at)) as changed_at from sync_changes
				where connection_id = $1 and kind = $4 and row_id = coalesce(b.id, m.row_id, k.row_id)
			) c on true
			left join sync_errors e on e.connection_id = $1 and e.kind = $4 and e.row_id = coalesce(b.id, m.row_id, k.row_id)
			left join sync_held_records hr on hr.connection_id = $1 and hr.kind = $4 and hr.row_id = coalesce(b.id, m.row_id, k.row_id)
			left join sync_holds h on h.id = hr.hold_id
			left join lateral (
				select jsonb_agg(jsonb_build_object('id', id, 'field', field, 'decided', status = 'decided', 'decided_at', decided_at, 'value', decision,
					'property', decided_property, 'notion', notion_value, 'postgres', supabase_value)) as disputes
				from sync_conflicts where connection_id = $1 and kind = $4 and row_id = coalesce(b.id, m.row_id, k.row_id) and status in ('waiting', 'decided')
			) p on true
			order by k.place`, base, table, row, related(relations), asleep(relations), at.rows, at.pages, at.told),
		lockTable: lockTable(table), lockRows: lockRows(table),
		create: fmt.Sprintf(`
			insert into %[1]s as r (id, connection_id%[2]s)
			select x.id, $1%[3]s from jsonb_to_recordset($2) as x(id uuid%[4]s)
			on conflict (id) do nothing returning %[5]s`, table, list(names), list(given), list(typed), row),
		change: fmt.Sprintf(`
			update %[1]s r set archived_at = case x.op when 'archive' then coalesce(r.archived_at, $3) when 'restore' then null else r.archived_at end%[2]s
			from jsonb_to_recordset($2) as x(id uuid, version text, op text, changes jsonb%[3]s)
			where r.connection_id = $1 and r.id = x.id and r.xmin::text = x.version returning %[4]s`, table, list(changed), list(typed), row),
		same: fmt.Sprintf(`
			select x.id::text from unnest($2::uuid[], $3::text[]) x (id, version) left join %s r on r.connection_id = $1 and r.id = x.id
			where r.xmin::text is not distinct from x.version`, table),
		advance: fmt.Sprintf(`
			insert into %[1]s as b (id, connection_id, notion_id, name, data, row_data, state, exact, last_synced, created_at, updated_at)
			select x.id, $1, x.notion_id, x.name, x.data, x.row_data, x.state, x.exact, $3, $3, $3
			from jsonb_to_recordset($2) as x(id uuid, notion_id text, name text, data jsonb, row_data jsonb, state text, exact boolean)
			on conflict (id) do update set notion_id = excluded.notion_id, name = excluded.name, data = excluded.data,
				row_data = excluded.row_data, state = excluded.state, exact = excluded.exact, sync_version = b.sync_version + 1,
				last_synced = excluded.last_synced, updated_at = excluded.updated_at`, base),
		forget: fmt.Sprintf(`update %s set row_data = row_data - $2::text[], exact = false, sync_version = sync_version + 1 where connection_id = $1 and row_data ?| $2::text[]`, base),
		size:   fmt.Sprintf(`select count(*) from %s where connection_id = $1 and state = 'live'`, base),
		absent: fmt.Sprintf(`
			select notion_id, id::text from %s b
			where connection_id = $1 and state = 'live' and id > $2 and notion_id <> all($3::text[])
			and b.notion_id not in (`+seen("$4", "$5")+`)
			and not exists (`+heldAs+` and h.status = 'waiting')
			order by id limit $6`, base, "$5", "b.id"),
		named: fmt.Sprintf(`
			select notion_id, id::text from %s
			where connection_id = $1 and state = 'live' and id > $2
			and jsonb_path_exists(data, '$.properties.*.* ? (@.name == $names[*])', jsonb_build_object('names', $3::text[]))
			order by id limit $4`, base),
		// A record whose deletion waits comes up again once its row lives.
		changed: fmt.Sprintf(`
			select row_id::text, max(seq) from (
				select row_id, seq from sync_changes c where connection_id = $1 and kind = $2 and seq > $3
				and not exists (`+heldAs+` and h.status = 'waiting'
					and not exists (select from %[1]s r where r.connection_id = $1 and r.id = c.row_id and r.archived_at is null))
				%[4]s order by seq limit $4
			) next group by row_id order by min(seq)`, table, "$2", "c.row_id", at.unchanged),
		deletedRows: fmt.Sprintf(`
			select b.id as row_id, b.notion_id from %[1]s b
			where b.connection_id = $1 and b.state = 'live' and not exists (`+heldAs+` and h.status <> 'waiting')
			and (b.id = any($4::uuid[]) or b.notion_id = any($3::text[]) or exists (select from sync_changes c where c.connection_id = $1 and c.kind = $2 and c.row_id = b.id)
				and not exists (select from %[4]s r where r.connection_id = $1 and r.id = b.id and r.archived_at is null)
				and not exists (select from sync_moves v where v.connection_id = $1 and v.kind = $2 and v.old_id = b.id))`,
			base, "$2", "b.id", table),
		absentPages: fmt.Sprintf(`
			select b.id as row_id, b.notion_id from %[1]s b
			where b.connection_id = $1 and b.state = 'live' and not exists (`+heldAs+` and h.status <> 'waiting')
			and (b.id = any($4::uuid[]) or b.notion_id = any($3::text[]) or $7 and b.notion_id <> all($5::text[])
				and b.notion_id not in (`+seen("$6", "$2")+`))`,
			base, "$2", "b.id"),
		meets: fmt.Sprintf(`select exists (select from %s where connection_id = $1 and archived_at is null)
			and not exists (select from %s where connection_id = $1)`, table, base),
		stage: fmt.Sprintf(`
			insert into sync_match_rows (connection_id, run_id, kind, row_id, row_key, key, name)
			select $1, $2, $3, r.id, r.id::text, match_key(%s), match_key(%s) from %s r
			where r.connection_id = $1 and r.archived_at is null and not exists (
				select from sync_match_pages m where m.connection_id = $1 and m.kind = $3 and m.run_id is null and m.row_id = r.id and m.decided_by is not null
			)`, textOf(k, k.Key), textOf(k, title), table),
		note: fmt.Sprintf(`
			insert into sync_changes (connection_id, kind, row_id, changed_at)
			select $1, $3, m.row_id, r.updated_at from sync_match_rows m join %s r on r.connection_id = $1 and r.id = m.row_id
			where m.run_id = $2 and m.kind = $3 and m.state <> 'doubtful'
			and not exists (select from sync_changes c where c.connection_id = $1 and c.kind = $3 and c.row_id = m.row_id)
			order by m.row_id`, table),
	}
}

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
const heldAs = `select from sync_held_records hr join sync_holds h on h.id = hr.hold_id
	where hr.connection_id = $1 and hr.kind = %[2]s and hr.row_id = %[3]s`

// seen returns the pages that a run has been shown. With NOT IN they are hashed, whatever the planner knows of the table: it is filled in the
// run that asks, long before anybody has analyzed it, and NOT EXISTS would go through all of it for each record.
func seen(run, kind string) string {
	return "select s.notion_id from sync_seen s where s.run_id = " + run + " and s.kind = " + kind
}

// storable returns JSON for a jsonb parameter, nil for none. What jsonb cannot hold (NUL, half a surrogate pair) is replaced: it is
// for values that are logged, not for those that are kept in step.
func storable(data json.RawMessage) any {
	var v any
	if data == nil || json.Unmarshal(data, &v) != nil {
		return nil
	}
	clean, err := json.Marshal(v) // half a pair becomes U+FFFD
	if err != nil {
		return nil
	}
	return json.RawMessage(bytes.ReplaceAll(clean, []byte(`\u0000`), []byte(`\ufffd`)))
}
