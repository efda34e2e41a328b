package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// relation is a relation with its statements. Its pairs are of rows, and it shows as the pages of the related rows: a related row that
// has no page yet does not show, and a related page that has no row yet waits in sync_waiting and shows all the same.
type relation struct {
	field, kind, table string
	// related is SQL for the pages that it shows for row r, asleep those of them, and of the base's, whose records are not live, or whose rows'
	// deletion is held because the pages are away.
	related, asleep string
	// remove and add take rows and pages: unwait and add take pairs out of those that wait, and remove out of the table. A page that is gone
	// stands for the one that its record has by now, which the related record has yet to be told of.
	unwait, remove, add string
	// lockTable, lockRemoved and lockAdded lock beforehand what remove and add need, and tell of which rows somebody else has it.
	lockTable, lockRemoved, lockAdded string
	// ready gives, page by page, what waited and need not wait any more; link moves of it what nobody else has locked to the table.
	ready, link string
}

func relationsOf(all []mapping.Relation) []relation {
	relations := make([]relation, len(all))
	for i, r := range all {
		relations[i] = relationOf(r)
	}
	return relations
}

func relationOf(r mapping.Relation) relation {
	to := "j." + pgx.Identifier{r.Join.To}.Sanitize()
	names := strings.NewReplacer(
		// what is known of a related row whose id changed has the id from before, until its own database's sync comes
		"{other id}", fmt.Sprintf(`case when exists (select from integration.sync_row_id_changes where connection_id = $1 and kind = '%[1]s')
			then integration.row_id_before($1, '%[1]s', %[2]s) else %[2]s end`, r.Related.Name, to),
		"{field}", "'"+r.Field+"'", "{kind}", "'"+r.Kind.Name+"'", "{otherkind}", "'"+r.Related.Name+"'", // all are identifiers
		"{pairs}", postgres.TableOf(r.Join.Table),
		"{from}", pgx.Identifier{r.Join.From}.Sanitize(), "{to}", pgx.Identifier{r.Join.To}.Sanitize(),
		"{table}", postgres.TableOf(r.Kind.Table),
		"{other}", postgres.TableOf(r.Related.Table), "{otherbase}", postgres.TableOf(r.Related.BaseTable),
	)
	return relation{
		field: r.Field, kind: r.Kind.Name, table: r.Join.Table,
		related: names.Replace(`{field}, (
			select coalesce(jsonb_agg(page order by page), '[]') from (
				select o.notion_id as page from {pairs} j join {otherbase} o on o.id = {other id} and o.connection_id = $1 where j.{from} = r.id::uuid
				union select w.page_id from integration.sync_waiting_relations w
				where w.connection_id = $1 and w.kind = {kind} and w.row_id = r.id::uuid and w.field = {field}
			) v)`),
		asleep: names.Replace(`
			select e.page, case when h.id is not null then 'archived' else coalesce(o.state, case when f.row_id is null then '' else 'gone' end) end as state,
				n.notion_id as now
			from jsonb_array_elements_text(coalesce(b.row_data -> {field}, '[]') || coalesce(r.columns -> {field}, '[]')) e (page)
			left join {otherbase} o on o.connection_id = $1 and o.notion_id = e.page
			left join integration.sync_replaced_pages f on f.connection_id = $1 and f.page_id = e.page
			left join {otherbase} n on o.id is null and n.connection_id = $1 and n.id = f.row_id
			left join integration.sync_held_records hr on hr.connection_id = $1 and hr.kind = {otherkind} and hr.row_id = o.id
			left join integration.sync_holds h on h.id = hr.hold_id and h.side = 'supabase'
			where o.state is distinct from 'live' or h.id is not null`),
		unwait: names.Replace(`
			delete from integration.sync_waiting_relations w using unnest($2::uuid[], $3::text[]) x (row_id, page_id)
			where w.connection_id = $1 and w.kind = {kind} and w.field = {field} and w.row_id = x.row_id and w.page_id = x.page_id`),
		lockTable: lockTable(postgres.TableOf(r.Join.Table)),
		lockRemoved: names.Replace(`
			with x as (
				select j.{from} as row_id, j.{to} as other from unnest($2::uuid[], $3::text[]) x (row_id, page_id)
				join {otherbase} o on o.connection_id = $1 and o.notion_id = x.page_id join {pairs} j on j.{from} = x.row_id and {other id} = o.id),
			mine as (
				select j.{from}, j.{to} from {pairs} j join x on j.{from} = x.row_id and j.{to} = x.other for update of j skip locked)
			select distinct x.row_id::text from x where (x.row_id, x.other) not in (select * from mine)`),
		lockAdded: names.Replace(`
			with x as (
				select x.row_id, coalesce(o.id, n.id) as other
				from unnest($2::uuid[], $3::text[]) x (row_id, page_id)
				left join {otherbase} o on o.connection_id = $1 and o.notion_id = x.page_id
				left join integration.sync_replaced_pages f on f.connection_id = $1 and f.page_id = x.page_id
				left join {otherbase} n on n.connection_id = $1 and n.id = f.row_id),
			near as (select t.id from {table} t where t.id in (select row_id from x) for key share skip locked),
			far as (select r.id from {other} r where r.id in (select other from x) for key share skip locked)
			select distinct x.row_id::text from x
			where exists (select from {table} t where t.id = x.row_id) and x.row_id not in (select id from near)
			or exists (select from {other} r where r.id = x.other) and x.other not in (select id from far)`),
		remove: names.Replace(`
			delete from {pairs} j using unnest($2::uuid[], $3::text[]) x (row_id, page_id), {otherbase} o
			where o.connection_id = $1 and o.notion_id = x.page_id and j.{from} = x.row_id and {other id} = o.id`),
		add: names.Replace(`
			with x as (
				select x.row_id, coalesce(o.notion_id, n.notion_id, x.page_id) as page_id, coalesce(o.id, n.id) as other, o.id is null and n.id is not null as former
				from unnest($2::uuid[], $3::text[]) x (row_id, page_id)
				left join {otherbase} o on o.connection_id = $1 and o.notion_id = x.page_id
				left join integration.sync_replaced_pages f on f.connection_id = $1 and f.page_id = x.page_id
				left join {otherbase} n on n.connection_id = $1 and n.id = f.row_id),
			paired as (
				insert into {pairs} ({from}, {to}) select t.id, r.id
				from x join {table} t on t.id = x.row_id join {other} r on r.id = x.other
				for key share of t, r
				on conflict do nothing),
			again as (
				insert into integration.sync_changes (connection_id, kind, row_id, changed_at) select $1, {kind}, x.row_id, null from x where x.former)
			insert into integration.sync_waiting_relations (connection_id, kind, field, row_id, page_id)
			select $1, {kind}, {field}, x.row_id, x.page_id from x
			where not exists (select from {other} r where r.id = x.other)
			on conflict do nothing`),
		ready: names.Replace(`
			select w.row_id::text, w.page_id from integration.sync_waiting_relations w
			cross join lateral (select id from {otherbase} where connection_id = $1 and notion_id = w.page_id limit 1) o
			where w.connection_id = $1 and w.kind = {kind} and w.field = {field} and (w.row_id, w.page_id) > ($2::uuid, $3)
			and exists (select from {other} r where r.id = o.id limit 1) and exists (select from {table} t where t.id = w.row_id limit 1)
			order by w.row_id, w.page_id limit $4`),
		link: names.Replace(`
			with ready as (
				select w.ctid as place, w.row_id, o.id as other from unnest($2::uuid[], $3::text[]) x (row_id, page_id)
				join integration.sync_waiting_relations w on w.connection_id = $1 and w.kind = {kind} and w.field = {field} and w.row_id = x.row_id and w.page_id = x.page_id
				join {otherbase} o on o.connection_id = $1 and o.notion_id = w.page_id
				join {table} t on t.id = w.row_id join {other} r on r.id = o.id
				for update of w skip locked for key share of t, r skip locked),
			paired as (insert into {pairs} ({from}, {to}) select row_id, other from ready on conflict do nothing)
			delete from integration.sync_waiting_relations where ctid = any (array(select place from ready))`),
	}
}

// related returns SQL for an object of what the relations of row r show.
func related(relations []relation) string {
	parts := make([]string, len(relations))
	for i, r := range relations {
		parts[i] = r.related
	}
	return "jsonb_build_object(" + strings.Join(parts, ", ") + ")"
}

// asleep returns SQL for an object of the related pages whose records are not live, and how they are instead, with those that are away and held,
// and of those that are gone, and which pages their records have now.
func asleep(relations []relation) string {
	if len(relations) == 0 {
		return "'{}'::jsonb"
	}
	parts := make([]string, len(relations))
	for i, r := range relations {
		parts[i] = r.asleep
	}
	return fmt.Sprintf(`(select jsonb_build_object('asleep', coalesce(jsonb_object_agg(page, state), '{}'),
		'moved', coalesce(jsonb_object_agg(page, now) filter (where now is not null), '{}')) from (%s) v)`, strings.Join(parts, " union "))
}

// relate writes what the relations of settled records take. applied says which records did.
func (t *Tables) relate(ctx context.Context, tx pgx.Tx, settled []journal.Settled, results []result) error {
	todo := &pgx.Batch{}
	var created []string
	for i, s := range settled {
		if results[i].applied && s.Row.Op == merge.Create {
			created = append(created, s.Key.RowID)
		}
	}
	if len(created) > 0 && len(t.relations) > 0 { // what waited for a row that was deleted waits no more
		todo.Queue(`delete from integration.sync_waiting_relations where connection_id = $1 and kind = $2 and row_id = any($3::uuid[])`, t.connectionID, t.kind.Name, created)
	}
	for _, r := range t.relations {
		add, remove := r.pairs(settled, func(i int) bool { return results[i].applied })
		if len(remove.pages) > 0 {
			// In this order: what another worker is just moving from the one place to the other is found in the other.
			todo.Queue(r.unwait, t.connectionID, remove.rows, remove.pages)
			todo.Queue(r.remove, t.connectionID, remove.rows, remove.pages)
		}
		if len(add.pages) > 0 {
			todo.Queue(r.add, t.connectionID, add.rows, add.pages)
		}
	}
	if todo.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, todo).Close()
}

// pairs are rows and pages that they are related to.
type pairs struct{ rows, pages []string }

func (p *pairs) append(row string, pages []string) {
	for _, page := range pages {
		p.rows, p.pages = append(p.rows, row), append(p.pages, page)
	}
}

// pairs returns the pairs that come and go with the records that take their change.
func (r relation) pairs(settled []journal.Settled, takes func(i int) bool) (add, remove pairs) {
	for i, s := range settled {
		if takes(i) {
			was, next := shownBefore(s, r.field), shownAfter(s, r.field)
			add.append(s.Key.RowID, missing(next, was))
			remove.append(s.Key.RowID, missing(was, next))
		}
	}
	return add, remove
}

// shownBefore returns the pages that a record's row was related to.
func shownBefore(s journal.Settled, field string) []string {
	var pages []string
	if s.Row.Op != merge.Create && s.Was != nil {
		_ = json.Unmarshal(s.Was.Columns[field], &pages) // null: none
	}
	return pages
}

// shownAfter returns the pages that a record's row is related to once it has taken its change.
func shownAfter(s journal.Settled, field string) []string {
	if v, given := s.Row.Fields[field]; given || s.Row.Op == merge.Create {
		refs, _ := v.(property.Refs)
		return refs
	}
	return shownBefore(s, field)
}

func missing(from, in []string) []string {
	has := make(map[string]bool, len(in))
	for _, page := range in {
		has[page] = true
	}
	var left []string
	for _, page := range from {
		if !has[page] {
			left = append(left, page)
		}
	}
	return left
}

// withRelations returns the row as it is after its change, with its relations as the change leaves them: whoever has changed them
// meanwhile has their change looked at for itself.
func (t *Tables) withRelations(row *record.Row, s journal.Settled) *record.Row {
	if row == nil || len(t.relations) == 0 {
		return row
	}
	whole := *row
	whole.Columns = maps.Clone(row.Columns)
	for _, f := range t.kind.Fields {
		if f.Join != nil {
			whole.Columns[f.Column] = shownAs(f, shownAfter(s, f.Column))
		}
	}
	return &whole
}

func shownAs(f mapping.Field, pages []string) json.RawMessage {
	if len(pages) == 0 {
		return record.Column(f, nil)
	}
	return record.Column(f, property.Refs(pages))
}

// onlyRelations reports whether all that a row has to take is relations: the row itself stays as it is.
func (t *Tables) onlyRelations(s journal.Settled) bool {
	if s.Row.Op != merge.Update {
		return false
	}
	for _, f := range t.kind.Fields {
		if _, given := s.Row.Fields[f.Column]; given && f.Join == nil {
			return false
		}
	}
	return true
}

// linkSize is how many relations are moved at once.
const linkSize = 200

// Link moves relations that waited, and whose rows are now there, to their tables: those of this kind, and those of others that lead
// to it. Whoever has committed a row last finds them all. What somebody else has locked goes on waiting.
func (t *Tables) Link(ctx context.Context) error {
	if err := t.open(ctx); err != nil {
		return err
	}
	for _, r := range t.touching {
		after := pairs{rows: []string{uuid.Nil.String()}, pages: []string{""}}
		for {
			last := len(after.rows) - 1
			next, err := t.ready(ctx, r, after.rows[last], after.pages[last])
			if err != nil {
				return postgres.Fault(err)
			}
			if len(next.rows) == 0 {
				break
			}
			if err := t.link(ctx, r, next); err != nil {
				return postgres.Fault(err)
			}
			after = next
		}
	}
	return nil
}

// ready returns the next relations that need not wait any more, after one.
func (t *Tables) ready(ctx context.Context, r relation, row, page string) (pairs, error) {
	var next pairs
	rows, err := t.pool.Query(ctx, r.ready, t.connectionID, row, page, linkSize)
	if err != nil {
		return next, err
	}
	_, err = pgx.ForEachRow(rows, []any{&row, &page}, func() error {
		next.append(row, []string{page})
		return nil
	})
	return next, err
}

// link moves relations to their table, or each half of them where they are not moved in time. One that has to wait for somebody is left.
func (t *Tables) link(ctx context.Context, r relation, p pairs) error {
	n := len(p.rows)
	limit := holdLimit
	if n == 1 {
		limit = aloneLimit
	}
	err := t.pool.InTx(ctx, func(tx pgx.Tx) error {
		return within(ctx, limit, func(ctx context.Context) error {
			if err := begin(ctx, tx, limit); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, r.link, t.connectionID, p.rows, p.pages)
			return err
		})
	})
	switch {
	case !errors.Is(err, errSlow) && !postgres.Locked(err):
		return err
	case n == 1:
		return nil
	}
	if err := t.link(ctx, r, pairs{p.rows[:n/2], p.pages[:n/2]}); err != nil {
		return err
	}
	return t.link(ctx, r, pairs{p.rows[n/2:], p.pages[n/2:]})
}
