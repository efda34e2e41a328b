package records

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// Full returns why the workspace takes no more pages, "" when it does, and whether the run is the one to try if it does again: a run is
// told so once, and a look, whose runID is the nil UUID, never.
func (t *Tables) Full(ctx context.Context, runID string) (reason string, probe bool, err error) {
	err = t.pool.QueryRow(ctx, `
		with claimed as (
			update integration.full_workspaces set probed_by = $2 where connection_id = $1 and probed_by is distinct from $2 and $2 <> '00000000-0000-0000-0000-000000000000'::uuid
			returning connection_id)
		select reason, exists (select from claimed) from integration.full_workspaces where connection_id = $1`, t.connectionID, runID).Scan(&reason, &probe)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	return reason, probe, postgres.Fault(err)
}

// Filled notes that the run was refused a page for want of room.
func (t *Tables) Filled(ctx context.Context, runID, reason string) error {
	_, err := t.pool.Exec(ctx, `
		insert into integration.full_workspaces (connection_id, reason, probed_by) values ($1, $2, $3)
		on conflict (connection_id) do update set reason = excluded.reason, probed_by = excluded.probed_by`, t.connectionID, reason, runID)
	return postgres.Fault(err)
}

// Emptied notes that there is room: the records that waited for it, of all databases, count as changed.
func (t *Tables) Emptied(ctx context.Context) error {
	_, err := t.pool.Exec(ctx, `
		with room as (delete from integration.full_workspaces where connection_id = $1 returning reason),
		waited as (delete from integration.sync_errors e using room where e.connection_id = $1 and e.side = 'notion' and e.reason = room.reason returning e.kind, e.row_id)
		insert into integration.sync_changes (connection_id, kind, row_id) select $1, kind, row_id from waited order by kind, row_id`, t.connectionID)
	return postgres.Fault(err)
}

// WaitingForRoom returns the record of the database that has waited for room the longest; false when none waits.
func (t *Tables) WaitingForRoom(ctx context.Context) (key journal.Key, found bool, err error) {
	err = t.pool.QueryRow(ctx, `
		select coalesce(e.notion_id, ''), e.row_id::text from integration.sync_errors e join integration.full_workspaces f using (connection_id, reason)
		where e.connection_id = $1 and e.kind = $2 and e.side = 'notion' order by e.first_at, e.row_id limit 1`, t.connectionID, t.kind.Name).
		Scan(&key.PageID, &key.RowID)
	if errors.Is(err, pgx.ErrNoRows) {
		return key, false, nil
	}
	return key, err == nil, postgres.Fault(err)
}
