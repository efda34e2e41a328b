package app

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// TestNewDatabaseBesideARunThatStands: a database that is set up while a run stands still is synced when somebody asks for a sync.
func TestNewDatabaseBesideARunThatStands(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	c := two[0]
	starter := c.starter(c.pool)
	queue := &inHand{}
	starter.Queue, starter.Kinds = queue, []string{"partners"}
	if _, err := starter.Start(t.Context(), engine.Request{Type: journal.Full, RequestedBy: "test"}); err != nil {
		t.Fatal(err)
	}
	starter.Now = func() time.Time { return time.Now().Add(time.Minute) }
	starter.Kinds = []string{"partners", "projects"}
	queue.messages = nil
	if _, err := starter.Start(t.Context(), engine.Request{Type: journal.Full, RequestedBy: "test"}); err != nil {
		t.Fatal(err)
	}
	syncer := c.syncer(c.pool)
	for _, m := range queue.messages {
		if err := syncer.Work(t.Context(), m); err != nil {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// TestClockThatWasAhead: what a clock that ran ahead noted does not stop the schedule.
func TestClockThatWasAhead(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	queued(t, &two)
	c := two[0]
	c.settings.Interval = time.Hour
	t.Run("a run", func(t *testing.T) { //nolint:paralleltest // one connection
		if _, err := c.pool.Exec(t.Context(), `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at)
			values ($1, $2, 'incremental', 'succeeded', 'schedule', now() + interval '30 days', now(), now())`, newID(), c.id()); err != nil {
			t.Fatal(err)
		}
		if err := c.tick(t.Context(), c.pool, journal.Incremental); err != nil {
			t.Fatal(err)
		}
		if n := c.count(t, `select count(*) from integration.sync_runs where connection_id = $1 and status = 'queued'`); n != 1 {
			t.Errorf("%d runs were started", n)
		}
	})
	t.Run("a part", func(t *testing.T) { //nolint:paralleltest // one connection
		if _, err := c.pool.Exec(t.Context(), `delete from integration.sync_runs`); err != nil {
			t.Fatal(err)
		}
		starter := c.starter(c.pool)
		queue := &inHand{}
		starter.Queue = queue
		starter.Now = func() time.Time { return time.Now().AddDate(0, 0, 30) }
		if _, err := starter.Start(t.Context(), engine.Request{Type: journal.Full, RequestedBy: "test"}); err != nil {
			t.Fatal(err)
		}
		starter.Now = func() time.Time { return time.Now().Add(time.Minute) }
		queue.messages = nil
		if err := starter.Requeue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(queue.messages) == 0 {
			t.Error("what was lost is not handed over again for a month")
		}
	})
	t.Run("a wake", func(t *testing.T) { //nolint:paralleltest // one connection
		notices := c.noticeStore(c.pool)
		if ok, err := notices.Wake(t.Context(), "partners", time.Now().AddDate(0, 0, 30)); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if ok, err := notices.Wake(t.Context(), "partners", time.Now().Add(time.Hour)); !ok || err != nil {
			t.Error("nobody is woken for a month", err)
		}
	})
}
