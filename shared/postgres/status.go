package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// stalledAfter is how long nobody works on a sync before it is said to stand still: a message is on its way for less.
const stalledAfter = time.Minute

// problems is how many problems are listed at the most.
const problems = 50

// amiss says that what was set aside of a record is more than a lock that was there a moment ago.
const amiss = `not (waits and first_at > now() - interval '1 minute')`

// Status tells how the sync is doing.
type Status struct {
	Pool         *Pool
	ConnectionID string
	Mapping      mapping.Mapping
	// Kinds are the databases that are synced; nil: all of the mapping. What was wrong with another is of no concern any more.
	Kinds []string
}

// synced returns the databases that are synced.
func (s Status) synced() []string {
	if s.Kinds != nil {
		return s.Kinds
	}
	kinds := make([]string, len(s.Mapping.Kinds))
	for i, k := range s.Mapping.Kinds {
		kinds[i] = k.Name
	}
	return kinds
}

// Ping reports whether the database answers, and takes writes.
func (s Status) Ping(ctx context.Context) error {
	var readOnly bool
	err := s.Pool.QueryRow(unmeasured(ctx), `select current_setting('transaction_read_only')::boolean`).Scan(&readOnly)
	if err == nil && readOnly {
		err = &pgconn.PgError{Severity: "ERROR", Code: "25006", Message: "cannot execute UPDATE in a read-only transaction"}
	}
	return Fault(err)
}

// Read returns the status as it is now.
func (s Status) Read(ctx context.Context) (journal.Status, error) {
	var status journal.Status
	for _, read := range []func(context.Context, *journal.Status) error{s.ended, s.counts, s.running, s.problems, s.held, s.waiting, s.outOfStep} {
		if err := read(ctx, &status); err != nil {
			return journal.Status{}, Fault(err)
		}
	}
	return status, nil
}

func (s Status) ended(ctx context.Context, status *journal.Status) error {
	var success, run *time.Time
	var failed *bool
	var millis *float64
	err := s.Pool.QueryRow(ctx, `
		select
			(select max(finished_at) from integration.sync_runs where connection_id = $1 and status = 'succeeded' and not dry_run),
			last.finished_at, last.status = 'failed',
			(select extract(epoch from finished_at - started_at) * 1000 from integration.sync_runs
				where connection_id = $1 and status = 'succeeded' and not dry_run order by finished_at desc limit 1)::float8
		from (select) one left join lateral (
			select finished_at, status from integration.sync_runs where connection_id = $1 and finished_at is not null and not dry_run order by finished_at desc limit 1
		) last on true`, s.ConnectionID).Scan(&success, &run, &failed, &millis)
	if success != nil {
		status.LastSuccess = *success
	}
	if run != nil {
		status.LastRun, status.LastFailed = *run, *failed
	}
	if millis != nil {
		status.LastDuration = time.Duration(*millis * float64(time.Millisecond))
	}
	return err
}

func (s Status) counts(ctx context.Context, status *journal.Status) error {
	live := make([]string, len(s.Mapping.Kinds))
	for i, k := range s.Mapping.Kinds {
		live[i] = fmt.Sprintf("(select count(*) from %s where connection_id = $1 and state = 'live')", TableOf(k.BaseTable))
	}
	return s.Pool.QueryRow(ctx, `
		select `+strings.Join(live, " + ")+`,
			(select count(*) from integration.sync_conflicts where connection_id = $1 and intent_id is null and status <> 'waiting'),
			(select count(*) from integration.sync_conflicts where connection_id = $1 and status = 'waiting' and kind = any($2)),
			(select count(*) from integration.sync_match_pages where connection_id = $1 and run_id is null and state = 'doubtful' and kind = any($2))`, s.ConnectionID, s.synced()).
		Scan(&status.Synced, &status.Conflicts, &status.Waiting, &status.Doubtful)
}

func (s Status) running(ctx context.Context, status *journal.Status) error {
	rows, err := s.Pool.Query(ctx, `
		select r.id::text, r.type, r.dry_run, coalesce(r.started_at, r.created_at), p.kind, p.status, p.checkpoint, p.counts, p.started_at
		from integration.sync_runs r join integration.sync_run_databases p on p.run_id = r.id
		where r.connection_id = $1 and r.status in ('queued', 'running') order by r.created_at, r.id, p.kind`, s.ConnectionID)
	if err != nil {
		return err
	}
	var run journal.Progress
	var kind string
	var part journal.PartProgress
	var started *time.Time
	into := []any{&run.RunID, &run.Type, &run.DryRun, &run.StartedAt, &kind, &part.Status, &part.At, &part.Counts, &started}
	_, err = pgx.ForEachRow(rows, into, func() error {
		if started != nil {
			part.StartedAt = *started
		}
		if n := len(status.Running); n == 0 || status.Running[n-1].RunID != run.RunID {
			run.Databases = map[string]journal.PartProgress{}
			status.Running = append(status.Running, run)
		}
		status.Running[len(status.Running)-1].Databases[kind] = part
		part = journal.PartProgress{}
		return nil
	})
	return err
}

func (s Status) held(ctx context.Context, status *journal.Status) (err error) {
	status.Held, err = Decisions{Pool: s.Pool, ConnectionID: s.ConnectionID}.Holds(ctx)
	status.Held = slices.DeleteFunc(status.Held, func(h journal.Hold) bool { return !slices.Contains(s.synced(), h.Kind) })
	return err
}

// waiting reads what waits: databases for a worker, records for a lock to go.
func (s Status) waiting(ctx context.Context, status *journal.Status) error {
	rows, err := s.Pool.Query(ctx, `
		select kind, since from (select k.kind, (`+stalledSince("k.kind")+`) as since from unnest($2::text[]) k(kind)) v
		where since < clock_timestamp() - $3::interval order by since, kind`, s.ConnectionID, s.synced(), stalledAfter)
	if err != nil {
		return err
	}
	if status.Stalled, err = pgx.CollectRows(rows, pgx.RowToStructByPos[journal.Stall]); err != nil {
		return err
	}
	rows, err = s.Pool.Query(ctx, `
		select kind, row_id::text, reason, first_at from integration.sync_errors where connection_id = $1 and waits order by first_at, row_id limit $2`, s.ConnectionID, problems)
	if err != nil {
		return err
	}
	status.Locked, err = pgx.CollectRows(rows, pgx.RowToStructByPos[journal.Problem])
	return err
}

func (s Status) outOfStep(ctx context.Context, status *journal.Status) error {
	rows, err := s.Pool.Query(ctx, `
		select kind, d ->> 'field', d ->> 'change', d ->> 'was', d ->> 'is'
		from integration.sync_databases, jsonb_array_elements(drifts) d where connection_id = $1 and kind = any($2) order by 1, 2, 3`, s.ConnectionID, s.synced())
	if err != nil {
		return err
	}
	var out journal.OutOfStep
	_, err = pgx.ForEachRow(rows, []any{&out.Kind, &out.Field, &out.Change, &out.Was, &out.Is}, func() error {
		if out.Stops() {
			status.OutOfStep = append(status.OutOfStep, out)
		}
		return nil
	})
	return err
}

func (s Status) problems(ctx context.Context, status *journal.Status) error {
	rows, err := s.Pool.Query(ctx, `
		select * from (select kind, '', message, at from (
			select distinct on (p.kind) p.kind, coalesce(p.error, '') as message, p.finished_at as at
			from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
			where r.connection_id = $1 and p.finished_at is not null and not r.dry_run order by p.kind, p.finished_at desc
		) last where message <> ''
		union all
		select kind, row_id::text, reason, last_at from integration.sync_errors where connection_id = $1 and `+amiss+`
		) every(kind, record, message, at) where kind = any($3) order by record <> '', at desc, kind, record limit $2`, s.ConnectionID, problems, s.synced())
	if err != nil {
		return err
	}
	status.Problems, err = pgx.CollectRows(rows, pgx.RowToStructByPos[journal.Problem])
	return err
}
