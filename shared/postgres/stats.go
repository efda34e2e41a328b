package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// recent is the stretch of time in which an error rate is looked at, and in which a check says how a service is now.
const recent = 15 * time.Minute

// Insight reads how the integration is doing.
type Insight struct {
	Pool         *Pool
	ConnectionID string
	Kinds        []mapping.Kind // those that are synced
}

// Read returns the facts of a window that ends now.
func (i Insight) Read(ctx context.Context, w metric.Window, now time.Time) (stats.Facts, error) {
	f := stats.Facts{Window: w, Now: now}
	measured := Measurements{Pool: i.Pool, ConnectionID: i.ConnectionID}
	var err error
	if f.Measured, err = measured.Sums(ctx, w.From(now), w.Grain); err != nil {
		return f, err
	}
	if f.Recent, err = measured.Sums(ctx, now.UTC().Add(-recent).Truncate(time.Minute), metric.Minute); err != nil {
		return f, err
	}
	for _, read := range []func(context.Context, *stats.Facts) error{i.syncs, i.troubles, i.databases, i.brought} {
		if err := read(ctx, &f); err != nil {
			return stats.Facts{}, Fault(err)
		}
	}
	return f, nil
}

// failedInARow counts the syncs that failed since the last one that succeeded, and of a database likewise: that another was synced says nothing
// of it. A dry run is none, here and wherever syncs are counted. kinds are the databases that are synced, $1 is the connection.
func failedInARow(kinds string) string {
	return `select greatest((select count(*) from integration.sync_runs where connection_id = $1 and not dry_run and status = 'failed' and finished_at > coalesce(
	(select max(finished_at) from integration.sync_runs where connection_id = $1 and not dry_run and status = 'succeeded'), '-infinity')),
	(select coalesce(max(n), 0) from unnest(` + kinds + `::text[]) k (kind) cross join lateral (
		select count(*) as n from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
		where r.connection_id = $1 and not r.dry_run and p.kind = k.kind and p.status = 'failed' and p.finished_at > coalesce((
			select p.finished_at from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
			where r.connection_id = $1 and not r.dry_run and p.kind = k.kind and p.status = 'succeeded' order by p.finished_at desc limit 1), '-infinity')) each))`
}

func (i Insight) syncs(ctx context.Context, f *stats.Facts) error {
	const ended = `
		(select count(*) from integration.sync_runs where connection_id = $1 and not dry_run and status = 'succeeded' and finished_at >= %[1]s),
		(select count(*) from integration.sync_runs where connection_id = $1 and not dry_run and status = 'failed' and finished_at >= %[1]s),
		(select coalesce(avg(extract(epoch from finished_at - started_at) * 1000000), 0)::bigint from integration.sync_runs
			where connection_id = $1 and not dry_run and status = 'succeeded' and finished_at >= %[1]s)`
	var todays, windows int64
	var succeeded, failed *time.Time
	err := i.Pool.QueryRow(ctx, `
		select `+fmt.Sprintf(ended, "$2")+`, `+fmt.Sprintf(ended, "$3")+`,
			(select max(finished_at) from integration.sync_runs where connection_id = $1 and not dry_run and status = 'succeeded'),
			(select max(finished_at) from integration.sync_runs where connection_id = $1 and not dry_run and status = 'failed'),
			(select count(*) from integration.sync_runs where connection_id = $1 and not dry_run and status in ('queued', 'running')),
			(`+failedInARow("$4")+`)`,
		i.ConnectionID, f.Now.UTC().Truncate(24*time.Hour), f.Window.From(f.Now), i.names()).
		Scan(&f.Today.Succeeded, &f.Today.Failed, &todays, &f.InWindow.Succeeded, &f.InWindow.Failed, &windows,
			&succeeded, &failed, &f.Running, &f.FailedInARow)
	f.Today.Duration, f.InWindow.Duration = time.Duration(todays)*time.Microsecond, time.Duration(windows)*time.Microsecond
	f.LastSync = timeOf(succeeded)
	f.LastFailed = timeOf(failed).After(f.LastSync)
	return err
}

func (i Insight) names() []string {
	names := make([]string, len(i.Kinds))
	for n, k := range i.Kinds {
		names[n] = k.Name
	}
	return names
}

func (i Insight) troubles(ctx context.Context, f *stats.Facts) error {
	return i.Pool.QueryRow(ctx, `
		select (select count(*) from integration.sync_conflicts where connection_id = $1 and intent_id is null and detected_at >= $2),
			(select count(*) from integration.sync_conflicts where connection_id = $1 and intent_id is null),
			(select count(*) from integration.sync_errors where connection_id = $1 and kind = any($3) and `+amiss+`),
			(select coalesce(sum(records), 0) from integration.sync_holds where connection_id = $1 and status = 'waiting' and kind = any($3))`,
		i.ConnectionID, f.Window.From(f.Now), i.names()).
		Scan(&f.Conflicts.InWindow, &f.Conflicts.All, &f.Refused, &f.Held)
}

func (i Insight) databases(ctx context.Context, f *stats.Facts) error {
	if len(i.Kinds) == 0 {
		return nil
	}
	parts := make([]string, len(i.Kinds))
	names := make([]string, len(i.Kinds))
	for n, k := range i.Kinds {
		names[n] = k.Name
		parts[n] = fmt.Sprintf(`select %d as place, ($2::text[])[%d] as kind, (select count(*) from %s where connection_id = $1 and state = 'live') as records`,
			n, n+1, TableOf(k.BaseTable))
	}
	rows, err := i.Pool.Query(ctx, `
		select k.records, (select count(distinct row_id) from integration.sync_changes c where c.connection_id = $1 and c.kind = k.kind),
			(select count(*) from integration.sync_errors e where e.connection_id = $1 and e.kind = k.kind and `+amiss+`),
			(select p.finished_at from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
				where r.connection_id = $1 and not r.dry_run and p.kind = k.kind and p.status = 'succeeded' order by p.finished_at desc limit 1)
		from (`+strings.Join(parts, " union all ")+`) k order by k.place`, i.ConnectionID, names)
	if err != nil {
		return err
	}
	f.Databases, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d stats.Database, err error) {
		var last *time.Time
		if err = row.Scan(&d.Records, &d.Waiting, &d.Refused, &last); last != nil {
			d.LastSync = *last
		}
		return d, err
	})
	for n := range f.Databases {
		f.Databases[n].Kind, f.Databases[n].BaseTable = i.Kinds[n].Name, i.Kinds[n].BaseTable
	}
	return err
}

// brought reads when databases were brought into step in the window, and when last before it.
func (i Insight) brought(ctx context.Context, f *stats.Facts) error {
	rows, err := i.Pool.Query(ctx, `
		with times as (
			select p.kind, p.finished_at as at from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
			where r.connection_id = $1 and not r.dry_run and p.kind = any($2) and p.status = 'succeeded' and p.finished_at between $3 and $5
			union all
			select k.kind, before.finished_at from unnest($2::text[]) k(kind), lateral (select p.finished_at from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
				where r.connection_id = $1 and not r.dry_run and p.kind = k.kind and p.status = 'succeeded' and p.finished_at < $3 order by p.finished_at desc limit 1) before)
		select kind, date_trunc($4::text, at, 'UTC') as stretch, (extract(epoch from max(gap)) * 1000000)::bigint, max(at)
		from (select kind, at, coalesce(at - lag(at) over (partition by kind order by at), '0') as gap from times) t
		group by kind, stretch order by kind, stretch`, i.ConnectionID, i.names(), f.Window.From(f.Now), f.Window.Grain, f.Now)
	if err != nil {
		return err
	}
	f.Brought, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (b stats.Brought, err error) {
		var micros int64
		err = row.Scan(&b.Kind, &b.At, &micros, &b.Last)
		b.Gap = time.Duration(micros) * time.Microsecond
		return b, err
	})
	return err
}
