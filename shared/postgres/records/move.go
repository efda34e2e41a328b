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

// byRow are the tables, beside the base, that name a record by its row.
func byRow() []string {
	return []string{
		"integration.sync_changes", "integration.sync_intents", "integration.sync_conflicts", "integration.sync_errors", "integration.sync_held_records", "integration.sync_match_pages", "integration.sync_match_rows",
	}
}

// Move has records follow their rows to the ids that somebody gave these, and notes the pages that carry the old ones. fault.Conflict when the
// lease was lost.
func (t *Tables) Move(ctx context.Context, lease journal.Lease) error {
	var waiting bool
	if err := t.pool.QueryRow(ctx, `select exists (select from integration.sync_row_id_changes where connection_id = $1 and kind = $2)`, t.connectionID, t.kind.Name).Scan(&waiting); err != nil || !waiting {
		return postgres.Fault(err)
	}
	return postgres.Fault(pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		if err := postgres.Fence(ctx, tx, lease); err != nil {
			return err
		}
		if err := begin(ctx, tx, aloneLimit); err != nil {
			return err
		}
		seqs, moved, err := t.moves(ctx, tx)
		if err != nil {
			return err
		}
		if err := t.makeRoom(ctx, tx, moved); err != nil {
			return err
		}
		if err := t.follow(ctx, tx, moved); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from integration.sync_row_id_changes where connection_id = $1 and seq = any($2)`, t.connectionID, seqs)
		return err
	}))
}

// moves returns the moves that were noted, and where the record of each id is by now.
func (t *Tables) moves(ctx context.Context, tx pgx.Tx) (seqs []int64, moved map[string]string, err error) {
	rows, err := tx.Query(ctx, `select seq, old_id::text, new_id::text from integration.sync_row_id_changes where connection_id = $1 and kind = $2 order by seq`, t.connectionID, t.kind.Name)
	if err != nil {
		return nil, nil, err
	}
	moved = map[string]string{} // where the record that began at an id is
	at := map[string]string{}   // where the record that is at an id began
	var seq int64
	var from, to string
	_, err = pgx.ForEachRow(rows, []any{&seq, &from, &to}, func() error {
		seqs = append(seqs, seq)
		if gone, taken := at[to]; taken { // that one was deleted since
			moved[gone] = t.newID()
		}
		began := from
		if b, known := at[from]; known {
			began = b
		}
		delete(at, from)
		moved[began], at[to] = to, began
		return nil
	})
	return seqs, moved, err
}

// makeRoom moves those records out of the way whose rows were deleted before another took their ids. Their deletion is still to be noticed.
func (t *Tables) makeRoom(ctx context.Context, tx pgx.Tx, moved map[string]string) error {
	rows, err := tx.Query(ctx, fmt.Sprintf(`select id::text from %s where connection_id = $1 and id = any($2::uuid[])`,
		postgres.TableOf(t.kind.BaseTable)), t.connectionID, slices.Collect(maps.Values(moved)))
	if err != nil {
		return err
	}
	taken, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, id := range taken {
		if _, moves := moved[id]; !moves {
			moved[id] = t.newID()
		}
	}
	return err
}

// follow changes the ids, by way of others, since two records may have changed places.
func (t *Tables) follow(ctx context.Context, tx pgx.Tx, moved map[string]string) error {
	var from, by, to []string
	for _, id := range slices.Sorted(maps.Keys(moved)) {
		if moved[id] != id {
			from, by, to = append(from, id), append(by, t.newID()), append(to, moved[id])
		}
	}
	base := postgres.TableOf(t.kind.BaseTable)
	todo := &pgx.Batch{}
	todo.Queue(`update integration.sync_intents set row_key = coalesce(row_key, row_id) where connection_id = $1 and kind = $2 and row_id = any($3::uuid[]) and op = 'create'`,
		t.connectionID, t.kind.Name, from)
	for _, step := range [][2][]string{{from, by}, {by, to}} {
		todo.Queue(fmt.Sprintf(`update %s b set id = x.next from unnest($2::uuid[], $3::uuid[]) x (id, next) where b.connection_id = $1 and b.id = x.id`, base),
			t.connectionID, step[0], step[1])
		for _, table := range byRow() {
			todo.Queue(fmt.Sprintf(`update %s b set row_id = x.next from unnest($3::uuid[], $4::uuid[]) x (id, next)
				where b.connection_id = $1 and b.kind = $2 and b.row_id = x.id`, table), t.connectionID, t.kind.Name, step[0], step[1])
		}
		todo.Queue(`update integration.sync_replaced_pages b set row_id = x.next from unnest($2::uuid[], $3::uuid[]) x (id, next) where b.connection_id = $1 and b.row_id = x.id`,
			t.connectionID, step[0], step[1])
	}
	// A page that was edited while its record was set aside is listed by no other run: it is asked for.
	todo.Queue(fmt.Sprintf(`update %s set data = data - 'last_edited_time', exact = false where connection_id = $1 and id = any($2::uuid[])`, base), t.connectionID, to)
	// What waits for a related row may wait for it already by the new id: a join table tells of it when an id in it changes.
	todo.Queue(`
		with moved as (
			delete from integration.sync_waiting_relations w using unnest($3::uuid[], $4::uuid[]) x (id, next)
			where w.connection_id = $1 and w.kind = $2 and w.row_id = x.id returning w.field, x.next, w.page_id)
		insert into integration.sync_waiting_relations (connection_id, kind, field, row_id, page_id) select $1, $2, field, next, page_id from moved
		on conflict do nothing`, t.connectionID, t.kind.Name, from, to)
	todo.Queue(`insert into integration.sync_changes (connection_id, kind, row_id, changed_at) select $1, $2, unnest($3::uuid[]), null`, t.connectionID, t.kind.Name, to)
	if t.kind.RowKeyProperty != "" {
		todo.Queue(fmt.Sprintf(`insert into integration.sync_stale_row_keys (connection_id, kind, notion_id)
			select connection_id, $2, notion_id from %s where connection_id = $1 and id = any($3::uuid[]) and state = 'live' on conflict do nothing`, base),
			t.connectionID, t.kind.Name, to)
	}
	return tx.SendBatch(ctx, todo).Close()
}

// Rekeys returns pages that carry another id than that of their row, with the row's.
func (t *Tables) Rekeys(ctx context.Context, limit int) ([]journal.Key, error) {
	rows, err := t.pool.Query(ctx, fmt.Sprintf(`
		select k.notion_id, coalesce(b.id::text, '') from integration.sync_stale_row_keys k left join %s b on b.connection_id = k.connection_id and b.notion_id = k.notion_id and b.state = 'live'
		where k.connection_id = $1 and k.kind = $2 order by k.notion_id limit $3`, postgres.TableOf(t.kind.BaseTable)), t.connectionID, t.kind.Name, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

// Rekeyed notes that pages carry the ids of their rows.
func (t *Tables) Rekeyed(ctx context.Context, pageIDs []string) error {
	_, err := t.pool.Exec(ctx, `delete from integration.sync_stale_row_keys where connection_id = $1 and kind = $2 and notion_id = any($3)`, t.connectionID, t.kind.Name, pageIDs)
	return postgres.Fault(err)
}
