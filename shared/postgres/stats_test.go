package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/ops/alert"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

func uuidV7() string { return uuid.Must(uuid.NewV7()).String() }

func exec(t *testing.T, pool *postgres.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// TestAlertIsRaisedAndResolvedOnce: whatever Postgres knows is judged; a transition is one event, also of two who watch at once.
func TestAlertIsRaisedAndResolvedOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	alerts := postgres.Alerts{Pool: pool, ConnectionID: config.DefaultConnection, Kinds: []string{"partners"}, NewID: uuidV7}
	now := time.Now().UTC()
	for i := range 4 {
		exec(t, pool, `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at)
			values ($1, $2, 'full', 'failed', 'test', $3, $3, $3)`, uuidV7(), config.DefaultConnection, now.Add(time.Duration(i-10)*time.Minute))
	}
	exec(t, pool, `insert into public.oauth_tokens (provider, secret_id, expires_at) values ('notion', 's', $1)`, now.Add(23*time.Hour))
	exec(t, pool, `insert into integration.sync_holds (id, connection_id, kind, side, records, total, created_at) values ($1, $2, 'partners', 'notion', 7, 9, $3)`,
		uuidV7(), config.DefaultConnection, now)
	var tally metric.Tally
	for i := range 20 {
		s := metric.Sample{Service: metric.Notion, At: now}
		if i < 2 {
			s.Outcome = "unavailable"
		}
		tally.Add(s)
	}
	if err := (postgres.Measurements{Pool: pool, ConnectionID: config.DefaultConnection}).Add(t.Context(), tally.Rows()); err != nil {
		t.Fatal(err)
	}
	watch := func(ctx context.Context) error {
		s, err := alerts.Samples(ctx, now)
		if err != nil {
			return err
		}
		return alerts.Step(ctx, now, func(open []alert.Alert) []alert.Change {
			return alert.Step(open, alert.Evaluate(s, alert.Defaults()), now, alert.Defaults(), uuidV7)
		})
	}
	done := make(chan error)
	for range 4 {
		go func() { done <- watch(context.WithoutCancel(t.Context())) }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	open, err := alerts.List(t.Context(), false, 10)
	if err != nil || len(open) != 4 {
		t.Fatalf("%+v %v", open, err)
	}
	events := func(kind string) (n int) {
		if err := pool.QueryRow(t.Context(), `select count(*) from integration.events where type = $1`, kind).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	if n := events("alert_raised"); n != 4 {
		t.Errorf("%d alerts were raised, %d events", len(open), n)
	}
	seen, err := alerts.Acknowledge(t.Context(), open[0].ID, "desk", now)
	if err != nil || seen.AcknowledgedBy != "desk" {
		t.Errorf("%+v %v", seen, err)
	}
	if again, err := alerts.Acknowledge(t.Context(), open[0].ID, "another", now); err != nil || again.AcknowledgedBy != "desk" {
		t.Errorf("the first stands: %+v %v", again, err)
	}
	if _, err := alerts.Silence(t.Context(), uuidV7(), now); fault.KindOf(err) != fault.NotFound {
		t.Error("silenced what is not there:", err)
	}
	exec(t, pool, `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at)
		values ($1, $2, 'full', 'succeeded', 'test', $3, $3, $3)`, uuidV7(), config.DefaultConnection, now)
	exec(t, pool, `update integration.sync_holds set status = 'withdrawn'`)
	exec(t, pool, `update public.oauth_tokens set expires_at = $1`, now.Add(48*time.Hour))
	now = now.Add(16 * time.Minute)
	for range 2 {
		if err := watch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if open, err = alerts.List(t.Context(), false, 10); err != nil || len(open) != 0 || events("alert_resolved") != 4 || events("alert_raised") != 4 {
		t.Errorf("still open: %+v %v", open, err)
	}
	if all, err := alerts.List(t.Context(), true, 10); err != nil || len(all) != 4 {
		t.Errorf("%d kept, %v", len(all), err)
	}
}

// TestBreakerIsShared: what one process finds out keeps the others from calling; together they let no more probes through than a step of the
// recovery has; somebody may close it by hand.
func TestBreakerIsShared(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var clock atomic.Int64
	clock.Store(time.Now().UnixNano())
	pass := func(d time.Duration) {
		clock.Add(int64(d))
		exec(t, pool, `update integration.breakers set retry_at = retry_at - $1::interval`, d)
	}
	process := func(ahead time.Duration) *breaker.Breaker { // whose clock runs ahead
		now := func() time.Time { return time.Unix(0, clock.Load()).Add(ahead) }
		return breaker.New(breaker.Config{Service: "Notion", Rule: breaker.Rule{Least: 2, Cooldown: 10 * time.Second}, Now: now, Shared: &postgres.SharedBreaker{
			ConnectionID: config.DefaultConnection, Service: "notion", Pool: func() *postgres.Pool { return pool }, Now: now,
		}})
	}
	one, other := process(time.Hour), process(-time.Minute)
	var late []func(breaker.Outcome)
	for range 4 { // all under way at once
		report, err := one.Allow()
		if err != nil {
			t.Fatal(err)
		}
		late = append(late, report)
	}
	for _, report := range late {
		report(breaker.Failed)
	}
	pass(2 * time.Second)
	if _, err := other.Allow(); fault.KindOf(err) != fault.Unavailable || other.Status() != breaker.Open {
		t.Fatal("the other process still calls:", err)
	}
	probe := func(o breaker.Outcome, sizes ...int) {
		t.Helper()
		for _, size := range sizes {
			var probes []func(breaker.Outcome)
			for i := range size {
				probe, err := []*breaker.Breaker{one, other}[i%2].Allow()
				if err != nil {
					t.Fatalf("probe %d of %d: %v", i, size, err)
				}
				probes = append(probes, probe)
			}
			for name, b := range map[string]*breaker.Breaker{"one": one, "the other": other} {
				if _, err := b.Allow(); err == nil {
					t.Fatalf("%s lets more than %d through", name, size)
				}
			}
			for _, probe := range probes {
				probe(o)
			}
			pass(2 * time.Second) // what each knows is a second old at the most
		}
	}
	pass(9 * time.Second)
	probe(breaker.Failed, 3)
	pass(17 * time.Second)
	if _, err := one.Allow(); err == nil {
		t.Fatal("the second cooldown is no longer than the first")
	}
	pass(3 * time.Second)
	probe(breaker.Healthy, 3, 6, 12)
	for range 2 {
		report, err := one.Allow()
		if err != nil || other.Status() != breaker.Closed {
			t.Fatal("a good recovery closes it for all:", err)
		}
		report(breaker.Failed)
	}
	desk := postgres.Breakers{Pool: pool, ConnectionID: config.DefaultConnection}
	if list, err := desk.List(t.Context()); err != nil || len(list) != 1 || list[0].Status != breaker.Open || list[0].Openings != 3 || list[0].LastOpenedAt.IsZero() {
		t.Fatalf("%+v %v", list, err)
	}
	if err := errors.Join(desk.Reset(t.Context(), "notion")); err != nil {
		t.Fatal(err)
	}
	pass(2 * time.Second)
	for _, b := range []*breaker.Breaker{one, other} {
		if _, err := b.Allow(); err != nil {
			t.Error("closed by hand, and still refuses:", err)
		}
	}
	if err := desk.Reset(t.Context(), "unheard of"); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}

// TestOwnBreakerIsToldLater: how Postgres's own breaker went cannot be told while it is away; it is when it is back, once.
func TestOwnBreakerIsToldLater(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	now := time.Now()
	went := &postgres.OwnBreaker{ConnectionID: config.DefaultConnection, Service: "supabase", Now: func() time.Time { return now }}
	b := breaker.New(breaker.Config{Service: "The database", Rule: breaker.Rule{Least: 2, Longest: 5 * time.Second}, Now: func() time.Time { return now }, Shared: went})
	fails := func(n int) {
		t.Helper()
		for range n {
			report, err := b.Allow()
			if err != nil {
				t.Fatal(err)
			}
			report(breaker.Failed)
		}
	}
	fails(2)
	if _, err := b.Allow(); err == nil || b.Status() != breaker.Open {
		t.Fatal("it is not open")
	}
	now = now.Add(6 * time.Second)
	fails(3) // the probes
	if _, err := b.Allow(); err == nil {
		t.Fatal("bad probes closed it")
	}
	now = now.Add(6 * time.Second)
	for b.Status() != breaker.Closed {
		report, err := b.Allow()
		if err != nil {
			t.Fatal(err)
		}
		report(breaker.Healthy)
	}
	desk := postgres.Breakers{Pool: pool, ConnectionID: config.DefaultConnection, Always: []string{"notion", "supabase"}}
	for range 2 {
		went.Tell(t.Context(), pool)
		list, err := desk.List(t.Context())
		if err != nil || len(list) != 2 || list[0].Service != "notion" || list[0].Openings != 0 || list[0].Status != breaker.Closed ||
			list[1].Openings != 2 || list[1].Status != breaker.Closed || list[1].LastOpenedAt.IsZero() || b.Status() != breaker.Closed {
			t.Fatalf("%+v %v", list, err)
		}
	}
	for _, service := range desk.Always {
		if err := desk.Reset(t.Context(), service); err != nil {
			t.Error(service, err)
		}
	}
}

// TestInvalidationReachesEveryProcess: within a second, by kind and pattern, also what is being asked for at that moment.
func TestInvalidationReachesEveryProcess(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	store := postgres.Cache{Pool: pool, ConnectionID: config.DefaultConnection}
	var clock atomic.Int64
	clock.Store(time.Now().UnixNano())
	now := func() time.Time { return time.Unix(0, clock.Load()) }
	process := func() *cache.Cache {
		return cache.New(func() cache.Store { return store }, now, func(metric.Sample) {})
	}
	one, other := process(), process()
	kind := cache.Kind{Name: "schema", TTL: time.Hour}
	loads := 0
	get := func(c *cache.Cache, key string) string {
		t.Helper()
		_, info, err := cache.Get(t.Context(), c, kind, key, func(context.Context) (int, error) {
			loads++
			return loads, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return info.Outcome
	}
	for _, key := range []string{"a:1", "a:2", "b_1"} {
		if get(one, key) != metric.Miss || get(other, key) != metric.Hit {
			t.Fatal(key, "is not shared")
		}
	}
	if gone, err := store.Invalidate(t.Context(), []string{"schema"}, "a:*", "test", uuidV7(), now()); err != nil || gone != 2 {
		t.Fatal(gone, err)
	}
	clock.Add(int64(time.Second))
	for _, c := range []*cache.Cache{one, other} {
		if get(c, "b_1") != metric.Hit {
			t.Error("another key went as well")
		}
	}
	if get(other, "a:1") != metric.Miss || get(one, "a:1") != metric.Hit {
		t.Error("what was invalidated is still given")
	}
	// Invalidated while it is asked for: the answer is given once, and kept by nobody.
	_, _, err := cache.Get(t.Context(), one, kind, "late", func(ctx context.Context) (string, error) {
		_, err := store.Invalidate(ctx, []string{"schema"}, "*", "test", uuidV7(), now())
		return "old", err
	})
	clock.Add(int64(time.Second))
	if err != nil || get(other, "late") != metric.Miss {
		t.Error("an old answer outlived its invalidation", err)
	}
	if err := store.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOneHasTheTurn: of many processes that miss an entry one has the turn to ask for it, until it gives it back, with an entry or without,
// or its time is over.
func TestOneHasTheTurn(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	store := postgres.Cache{Pool: pool, ConnectionID: config.DefaultConnection}
	p := cache.Place{Kind: "dashboard", Key: "7d"}
	claims := func(long time.Duration) (won int) {
		t.Helper()
		var wg sync.WaitGroup
		var mine atomic.Int32
		for range 8 {
			wg.Go(func() {
				ok, err := store.Claim(context.WithoutCancel(t.Context()), p, long)
				if err != nil {
					t.Error(err)
				}
				if ok {
					mine.Add(1)
				}
			})
		}
		wg.Wait()
		return int(mine.Load())
	}
	for _, step := range []struct {
		name string
		then func() error
		won  int
	}{
		{"nobody asked yet", func() error { return nil }, 1},
		{"one asks", func() error { return nil }, 0},
		{"it found nothing", func() error { return store.Waive(t.Context(), p) }, 1},
		{"it found something", func() error {
			return store.Put(t.Context(), p, cache.Entry{Value: []byte(`"v"`), KeepUntil: time.Now().Add(time.Hour)}, 0)
		}, 1},
		{"it died", func() error {
			_, err := pool.Exec(t.Context(), `update integration.cache_loads set claimed_until = clock_timestamp()`)
			return err
		}, 1},
	} {
		if err := step.then(); err != nil {
			t.Fatal(step.name, err)
		}
		if won := claims(time.Hour); won != step.won {
			t.Errorf("%s: %d have the turn", step.name, won)
		}
	}
	if e, err := store.Get(t.Context(), p); err != nil || e == nil || string(e.Value) != `"v"` {
		t.Errorf("%+v %v", e, err)
	}
}
