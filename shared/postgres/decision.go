package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Decisions are what waits for people, and what they decided.
type Decisions struct {
	Pool         *Pool
	ConnectionID string
	Mapping      mapping.Mapping
}

// title returns the SQL of a record's title, where r names what has its kind and its row.
func (d Decisions) title() string {
	var cases strings.Builder
	for _, k := range d.Mapping.Kinds {
		fmt.Fprintf(&cases, " when '%s' then (select name from %s b where b.connection_id = r.connection_id and b.id = r.row_id)", k.Name, TableOf(k.BaseTable))
	}
	return "coalesce(case r.kind" + cases.String() + " end, '')"
}

// Conflicts lists conflicts.
func (d Decisions) Conflicts(ctx context.Context, f journal.Find) (journal.Found[journal.ConflictRecord], error) {
	return list(ctx, d.Pool, f.Limit, func(c journal.ConflictRecord) string { return c.ID }, `
		select r.id::text, r.kind, r.row_id::text, coalesce(r.notion_id, ''), `+d.title()+`, r.field, r.rule, r.winner,
			r.notion_value, r.supabase_value, r.base_value, r.status, r.detected_at, r.decided_at, coalesce(r.decided_by, ''), r.decision
		from integration.sync_conflicts r
		where r.connection_id = $1 and r.intent_id is null and ($2 = '' or r.kind = $2) and ($3 = '' or r.row_id::text = $3)
		and ($4 = '' or r.field = $4) and ($5 = '' or r.status = $5) and r.detected_at >= $6 and ($7 = '' or r.id < nullif($7, '')::uuid)
		order by r.id desc limit $8`, scanConflict,
		d.ConnectionID, f.Kind, f.RowID, f.Field, f.Status, f.Since, f.Cursor, f.Limit+1)
}

// Conflict returns one conflict; fault.NotFound when there is none of that id.
func (d Decisions) Conflict(ctx context.Context, id string) (journal.ConflictRecord, error) {
	rows, err := d.Pool.Query(ctx, `
		select r.id::text, r.kind, r.row_id::text, coalesce(r.notion_id, ''), `+d.title()+`, r.field, r.rule, r.winner,
			r.notion_value, r.supabase_value, r.base_value, r.status, r.detected_at, r.decided_at, coalesce(r.decided_by, ''), r.decision
		from integration.sync_conflicts r where r.connection_id = $1 and r.id = $2 and r.intent_id is null`, d.ConnectionID, id)
	if err != nil {
		return journal.ConflictRecord{}, Fault(err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanConflict)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, fault.New(fault.NotFound, "There is no conflict %s; GET /sync/conflicts lists them.", id)
	}
	return c, Fault(err)
}

func scanConflict(row pgx.CollectableRow) (c journal.ConflictRecord, err error) {
	var decided *time.Time
	err = row.Scan(&c.ID, &c.Kind, &c.RowID, &c.PageID, &c.Title, &c.Field, &c.Rule, &c.Winner,
		&c.Notion, &c.Postgres, &c.Base, &c.Status, &c.DetectedAt, &decided, &c.DecidedBy, &c.Decision)
	if decided != nil {
		c.DecidedAt = *decided
	}
	return c, err
}

// Settle stores what a person decided about a conflict, for the next sync to do, and gives the conflict as it then is. It may be
// called again, with another decision too: the last one that a sync has not done counts. fault.NotFound: there is no such
// conflict. fault.Conflict: its record is deleted. fault.Invalid: its field cannot hold the value.
func (d Decisions) Settle(ctx context.Context, id string, decision journal.Decision) (journal.ConflictRecord, error) {
	c, err := d.Conflict(ctx, id)
	if err != nil {
		return c, err
	}
	kind, known := d.Mapping.Kind(c.Kind)
	if !known {
		return c, fault.New(fault.Conflict, "The mapping has no %s any more.", c.Kind)
	}
	if err := d.live(ctx, d.Pool, kind, c.RowID); err != nil {
		return c, err
	}
	if c.Field == "" {
		return d.settleDeletion(ctx, kind, c, decision)
	}
	value, property, err := d.chosen(kind, c, decision)
	if err != nil {
		return c, err
	}
	err = d.Pool.InTx(ctx, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		// All of the field's, in one order: two that settle different ones of them at once take turns.
		batch.Queue(`select from integration.sync_conflicts where connection_id = $1 and kind = $2 and row_id = $3 and field = $4 order by id for update`,
			d.ConnectionID, c.Kind, c.RowID, c.Field)
		batch.Queue(`update integration.sync_conflicts set status = 'settled', settled_at = $5 where connection_id = $1 and kind = $2 and row_id = $3 and field = $4
			and status in ('waiting', 'decided') and id <> $6`, d.ConnectionID, c.Kind, c.RowID, c.Field, decision.At, id)
		batch.Queue(`update integration.sync_conflicts set status = 'decided', decision = $3, decided_property = case when $4 then notion_property end,
			decided_at = $5, decided_by = $6, settled_at = null where connection_id = $1 and id = $2`,
			d.ConnectionID, id, value, property, decision.At, decision.By)
		batch.Queue(`insert into integration.sync_changes (connection_id, kind, row_id) values ($1, $2, $3)`, d.ConnectionID, c.Kind, c.RowID)
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return c, Fault(err)
	}
	return d.Conflict(ctx, id)
}

// live says whether a record is there; fault.Conflict when it is deleted.
func (d Decisions) live(ctx context.Context, q querier, kind mapping.Kind, rowID string) error {
	var live bool
	err := q.QueryRow(ctx, fmt.Sprintf(`select exists (select from %s where connection_id = $1 and id = $2 and archived_at is null)`,
		TableOf(kind.Table)), d.ConnectionID, rowID).Scan(&live)
	if err == nil && !live {
		err = fault.New(fault.Conflict, "The record is deleted. Restore it first: a page from Notion's trash, or a row by clearing archived_at.")
	}
	return Fault(err)
}

// chosen returns the value that was decided on, as the column shows it, and whether it is Notion's own.
func (d Decisions) chosen(kind mapping.Kind, c journal.ConflictRecord, decision journal.Decision) (value json.RawMessage, notions bool, err error) {
	field, known := kind.Field(c.Field)
	if !known || !field.Type.Writable() {
		return nil, false, fault.New(fault.Invalid, "Nobody can write %s: Notion computes it.", c.Field)
	}
	switch decision.Keep {
	case merge.Notion:
		return c.Notion, true, nil
	case merge.Supabase:
		return c.Postgres, false, nil
	}
	if _, err := record.FromColumn(field, decision.Value, nil); err != nil { // which speaks of a row, and nothing stands there yet
		return nil, false, fault.Wrap(err, fault.Invalid, "%s cannot hold that value: send one of the kind that the conflict's values are.", c.Field)
	}
	return decision.Value, false, nil
}

// settleDeletion keeps a record that an edit brought back, or deletes it after all, as the application would.
func (d Decisions) settleDeletion(ctx context.Context, kind mapping.Kind, c journal.ConflictRecord, decision journal.Decision) (journal.ConflictRecord, error) {
	if decision.Keep == "" {
		return c, fault.New(fault.Invalid, "A deletion has no value: keep notion or supabase.")
	}
	err := d.Pool.InTx(ctx, func(tx pgx.Tx) error {
		// Two that decide at once take turns, and the later one sees what the other did.
		if _, err := tx.Exec(ctx, `select from integration.sync_conflicts where connection_id = $1 and id = $2 for update`, d.ConnectionID, c.ID); err != nil {
			return err
		}
		if err := d.live(ctx, tx, kind, c.RowID); err != nil {
			return err
		}
		if decision.Keep != c.Winner {
			if _, err := tx.Exec(ctx, fmt.Sprintf(`update %s set archived_at = $3 where connection_id = $1 and id = $2`,
				TableOf(kind.Table)), d.ConnectionID, c.RowID, decision.At); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `update integration.sync_conflicts set status = 'settled', decided_at = $3, decided_by = $4, settled_at = $3
			where connection_id = $1 and id = $2`, d.ConnectionID, c.ID, decision.At, decision.By)
		return err
	})
	if err != nil {
		return c, Fault(err)
	}
	return d.Conflict(ctx, c.ID)
}

// Errors lists the records that one side refused.
func (d Decisions) Errors(ctx context.Context, f journal.Find) (journal.Found[journal.ErrorRecord], error) {
	return list(ctx, d.Pool, f.Limit, func(e journal.ErrorRecord) string { return e.RowID }, `
		select r.kind, r.row_id::text, coalesce(r.notion_id, ''), `+d.title()+`, r.side, r.reason, r.attempts, r.first_at, r.last_at, r.next_attempt_at, r.fields
		from integration.sync_errors r
		where r.connection_id = $1 and `+amiss+` and ($2 = '' or r.kind = $2) and ($3 = '' or r.row_id < nullif($3, '')::uuid)
		order by r.row_id desc fetch first ($4::bigint) rows with ties`, pgx.RowToStructByPos[journal.ErrorRecord], d.ConnectionID, f.Kind, f.Cursor, f.Limit+1)
}

// Retry has records that were refused tried again with the next sync: those named, or all of the kind; "" is every kind. It gives how
// many.
func (d Decisions) Retry(ctx context.Context, kind string, rowIDs []string, at time.Time) (int64, error) {
	done, err := d.Pool.Exec(ctx, `
		update integration.sync_errors set next_attempt_at = $4
		where connection_id = $1 and ($2 = '' or kind = $2) and (cardinality($3::uuid[]) = 0 or row_id = any($3::uuid[]))`,
		d.ConnectionID, kind, rowIDs, at)
	return done.RowsAffected(), Fault(err)
}

// Hold returns a hold with its records, after the cursor; fault.NotFound when there is none of that id.
func (d Decisions) Hold(ctx context.Context, id string, f journal.Find) (h journal.Hold, held journal.Found[journal.HeldRecord], err error) {
	holds, err := d.holds(ctx, `id = $2`, id)
	if err == nil && len(holds) == 0 {
		err = fault.New(fault.NotFound, "There is no hold %s; GET /sync/status lists those that wait.", id)
	}
	if err != nil {
		return h, held, err
	}
	held, err = list(ctx, d.Pool, f.Limit, func(r journal.HeldRecord) string { return r.RowID }, `
		select r.row_id::text, coalesce(r.notion_id, ''), `+d.title()+` from integration.sync_held_records r
		where r.connection_id = $1 and r.hold_id = $2 and ($3 = '' or r.row_id < nullif($3, '')::uuid)
		order by r.row_id desc limit $4`, pgx.RowToStructByPos[journal.HeldRecord], d.ConnectionID, id, f.Cursor, f.Limit+1)
	return holds[0], held, err
}

// Holds returns the deletions that wait to be decided, oldest first.
func (d Decisions) Holds(ctx context.Context) ([]journal.Hold, error) {
	return d.holds(ctx, `status = $2`, string(journal.Waiting))
}

func (d Decisions) holds(ctx context.Context, where, arg string) ([]journal.Hold, error) {
	rows, err := d.Pool.Query(ctx, `
		select id::text, kind, side, status, records, total, created_at, `+holdVersion+` from integration.sync_holds h
		where connection_id = $1 and `+where+` order by created_at, id`, d.ConnectionID, arg)
	if err != nil {
		return nil, Fault(err)
	}
	holds, err := pgx.CollectRows(rows, pgx.RowToStructByPos[journal.Hold])
	return holds, Fault(err)
}

// holdVersion is the version of a hold h, which changes with the records that it holds.
const holdVersion = `(select left(encode(sha256(convert_to(coalesce(string_agg(r.row_id::text, '' order by r.row_id), ''), 'UTF8')), 'hex'), 16)
	from integration.sync_held_records r where r.hold_id = h.id)`

// Decide stores what becomes of held deletions, for the next sync to do. version is that of the hold that whoever decides has seen; with "" any will
// do. fault.Conflict: somebody has decided before, there is nothing left to decide, or the hold has other records by now.
func (d Decisions) Decide(ctx context.Context, id string, verdict journal.Verdict, version, by string, at time.Time) (journal.Hold, error) {
	var decided bool
	if err := d.Pool.InTx(ctx, func(tx pgx.Tx) error {
		// Whoever adds records locks the hold first, so that the version is looked at in a statement of its own, once nobody else has the lock.
		if _, err := tx.Exec(ctx, `select from integration.sync_holds where connection_id = $1 and id = $2 for update`, d.ConnectionID, id); err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `update integration.sync_holds h set status = $3, decided_by = $4, decided_at = $5
			where connection_id = $1 and id = $2 and status = 'waiting' and $6 in ('', `+holdVersion+`)`, d.ConnectionID, id, verdict, by, at, version)
		decided = done.RowsAffected() > 0
		return err
	}); err != nil {
		return journal.Hold{}, Fault(err)
	}
	h, _, err := d.Hold(ctx, id, journal.Find{Limit: 1})
	switch {
	case err != nil || decided:
	case h.Status == journal.Waiting:
		err = fault.New(fault.Conflict, "The batch has other records by now. Look at them again with GET /sync/held/%s, and send the version that it returns.", id)
	default:
		err = fault.New(fault.Conflict, "The hold is %s already.", h.Status)
	}
	return h, err
}

// list returns a page of rows: query asks for one more than limit, to see whether there is a next page. Rows of one id, in several tables, are not
// parted.
func list[T any](ctx context.Context, pool *Pool, limit int, id func(T) string, query string, scan pgx.RowToFunc[T], args ...any) (journal.Found[T], error) {
	rows, err := pool.Query(ctx, query, args...)
	if err != nil {
		return journal.Found[T]{}, Fault(err)
	}
	items, err := pgx.CollectRows(rows, scan)
	if err != nil || len(items) <= limit {
		return journal.Found[T]{Items: items}, Fault(err)
	}
	n := limit
	for n < len(items) && id(items[n]) == id(items[n-1]) {
		n++
	}
	return journal.Found[T]{Items: items[:n], Next: id(items[n-1])}, nil
}
