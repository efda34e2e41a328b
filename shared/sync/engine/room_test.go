package engine_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/ops/alert"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// full is what Notion answers to creations in a free workspace that holds all that it may.
func full() chaos.Rule {
	return chaos.Rule{
		Fault: chaos.Fault{Status: http.StatusBadRequest, Code: "row_limit_exceeded", Message: "The workspace has reached its block limit."},
		Route: "/v1/pages", Method: http.MethodPost,
	}
}

// alertOfRoom returns what the alert says of a workspace that is full, "" when it is not raised.
func alertOfRoom(t *testing.T, w *sidetest.World) string {
	t.Helper()
	alerts := postgres.Alerts{Pool: w.Pool, ConnectionID: config.DefaultConnection, Kinds: w.Syncer.Connection.Kinds()}
	samples, err := alerts.Samples(context.Background(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if v := alert.Evaluate(samples, alert.Defaults())[alert.Key{Condition: alert.WorkspaceFull}]; v.Holds {
		return v.Message
	}
	return ""
}

// TestAFullWorkspace: what is to be created waits, with the reason, until Notion takes pages again, which one page a run tries. Updates and
// deletions go on.
func TestAFullWorkspace(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners", "projects")
	setFaults(t, w, full())
	const create = "POST /v1/pages"
	waiting := func() int {
		return sidetest.Query[int](t, w, `select count(*) from integration.sync_errors where side = 'notion' and reason like 'The Notion workspace is full%Upgrade%'`)
	}

	changed, page := some(t, w, "partners", 1), pageOf(t, w, "partners", some(t, w, "partners", 1))
	w.Exec(t, `insert into partners (name) select 'New ' || n from generate_series(1, 12) n`)
	w.Exec(t, `insert into projects (name) select 'New ' || n from generate_series(1, 3) n`)
	w.Exec(t, `update partners set location = 'moved' where name = $1`, changed)
	w.Exec(t, `delete from partners where name = $1`, some(t, w, "partners", 4))
	var got sidetest.Report
	sent := sentBy(w, func() { got = w.Sync(t, journal.Incremental) })
	if got.Status != "succeeded" || got.PagesUpdated != 1 || got.PagesArchived != 1 || got.Counts.Errors != 15 || plain(t, w, page, "Location") != "moved" {
		t.Errorf("%+v: Notion has %q", got, plain(t, w, page, "Location"))
	}
	if n := sent[create]; n > 4 || waiting() != 15 {
		t.Errorf("%d creations were tried, %d records wait", n, waiting())
	}
	if said := alertOfRoom(t, w); !strings.HasPrefix(said, "15 records wait to be created in Notion. The Notion workspace is full") {
		t.Errorf("the alert says %q", said)
	}

	t.Run("each run tries one page", func(t *testing.T) {
		w.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
		w.Exec(t, `insert into partners (name) values ('New 13')`)
		if sent := sentBy(w, func() { w.Sync(t, journal.Incremental) }); sent[create] != 1 || waiting() != 16 {
			t.Errorf("%d creations were tried, %d records wait", sent[create], waiting())
		}
	})
	t.Run("a look tries none", func(t *testing.T) {
		w.Exec(t, `insert into partners (name) values ('New 14')`)
		if sent := sentBy(w, func() { lookAt(t, w, "partners") }); sent[create] != 0 || waiting() != 17 {
			t.Errorf("%d creations were tried, %d records wait", sent[create], waiting())
		}
	})
	t.Run("a dry run tells", func(t *testing.T) {
		w.Exec(t, `insert into partners (name) values ('New 15')`)
		var told int
		said, _ := rehearse(t, w, journal.Incremental)
		for _, p := range said {
			if p.Notion == nil && p.Refusal != nil && p.Refusal.Side == merge.Notion && strings.HasPrefix(p.Refusal.Reason, "The Notion workspace is full") {
				told++
			}
		}
		if told == 0 {
			t.Errorf("nothing is said of room: %+v", said)
		}
	})
	t.Run("there is room again", func(t *testing.T) {
		setFaults(t, w)
		got := w.Sync(t, journal.Incremental)
		if got.Status != "succeeded" || got.Counts.Errors != 0 {
			t.Errorf("%+v", got)
		}
		got = w.Sync(t, journal.Incremental) // of the databases whose turn came before there was room
		if got.Status != "succeeded" || waiting() != 0 || alertOfRoom(t, w) != "" {
			t.Errorf("%+v: %d records wait, the alert says %q", got, waiting(), alertOfRoom(t, w))
		}
		w.Agree(t)
	})
}

// TestRoomThatALookFinds is for all: a page that has to be made anew, which nobody knew before it was looked at, is made, and so are those that
// the same batch had refused by then. (Found by the histories: they waited for their next attempt.)
func TestRoomThatALookFinds(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	setFaults(t, w, full())
	w.Exec(t, `insert into partners (name) values ('New 1')`)
	w.Sync(t, journal.Incremental, "partners")
	setFaults(t, w)
	gone := some(t, w, "partners", 1)
	if err := w.Sim.DeletePage(pageOf(t, w, "partners", gone)); err != nil {
		t.Fatal(err)
	}
	w.Exec(t, `insert into partners (name) values ('New 2')`)
	w.Exec(t, `update partners set location = 'moved' where name = $1`, gone)
	lookAt(t, w, "partners")
	lookAt(t, w, "partners") // for the one that has waited since the run
	if said := sidetest.Query[string](t, w, `select coalesce(string_agg(row_id || ': ' || reason, '; '), '') from integration.sync_errors`); said != "" {
		t.Error(said)
	}
	w.Agree(t, "partners")
}

// TestALostAnswerWhileRoomIsTried makes no second page: what waits for room is due as well, and is not tried again before the first page was
// looked for. (Found by the histories: two pages, and in the end two rows.)
func TestALostAnswerWhileRoomIsTried(t *testing.T) {
	t.Parallel()
	lose := false
	w := sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Demo: true, Seed: 1, OnRequest: func(r *http.Request, saved bool) *chaos.Fault {
			if lose && saved && r.Method == http.MethodPost && r.URL.Path == "/v1/pages" {
				lose = false
				return &chaos.Fault{Drop: true}
			}
			return nil
		}},
		Pool: sidetest.AfterFirstSync(t), Mapping: mapping.ACT(),
		Databases: func(w *sidetest.World) map[string]string {
			return map[string]string{"partners": w.Sim.Databases()["partners"]}
		},
	})
	setFaults(t, w, full())
	w.Exec(t, `insert into partners (name) values ('New')`)
	w.Sync(t, journal.Incremental, "partners")
	setFaults(t, w)
	w.Exec(t, `update integration.sync_errors set next_attempt_at = now() - interval '1 hour'`)
	lose = true
	w.Sync(t, journal.Incremental, "partners")
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if n := sidetest.Query[int](t, w, `select count(*) from partners where name = 'New'`); n != 1 || lose {
		t.Errorf("%d rows of that name", n)
	}
	w.Agree(t, "partners")
}
