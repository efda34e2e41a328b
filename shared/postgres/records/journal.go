package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// Database returns what is known of the Notion database, nil at first contact, and how many live records the base has.
func (t *Tables) Database(ctx context.Context) (*journal.Database, int, error) {
	var size int
	if err := t.pool.QueryRow(ctx, t.sql.size, t.connectionID).Scan(&size); err != nil {
		return nil, 0, postgres.Fault(err)
	}
	var d journal.Database
	var through, listed *time.Time
	err := t.pool.QueryRow(ctx, `
		select database_id, data_source_id, property_ids, notion_through, listed_at, drifts, coalesce(row_key_property, ''), columns, fields_to_read, renames
		from integration.sync_databases where connection_id = $1 and kind = $2`, t.connectionID, t.kind.Name).
		Scan(&d.DatabaseID, &d.DataSourceID, &d.Binding, &through, &listed, &d.Drifts, &d.RowKey, &d.Columns, &d.Learning, &d.Renames)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, size, nil
	}
	if through != nil {
		d.NotionThrough = *through
	}
	if listed != nil {
		d.ListedAt = *listed
	}
	return &d, size, postgres.Fault(err)
}

// saveDatabase queues the storing of what is known of the Notion database.
func (t *Tables) saveDatabase(batch *pgx.Batch, d *journal.Database) {
	batch.Queue(`
		insert into integration.sync_databases (connection_id, kind, database_id, data_source_id, property_ids, notion_through, listed_at, drifts, row_key_property, columns, fields_to_read, renames)
		values ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), coalesce($10::jsonb, '{}'), $11, $12)
		on conflict (connection_id, kind) do update set database_id = excluded.database_id, data_source_id = excluded.data_source_id,
			property_ids = excluded.property_ids, notion_through = excluded.notion_through, listed_at = excluded.listed_at,
			drifts = excluded.drifts, row_key_property = excluded.row_key_property,
			columns = excluded.columns, fields_to_read = excluded.fields_to_read, renames = excluded.renames, updated_at = now()`,
		t.connectionID, t.kind.Name, d.DatabaseID, d.DataSourceID, d.Binding, orNull(d.NotionThrough), orNull(d.ListedAt), listed(d.Drifts), d.RowKey, d.Columns, listed(d.Learning), listed(d.Renames))
}

// listed returns a list that is stored as one also where it has nothing.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func orNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// Intended returns the writes to Notion of which it is not known whether they were made, oldest first.
func (t *Tables) Intended(ctx context.Context) ([]journal.Intent, error) {
	rows, err := t.pool.Query(ctx, `
		select i.id::text, coalesce(i.notion_id, ''), i.row_id::text, i.op, i.title, i.columns, i.created_at, i.row_returns, coalesce(i.row_key::text, ''),
			coalesce((select array_agg(c.field order by c.id) from integration.sync_conflicts c where c.intent_id = i.id), '{}'),
			coalesce((select array_agg(coalesce(c.notion_value, 'null') order by c.id) from integration.sync_conflicts c where c.intent_id = i.id), '{}')
		from integration.sync_intents i where i.connection_id = $1 and i.kind = $2 order by i.created_at, i.id`, t.connectionID, t.kind.Name)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	intents, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (i journal.Intent, err error) {
		var fields []string
		var values []json.RawMessage
		err = row.Scan(&i.ID, &i.Key.PageID, &i.Key.RowID, &i.Op, &i.Title, &i.Columns, &i.At, &i.RowReturns, &i.RowKey, &fields, &values)
		for j, field := range fields {
			i.Conflicts = append(i.Conflicts, journal.Conflict{Conflict: merge.Conflict{Field: field}, NotionColumn: values[j]})
		}
		return i, err
	})
	return intents, postgres.Fault(err)
}

// Intend stores the writes that are about to be made, with what they overwrite. fault.Conflict when the lease was lost.
func (t *Tables) Intend(ctx context.Context, lease journal.Lease, intents []journal.Intent) error {
	return postgres.Fault(t.pool.InTx(ctx, func(tx pgx.Tx) error {
		if err := postgres.Fence(ctx, tx, lease); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		var replaced []journal.Closed
		for _, i := range intents {
			if i.Replaces != "" {
				replaced = append(replaced, journal.Closed{ID: i.Replaces})
			}
		}
		closeIntents(batch, replaced)
		for _, i := range intents {
			batch.Queue(`
				insert into integration.sync_intents (id, connection_id, kind, row_id, notion_id, op, title, columns, created_at, row_returns)
				values ($1, $2, $3, $4, nullif($5, ''), $6, $7, coalesce($8::jsonb, '{}'), $9, $10)`,
				i.ID, t.connectionID, t.kind.Name, i.Key.RowID, i.Key.PageID, i.Op, i.Title, i.Columns, i.At, i.RowReturns)
			for _, c := range i.Conflicts {
				t.saveConflict(batch, i.Key, c, &i.ID, i.At)
			}
		}
		return tx.SendBatch(ctx, batch).Close()
	}))
}

// saveConflict queues the storing of a conflict; intent is the write that would overwrite the value, nil when it is overwritten.
func (t *Tables) saveConflict(batch *pgx.Batch, key journal.Key, c journal.Conflict, intent *string, at time.Time) {
	if c.Reopens != nil { // unless a person decided anew meanwhile
		batch.Queue(`
			update integration.sync_conflicts set status = 'waiting', rule = $3, winner = $4, notion_value = $5, supabase_value = $6, notion_property = $7, detected_at = $8,
				decision = null, decided_property = null, decided_at = null, decided_by = null
			where connection_id = $9 and id = $1 and decided_at is not distinct from $2`,
			c.ID, c.Reopens.DecidedAt, c.Rule, c.Winner, storable(c.NotionColumn), storable(c.PostgresColumn), storable(c.PageProperty), at, t.connectionID)
		return
	}
	batch.Queue(`
		insert into integration.sync_conflicts (id, connection_id, kind, row_id, notion_id, field, rule, winner,
			notion_value, supabase_value, base_value, notion_property, intent_id, detected_at, status)
		values ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, $9, $10, $11, $12, $13, $14, case $8 when '' then 'waiting' else 'resolved' end)
		on conflict (connection_id, kind, row_id, field) where status = 'waiting' do update set notion_value = excluded.notion_value,
			supabase_value = excluded.supabase_value, notion_property = excluded.notion_property, detected_at = excluded.detected_at`,
		c.ID, t.connectionID, t.kind.Name, key.RowID, key.PageID, c.Field, c.Rule, c.Winner,
		storable(c.NotionColumn), storable(c.PostgresColumn), storable(c.BaseColumn), storable(c.PageProperty), intent, at)
}

// respell queues an open conflict with the new names of its options. It changes nothing where a person has decided anew meanwhile.
func (t *Tables) respell(batch *pgx.Batch, d journal.Dispute) {
	batch.Queue(`
		update integration.sync_conflicts set notion_value = $3, supabase_value = $4, decision = $5, decided_property = $6, notion_property = $7
		where connection_id = $8 and id = $1 and decided_at is not distinct from $2`,
		d.ConflictID, d.DecidedAt, storable(d.Notion), storable(d.Postgres), storable(d.Value), storable(d.Property), storable(d.Shown), t.connectionID)
}

// closeIntents queues what becomes of writes: the conflicts of those that were made stand, the others are void.
func closeIntents(batch *pgx.Batch, closed []journal.Closed) {
	var all, made []string
	for _, c := range closed {
		all = append(all, c.ID)
		if c.Made {
			made = append(made, c.ID)
		}
	}
	if len(all) == 0 {
		return
	}
	batch.Queue(`update integration.sync_conflicts set intent_id = null where intent_id = any($1::uuid[])`, made)
	batch.Queue(`delete from integration.sync_conflicts where intent_id = any($1::uuid[])`, all)
	batch.Queue(`delete from integration.sync_intents where id = any($1::uuid[])`, all)
}

// size counts the live records.
func (n naming) size() string {
	return fmt.Sprintf(`select count(*) from %s where connection_id = $1 and state = 'live'`, n.base)
}
