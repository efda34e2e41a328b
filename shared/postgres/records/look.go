package records

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// Awaited reports whether a message is under way that has a worker look.
func (t *Tables) Awaited(ctx context.Context) (awaited bool, err error) {
	err = t.pool.QueryRow(ctx, `select exists (select from integration.sync_wakeups where connection_id = $1 and kind = $2)`, t.connectionID, t.kind.Name).Scan(&awaited)
	return awaited, postgres.Fault(err)
}

// Awake notes that a worker looks now: what is noticed from here on needs a message of its own.
func (t *Tables) Awake(ctx context.Context) error {
	_, err := t.pool.Exec(ctx, `delete from integration.sync_wakeups where connection_id = $1 and kind = $2`, t.connectionID, t.kind.Name)
	return postgres.Fault(err)
}

// Looks returns the next pages that are to be looked at, the longest waiting first.
func (t *Tables) Looks(ctx context.Context, limit int) ([]journal.Look, error) {
	rows, err := t.pool.Query(ctx, `
		select page_id, asked_at from integration.sync_reported_pages where connection_id = $1 and kind = $2 order by asked_at, page_id limit $3`,
		t.connectionID, t.kind.Name, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	looks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[journal.Look])
	return looks, postgres.Fault(err)
}

// Looked notes that pages were looked at. One that was told of again since it was given stays to be looked at.
func (t *Tables) Looked(ctx context.Context, looks []journal.Look) error {
	pages, times := make([]string, len(looks)), make([]time.Time, len(looks))
	for i, l := range looks {
		pages[i], times[i] = l.PageID, l.AskedAt
	}
	_, err := t.pool.Exec(ctx, `
		delete from integration.sync_reported_pages l using unnest($3::text[], $4::timestamptz[]) as done (page_id, asked_at)
		where l.connection_id = $1 and l.kind = $2 and l.page_id = done.page_id and l.asked_at = done.asked_at`,
		t.connectionID, t.kind.Name, pages, times)
	return postgres.Fault(err)
}

// Deleted returns how many records were deleted on each side since a time.
func (t *Tables) Deleted(ctx context.Context, since time.Time) (map[merge.Side]int, error) {
	deleted := map[merge.Side]int{}
	rows, err := t.pool.Query(ctx, `
		select target_system, count(*) from integration.events
		where connection_id = $1 and type = $2 and data->>'kind' = $3 and created_at >= $4 group by target_system`,
		t.connectionID, event.RecordDeleted, t.kind.Name, since)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	var side string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&side, &n}, func() error {
		deleted[merge.Side(side)] = n
		return nil
	})
	return deleted, postgres.Fault(err)
}
