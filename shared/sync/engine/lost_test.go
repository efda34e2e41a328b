package engine_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
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
	for name, c := range sample.Of(cases) {
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

// problem returns the database that the status says is not well.
func problem(t *testing.T, w *sidetest.World) string {
	t.Helper()
	return sidetest.Query[string](t, w, `select string_agg(distinct kind, ',') from integration.sync_run_databases where error is not null`)
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

// TestAValueThatWaitsOutlivesADeletion: what one side cannot hold is an edit of the record, which outlives its deletion there. Where the record has to
// be made anew it is made without the value, which is no edit of whoever deleted it, and the value passes once it can.
func TestAValueThatWaitsOutlivesADeletion(t *testing.T) {
	t.Parallel()
	type world struct {
		*sidetest.World
		page string
	}
	trash := func(w world) { w.Person(t, "PATCH", "/v1/pages/"+w.page, map[string]any{"in_trash": true}) }
	gone := func(w world) {
		if err := w.Sim.DeletePage(w.page); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(sql string) func(world) { return func(w world) { w.Exec(t, sql) } }
	inNotion := func(w world) { edit(t, w.World, w.page, map[string]any{"mood": selected("unhappy")}) }
	for name, c := range sample.Of(map[string]struct {
		edit, remove, mend func(world)
		column, want       string // what the row has at last
	}{
		"of the page, whose row is archived":      {inNotion, exec(`update things set archived_at = now()`), exec(`alter type mood add value 'unhappy'`), "mood", "unhappy"},
		"of the page, whose row is deleted":       {inNotion, exec(`delete from things`), exec(`alter type mood add value 'unhappy'`), "mood", "unhappy"},
		"of the row, whose page is in the trash":  {exec(`update things set word = 'this, that'`), trash, exec(`update things set word = 'this'`), "word", "this"},
		"of the row, whose page is gone":          {exec(`update things set word = 'this, that'`), gone, exec(`update things set word = 'this'`), "word", "this"},
		"without end, whose page is in the trash": {exec(`update things set due = 'infinity'`), trash, exec(`update things set due = '2027-01-02'`), "due", "2027-01-02"},
		"without end, whose page is gone":         {exec(`update things set due = 'infinity'`), gone, exec(`update things set due = '2027-01-02'`), "due", "2027-01-02"},
		"taken back, and the page is gone":        {exec(`update things set word = 'this, that'`), gone, exec(`update things set word = 'a'`), "word", "a"},
	}) {
		for _, rule := range []merge.Rule{merge.Newest, merge.NotionWins, merge.SupabaseWins, merge.Manual} {
			t.Run(name+", "+string(rule), func(t *testing.T) {
				t.Parallel()
				in := columned(t, `create type mood as enum ('sad', 'glad')`, []column{
					{"mood", property.TypeSelect, "mood", ""}, {"word", property.TypeSelect, "text", ""}, {"due", property.TypeDate, "date", ""},
				})
				in.Syncer.Connection.Rule = rule
				in.Exec(t, `insert into things (name, mood, word, due) values ('First', 'sad', 'a', '2026-11-30')`)
				succeeded(t, in.Sync(t, journal.Full))
				w := world{in, pageOf(t, in, "things", "First")}
				c.edit(w)
				for range 2 {
					w.Sync(t, journal.Full)
				}
				w.Sim.Clock().Advance(10 * time.Minute)
				c.remove(w)
				w.Sync(t, journal.Full)
				if n := sidetest.Query[int](t, in, `select count(*) from things join notion_things b using (id) where archived_at is null and b.state = 'live'`); n != 1 {
					t.Fatalf("%d records are there", n)
				}
				if again := w.Sync(t, journal.Full); again.Written() > 0 || again.Conflicts > 0 {
					t.Errorf("a second sync did %+v", again)
				}
				c.mend(w)
				w.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
				succeeded(t, w.Sync(t, journal.Full))
				if got := kept(t, in, "First")[c.column]; got != c.want {
					t.Errorf("the row has %q, want %q", got, c.want)
				}
				if got := sidetest.Query[string](t, in, `select coalesce(string_agg(rule || field, ', '), '') from integration.sync_conflicts`); got != "edit_over_delete" {
					t.Errorf("the conflicts are %q", got)
				}
				w.Agree(t)
			})
		}
	}
}

// TestAValueThatWaitsOutlivesADeath: so does a page that is made anew without the value, by a worker that dies before any of its effects.
func TestAValueThatWaitsOutlivesADeath(t *testing.T) {
	t.Parallel()
	for name, c := range sample.Of(map[string]struct{ edit, mend, column, want string }{
		"that the page had not": {`update things set word = 'this, that'`, `update things set word = 'this'`, "word", "this"},
		"that is taken back":    {`update things set word = 'this, that'`, `update things set word = 'a'`, "word", "a"},
		"without end":           {`update things set due = 'infinity'`, `update things set due = '2027-01-02'`, "due", "2027-01-02"},
		"of a status":           {`update things set stage = 'Nowhere'`, `update things set stage = 'Done'`, "stage", "Done"},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for ends, reached := 1, true; reached; ends += sample.Step() {
				w := columned(t, "", []column{{"word", property.TypeSelect, "text", ""}, {"due", property.TypeDate, "date", ""}, {"stage", property.TypeStatus, "text", ""}})
				w.Exec(t, `insert into things (name, word, due, stage) values ('First', 'a', '2026-11-30', 'In progress')`)
				succeeded(t, w.Sync(t, journal.Full))
				w.Exec(t, c.edit)
				w.Sync(t, journal.Full)
				w.Sim.Clock().Advance(10 * time.Minute)
				if err := w.Sim.DeletePage(pageOf(t, w, "things", "First")); err != nil {
					t.Fatal(err)
				}
				reached = death(t, w, journal.Full, "things", ends)
				if err := w.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
				w.Sync(t, journal.Full)
				w.Exec(t, c.mend)
				w.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
				succeeded(t, w.Sync(t, journal.Full))
				if got := kept(t, w, "First")[c.column]; got != c.want {
					t.Errorf("dead before effect %d: the row has %q, want %q", ends, got, c.want)
				}
				if got := sidetest.Query[string](t, w, `select coalesce(string_agg(distinct rule || field, ', '), '') from integration.sync_conflicts`); got != "edit_over_delete" {
					t.Errorf("dead before effect %d: the conflicts are %q", ends, got)
				}
				w.Agree(t)
			}
		})
	}
}
