package records

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Look loads one Known a key, in their order: the record of the page, else the one of the row.
func (t *Tables) Look(ctx context.Context, keys []journal.Key) ([]journal.Known, error) {
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	pages, rows := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		pages[i], rows[i] = k.PageID, k.RowID
	}
	found, err := t.pool.Query(ctx, t.sql.look, t.connectionID, pages, rows, t.kind.Name, t.runID)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	known, err := pgx.CollectRows(found, scanKnown)
	return known, postgres.Fault(err)
}

func scanKnown(row pgx.CollectableRow) (journal.Known, error) {
	var k journal.Known
	var base struct {
		id, pageID, state *string
		document          json.RawMessage
		columns           map[string]json.RawMessage
		version           *int64
		exact             *bool
	}
	var local struct {
		id, version, state *string
		columns            map[string]json.RawMessage
	}
	var related struct {
		Asleep map[string]record.State `json:"asleep"`
		Moved  map[string]string       `json:"moved"`
	}
	var changedAt *time.Time
	if err := row.Scan(&k.Key.PageID, &k.Key.RowID,
		&base.id, &base.pageID, &base.state, &base.document, &base.columns, &base.version, &base.exact,
		&local.id, &local.version, &local.state, &local.columns, &related,
		&k.Changes, &changedAt, &k.Refused, &k.RefusedFor, &k.Waits, &k.Verdict, &k.Disputes, &k.Aside, &k.Match); err != nil {
		return k, err
	}
	k.Asleep, k.Moved = related.Asleep, related.Moved
	if base.id != nil {
		k.Base = &record.Base{
			ID: *base.id, PageID: *base.pageID, State: record.State(*base.state),
			Document: base.document, Columns: base.columns, Version: *base.version, Exact: *base.exact,
		}
	}
	if local.id != nil {
		k.Row = &record.Row{ID: *local.id, Version: *local.version, State: record.State(*local.state), Columns: local.columns}
		if changedAt != nil {
			k.Row.ChangedAt = *changedAt
		}
	}
	return k, nil
}

// Changed returns the next records that somebody changed, in the order of their changes, and the last change among them;
// without those whose deletion waits to be decided.
func (t *Tables) Changed(ctx context.Context, after int64, limit int) (rowIDs []string, last int64, err error) {
	rows, err := t.pool.Query(ctx, t.sql.changed, t.connectionID, t.kind.Name, after, limit, t.runID)
	if err != nil {
		return nil, 0, postgres.Fault(err)
	}
	last = after
	var id string
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&id, &seq}, func() error {
		rowIDs, last = append(rowIDs, id), max(last, seq)
		return nil
	})
	return rowIDs, last, postgres.Fault(err)
}

// Left returns how many records Changed still has to give.
func (t *Tables) Left(ctx context.Context, after int64) (left int, err error) {
	err = t.pool.QueryRow(ctx, `select count(*) from (`+t.sql.changed+`) every`, t.connectionID, t.kind.Name, after, math.MaxInt32, t.runID).Scan(&left)
	return left, postgres.Fault(err)
}

// Due returns records that were refused and are to be tried again.
func (t *Tables) Due(ctx context.Context, at time.Time, limit int) ([]journal.Key, error) {
	rows, err := t.pool.Query(ctx, `
		select coalesce(notion_id, ''), row_id::text from sync_errors
		where connection_id = $1 and kind = $2 and next_attempt_at <= $3 order by next_attempt_at, row_id limit $4`,
		t.connectionID, t.kind.Name, at, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

// Waiting returns records whose rows were locked by somebody else, the longest waiting first.
func (t *Tables) Waiting(ctx context.Context, limit int) ([]journal.Key, error) {
	rows, err := t.pool.Query(ctx, `
		select coalesce(notion_id, ''), row_id::text from sync_errors where connection_id = $1 and kind = $2 and waits order by last_at, row_id limit $3`,
		t.connectionID, t.kind.Name, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

// Absent returns live records that neither shown names nor the whole listing of the run has shown, by the row's id, after the given
// one.
func (t *Tables) Absent(ctx context.Context, runID string, shown []string, after string, limit int) ([]journal.Key, error) {
	if after == "" {
		after = uuid.Nil.String()
	}
	if shown == nil {
		shown = []string{}
	}
	rows, err := t.pool.Query(ctx, t.sql.absent, t.connectionID, after, shown, runID, t.kind.Name, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

// Named returns live records that have one of the options under its old name, by the row's id, after the given one.
func (t *Tables) Named(ctx context.Context, renames []mapping.Rename, after string, limit int) ([]journal.Key, error) {
	if after == "" {
		after = uuid.Nil.String()
	}
	names := make([]string, len(renames))
	for i, r := range renames {
		names[i] = r.Was
	}
	rows, err := t.pool.Query(ctx, t.sql.named, t.connectionID, after, names, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

func collectKeys(rows pgx.Rows) ([]journal.Key, error) {
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[journal.Key])
	return keys, postgres.Fault(err)
}
