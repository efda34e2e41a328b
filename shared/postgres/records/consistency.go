package records

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// joined is every record that the base or the table has.
func (t *Tables) joined() string {
	table, base := postgres.TableOf(t.kind.Table), postgres.TableOf(t.kind.BaseTable)
	return fmt.Sprintf(`(select * from %s where connection_id = $1) b full join (select * from %s where connection_id = $1) r using (id)`, base, table)
}

// Count returns how many records there are to check: those that are live in the base or in the table.
func (t *Tables) Count(ctx context.Context) (int, error) {
	var n int
	err := t.pool.QueryRow(ctx, `
		select count(*) filter (where b.state = 'live' or r.connection_id is not null and r.archived_at is null) from `+t.joined(),
		t.connectionID).Scan(&n)
	return n, postgres.Fault(err)
}

// Suspects returns the rows' ids, after the given one, of records whose base and row are not plainly the same.
func (t *Tables) Suspects(ctx context.Context, after string, limit int) ([]string, error) {
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	if after == "" {
		after = uuid.Nil.String()
	}
	var columns []string
	for _, f := range t.kind.Fields {
		if f.Join == nil {
			columns = append(columns, "r."+pgx.Identifier{f.Column}.Sanitize())
		}
	}
	rows, err := t.pool.Query(ctx, fmt.Sprintf(`
		select id::text from %s
		where id > $2 and not (
			(b.state is not null and r.connection_id is not null and (b.state = 'live') = (r.archived_at is null)
				and (b.state = 'archived' or b.row_data = (select to_jsonb(v.*) from (select %s) v) || %s) and jsonb_typeof(b.data->'properties') = 'object')
			or (b.state = 'archived' and r.connection_id is null)
			or (b.state is null and r.archived_at is not null)
		) is true
		order by id limit $3`, t.joined(), strings.Join(columns, ", "), related(t.relations)), t.connectionID, after, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, postgres.Fault(err)
}

// LivePages returns the ids of the pages of the live records.
func (t *Tables) LivePages(ctx context.Context) ([]string, error) {
	rows, err := t.pool.Query(ctx, fmt.Sprintf(`select notion_id from %s where connection_id = $1 and state = 'live'`,
		postgres.TableOf(t.kind.BaseTable)), t.connectionID)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, postgres.Fault(err)
}

// Restore puts a row that is gone back as the base has it, unless its going has been noted as somebody's deletion. False: there is a row,
// or no base.
func (t *Tables) Restore(ctx context.Context, rowID string) (bool, error) {
	if err := t.open(ctx); err != nil {
		return false, err
	}
	names, typed, given := columnsOf(t.kind)
	restored := false
	err := t.pool.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select set_config('integration.origin', 'sync', true)`); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, fmt.Sprintf(`
			insert into %s (id, connection_id, %s)
			select b.id, b.connection_id, %s from %s b, jsonb_to_record(b.row_data) as x(%s)
			where b.connection_id = $1 and b.id = $2 and b.state = 'live'
			and not exists (select from integration.sync_changes c where c.connection_id = $1 and c.kind = $3 and c.row_id = $2)
			on conflict (id) do nothing`,
			postgres.TableOf(t.kind.Table), strings.Join(names, ", "), strings.Join(given, ", "),
			postgres.TableOf(t.kind.BaseTable), strings.Join(typed, ", ")), t.connectionID, rowID, t.kind.Name)
		restored = tag.RowsAffected() == 1
		if err != nil || !restored {
			return err
		}
		return t.restoreRelations(ctx, tx, rowID)
	})
	return restored, postgres.Fault(err)
}

// restoreRelations relates a row that was put back as the base has it.
func (t *Tables) restoreRelations(ctx context.Context, tx pgx.Tx, rowID string) error {
	for _, r := range t.relations {
		var pages []string
		if err := tx.QueryRow(ctx, fmt.Sprintf(`
			select coalesce(array_agg(page), '{}') from %s b, jsonb_array_elements_text(coalesce(b.row_data -> $3, '[]')) page
			where b.connection_id = $1 and b.id = $2`, postgres.TableOf(t.kind.BaseTable)), t.connectionID, rowID, r.field).Scan(&pages); err != nil {
			return err
		}
		rows := make([]string, len(pages))
		for i := range rows {
			rows[i] = rowID
		}
		if _, err := tx.Exec(ctx, r.add, t.connectionID, rows, pages); err != nil {
			return err
		}
	}
	return nil
}

// Queue has the next sync look at a record on both sides. fault.Invalid: an id is none.
func (t *Tables) Queue(ctx context.Context, key journal.Key, reason string, at time.Time) error {
	if _, err := uuid.Parse(key.RowID); err != nil {
		return fault.New(fault.Invalid, "%.40q is not a record's id.", key.RowID)
	}
	_, err := t.pool.Exec(ctx, `
		insert into integration.sync_errors (connection_id, kind, row_id, notion_id, side, reason, attempts, first_at, last_at, next_attempt_at)
		values ($1, $2, $3, nullif($4, ''), 'supabase', $5, 0, $6, $6, $6)
		on conflict (connection_id, kind, row_id) do update set next_attempt_at = excluded.next_attempt_at,
			notion_id = coalesce(excluded.notion_id, sync_errors.notion_id)`,
		t.connectionID, t.kind.Name, key.RowID, key.PageID, reason, at)
	return postgres.Fault(err)
}

// Confirm takes into the base what a row shows and the base's page confirms: then it is not the row that changed, but the base's image of
// it that is wrong.
func (t *Tables) Confirm(ctx context.Context, rowID string) error {
	d, _, err := t.Database(ctx)
	if err != nil || d == nil {
		return err
	}
	known, err := t.Look(ctx, []journal.Key{{RowID: rowID}})
	if err != nil || known[0].Base == nil || known[0].Row == nil {
		return err
	}
	base, row := known[0].Base, known[0].Row
	lens := record.Lens{Kind: t.kind, Binding: d.InStep()}
	tree, err := lens.OfBase(base)
	if err != nil {
		return err
	}
	confirmed := map[string]json.RawMessage{}
	for _, f := range lens.Fields() {
		is := row.Columns[f.Column]
		if !record.SameColumn(f.ColumnType, base.Columns[f.Column], is) && record.SameColumn(f.ColumnType, record.Column(f, tree.Fields[f.Column]), is) {
			confirmed[f.Column] = is
		}
	}
	if len(confirmed) == 0 {
		return nil
	}
	_, err = t.pool.Exec(ctx, fmt.Sprintf(`update %s set row_data = row_data || $3 where connection_id = $1 and id = $2 and sync_version = $4`,
		postgres.TableOf(t.kind.BaseTable)), t.connectionID, rowID, confirmed, base.Version)
	return postgres.Fault(err)
}
