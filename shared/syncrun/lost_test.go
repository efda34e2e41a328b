package syncrun_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/mapping"
)

// TestADatabaseThatIsLost: whenever the share is lost or the database is deleted, that database stops and says why, nothing is deleted for it,
// the other databases go on, and all is well again once it is back.
func TestADatabaseThatIsLost(t *testing.T) {
	t.Parallel()
	unshare := func(t *testing.T, w *sidetest.World, id string, lost bool) {
		t.Helper()
		if err := w.Sim.Share(id, !lost); err != nil {
			t.Error(err)
		}
	}
	trash := func(t *testing.T, w *sidetest.World, id string, lost bool) {
		t.Helper()
		w.Person(t, "PATCH", "/v1/databases/"+id, map[string]any{"in_trash": lost})
	}
	cases := map[string]struct {
		lose  func(t *testing.T, w *sidetest.World, id string, lost bool)
		after int // requests of the run, at which it is lost
	}{
		"unshared before the run":         {unshare, 0},
		"unshared after the listing":      {unshare, 1},
		"unshared after the second page":  {unshare, 3},
		"in the trash before the run":     {trash, 0},
		"in the trash after the listing":  {trash, 1},
		"in the trash after the 3rd page": {trash, 4},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w *sidetest.World
			requests, id := -1, ""
			w = sidetest.Build(t, sidetest.Setup{
				Sim: notionsim.Config{Demo: true, Seed: 1, OnRequest: func(_ *http.Request, saved bool) *chaos.Fault {
					if requests >= 0 && !saved {
						if requests == c.after {
							c.lose(t, w, id, true)
						}
						requests++
					}
					return nil
				}},
				Pool: sidetest.AfterFirstSync(t), Mapping: mapping.ACT(), Databases: func(w *sidetest.World) map[string]string { return w.Sim.Databases() },
			})
			id = w.Sim.Databases()["partners"]
			pages := pagesOf(t, w, "partners")
			for _, page := range pages[:5] {
				w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
			}
			if c.after == 0 {
				c.lose(t, w, id, true)
			} else {
				requests = 0
			}
			failsWith(t, w.Sync(t, journal.Full, "partners"), "Nothing was deleted")
			if n := sidetest.Query[int](t, w, `select count(*) from partners where archived_at is not null`); n > 0 {
				t.Errorf("%d rows were archived", n)
			}
			if status := problem(t, w); status != "partners" {
				t.Errorf("the status names %q", status)
			}
			requests = -1
			succeeded(t, w.Sync(t, journal.Full, "projects"))
			c.lose(t, w, id, false)
			succeeded(t, w.Sync(t, journal.Full))
			if n := sidetest.Query[int](t, w, `select count(*) from partners where archived_at is not null`); n != 5 {
				t.Errorf("%d rows are archived, want 5", n)
			}
			w.Agree(t)
		})
	}
}

// problem gives the database that the status says is not well.
func problem(t *testing.T, w *sidetest.World) string {
	t.Helper()
	return sidetest.Query[string](t, w, `select string_agg(distinct kind, ',') from sync_run_databases where error is not null`)
}

// TestListingsGoOnPastTheCap: a listing that Notion ends at its limit of rows goes on, also in another invocation.
func TestListingsGoOnPastTheCap(t *testing.T) {
	t.Parallel()
	clock := newPaced()
	w := sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Demo: true, Seed: 1, OnRequest: clock.request}, Mapping: mapping.ACT(),
		Databases: func(w *sidetest.World) map[string]string { return w.Sim.Databases() }, Change: clock.set,
	})
	if _, err := w.Sim.Grow(map[string]int{"partners": 330}, 1); err != nil {
		t.Fatal(err)
	}
	setOptions(t, w, func(o *notionsim.Options) { o.Budget, o.RowCap = 0, 120 })
	w.Within(10*time.Second, clock.Now)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if w.Messages < 3 {
		t.Errorf("only %d invocations", w.Messages)
	}
	w.Agree(t, "partners")
	if n := sidetest.Query[int](t, w, `select count(*) from partners`); n != 330 {
		t.Errorf("%d rows", n)
	}
	for _, page := range pagesOf(t, w, "partners")[200:210] {
		w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
	}
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	w.Agree(t, "partners")
}
