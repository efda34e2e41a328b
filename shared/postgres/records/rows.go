package records

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// writeRows writes the rows that have something to take, one statement for those to be created and one for the others. It
// gives those that were written, by id, as they are now.
func (t *Tables) writeRows(ctx context.Context, tx pgx.Tx, settled []journal.Settled, at time.Time) (map[string]*record.Row, error) {
	var create, change []map[string]any
	for _, s := range settled {
		if t.onlyRelations(s) {
			continue
		}
		switch s.Row.Op {
		case merge.Create:
			create = append(create, t.values(s))
		case merge.Update, merge.Archive, merge.Restore:
			values := t.values(s)
			values["Version"], values["Op"], values["Changes"] = s.Was.Version, string(s.Row.Op), present(s.Row.Fields)
			change = append(change, values)
		case merge.Nothing:
		}
	}
	written := map[string]*record.Row{}
	if len(create) > 0 {
		if err := collectRows(ctx, tx, written, t.sql.create, t.connectionID, create); err != nil {
			return nil, err
		}
	}
	if len(change) > 0 {
		if err := collectRows(ctx, tx, written, t.sql.change, t.connectionID, change, at); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// values returns what a row is to take as one object: its columns by name.
func (t *Tables) values(s journal.Settled) map[string]any {
	values := map[string]any{"id": s.Key.RowID}
	for _, f := range t.kind.Fields {
		if f.Join != nil {
			continue
		}
		if v, given := s.Row.Fields[f.Column]; given || s.Row.Op == merge.Create {
			values[f.Column] = valueFor(f, v, s)
		}
	}
	return values
}

// valueFor returns what is written to a column.
func valueFor(f mapping.Field, v property.Value, s journal.Settled) json.RawMessage {
	if column, is := s.Decided[f.Column]; is && record.Agrees(f, column, v) {
		return column
	}
	if s.Was == nil {
		return record.Column(f, v)
	}
	return record.ColumnOver(f, v, s.Was.Columns[f.Column])
}

func present(fields record.Fields) map[string]bool {
	named := make(map[string]bool, len(fields))
	for name := range fields {
		named[name] = true
	}
	return named
}

func collectRows(ctx context.Context, tx pgx.Tx, into map[string]*record.Row, sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	var id, version, state string
	var columns map[string]json.RawMessage
	_, err = pgx.ForEachRow(rows, []any{&id, &version, &state, &columns}, func() error {
		into[id] = &record.Row{ID: id, Version: version, State: record.State(state), Columns: columns}
		columns = nil
		return nil
	})
	return err
}

// baseRow is a row of the base table.
type baseRow struct {
	ID       string                     `json:"id"`
	NotionID string                     `json:"notion_id"`
	Name     string                     `json:"name"`
	Data     json.RawMessage            `json:"data"`
	RowData  map[string]json.RawMessage `json:"row_data"`
	State    record.State               `json:"state"`
	Exact    bool                       `json:"exact"`
}

// baseOf returns the base that follows, and whether it moves at all. What the row did not take stays as it was.
func (t *Tables) baseOf(s journal.Settled, row *record.Row, applied bool) (baseRow, bool, error) {
	if s.Keep || !applied && s.Row.Op != merge.Update {
		if !s.Rebased {
			return baseRow{}, false, nil
		}
		return t.baseRow(s.Key, *s.Base), true, nil
	}
	unsettled := map[string]bool{}
	maps.Copy(unsettled, s.Unsettled)
	if applied {
		for _, field := range touched(s, row) {
			unsettled[field] = true
		}
		row = t.withRelations(row, s)
	} else {
		row = s.Was
		for field := range s.Row.Fields {
			unsettled[field] = true
		}
	}
	next, err := s.Lens.Advance(s.Base, s.Page, row, s.State, unsettled)
	if err == nil && s.Refusal != nil && s.Base != nil && applied && s.Row.Op == merge.Create {
		next, err = s.Lens.Without(next, slices.Collect(maps.Keys(s.Refusal.Fields)), row.Columns)
	}
	if err != nil || next.PageID == "" {
		return baseRow{}, false, err
	}
	return t.baseRow(s.Key, next), true, nil
}

// findSwallowed notes the records whose rows are just as they were before they were written, or are not there: a trigger took the write back.
func (t *Tables) findSwallowed(ctx context.Context, tx pgx.Tx, settled []journal.Settled, results []result) error {
	var ids []string
	var versions []*string
	places := map[string]int{}
	for i, s := range settled {
		if results[i].applied {
			continue
		}
		var version *string
		if s.Row.Op != merge.Create {
			version = &s.Was.Version
		}
		ids, versions, places[s.Key.RowID] = append(ids, s.Key.RowID), append(versions, version), i
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, t.sql.same, t.connectionID, ids, versions)
	if err != nil {
		return err
	}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		results[places[id]].refused = "A trigger or a rule of the table takes the write back: it returns null for the row. Change the trigger, or the page."
		return nil
	})
	return err
}

// touched returns the fields that a written row shows otherwise although the sync wrote nothing to them: a trigger of the application's did. That is an
// edit of the row, which Notion is still to have.
func touched(s journal.Settled, row *record.Row) []string {
	var fields []string
	if s.Row.Op != merge.Create && s.Row.Op != merge.Update && s.Row.Op != merge.Restore {
		return nil
	}
	for _, f := range s.Lens.Fields() {
		if _, wrote := s.Row.Fields[f.Column]; wrote || f.Join != nil || !f.Type.Writable() || f.Stored != nil && f.Stored.Fills() {
			continue
		}
		before := record.Column(f, nil)
		if s.Row.Op != merge.Create {
			before = s.Was.Columns[f.Column]
		}
		if !record.SameColumn(f.ColumnType, before, row.Columns[f.Column]) {
			fields = append(fields, f.Column)
		}
	}
	return fields
}

func (t *Tables) baseRow(key journal.Key, b record.Base) baseRow {
	var name string
	_ = json.Unmarshal(b.Columns[t.mapped.Title().Column], &name) // null: no title
	return baseRow{ID: key.RowID, NotionID: b.PageID, Name: name, Data: b.Document, RowData: b.Columns, State: b.State, Exact: b.Exact}
}

func (t *Tables) moveBase(ctx context.Context, tx pgx.Tx, bases []baseRow, at time.Time) error {
	if len(bases) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, t.sql.advance, t.connectionID, bases, at)
	return err
}

// create inserts rows. Of those of a partitioned table Postgres does not tell the version, which nobody asks for.
func (n naming) create() string {
	return fmt.Sprintf(`
		insert into %[1]s as r (id, connection_id%[2]s)
		select x.id, $1%[3]s from jsonb_to_recordset($2) as x(id uuid%[4]s)
		on conflict (id) do nothing returning %[5]s`, n.table, listOf(n.names), listOf(n.given), listOf(n.typed), n.made)
}

// change updates rows whose versions are the given ones. What it is told beside the columns is spelled as no column of a mapping is.
func (n naming) change() string {
	changed := make([]string, len(n.names))
	for i, column := range n.names {
		changed[i] = fmt.Sprintf(`%[1]s = case when x."Changes" ? '%[2]s' then %[3]s else r.%[1]s end`, column, strings.Trim(column, `"`), n.given[i])
	}
	return fmt.Sprintf(`
		update %[1]s r set archived_at = case x."Op" when 'archive' then coalesce(r.archived_at, $3) when 'restore' then null else r.archived_at end%[2]s
		from jsonb_to_recordset($2) as x(id uuid, "Version" text, "Op" text, "Changes" jsonb%[3]s)
		where r.connection_id = $1 and r.id = x.id and r.xmin::text = x."Version" returning %[4]s`, n.table, listOf(changed), listOf(n.typed), n.row)
}

// same finds the rows that still have the given versions; one that is not there has none.
func (n naming) same() string {
	return fmt.Sprintf(`
		select x.id::text from unnest($2::uuid[], $3::text[]) x (id, version) left join %s r on r.connection_id = $1 and r.id = x.id
		where r.xmin::text is not distinct from x.version`, n.table)
}

// advance stores the bases of records.
func (n naming) advance() string {
	return fmt.Sprintf(`
		insert into %[1]s as b (id, connection_id, notion_id, name, data, row_data, state, exact, last_synced, created_at, updated_at)
		select x.id, $1, x.notion_id, x.name, x.data, x.row_data, x.state, x.exact, $3, $3, $3
		from jsonb_to_recordset($2) as x(id uuid, notion_id text, name text, data jsonb, row_data jsonb, state text, exact boolean)
		on conflict (id) do update set notion_id = excluded.notion_id, name = excluded.name, data = excluded.data,
			row_data = excluded.row_data, state = excluded.state, exact = excluded.exact, sync_version = b.sync_version + 1,
			last_synced = excluded.last_synced, updated_at = excluded.updated_at`, n.base)
}
