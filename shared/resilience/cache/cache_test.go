package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

func alone() cache.Store { return nil }

var schema = cache.Kind{Name: "schema", TTL: time.Minute, Keep: time.Hour}

// counter counts look-ups by outcome.
type counter struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *counter) observe(s metric.Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	c.seen[s.Outcome]++
}

func TestManyWhoAskAtOnceLoadOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var counted counter
		c := cache.New(alone, time.Now, counted.observe)
		var loads atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				v, _, err := cache.Get(t.Context(), c, schema, "k", func(ctx context.Context) (string, error) {
					loads.Add(1)
					<-time.After(time.Second)
					return "v", ctx.Err()
				})
				if v != "v" || err != nil {
					t.Error(v, err)
				}
			})
		}
		wg.Wait()
		if loads.Load() != 1 {
			t.Errorf("loaded %d times", loads.Load())
		}
		if _, info, _ := cache.Get(t.Context(), c, schema, "k", func(context.Context) (string, error) { return "", errors.New("asked again") }); info.Outcome != metric.Hit {
			t.Error(info)
		}
		if counted.seen[metric.Hit] != 1 || counted.seen[metric.Miss] != 50 {
			t.Error(counted.seen)
		}
	})
}

func TestStaleOnlyWhileTheSourceIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := cache.New(alone, time.Now, func(metric.Sample) {})
		var failure error
		get := func() (string, string, error) {
			v, info, err := cache.Get(t.Context(), c, schema, "k", func(context.Context) (string, error) { return "v", failure })
			return v, info.Outcome, err
		}
		if _, outcome, _ := get(); outcome != metric.Miss {
			t.Error(outcome)
		}
		failure = fault.New(fault.Unavailable, "away")
		if _, outcome, _ := get(); outcome != metric.Hit {
			t.Error(outcome)
		}
		time.Sleep(2 * time.Minute) //nolint:forbidigo // in a bubble
		if v, outcome, err := get(); v != "v" || outcome != metric.Stale || err != nil {
			t.Error(v, outcome, err)
		}
		failure = fault.New(fault.NotFound, "gone")
		if _, _, err := get(); fault.KindOf(err) != fault.NotFound {
			t.Error("a source that answers is believed:", err)
		}
		failure = fault.New(fault.Unavailable, "away")
		time.Sleep(2 * time.Hour) //nolint:forbidigo // in a bubble
		if _, _, err := get(); fault.KindOf(err) != fault.Unavailable {
			t.Error("what is too old is given:", err)
		}
	})
}

// shelf is a store that processes share, and that answers.
type shelf struct {
	mu      sync.Mutex
	entries map[cache.Place]cache.Entry
	turns   map[cache.Place]time.Time
}

func (s *shelf) Get(_ context.Context, p cache.Place) (*cache.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.entries[p]; ok {
		return &e, nil
	}
	return nil, nil
}

func (s *shelf) Claim(_ context.Context, p cache.Place, long time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.turns[p]) {
		return false, nil
	}
	s.turns[p] = time.Now().Add(long)
	return true, nil
}

func (s *shelf) Waive(_ context.Context, p cache.Place) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.turns, p)
	return nil
}

func (s *shelf) Put(_ context.Context, p cache.Place, e cache.Entry, _ int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.turns, p)
	s.entries[p] = e
	return nil
}

func (s *shelf) Since(context.Context, int64) ([]cache.Invalidation, int64, error) {
	return nil, 0, nil
}

// TestOneOfManyProcessesLoads: functions answer one request each, so that those who ask at once are processes. One asks the source; another
// does where that one failed, died, or takes longer than anybody waits.
func TestOneOfManyProcessesLoads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dead  bool // somebody claimed the entry, and is no more
		load  func(n int32) (string, error)
		loads int32
		took  time.Duration
	}{
		"one asks": {load: func(int32) (string, error) { <-time.After(700 * time.Millisecond); return "v", nil }, loads: 1, took: 700 * time.Millisecond},
		"the first fails": {load: func(n int32) (string, error) {
			<-time.After(250 * time.Millisecond)
			if n == 1 {
				return "", errors.New("a bad day")
			}
			return "v", nil
		}, loads: 2, took: 600 * time.Millisecond},
		"one died":       {dead: true, load: func(int32) (string, error) { return "v", nil }, loads: 1, took: 1100 * time.Millisecond},
		"one takes long": {load: func(int32) (string, error) { <-time.After(10 * time.Second); return "v", nil }, loads: 8, took: 11100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{entries: map[cache.Place]cache.Entry{}, turns: map[cache.Place]time.Time{}}
				if c.dead {
					_, _ = s.Claim(t.Context(), cache.Place{Kind: schema.Name, Key: "k"}, 1100*time.Millisecond)
				}
				var loads, failed atomic.Int32
				var wg sync.WaitGroup
				began := time.Now()
				for range 8 {
					wg.Go(func() {
						process := cache.New(func() cache.Store { return s }, time.Now, func(metric.Sample) {})
						v, _, err := cache.Get(t.Context(), process, schema, "k", func(context.Context) (string, error) { return c.load(loads.Add(1)) })
						if err != nil {
							failed.Add(1)
						} else if v != "v" {
							t.Errorf("got %q", v)
						}
					})
				}
				wg.Wait()
				if took := time.Since(began); loads.Load() > c.loads || failed.Load() > 1 || took > c.took+200*time.Millisecond {
					t.Errorf("%d processes asked, %d failed, after %v", loads.Load(), failed.Load(), took)
				}
			})
		})
	}
}

// TestClockThatJumps: an entry is trusted neither longer when the clock is set back, nor from the future.
func TestClockThatJumps(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	c := cache.New(alone, func() time.Time { return now }, func(metric.Sample) {})
	get := func() string {
		_, info, err := cache.Get(t.Context(), c, schema, "k", func(context.Context) (string, error) { return "v", nil })
		if err != nil {
			t.Fatal(err)
		}
		return info.Outcome
	}
	get()
	for _, jump := range []time.Duration{-time.Hour, 25 * time.Hour, -24 * time.Hour} {
		now = now.Add(jump)
		if get() != metric.Miss || get() != metric.Hit {
			t.Errorf("after a jump of %v", jump)
		}
	}
}

// slow is a store that does not answer.
type slow struct{ asked atomic.Int32 }

func (s *slow) wait(ctx context.Context) error { s.asked.Add(1); <-ctx.Done(); return ctx.Err() }

func (s *slow) Get(ctx context.Context, _ cache.Place) (*cache.Entry, error) { return nil, s.wait(ctx) }

func (s *slow) Put(ctx context.Context, _ cache.Place, _ cache.Entry, _ int64) error {
	return s.wait(ctx)
}

func (s *slow) Claim(ctx context.Context, _ cache.Place, _ time.Duration) (bool, error) {
	return false, s.wait(ctx)
}

func (s *slow) Waive(ctx context.Context, _ cache.Place) error { return s.wait(ctx) }

func (s *slow) Since(ctx context.Context, _ int64) ([]cache.Invalidation, int64, error) {
	return nil, 0, s.wait(ctx)
}

func TestStoreThatHangsCostsLittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		c := cache.New(func() cache.Store { return s }, time.Now, func(metric.Sample) {})
		began := time.Now()
		for _, key := range []string{"a", "b", "c"} {
			if _, _, err := cache.Get(t.Context(), c, schema, key, func(context.Context) (int, error) { return 1, nil }); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took > time.Second || s.asked.Load() != 1 {
			t.Errorf("took %s, asked %d times", took, s.asked.Load())
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var counted counter
	c := cache.New(alone, time.Now, counted.observe)
	for i := range 1500 {
		_, _, _ = cache.Get(t.Context(), c, schema, strings.Repeat("k", 1+i%7)+string(rune('A'+i)), func(context.Context) (int, error) { return i, nil })
	}
	if counted.seen[metric.Evicted] != 500 {
		t.Error(counted.seen)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, key string
		fits         bool
	}{
		{"*", "", true},
		{"*", "anything", true},
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "ab", true},
		{"*b", "ab", true},
		{"a*c", "abc", true},
		{"a*c", "ab", false},
		{"*a*", "bab", true},
		{"a*a", "a", false},
		{"**", "x", true},
		{"(a+)+$", "aaaa", false},
		{"a.c", "abc", false},
		{"a*b*c", "a1b2c", true},
	} {
		if got := cache.Matches(c.pattern, c.key); got != c.fits {
			t.Errorf("%q fits %q: %t", c.key, c.pattern, got)
		}
	}
	began := time.Now()
	cache.Matches(strings.Repeat("*a", 100)+"b", strings.Repeat("a", 200))
	if took := time.Since(began); took > time.Second {
		t.Error("a pattern costs", took)
	}
}
