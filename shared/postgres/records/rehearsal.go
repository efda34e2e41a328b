package records

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// Rehearsal is the Postgres side of one database in a dry run. What would be written is tried in a transaction and taken back, so that
// what Postgres refuses is known beforehand; what would become of each record is kept in sync_previews. What the run would remember
// of the database, and its matches, stand beside the run.
type Rehearsal struct {
	*Tables
}

// NewRehearsal opens the tables of kind for the dry run of that id.
func NewRehearsal(pool *postgres.Pool, connectionID string, m mapping.Mapping, kind mapping.Kind, newID func() string, runID string) *Rehearsal {
	t := New(pool, connectionID, m, kind, newID)
	t.runID, t.scope, t.sql = &runID, rehearsed, statementsFor(kind, kind.Title().Column, t.relations, rehearsed)
	return &Rehearsal{t}
}

// Database returns what the run knows of the Notion database so far, else what is known of it.
func (r *Rehearsal) Database(ctx context.Context) (*journal.Database, int, error) {
	known, size, err := r.Tables.Database(ctx)
	if err != nil {
		return nil, 0, err
	}
	var own *journal.Database
	err = r.pool.QueryRow(ctx, `select rehearsed from integration.sync_run_databases where run_id = $1 and kind = $2`, r.runID, r.kind.Name).Scan(&own)
	if own != nil {
		known = own
	}
	return known, size, postgres.Fault(err)
}

// Hold reports whether the deletions that a run is about to make would be held. None of those that it has spoken of is made, so all
// are still due.
func (r *Rehearsal) Hold(ctx context.Context, _ journal.Lease, d journal.Deletions) (bool, error) {
	due, args := r.due(d)
	deletions, size, err := r.count(ctx, r.pool, due, args)
	return d.Limit.Holds(deletions, size), postgres.Fault(err)
}

// Full returns why the workspace takes no more pages. A dry run does not try whether it does.
func (r *Rehearsal) Full(ctx context.Context, _ string) (reason string, probe bool, err error) {
	reason, _, err = r.Tables.Full(ctx, uuid.Nil.String())
	return reason, false, err
}

// Intend stores nothing: no write is about to be made.
func (r *Rehearsal) Intend(context.Context, journal.Lease, []journal.Intent) error { return nil }

// Move moves nothing: records whose rows have other ids are left out.
func (r *Rehearsal) Move(context.Context, journal.Lease) error { return nil }

// Rekeys returns none: no page is written.
func (r *Rehearsal) Rekeys(context.Context, int) ([]journal.Key, error) { return nil, nil }

// Link moves nothing: no row that a relation waits for has come.
func (r *Rehearsal) Link(context.Context) error { return nil }

// Commit tries a batch as a real run's Commit would store it, takes it back, and keeps what would become of the records. The outcomes
// are those that the real run would have. fault.Conflict when the lease was lost.
func (r *Rehearsal) Commit(ctx context.Context, lease journal.Lease, batch journal.Batch) ([]journal.Outcome, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	results := make([]result, len(batch.Settled))
	err := r.divide(batch.Settled, results, func(settled []journal.Settled, results []result, limit time.Duration, _ bool) error {
		return r.try(ctx, settled, results, batch.At, limit)
	})
	if err != nil {
		return nil, postgres.Fault(err)
	}
	become := map[string]result{}
	for i, result := range results {
		become[batch.Settled[i].Key.RowID] = result
	}
	err = r.pool.InTx(ctx, func(tx pgx.Tx) error {
		if err := postgres.Fence(ctx, tx, lease); err != nil {
			return err
		}
		return r.keep(ctx, tx, batch, become)
	})
	return outcomesOf(results), postgres.Fault(err)
}

// errBack takes a transaction back that went well.
var errBack = errors.New("it was a rehearsal")

// try applies records in a transaction that is taken back.
func (r *Rehearsal) try(ctx context.Context, settled []journal.Settled, results []result, at time.Time, limit time.Duration) error {
	var became []result
	err := r.pool.InTx(ctx, func(tx pgx.Tx) error {
		became = slices.Clone(results)
		return within(ctx, limit, func(ctx context.Context) error {
			return cmp.Or(r.applyLocked(ctx, tx, settled, became, at, limit), errBack)
		})
	})
	if !errors.Is(err, errBack) {
		return err
	}
	copy(results, became)
	return nil
}

// keep stores what the run has found, and how far it is. A record whose row changed under it is looked at again.
func (r *Rehearsal) keep(ctx context.Context, tx pgx.Tx, batch journal.Batch, become map[string]result) error {
	todo := &pgx.Batch{}
	var previews []previewRow
	for _, p := range batch.Previews {
		switch result := become[p.Key.RowID]; {
		case result.refused != "":
			p.Refusal = &journal.Foreseen{Side: merge.Supabase, Reason: result.refused}
		case !result.applied:
			continue // it is looked at again
		}
		previews = append(previews, rowOf(p))
	}
	if len(previews) > 0 {
		rows, err := json.Marshal(previews)
		if err != nil {
			return err
		}
		todo.Queue(`
			insert into integration.sync_previews (connection_id, run_id, kind, row_id, notion_id, title, match, notion, supabase, held, conflicts, refusal)
			select $1, $2, $3, x.row_id, nullif(x.notion_id, ''), x.title, x.match, x.notion, x.supabase, x.held, coalesce(x.conflicts, '[]'), x.refusal
			from jsonb_to_recordset($4) as x(row_id uuid, notion_id text, title text, match text, notion jsonb, supabase jsonb, held boolean, conflicts jsonb, refusal jsonb)
			on conflict (run_id, kind, row_id) do nothing`, r.connectionID, r.runID, r.kind.Name, storable(rows))
	}
	if len(batch.Seen) > 0 {
		todo.Queue(`insert into integration.sync_listed_pages (run_id, kind, notion_id) select $1, $2, unnest($3::text[]) on conflict do nothing`, r.runID, r.kind.Name, batch.Seen)
	}
	r.stagePages(todo, batch)
	if batch.Database != nil {
		todo.Queue(`update integration.sync_run_databases set rehearsed = $3 where run_id = $1 and kind = $2`, r.runID, r.kind.Name, batch.Database)
	}
	if err := tx.SendBatch(ctx, todo).Close(); err != nil {
		return err
	}
	return postgres.SavePart(ctx, tx, batch.Part)
}

// previewRow is a row of sync_previews.
type previewRow struct {
	RowID     string              `json:"row_id"`
	NotionID  string              `json:"notion_id"`
	Title     string              `json:"title"`
	Match     journal.Criterion   `json:"match"`
	Notion    *journal.Effect     `json:"notion,omitempty"`
	Supabase  *journal.Effect     `json:"supabase,omitempty"`
	Held      bool                `json:"held"`
	Conflicts []journal.Overruled `json:"conflicts"`
	Refusal   *journal.Foreseen   `json:"refusal,omitempty"`
}

func rowOf(p journal.Preview) previewRow {
	return previewRow{p.Key.RowID, p.Key.PageID, p.Title, p.Match, p.Notion, p.Supabase, p.Held, p.Conflicts, p.Refusal}
}

// Match decides for this run only, and notes what is in doubt.
func (r *Rehearsal) Match(ctx context.Context, lease journal.Lease, part journal.Part) (matched, doubtful int, err error) {
	err = r.pool.InTx(ctx, func(tx pgx.Tx) error {
		if err := r.pair(ctx, tx, lease, part); err != nil {
			return err
		}
		// Rows that nobody has changed come after all that somebody has.
		if _, err := tx.Exec(ctx, `
			update integration.sync_match_rows m set place = (1::bigint << 40) + n.place
			from (
				select row_id, row_number() over (order by row_id) as place from integration.sync_match_rows
				where run_id = $1 and kind = $2 and state <> 'doubtful'
			) n
			where m.run_id = $1 and m.kind = $2 and m.row_id = n.row_id
			and not exists (select from integration.sync_changes c where c.connection_id = $3 and c.kind = $2 and c.row_id = m.row_id)`,
			r.runID, r.kind.Name, r.connectionID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			insert into integration.sync_previews (connection_id, run_id, kind, notion_id, title, match, doubtful)
			select connection_id, run_id, kind, notion_id, title, matched_by, true from integration.sync_match_pages
			where run_id = $1 and kind = $2 and state = 'doubtful' order by seq`, r.runID, r.kind.Name); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			select count(*) filter (where state = 'matched'), count(*) filter (where state = 'doubtful')
			from integration.sync_match_pages where run_id = $1 and kind = $2`, r.runID, r.kind.Name).Scan(&matched, &doubtful)
	})
	return matched, doubtful, postgres.Fault(err)
}
