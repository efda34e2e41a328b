package engine_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// failsWith fails the test unless the run failed for every database it was of, saying so.
func failsWith(t *testing.T, r sidetest.Report, says string) {
	t.Helper()
	if r.Status != "failed" || len(r.Errors) == 0 {
		t.Fatalf("%+v", r)
	}
	for kind, reason := range r.Errors {
		if !strings.Contains(reason, says) {
			t.Errorf("%s: %q does not say %q", kind, reason, says)
		}
	}
}

func setFaults(t *testing.T, w *sidetest.World, rules ...chaos.Rule) {
	t.Helper()
	if err := w.Sim.SetFaults(1, rules...); err != nil {
		t.Fatal(err)
	}
}

func setOptions(t *testing.T, w *sidetest.World, change func(*notionsim.Options)) {
	t.Helper()
	if err := w.Sim.SetOptions(change); err != nil {
		t.Fatal(err)
	}
}

// TestTrouble: a sync that cannot go on says why, harms nothing, and the next one that can makes good.
func TestTrouble(t *testing.T) {
	t.Parallel()
	always := func(status int) chaos.Rule { return chaos.Rule{Fault: chaos.Fault{Status: status}} }
	cases := map[string]struct {
		breaks, mends func(t *testing.T, w *sidetest.World)
		says          string
	}{
		"a revoked token": {
			func(t *testing.T, w *sidetest.World) {
				setOptions(t, w, func(o *notionsim.Options) { o.IntegrationRevoked = true })
			},
			func(t *testing.T, w *sidetest.World) {
				setOptions(t, w, func(o *notionsim.Options) { o.IntegrationRevoked = false })
			},
			"token",
		},
		"Notion away": {
			func(t *testing.T, w *sidetest.World) { setFaults(t, w, always(503)) },
			func(t *testing.T, w *sidetest.World) { setFaults(t, w) }, "Notion",
		},
		"Notion answers with a page of HTML": {
			func(t *testing.T, w *sidetest.World) {
				setFaults(t, w, chaos.Rule{Fault: chaos.Fault{Status: 502, Body: "html"}})
			},
			func(t *testing.T, w *sidetest.World) { setFaults(t, w) }, "Notion",
		},
		"a share that was lost": {
			func(t *testing.T, w *sidetest.World) {
				for _, id := range w.Sim.Databases() {
					if err := w.Sim.Share(id, false); err != nil {
						t.Fatal(err)
					}
				}
			},
			func(t *testing.T, w *sidetest.World) {
				for _, id := range w.Sim.Databases() {
					if err := w.Sim.Share(id, true); err != nil {
						t.Fatal(err)
					}
				}
			}, "shared",
		},
	}
	for name, c := range sample.Of(cases) {
		t.Run(name+", at first", func(t *testing.T) {
			t.Parallel()
			w := sidetest.New(t, nil, "partners")
			c.breaks(t, w)
			failsWith(t, w.Sync(t, journal.Full), c.says)
			if n := sidetest.Query[int](t, w, `select count(*) from partners`); n != 0 {
				t.Errorf("%d rows", n)
			}
			c.mends(t, w)
			succeeded(t, w.Sync(t, journal.Full))
			w.Agree(t)
		})
		t.Run(name+", later", func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners")
			w.Exec(t, `update partners set location = 'changed'`)
			w.Exec(t, `insert into partners (name) values ('new')`)
			c.breaks(t, w)
			failsWith(t, w.Sync(t, journal.Full, "partners"), c.says)
			if n := sidetest.Query[int](t, w, `select count(*) from partners where archived_at is null`); n != 26 {
				t.Errorf("%d rows are live: something was deleted for an answer that never came", n)
			}
			c.mends(t, w)
			succeeded(t, w.Sync(t, journal.Full))
			w.Agree(t)
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_intents`); n != 0 {
				t.Errorf("%d intents are left", n)
			}
		})
	}
}

// TestAnswersThatWereLost: Notion made the write, and nobody heard. Nothing is made twice, and nothing is lost.
func TestAnswersThatWereLost(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]chaos.Rule{
		"503 that names the page": {Fault: chaos.Fault{Status: 503}},
		"dropped connection":      {Fault: chaos.Fault{Drop: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners")
			w.Exec(t, `insert into partners (name) values ('one'), ('two'), ('three')`)
			w.Exec(t, `update partners set location = 'changed' where name < 'C'`)
			rule.When, rule.Method, rule.Times = chaos.After, "POST", 2
			rule.Route = "/v1/pages"
			patch := rule
			patch.Method, patch.Route = "PATCH", "/v1/pages/{id}"
			setFaults(t, w, rule, patch)
			for range 4 {
				w.Sync(t, journal.Full, "partners")
			}
			w.Agree(t, "partners")
			if n := sidetest.Query[int](t, w, `select count(*) from partners`); n != 28 {
				t.Errorf("%d rows, want 28", n)
			}
		})
	}
}

// TestARowDeletedBeforeItsPageWasKnown does not come back.
func TestARowDeletedBeforeItsPageWasKnown(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	w.Exec(t, `insert into partners (name) values ('short-lived')`)
	setFaults(t, w, chaos.Rule{Fault: chaos.Fault{Drop: true}, When: chaos.After, Method: "POST", Route: "/v1/pages"})
	if got := w.Sync(t, journal.Full, "partners"); got.Status != "failed" {
		t.Fatalf("%+v", got)
	}
	w.Exec(t, `delete from partners where name = 'short-lived'`)
	setFaults(t, w)
	for range 2 {
		succeeded(t, w.Sync(t, journal.Full, "partners"))
	}
	if n := sidetest.Query[int](t, w, `select count(*) from partners`); n != 25 {
		t.Errorf("%d rows", n)
	}
	w.Agree(t)
}

// TestSchemaChanges: a renamed property keeps its field; one of another type, or none, takes its field out of step, says so once, and
// does not touch what both sides hold.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change map[string]any
		event  string
		synced bool // the field goes on
	}{
		"renamed": {map[string]any{"Location": map[string]any{"name": "Where"}}, "renamed", true},
		"retyped": {map[string]any{"Location": map[string]any{"select": map[string]any{}}}, "retyped", false},
		"removed": {map[string]any{"Location": nil}, "removed", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners")
			before := sidetest.Query[string](t, w, `select string_agg(location, ',' order by id) from partners`)
			source := sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'partners'`)
			w.Person(t, "PATCH", "/v1/data_sources/"+source, map[string]any{"properties": c.change})
			for range 2 {
				succeeded(t, w.Sync(t, journal.Full, "partners"))
			}
			if after := sidetest.Query[string](t, w, `select string_agg(location, ',' order by id) from partners`); after != before {
				t.Errorf("the rows' locations changed from %s to %s", before, after)
			}
			if got := sidetest.Query[string](t, w, `select string_agg(data->>'change', ',') from integration.events where type = 'schema_changed'`); got != c.event {
				t.Errorf("events: %s", got)
			}
			record := some(t, w, "partners", 0)
			w.Exec(t, `update partners set location = 'moved', contribution_type = 'more' where name = $1`, record)
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			page := pageOf(t, w, "partners", record)
			if plain(t, w, page, "Contribution Type") != "more" {
				t.Error("another field of the record is held up")
			}
			if c.synced && plain(t, w, page, "Where") != "moved" {
				t.Error("the renamed field is not in step any more")
			}
		})
	}
}

func TestTwoTriggersAtOnce(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil)
	var started, refused int
	var mu sync.Mutex
	var all sync.WaitGroup
	starter := w.Starter
	starter.Queue = discard{}
	for range 10 {
		all.Go(func() {
			run, err := starter.Start(t.Context(), engine.Request{Type: journal.Full})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				started++
			case fault.KindOf(err) == fault.Conflict && run.ID != "":
				refused++
			}
		})
	}
	all.Wait()
	if started != 1 || refused != 9 {
		t.Errorf("%d started, %d were refused", started, refused)
	}
	t.Run("one that nobody works on is handed over again when it is asked for", func(t *testing.T) {
		later := starter
		later.Now = func() time.Time { return time.Now().Add(time.Minute) }
		if _, err := later.Start(t.Context(), engine.Request{Type: journal.Full}); err != nil {
			t.Error(err)
		}
	})
	t.Run("what was never handed over is handed over by the schedule", func(t *testing.T) {
		w.Starter.Now = func() time.Time { return time.Now().Add(time.Hour) }
		if err := w.Starter.Requeue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Agree(t)
	})
}

// discard is a queue whose messages are lost.
type discard struct{}

func (discard) Send(context.Context, string, journal.Message) error { return nil }

// TestBadRequestsForRuns are refused with what to do.
func TestBadRequestsForRuns(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil, "partners")
	if _, err := w.Starter.Start(t.Context(), engine.Request{Type: journal.Full, Kinds: []string{"people"}}); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), "partners") {
		t.Errorf("unknown database: %v", err)
	}
	none := w.Starter
	none.Kinds = nil
	if _, err := none.Start(t.Context(), engine.Request{Type: journal.Full}); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), "NOTION_PARTNERS_DATABASE_ID") {
		t.Errorf("none set up: %v", err)
	}
	if err := w.Syncer.Work(t.Context(), journal.Message{Kind: "people"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a message for no database: %v", err)
	}
}

// TestDatabasesThatCannotBeSynced fail by themselves, and say what to do; the others go on.
func TestDatabasesThatCannotBeSynced(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, func(cfg *engine.Config) {
		cfg.Connection.DatabaseIDs["projects"] = "00000000-0000-4000-8000-000000000000"
	})
	got := w.Sync(t, journal.Full)
	if got.Status != "failed" || len(got.Errors) != 1 || !strings.Contains(got.Errors["projects"], "NOTION_PROJECTS_DATABASE_ID") || got.RowsCreated != 75 {
		t.Errorf("%+v", got)
	}
}

// TestAnotherDatabaseIsNotTakenForTheSame: a mistaken setting must not look like everything being deleted.
func TestAnotherDatabaseIsNotTakenForTheSame(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners", "projects")
	ids := w.Syncer.Connection.DatabaseIDs
	ids["partners"], ids["projects"] = ids["projects"], ids["partners"]
	got := w.Sync(t, journal.Full)
	if len(got.Errors) != 2 || !strings.Contains(got.Errors["partners"], "names another") {
		t.Errorf("%+v", got)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from partners where archived_at is null`); n != 25 {
		t.Errorf("%d partners are live", n)
	}
}

// TestALeaseThatIsLost: another worker took over; the first stops and stores nothing more.
func TestALeaseThatIsLost(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	w.Exec(t, `update partners set location = 'changed'`)
	w.Syncer.Leases = thief{w.Syncer.Leases, func() {
		w.Exec(t, `update integration.sync_leases set term = term + 1, owner = 'thief', expires_at = now() + interval '1 second'`)
	}}
	run, err := w.Starter.Start(t.Context(), engine.Request{Type: journal.Full, Kinds: []string{"partners"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Drain(t.Context()); err != nil { // its message is done with: five times handed back it would be a dead letter
		t.Errorf("the worker ended with %v", err)
	}
	if got := w.Report(t, run.ID); got.Status != "running" || got.PagesUpdated != 0 {
		t.Errorf("%+v", got)
	}
	w.Syncer.Leases = postgres.Leases{Pool: w.Pool, TTL: time.Minute}
	w.Exec(t, `update integration.sync_leases set expires_at = now()`)
	w.Starter.Now = func() time.Time { return time.Now().Add(time.Minute) }
	if err := w.Starter.Requeue(t.Context()); err != nil { // as the schedule does
		t.Fatal(err)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	succeeded(t, w.Report(t, run.ID))
	w.Agree(t, "partners")
}

// thief steals a lease right after it was taken.
type thief struct {
	engine.Leases
	steal func()
}

func (l thief) Acquire(ctx context.Context, connectionID, kind, owner string) (journal.Lease, error) {
	lease, err := l.Leases.Acquire(ctx, connectionID, kind, owner)
	l.steal()
	return lease, err
}
