package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// load returns calls at each of some times: four, of which one fails and one is slow.
func load(times ...time.Time) []metric.Row {
	var tally metric.Tally
	for _, at := range times {
		for i, d := range []time.Duration{40, 45, 60, 900} {
			s := metric.Sample{Service: metric.Notion, Operation: "GET /v1/users/me", At: at, Duration: d * time.Millisecond}
			if i == 3 {
				s.Outcome = "unavailable"
			}
			tally.Add(s)
		}
	}
	return tally.Rows()
}

// TestFiguresStayAsTheyAreFolded: a window's sums are the same before and after minutes became hours, and hours days, and what comes late
// counts as well.
func TestFiguresStayAsTheyAreFolded(t *testing.T) {
	t.Parallel()
	store := postgres.Measurements{Pool: pgtest.New(t), ConnectionID: config.DefaultConnection}
	now := time.Now().UTC()
	hours := func(n int) time.Time { return now.Add(-time.Duration(n) * time.Hour) }
	add := func(rows []metric.Row) {
		t.Helper()
		if err := store.Add(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	add(load(hours(0), hours(1), hours(5), hours(30), hours(24*20), hours(24*60)))
	window, _ := metric.WindowOf("90d")
	figures := func(calls int64) []metric.Total {
		t.Helper()
		rows, err := store.Read(t.Context(), window.From(now), window.Grain)
		if err != nil {
			t.Fatal(err)
		}
		if got := metric.Sum(rows, nil).Calls; got != calls {
			t.Fatalf("%d calls, not %d", got, calls)
		}
		var totals []metric.Total
		for _, p := range window.Series(rows, now, metric.Of(metric.Notion)) {
			totals = append(totals, p.Total)
		}
		return append(totals, metric.Sum(rows, metric.Of(metric.Notion)))
	}
	before := figures(24)
	for range 2 { // a second time finds nothing to do
		if err := store.Fold(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, figures(24)); diff != "" {
			t.Error("folding changed the figures:", diff)
		}
	}
	add(load(hours(30), hours(24*20), hours(24*200))) // late; the last is older than anything that is kept
	if err := store.Fold(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	figures(32)
	var grains int
	if err := store.Pool.QueryRow(t.Context(), `select count(distinct grain) from integration.measurements where at > $1`, hours(24*91)).Scan(&grains); err != nil || grains != 3 {
		t.Errorf("%d grains, %v", grains, err)
	}
}

// TestManyAddAtOnce: no call is lost and nobody waits for another for ever.
func TestManyAddAtOnce(t *testing.T) {
	t.Parallel()
	store := postgres.Measurements{Pool: pgtest.New(t), ConnectionID: config.DefaultConnection}
	now := time.Now().UTC()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if err := store.Add(context.WithoutCancel(t.Context()), load(now, now.Add(-time.Minute))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rows, err := store.Read(t.Context(), now.Add(-time.Hour), metric.Minute)
	if total := metric.Sum(rows, nil); err != nil || total.Calls != 320 || total.Errors != 80 || total.Latency.Count() != 320 {
		t.Errorf("%+v, %v", total, err)
	}
}

// TestTimesOfTheFuture: what a clock that runs ahead measured counts now, not tomorrow.
func TestTimesOfTheFuture(t *testing.T) {
	t.Parallel()
	store := postgres.Measurements{Pool: pgtest.New(t), ConnectionID: config.DefaultConnection}
	if err := store.Add(t.Context(), load(time.Now().Add(48*time.Hour), time.Now().Add(49*time.Hour))); err != nil {
		t.Fatal(err)
	}
	rows, err := store.Read(t.Context(), time.Now().Add(-2*time.Minute), metric.Minute)
	if err != nil || metric.Sum(rows, nil).Calls != 8 || rows[len(rows)-1].At.After(time.Now()) {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestStatementsAreMeasured: each statement counts once, by its verb and how it ended; what the measuring does itself does not.
func TestStatementsAreMeasured(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	pool, err := postgres.Open(t.Context(), secret.Of(pgtest.URL(t)), 2, postgres.Measured(time.Now, func(_ context.Context, s metric.Sample) {
		mu.Lock()
		defer mu.Unlock()
		seen[s.Operation+" "+s.Outcome]++
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx := t.Context()
	var n int
	_ = pool.QueryRow(ctx, `select 1`).Scan(&n)
	_ = pool.QueryRow(ctx, `select 1 where false`).Scan(&n)
	_, _ = pool.Exec(ctx, `insert into integration.connections (name) values (null)`)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, _ = pool.Exec(cancelled, `select 1`)
	if err := (postgres.Measurements{Pool: pool, ConnectionID: config.DefaultConnection}).Add(ctx, load(time.Now())); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := map[string]int{"connect ": 1, "select ": 2, "insert invalid": 1}; !cmp.Equal(seen, want) {
		t.Errorf("measured %v, not %v", seen, want)
	}
}
