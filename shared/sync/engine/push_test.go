package engine_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

const (
	queryRoute = "POST /v1/data_sources/{id}/query"
	readRoute  = "GET /v1/pages/{id}"
	writeRoute = "PATCH /v1/pages/{id}"
)

// grown makes a world with so many partners on both sides. At each request of the sync its clock moves on, and then what the test puts
// into meanwhile happens.
func grown(t *testing.T, partners int, pace time.Duration) (w *sidetest.World, meanwhile *func(*http.Request)) {
	t.Helper()
	meanwhile = new(func(*http.Request))
	*meanwhile = func(*http.Request) {}
	w = sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Demo: true, Seed: 1, OnRequest: func(r *http.Request, saved bool) *chaos.Fault {
			if !saved {
				w.Sim.Clock().Advance(pace)
				(*meanwhile)(r)
			}
			return nil
		}},
		Mapping: mapping.ACT(), Databases: func(w *sidetest.World) map[string]string { return w.Sim.Databases() },
	})
	setOptions(t, w, func(o *notionsim.Options) { o.Budget = 0 })
	if _, err := w.Sim.Grow(map[string]int{"partners": partners}, 1); err != nil {
		t.Fatal(err)
	}
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	w.Sim.Clock().Advance(10 * time.Minute)
	succeeded(t, w.Sync(t, journal.Incremental, "partners"))
	return w, meanwhile
}

// sentBy returns the requests by route that something takes.
func sentBy(w *sidetest.World, do func()) map[string]int {
	before := w.Sim.Stats().Requests
	do()
	sent := map[string]int{}
	for route, n := range w.Sim.Stats().Requests {
		if n -= before[route]; n > 0 {
			sent[route] = n
		}
	}
	return sent
}

func all(sent map[string]int) (n int) {
	for _, of := range sent {
		n += of
	}
	return n
}

// TestManyRowsArePushed: each row costs its write, and what it takes to know what people edit meanwhile is little, though the sync's own
// writes of the minute are listed with the edits.
func TestManyRowsArePushed(t *testing.T) {
	t.Parallel()
	pushMany(t, 420, 0)
}

// pushMany pushes so many rows.
func pushMany(t *testing.T, rows int, pace time.Duration) {
	t.Helper()
	w, _ := grown(t, rows, pace)
	w.Exec(t, `update partners set location = 'moved'`)
	var got sidetest.Report
	sent := sentBy(w, func() { got = w.Sync(t, journal.Incremental, "partners") })
	succeeded(t, got)
	t.Logf("%d rows: %v", rows, sent)
	const pull = 1 + 3 // the listing, and the databases that its relations lead to
	if got.PagesUpdated != rows || sent[writeRoute] != rows || all(sent)-pull > rows+rows*2/100 {
		t.Errorf("%d pages were updated, with %v", got.PagesUpdated, sent)
	}
	w.Agree(t, "partners")
}

// TestOneRowAfterManyEdits: what others have edited since the last sync costs a row nothing.
func TestOneRowAfterManyEdits(t *testing.T) {
	t.Parallel()
	w, _ := grown(t, 250, 0)
	pages := pagesOf(t, w, "partners")
	for _, page := range pages[:230] {
		edit(t, w, page, map[string]any{"Featured": map[string]any{"checkbox": true}})
	}
	name := sidetest.Query[string](t, w, `select name from notion_partners where notion_id = $1`, pages[240])
	w.Exec(t, `update partners set location = 'moved' where name = $1`, name)
	sent := sentBy(w, func() { lookAt(t, w, "partners") })
	if sent[readRoute] != 1 || sent[writeRoute] != 1 || all(sent) != 2 {
		t.Errorf("one row took %v", sent)
	}
	if got := plain(t, w, pages[240], "Location"); got != "moved" {
		t.Errorf("Notion has %q", got)
	}
	t.Run("and its page is among them", func(t *testing.T) {
		edit(t, w, pages[240], map[string]any{"Type": selected("NGO")})
		w.Exec(t, `update partners set location = 'moved again' where name = $1`, name)
		sent := sentBy(w, func() { lookAt(t, w, "partners") })
		kind := sidetest.Query[string](t, w, `select type from partners where name = $1`, name)
		if all(sent) != 2 || plain(t, w, pages[240], "Location") != "moved again" || kind != "NGO" {
			t.Errorf("%v: Notion has %q, the row %q", sent, plain(t, w, pages[240], "Location"), kind)
		}
	})
	succeeded(t, w.Sync(t, journal.Incremental, "partners"))
	w.Agree(t, "partners")
}

// lookAt has a worker look at a database.
func lookAt(t *testing.T, w *sidetest.World, kind string) {
	t.Helper()
	if err := w.Syncer.Work(t.Context(), journal.Message{Kind: kind, Look: true}); err != nil {
		t.Fatal(err)
	}
}

// TestEditsDuringAPush: what people write to pages whose rows wait to be pushed is seen before those are, whichever listing shows it.
func TestEditsDuringAPush(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pace  time.Duration
		after int // writes, after which people edit
		look  bool
	}{
		"long before their rows' turn":    {pace: time.Second, after: 10},
		"all within a minute":             {after: 90},
		"in a look, which lists at first": {pace: time.Second, after: 10, look: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, meanwhile := grown(t, 230, c.pace)
			w.Exec(t, `update partners set location = 'ours'`)
			last := strings.Split(sidetest.Query[string](t, w, `select string_agg(notion_id, ',') from
				(select notion_id from notion_partners n join integration.sync_changes c on c.row_id = n.id where c.kind = 'partners' order by c.seq desc limit 5) l`), ",")
			writes := 0
			*meanwhile = func(r *http.Request) {
				if r.Method != http.MethodPatch || r.Header.Get("Authorization") == "Bearer "+notionsim.PersonToken {
					return
				}
				if writes++; writes == c.after+1 {
					for _, page := range last {
						edit(t, w, page, map[string]any{"Location": rich("rich_text", "theirs")})
					}
				}
			}
			if c.look {
				lookAt(t, w, "partners")
			} else if got := w.Sync(t, journal.Incremental, "partners"); got.Conflicts != len(last) {
				t.Errorf("%+v", got)
			}
			for _, page := range last {
				if got := plain(t, w, page, "Location"); got != "theirs" {
					t.Errorf("Notion has %q", got)
				}
			}
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where field = 'location' and winner = 'notion'`); n != len(last) {
				t.Errorf("%d conflicts, want %d", n, len(last))
			}
			w.Agree(t, "partners")
		})
	}
}

// TestAnEditThatTheRowRefusedIsKnown: what a listing showed of a record that Postgres refused is not in the base. When the row is changed later
// its page is asked for, and the person's value stands in the conflict log.
func TestAnEditThatTheRowRefusedIsKnown(t *testing.T) {
	t.Parallel()
	w, _ := grown(t, 110, 0) // so many that a listing shows only what was edited
	w.Exec(t, `alter table partners add constraint not_theirs check (location <> 'theirs')`)
	pages := pagesOf(t, w, "partners")[:3]
	for i := range pages {
		edit(t, w, pages[i], map[string]any{"Location": rich("rich_text", "theirs")})
	}
	w.Sim.Clock().Advance(10 * time.Minute)
	if got := w.Sync(t, journal.Incremental, "partners"); got.Counts.Errors != len(pages) {
		t.Fatalf("%+v", got)
	}
	w.Exec(t, `update partners set location = 'ours' where id in (select id from notion_partners where notion_id = any($1))`, pages)
	w.Exec(t, `update integration.sync_changes set changed_at = now() + interval '1 hour'`)
	w.Sim.Clock().Advance(10 * time.Minute)
	succeeded(t, w.Sync(t, journal.Incremental, "partners"))
	for _, page := range pages {
		if got := plain(t, w, page, "Location"); got != "ours" {
			t.Errorf("Notion has %q", got)
		}
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where field = 'location' and winner = 'supabase' and notion_value = '"theirs"'`); n != len(pages) {
		t.Errorf("%d conflicts, want %d", n, len(pages))
	}
	w.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
	succeeded(t, w.Sync(t, journal.Incremental, "partners"))
	w.Agree(t, "partners")
}
