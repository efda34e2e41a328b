//go:build scale

package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// TestScaleOfTheDashboard reads what the dashboard shows where a million events, measurements and conflicts, and a year of runs every five
// minutes are stored, and says how long each range takes.
func TestScaleOfTheDashboard(t *testing.T) {
	pool := pgtest.New(t)
	for what, sql := range map[string]string{
		"events": `insert into integration.events (id, connection_id, type, source_system, target_system, data, created_at)
			select gen_random_uuid(), $1, 'record_updated', 'notion', 'supabase', '{"kind":"partners"}', now() - n * interval '7 s' from generate_series(1, 1000000) n`,
		"measurements": `insert into integration.measurements (connection_id, grain, at, service, operation, outcome, calls, micros, latency)
			select $1, grain, date_trunc(grain, now(), 'UTC') - (n / 500) * step, 'subscriber', 'host-' || n % 250 || '.example.org', case when n % 500 < 250 then '' else 'unavailable' end,
				5, 100000, array_fill(1::bigint, array[28])
			from (values ('minute', interval '1 min', 90000), ('hour', interval '1 hour', 90000), ('day', interval '1 day', 45000)) g (grain, step, most), generate_series(0, most - 1) n`,
		"runs": `with made as (insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at)
				select gen_random_uuid(), $1, 'incremental', case when n % 20 = 0 then 'failed' else 'succeeded' end, 'schedule', at, at, at + interval '3 s'
				from (select n, now() - n * interval '5 min' as at from generate_series(1, 105000) n) t returning id, status, created_at)
			insert into integration.sync_run_databases (run_id, kind, status, queued_at, started_at, finished_at)
			select id, kind, status, created_at, created_at, created_at + interval '3 s' from made, unnest('{partners,projects,opportunities,organizations}'::text[]) kind`,
		"conflicts": `insert into integration.sync_conflicts (id, connection_id, kind, row_id, field, rule, winner, notion_value, supabase_value, base_value, detected_at)
			select gen_random_uuid(), $1, 'partners', gen_random_uuid(), 'location', 'newest', 'notion', '"a"', '"b"', null, now() - n * interval '8 s' from generate_series(1, 1000000) n`,
	} {
		began := time.Now()
		if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `set local statement_timeout = 0`); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), sql, config.DefaultConnection)
			return err
		}); err != nil {
			t.Fatal(what, err)
		}
		t.Logf("%s made in %v", what, time.Since(began).Round(time.Millisecond))
	}
	connection, err := pgx.Connect(t.Context(), pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.WithoutCancel(t.Context()))
	if _, err := connection.Exec(t.Context(), `vacuum analyze`); err != nil {
		t.Fatal(err)
	}
	read := postgres.Insight{Pool: pool, ConnectionID: config.DefaultConnection, Kinds: mapping.ACT().Kinds}
	for _, w := range metric.Windows() {
		began := time.Now()
		f, err := read.Read(t.Context(), w, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %v, %d rows", w.Name, time.Since(began).Round(time.Millisecond), len(f.Measured))
	}
	began := time.Now()
	if _, err := (postgres.Events{Pool: pool, ConnectionID: config.DefaultConnection}).List(t.Context(), event.Filter{Limit: 50}); err != nil {
		t.Fatal(err)
	}
	t.Logf("the last events: %v", time.Since(began).Round(time.Millisecond))
}
