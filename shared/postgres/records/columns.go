package records

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// Columns returns the columns and join tables that hold the kind's fields, by field, as the catalogue has them. A field whose column does
// not exist is not among them, and is neither read nor written.
func (t *Tables) Columns(ctx context.Context) (map[string]journal.Column, error) {
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	return maps.Clone(t.columns), nil
}

// open reads the catalogue, once, and makes the statements for the columns that there are.
func (t *Tables) open(ctx context.Context) error {
	t.opening.Lock()
	defer t.opening.Unlock()
	if t.columns != nil {
		return nil
	}
	columns, joins, err := t.catalogue(ctx)
	if err != nil {
		return postgres.Fault(err)
	}
	kind, drifts := t.mapped.With(journal.CatalogueOf(columns))
	t.kind = kind.Only(drifts)
	away := func(r relation) bool { return !joins[r.table] }
	t.relations = slices.DeleteFunc(slices.Clone(t.relations), away)
	t.touching = slices.DeleteFunc(slices.Clone(t.touching), away)
	t.sql, t.columns = statementsFor(t.kind, t.mapped.Title().Column, t.relations, t.scope), columns
	return nil
}

// catalogue returns the columns of the fields, and which of the join tables that the kind has to do with exist. Of a table that does not exist
// all columns are taken for granted: the statements say what is wrong.
func (t *Tables) catalogue(ctx context.Context) (columns map[string]journal.Column, joins map[string]bool, err error) {
	names := make([]string, len(t.touching))
	for i, r := range t.touching {
		names[i] = r.table
	}
	rows, err := t.pool.Query(ctx, `
		with recursive layers as ( -- from a column's type to the one underneath: a domain's, an array's elements
			select a.attrelid, a.attnum, a.attname::text, a.attgenerated <> '' as generated, a.attidentity <> '' as identity, format_type(a.atttypid, a.atttypmod) as spelled,
				0 as depth, a.atttypid as type, a.atttypmod as modifier, a.attnotnull as not_null,
				case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end as fallback, false as array
			from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
			where a.attrelid = to_regclass('public.' || quote_ident($1)) and a.attnum > 0 and not a.attisdropped
			union all
			select l.attrelid, l.attnum, l.attname, l.generated, l.identity,
				case when t.typtype = 'd' and not l.array then format_type(t.typbasetype, case when t.typtypmod >= 0 then t.typtypmod else l.modifier end) else l.spelled end,
				l.depth + 1, case t.typtype when 'd' then t.typbasetype else t.typelem end,
				case when t.typtype = 'd' and t.typtypmod >= 0 then t.typtypmod else l.modifier end, l.not_null or t.typnotnull and not l.array,
				case when l.array then l.fallback else coalesce(l.fallback, pg_get_expr(t.typdefaultbin, 0)) end, l.array or t.typtype <> 'd'
			from layers l join pg_type t on t.oid = l.type where t.typtype = 'd' or t.typtype = 'b' and t.typcategory = 'A' and t.typelem <> 0
		), named as (select distinct on (attnum) * from layers order by attnum, depth desc)
		select n.attname, n.attrelid || '.' || n.attnum, n.spelled, case t.typtype when 'e' then 'enum' when 'b' then t.typname else '' end, n.array, n.modifier,
			array(select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder), n.not_null, coalesce(n.fallback, ''), n.generated, false, n.identity
		from named n join pg_type t on t.oid = n.type
		union all
		select j.name, c.oid::text, '', '', false, -1, '{}', false, '', false, true, false
		from unnest($2::text[]) j (name) join pg_class c on c.oid = to_regclass('public.' || quote_ident(j.name))`, t.kind.Table, names)
	if err != nil {
		return nil, nil, err
	}
	found := map[string]journal.Column{}
	joins = map[string]bool{}
	places := map[string]string{}
	var name string
	var c journal.Column
	var join bool
	if _, err := pgx.ForEachRow(rows, []any{
		&name, &c.Place, &c.Is.SQL, &c.Is.Base, &c.Is.Array, &c.Is.Modifier, &c.Is.Labels, &c.Is.NotNull, &c.Is.Default, &c.Is.Generated, &join, &c.Is.Identity,
	}, func() error {
		if join {
			joins[name], places[name] = true, c.Place
		} else {
			c.Is.Name = name
			found[name] = c
		}
		c = journal.Column{}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	columns = map[string]journal.Column{}
	for _, f := range t.mapped.Fields {
		column, there := found[f.Column]
		if f.Join != nil {
			column, there = journal.Column{Place: places[f.Join.Table]}, joins[f.Join.Table]
		}
		if there || len(found) == 0 {
			columns[f.Column] = column
		}
	}
	return columns, joins, nil
}

// forget forgets what the base and the writes that were begun have of fields whose values do not count any more, and stores what holds the
// fields now.
func (t *Tables) forget(ctx context.Context, lease journal.Lease, d *journal.Database) error {
	if d == nil || len(d.Forget) == 0 {
		return nil
	}
	learning := slices.Clone(d.Learning)
	for _, field := range d.Forget {
		if _, in := d.InStep()[field]; in && !slices.Contains(learning, field) {
			learning = append(learning, field) // a listing that is at its end may not have shown it to everybody
		}
	}
	return postgres.Fault(pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		if err := postgres.Fence(ctx, tx, lease); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, t.sql.forget, t.connectionID, d.Forget); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update integration.sync_intents set columns = columns - $3::text[] where connection_id = $1 and kind = $2 and columns ?| $3::text[]`,
			t.connectionID, t.kind.Name, d.Forget); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			update integration.sync_databases set property_ids = $3, columns = $4, drifts = $5, fields_to_read = $6, renames = $7, updated_at = now() where connection_id = $1 and kind = $2`,
			t.connectionID, t.kind.Name, d.Binding, d.Columns, listed(d.Drifts), listed(learning), listed(d.Renames))
		return err
	}))
}

// forget takes fields out of the bases that have them.
func (n naming) forget() string {
	return fmt.Sprintf(`update %s set row_data = row_data - $2::text[], exact = false, sync_version = sync_version + 1 where connection_id = $1 and row_data ?| $2::text[]`, n.base)
}
