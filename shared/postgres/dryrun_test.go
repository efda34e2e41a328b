package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/ops/alert"
	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// TestDryRunIsNoSync: whatever becomes of a dry run, every figure of the syncs, every alert's and the schedule's are what they were.
func TestDryRunIsNoSync(t *testing.T) {
	t.Parallel()
	const (
		dry  = `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at, dry_run) values ($1, $2, $3, $4, 'test', $5, $5, $6, true)`
		part = `insert into integration.sync_run_databases (run_id, kind, status, queued_at, started_at, finished_at, error) values ($1, 'partners', $2, $3, $3, $4, $5)`
	)
	for name, becomes := range map[string]struct {
		kind     journal.Type
		status   string
		finished any
		reason   any
	}{
		"it succeeds after syncs that failed":  {journal.Full, "succeeded", now.Add(-time.Minute), nil},
		"it fails after syncs that failed":     {journal.Full, "failed", now.Add(-time.Minute), "Notion cannot be reached."},
		"it waits, and nobody works on it":     {journal.Full, "queued", nil, nil},
		"it is of the kind that is scheduled":  {journal.Incremental, "succeeded", now.Add(-time.Minute), nil},
		"it is a one-way run, and it succeeds": {journal.SupabaseToNotion, "succeeded", now.Add(-time.Minute), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			partners, _ := mapping.ACT().Kind("partners")
			for i, status := range []string{"succeeded", "failed", "failed", "failed", "failed"} {
				id, at := uuidV7(), now.Add(time.Duration(i-90)*time.Minute)
				exec(t, pool, `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at) values ($1, $2, 'incremental', $3, 'test', $4, $4, $5)`,
					id, connection, status, at, at.Add(time.Second))
				exec(t, pool, part, id, status, at, at.Add(time.Second), nil)
			}
			type figures struct {
				Facts   stats.Facts
				Samples alert.Samples
				Status  journal.Status
				Last    time.Time
				Synced  map[string]time.Time
				Failing bool
			}
			read := func() (f figures) {
				t.Helper()
				w, _ := metric.WindowOf("24h")
				var err error
				must := func() {
					t.Helper()
					if err != nil {
						t.Fatal(err)
					}
				}
				f.Facts, err = postgres.Insight{Pool: pool, ConnectionID: connection, Kinds: []mapping.Kind{partners}}.Read(t.Context(), w, now)
				must()
				f.Samples, err = postgres.Alerts{Pool: pool, ConnectionID: connection, Kinds: []string{"partners"}}.Samples(t.Context(), now)
				must()
				f.Status, err = postgres.Status{Pool: pool, ConnectionID: connection, Mapping: mapping.ACT()}.Read(t.Context())
				must()
				f.Last, err = postgres.Ledger{Pool: pool}.Last(t.Context(), connection, journal.Incremental)
				must()
				f.Synced, err = postgres.Settings{Pool: pool}.Synced(t.Context())
				must()
				f.Failing, err = postgres.Settings{Pool: pool}.Failing(t.Context())
				must()
				return f
			}
			before := read()
			if before.Samples.FailedSyncs != 4 || before.Facts.FailedInARow != 4 || !before.Facts.LastFailed || before.Samples.Freshness["partners"] < time.Hour {
				t.Fatalf("%+v", before)
			}
			id := uuidV7()
			exec(t, pool, dry, id, connection, becomes.kind, becomes.status, now.Add(-3*time.Minute), becomes.finished)
			exec(t, pool, part, id, becomes.status, now.Add(-3*time.Minute), becomes.finished, becomes.reason)
			if diff := cmp.Diff(before, read(), cmpopts.IgnoreFields(journal.Status{}, "Running"), cmp.AllowUnexported(metric.Window{})); diff != "" {
				t.Errorf("the dry run counts:\n%s", diff)
			}
		})
	}
}

// TestProblemsAreCounted: what is refused is counted by database, however many are listed, and a database that failed is told of before
// the records, however many there are. A lock that somebody holds for a moment is no problem.
func TestProblemsAreCounted(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var kinds []mapping.Kind
	for _, name := range []string{"partners", "projects", "organizations"} {
		kind, _ := mapping.ACT().Kind(name)
		kinds = append(kinds, kind)
	}
	refuse := func(kind string, n int, waits bool, since time.Duration) {
		t.Helper()
		exec(t, pool, `insert into integration.sync_errors (connection_id, kind, row_id, side, reason, attempts, first_at, last_at, next_attempt_at, waits)
			select $1, $2, gen_random_uuid(), 'notion', 'at most 100 options', 1, now() - $4::interval, now(), current_timestamp, $5 from generate_series(1, $3)`, connection, kind, n, since, waits)
	}
	refuse("partners", 61, false, time.Hour)
	refuse("projects", 3, false, time.Hour)
	refuse("projects", 2, true, time.Hour)
	refuse("organizations", 7, true, time.Second)
	id := uuidV7()
	exec(t, pool, `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, finished_at) values ($1, $2, 'full', 'failed', 'test', $3, $3)`, id, connection, now)
	exec(t, pool, `insert into integration.sync_run_databases (run_id, kind, status, queued_at, finished_at, error) values ($1, 'organizations', 'failed', $2, $2, 'Notion does not answer.')`, id, now)

	w, _ := metric.WindowOf("24h")
	f, err := postgres.Insight{Pool: pool, ConnectionID: connection, Kinds: kinds}.Read(t.Context(), w, now)
	if err != nil || f.Refused != 66 || f.Databases[0].Refused != 61 || f.Databases[1].Refused != 5 || f.Databases[2].Refused != 0 {
		t.Errorf("%d refused, %+v, %v", f.Refused, f.Databases, err)
	}
	listed, err := postgres.Decisions{Pool: pool, ConnectionID: connection, Mapping: mapping.ACT()}.Errors(t.Context(), journal.Find{Limit: 500})
	if err != nil || len(listed.Items) != 66 {
		t.Errorf("%d are listed, %v", len(listed.Items), err)
	}
	status, err := postgres.Status{Pool: pool, ConnectionID: connection, Mapping: mapping.ACT()}.Read(t.Context())
	if err != nil || len(status.Problems) != 50 || status.Problems[0].Kind != "organizations" || status.Problems[0].RecordID != "" {
		t.Errorf("%+v, %v", status.Problems, err)
	}
}
