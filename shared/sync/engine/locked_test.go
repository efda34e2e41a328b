package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// application begins a transaction beside the sync; done ends it.
func application(t *testing.T, w *sidetest.World, statement string, args ...any) (done func(commit bool)) {
	t.Helper()
	tx, err := w.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	if _, err := tx.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
	return func(commit bool) {
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		if err := end(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func status(t *testing.T, w *sidetest.World) journal.Status {
	t.Helper()
	s, err := postgres.Status{Pool: w.Pool, ConnectionID: w.Syncer.Connection.ID, Mapping: w.Syncer.Connection.Mapping}.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestARowThatTheApplicationHasLockedWaits: the others go on at once, the run succeeds, and the record follows once the lock is gone. What was
// written to its page meanwhile is not written again.
func TestARowThatTheApplicationHasLockedWaits(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lock   string
		commit bool
		status string // of the locked row, in the end
	}{
		"a transaction that only locks":     {`select from partners where name = $1 for update`, false, "Active"},
		"one that changes the row":          {`update partners set status = 'Proposed' where name = $1`, true, "Proposed"},
		"one that changes it and goes back": {`update partners set status = 'Proposed' where name = $1`, false, "Active"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners")
			locked, free := some(t, w, "partners", 0), some(t, w, "partners", 1)
			w.Exec(t, `update partners set status = 'Active', contribution_type = 'from the row' where name = $1`, locked)
			for _, record := range []string{locked, free} {
				edit(t, w, pageOf(t, w, "partners", record), map[string]any{"Location": rich("rich_text", "from Notion")})
			}
			done := application(t, w, c.lock, locked)
			began := time.Now()
			got := w.Sync(t, journal.Full, "partners")
			succeeded(t, got)
			t.Logf("the run beside the lock took %s", time.Since(began).Round(time.Millisecond))
			at := func(record string) string {
				return sidetest.Query[string](t, w, `select coalesce(location, '') from partners where name = $1`, record)
			}
			if at(free) != "from Notion" || at(locked) == "from Notion" {
				t.Fatalf("the free row is at %q, the locked one at %q", at(free), at(locked))
			}
			if plain(t, w, pageOf(t, w, "partners", locked), "Contribution Type") != "from the row" {
				t.Error("its page waits as well")
			}
			if s := status(t, w); len(s.Locked) != 1 || len(s.Problems) != 0 || got.Errors["partners"] != "" {
				t.Errorf("the status says %+v, %+v", s.Locked, s.Problems)
			}
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_intents`); n != 0 {
				t.Errorf("%d writes are left open", n)
			}
			done(c.commit)
			if err := w.Starter.Requeue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := w.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if at(locked) != "from Notion" || sidetest.Query[string](t, w, `select status from partners where name = $1`, locked) != c.status {
				t.Errorf("once the lock was gone the row is at %q", at(locked))
			}
			if s := status(t, w); len(s.Locked) != 0 {
				t.Errorf("still waiting: %+v", s.Locked)
			}
			if again := w.Sync(t, journal.Full, "partners"); again.PagesUpdated != 0 || again.RowsUpdated != 0 || again.Conflicts != 0 {
				t.Errorf("the sync after it still writes: %+v", again)
			}
			w.Agree(t, "partners")
		})
	}
}

// TestOneDatabaseHoldsUpNoOther: while a part of a run is not done, the schedule starts a run of the others.
func TestOneDatabaseHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil)
	lost := w.Starter
	lost.Queue = without{w, "projects"}
	for range 3 {
		if err := lost.Schedule(t.Context(), journal.Incremental); err != nil {
			t.Fatal(err)
		}
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rows := sidetest.Query[[]string](t, w, `
		select array_agg(p.kind || ' ' || p.n || ' ' || p.status order by p.kind, p.status) from (
			select p.kind, p.status, count(*) as n from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id where r.type = 'incremental' group by 1, 2) p`)
	if want := []string{"opportunities 3 succeeded", "organizations 3 succeeded", "partners 3 succeeded", "projects 1 queued"}; !slices.Equal(rows, want) {
		t.Errorf("parts of scheduled runs: %q, want %q", rows, want)
	}
}

// without is a queue that loses the messages of a kind.
type without struct {
	*sidetest.World
	kind string
}

func (q without) Send(ctx context.Context, connectionID string, m journal.Message) error {
	if m.Kind == q.kind {
		return nil
	}
	return q.World.Send(ctx, connectionID, m)
}

// TestADatabaseThatIsAwayEndsNoRun: the message comes again, and the run goes on where it was.
func TestADatabaseThatIsAwayEndsNoRun(t *testing.T) {
	t.Parallel()
	away := true
	w := sidetest.Synced(t, nil, "partners")
	tables := w.Syncer.Tables
	w.Syncer.Tables = func(k mapping.Kind) engine.Tables { return outage{tables(k), &away} }
	w.Exec(t, `update partners set location = 'moved'`)
	run, err := w.Starter.Start(t.Context(), engine.Request{Type: journal.Full, Kinds: []string{"partners"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Drain(t.Context()); !errors.Is(err, journal.ErrAway) {
		t.Fatalf("the worker ended with %v", err)
	}
	if got := w.Report(t, run.ID); got.Status != "running" {
		t.Fatalf("the run is %s", got.Status)
	}
	away = false
	if err := w.Syncer.Work(t.Context(), journal.Message{RunID: run.ID, Kind: "partners"}); err != nil {
		t.Fatal(err)
	}
	succeeded(t, w.Report(t, run.ID))
	w.Agree(t, "partners")
}

type outage struct {
	engine.Tables
	away *bool
}

func (o outage) Commit(ctx context.Context, lease journal.Lease, batch journal.Batch) ([]journal.Outcome, error) {
	if *o.away {
		return nil, fault.Wrap(journal.ErrAway, fault.Unavailable, "The database cannot be reached. Try again in a moment.")
	}
	return o.Tables.Commit(ctx, lease, batch)
}
