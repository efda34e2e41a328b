package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// Runs tells of runs, and of what dry runs would do.
type Runs struct {
	Pool         *Pool
	ConnectionID string
}

// Run returns a run with its parts; fault.NotFound when there is none of that id.
func (r Runs) Run(ctx context.Context, id string) (journal.RunReport, error) {
	told := journal.RunReport{Run: journal.Run{ID: id, ConnectionID: r.ConnectionID}, Parts: map[string]journal.PartReport{}}
	var started, finished *time.Time
	err := r.Pool.QueryRow(ctx, `
		select type, dry_run, requested_by, created_at, status, started_at, finished_at from integration.sync_runs where connection_id = $1 and id = $2`,
		r.ConnectionID, id).Scan(&told.Type, &told.DryRun, &told.RequestedBy, &told.CreatedAt, &told.Status, &started, &finished)
	if errors.Is(err, pgx.ErrNoRows) {
		return told, fault.New(fault.NotFound, "There is no run %s. POST /sync/trigger answers with the id of the run that it starts.", id)
	}
	if err != nil {
		return told, Fault(err)
	}
	told.StartedAt, told.FinishedAt = orZero(started), orZero(finished)
	rows, err := r.Pool.Query(ctx, `
		select kind, status, coalesce(checkpoint->>'phase', ''), coalesce(error, ''), counts from integration.sync_run_databases where run_id = $1`, id)
	if err != nil {
		return told, Fault(err)
	}
	var kind string
	var p journal.PartReport
	_, err = pgx.ForEachRow(rows, []any{&kind, &p.Status, &p.Phase, &p.Error, &p.Counts}, func() error {
		told.Parts[kind] = p
		p = journal.PartReport{}
		return nil
	})
	return told, Fault(err)
}

func orZero(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return *at
}

// Preview returns what a dry run would do, in the order in which it found out. Records that it would leave alone are left out.
func (r Runs) Preview(ctx context.Context, f journal.PreviewFilter) (journal.PreviewPage, error) {
	const fits = `connection_id = $1 and run_id = $2 and ($3 = '' or kind = $3)
		and (doubtful or match <> '' or notion is not null or supabase is not null or refusal is not null or conflicts <> '[]')`
	var page journal.PreviewPage
	if err := r.Pool.QueryRow(ctx, `select count(*) from integration.sync_previews where `+fits, r.ConnectionID, f.RunID, f.Kind).Scan(&page.Total); err != nil {
		return page, Fault(err)
	}
	rows, err := r.Pool.Query(ctx, `
		select seq, kind, coalesce(notion_id, ''), coalesce(row_id::text, ''), title, match, doubtful, notion, supabase, held, conflicts, refusal
		from integration.sync_previews where `+fits+` and seq > $4 order by seq limit $5`, r.ConnectionID, f.RunID, f.Kind, f.After, f.Limit+1)
	if err != nil {
		return page, Fault(err)
	}
	page.Records, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p journal.Preview, err error) {
		err = row.Scan(&p.Place, &p.Kind, &p.Key.PageID, &p.Key.RowID, &p.Title, &p.Match, &p.Doubtful, &p.Notion, &p.Supabase, &p.Held, &p.Conflicts, &p.Refusal)
		return p, err
	})
	if len(page.Records) > f.Limit { // one more than was asked for: there is a next page
		page.Records = page.Records[:f.Limit]
		page.Next = page.Records[f.Limit-1].Place
	}
	return page, Fault(err)
}
