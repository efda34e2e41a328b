package engine_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// paced is a clock that moves on by so much with each request to Notion, and not otherwise.
type paced struct {
	mu   sync.Mutex
	now  time.Time
	each time.Duration
}

// newPaced begins an hour ahead: a limit by this clock is far off by the real one, however slow the machine.
func newPaced() *paced { return &paced{now: time.Now().Add(time.Hour), each: 2 * time.Second} }

// set has a syncer go by the clock.
func (p *paced) set(cfg *engine.Config) { cfg.Now, cfg.Reserve = p.Now, 30*time.Second }

func (p *paced) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *paced) request(_ *http.Request, saved bool) *chaos.Fault {
	if !saved {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.now = p.now.Add(p.each)
	}
	return nil
}

// TestLongRuns: what takes longer than a function may run goes on in the next, from where it was: nothing is written twice, and nothing is
// read twice but the batch that was cut short.
func TestLongRuns(t *testing.T) {
	t.Parallel()
	clock := newPaced()
	clock.each = 3 * time.Second // so that a listing of three answers is long enough to tell how far it is
	w := sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Demo: true, Seed: 1, OnRequest: clock.request}, Mapping: mapping.ACT(),
		Databases: func(w *sidetest.World) map[string]string { return w.Sim.Databases() },
		Change:    clock.set,
	})
	if _, err := w.Sim.Grow(map[string]int{"partners": 300}, 1); err != nil {
		t.Fatal(err)
	}
	setOptions(t, w, func(o *notionsim.Options) { o.Budget = 0 })
	stats := func(route string) int { return w.Sim.Stats().Requests[route] }
	const query, write = "POST /v1/data_sources/{id}/query", "PATCH /v1/pages/{id}"

	w.Within(24*time.Second, clock.Now)
	r := w.Sync(t, journal.Full, "partners")
	succeeded(t, r)
	if rows := sidetest.Query[int](t, w, `select count(*) from partners`); r.RowsCreated != rows {
		t.Errorf("%d rows were counted, and there are %d", r.RowsCreated, rows)
	}
	if listed := stats(query); w.Messages < 2 || listed != 4 {
		t.Errorf("%d invocations, %d requests for 3 answers and the newest page", w.Messages, listed)
	}
	told := sidetest.Query[string](t, w, `select coalesce(string_agg(data::text, e'\n' order by seq), '') from integration.events where type = 'sync_progress'`)
	if good := sidetest.Query[int](t, w, `select count(*) from integration.events where type = 'sync_progress' and data->>'kind' = 'partners'
		and (data->>'expected')::integer between 250 and 350 and (data->>'per_second')::numeric between 5 and 60`); good == 0 {
		t.Errorf("nobody told how far it was: %s", told)
	}
	w.Agree(t, "partners")

	w.Within(15*time.Second, clock.Now)
	w.Messages = 0
	w.Exec(t, `update partners set location = 'moved' where id in (select id from partners order by id limit 40)`)
	r = w.Sync(t, journal.Full, "partners")
	succeeded(t, r)
	if r.PagesUpdated != 40 {
		t.Errorf("%d pages were counted of 40", r.PagesUpdated)
	}
	if w.Messages < 6 || stats(write) != 40 || w.Sim.Stats().UnchangedWrites > 0 {
		t.Errorf("%d invocations, %d writes, %d of them for nothing", w.Messages, stats(write), w.Sim.Stats().UnchangedWrites)
	}
	w.Agree(t, "partners")

	w.Messages = 0
	for _, page := range pagesOf(t, w, "partners")[:15] {
		w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
	}
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if n := sidetest.Query[int](t, w, `select count(*) from partners where archived_at is not null`); n != 15 || w.Messages < 6 {
		t.Errorf("%d of 15 are archived after %d invocations", n, w.Messages)
	}
	w.Agree(t, "partners")
}

func pagesOf(t *testing.T, w *sidetest.World, kind string) []string {
	t.Helper()
	return strings.Split(sidetest.Query[string](t, w, `select string_agg(notion_id, ',' order by notion_id) from notion_`+kind), ",")
}

// TestALimitThatIsSpent: where Notion's limit is spent for longer than the function may run, the part goes on in the next.
func TestALimitThatIsSpent(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil, "partners")
	setFaults(t, w, chaos.Rule{Fault: chaos.Fault{Status: 429, RetryAfter: 20}, Route: "/v1/data_sources/{id}/query", Times: 2})
	w.Within(3*time.Second, time.Now)
	if got := w.Sync(t, journal.Full, "partners"); got.Status != "succeeded" || w.Messages < 2 {
		t.Errorf("%+v after %d invocations", got, w.Messages)
	}
	t.Run("for ever", func(t *testing.T) {
		setFaults(t, w, chaos.Rule{Fault: chaos.Fault{Status: 429, RetryAfter: 60}})
		run, err := w.Starter.Start(t.Context(), engine.Request{Type: journal.Full, Kinds: []string{"partners"}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := w.Syncer.Work(ctx, journal.Message{RunID: run.ID, Kind: "partners", Segment: 30, Idle: 30}); err != nil {
			t.Fatal(err)
		}
		failsWith(t, w.Report(t, run.ID), "limit")
	})
}

// TestALookWhoseLimitIsSpent: where so many rows changed that Notion's limit is spent for longer than the function may run, the look goes on in
// the next invocation. It was left to the schedule, with 3,888 of 5,000 rows.
func TestALookWhoseLimitIsSpent(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	look := journal.Message{ConnectionID: w.Syncer.Connection.ID, Kind: "partners", Look: true}
	left := func() int { return sidetest.Query[int](t, w, `select count(*) from integration.sync_changes`) }
	w.Exec(t, `update partners set location = 'moved'`)
	setFaults(t, w, chaos.Rule{Fault: chaos.Fault{Status: 429, RetryAfter: 20}, Route: "/v1/pages/{id}", Times: 2})
	w.Within(3*time.Second, time.Now) // room for a batch on a busy machine
	if err := w.Send(t.Context(), "", look); err != nil {
		t.Fatal(err)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left() != 0 || w.Messages < 2 {
		t.Errorf("%d rows are left after %d invocations", left(), w.Messages)
	}
	t.Run("for ever", func(t *testing.T) {
		w.Exec(t, `update partners set location = 'moved again'`)
		setFaults(t, w, chaos.Rule{Fault: chaos.Fault{Status: 429, RetryAfter: 60}})
		look.Idle = 30
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Syncer.Work(ctx, look); err != nil {
			t.Fatal(err)
		}
		if left() == 0 || w.Waiting() != 0 {
			t.Errorf("%d rows are left to the next sync, and %d messages wait", left(), w.Waiting())
		}
	})
}
