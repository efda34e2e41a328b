package records

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// held is the data of sync_held.
type held struct {
	HoldID  string     `json:"hold_id"`
	Kind    string     `json:"kind"`
	Side    merge.Side `json:"side"`
	Records int        `json:"records"`
	Total   int        `json:"total"`
}

// Hold holds the deletions that a run is about to make, with all others that it would make on that side, and reports true when
// they are too many; else it leaves them. fault.Conflict when the lease was lost.
func (t *Tables) Hold(ctx context.Context, lease journal.Lease, d journal.Deletions) (holds bool, err error) {
	due, args := t.due(d)
	err = t.pool.InTx(ctx, func(tx pgx.Tx) error {
		if err := postgres.Fence(ctx, tx, lease); err != nil {
			return err
		}
		deletions, size, err := t.count(ctx, tx, due, args)
		if err != nil {
			return err
		}
		size += d.Made // what the database had when the run began
		if holds = d.Limit.Holds(deletions+d.Made, size); !holds {
			return nil
		}
		return t.hold(ctx, tx, d, size, due, args)
	})
	return holds, postgres.Fault(err)
}

// due returns the question for all deletions that a run would make on that side, and what it is asked with.
func (t *Tables) due(d journal.Deletions) (sql string, args []any) {
	pages, rows := make([]string, len(d.Keys)), make([]string, len(d.Keys))
	for i, k := range d.Keys {
		pages[i], rows[i] = k.PageID, k.RowID
	}
	args = []any{t.connectionID, t.kind.Name, pages, rows}
	if d.Side == merge.Notion {
		return t.sql.deletedRows, args
	}
	shown := d.Shown
	if shown == nil {
		shown = []string{}
	}
	return t.sql.absentPages, append(args, shown, d.RunID, d.Listed)
}

// count returns how many deletions are due, and how many live records the base has.
func (t *Tables) count(ctx context.Context, q querier, due string, args []any) (deletions, size int, err error) {
	err = q.QueryRow(ctx, `select (select count(*) from (`+due+`) due), (`+t.sql.size+`)`, args...).Scan(&deletions, &size)
	return deletions, size, err
}

// querier is a pool, or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// hold puts the deletions that are due into the hold that waits, a new one if need be.
func (t *Tables) hold(ctx context.Context, tx pgx.Tx, d journal.Deletions, size int, due string, args []any) error {
	at := held{Kind: t.kind.Name, Side: d.Side, Total: size}
	if err := tx.QueryRow(ctx, `
		insert into integration.sync_holds as h (id, connection_id, kind, side, records, total, created_at) values ($1, $2, $3, $4, 0, $5, $6)
		on conflict (connection_id, kind, side) where status = 'waiting' do update set total = excluded.total
		returning id::text`, t.newID(), t.connectionID, t.kind.Name, d.Side, size, d.At).Scan(&at.HoldID); err != nil {
		return err
	}
	added, err := tx.Exec(ctx, `
		insert into integration.sync_held_records (connection_id, kind, row_id, notion_id, hold_id)
		select $1, $2, due.row_id, due.notion_id, '`+at.HoldID+`' from (`+due+`) due on conflict do nothing`, args...)
	if err != nil || added.RowsAffected() == 0 {
		return err
	}
	if err := tx.QueryRow(ctx, `update integration.sync_holds set records = (select count(*) from integration.sync_held_records where hold_id = $1) where id = $1 returning records`,
		at.HoldID).Scan(&at.Records); err != nil {
		return err
	}
	return postgres.StoreEvents(ctx, tx, t.connectionID,
		event.Draft{Type: event.SyncHeld, Source: event.Integration, Target: event.Integration, Data: at}.New(t.newID(), d.At))
}

// release queues the taking of records out of their holds. A hold that waits counts those that are left; one without any has nothing to decide.
func (t *Tables) release(batch *pgx.Batch, rowIDs []string) {
	batch.Queue(`delete from integration.sync_held_records where connection_id = $1 and kind = $2 and row_id = any($3::uuid[])`, t.connectionID, t.kind.Name, rowIDs)
	batch.Queue(`
		update integration.sync_holds h set records = case l.held when 0 then h.records else l.held end, status = case l.held when 0 then 'withdrawn' else h.status end
		from integration.sync_holds w, lateral (select count(*) as held from integration.sync_held_records r where r.hold_id = w.id) l
		where w.id = h.id and h.connection_id = $1 and h.kind = $2 and h.status = 'waiting' and h.records <> l.held`, t.connectionID, t.kind.Name)
}

// deletedRows finds the live records whose rows are gone or archived.
func (n naming) deletedRows() string {
	return fmt.Sprintf(`
		select b.id as row_id, b.notion_id from %[1]s b
		where b.connection_id = $1 and b.state = 'live' and not exists (`+heldAs+` and h.status <> 'waiting')
		and (b.id = any($4::uuid[]) or b.notion_id = any($3::text[]) or exists (select from integration.sync_changes c where c.connection_id = $1 and c.kind = $2 and c.row_id = b.id)
			and not exists (select from %[4]s r where r.connection_id = $1 and r.id = b.id and r.archived_at is null)
			and not exists (select from integration.sync_row_id_changes v where v.connection_id = $1 and v.kind = $2 and v.old_id = b.id))`,
		n.base, "$2", "b.id", n.table)
}

// absentPages finds the live records whose pages a complete listing has not shown.
func (n naming) absentPages() string {
	return fmt.Sprintf(`
		select b.id as row_id, b.notion_id from %[1]s b
		where b.connection_id = $1 and b.state = 'live' and not exists (`+heldAs+` and h.status <> 'waiting')
		and (b.id = any($4::uuid[]) or b.notion_id = any($3::text[]) or $7 and b.notion_id <> all($5::text[])
			and b.notion_id not in (`+seen("$6", "$2")+`))`,
		n.base, "$2", "b.id")
}
