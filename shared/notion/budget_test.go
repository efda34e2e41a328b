package notion

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// TestLawWindow: whatever is asked for and when, by callers who do not wait for each other, no stretch of a period holds
// more than the budget, nobody overtakes, and nobody waits longer than that needs.
func TestLawWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		var waited time.Duration
		wait := func(_ context.Context, d time.Duration) error {
			waited = d
			return nil
		}
		const budget, period = 5, time.Minute
		w := NewWindow(WindowConfig{Requests: budget, Period: period, Now: func() time.Time { return now }, Wait: wait})
		var sent []time.Time
		for range rapid.IntRange(1, 40).Draw(t, "asks") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			n := rapid.IntRange(1, 3).Draw(t, "n")
			waited = 0
			if err := w.Take(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			at, soonest := now.Add(waited), now
			if last := len(sent) - 1; last >= 0 && sent[last].After(now) {
				soonest = sent[last]
			}
			if at.Before(soonest) {
				t.Fatalf("sent at %v, before one who asked earlier at %v", at, soonest)
			}
			if at.After(soonest) && within(sent, at.Add(-time.Nanosecond), period)+n <= budget {
				t.Fatalf("waited %v for nothing", waited)
			}
			for range n {
				sent = append(sent, at)
			}
			if most := within(sent, at, period); most > budget {
				t.Fatalf("%d requests within %v", most, period)
			}
		}
	})
}

// within counts what was sent in the period that ends at a time.
func within(sent []time.Time, end time.Time, period time.Duration) int {
	n := 0
	for _, at := range sent {
		if at.After(end.Add(-period)) && !at.After(end) {
			n++
		}
	}
	return n
}

func TestWindowServesManyInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(WindowConfig{Requests: 180, Period: time.Minute})
		start := time.Now()
		var mu sync.Mutex
		minutes := map[time.Duration]int{}
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() {
				if err := w.Take(t.Context(), 1); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				minutes[time.Since(start)]++
			})
		}
		all.Wait()
		if minutes[0] != 180 || minutes[time.Minute] != 180 || minutes[2*time.Minute] != 140 {
			t.Errorf("spent %v", minutes)
		}
	})
}

func TestWindowRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(WindowConfig{Requests: 2, Period: time.Minute})
		if err := w.Take(t.Context(), 3); fault.KindOf(err) != fault.Invalid {
			t.Errorf("more than the whole budget: %v", err)
		}
		if err := w.Take(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 59*time.Second)
		defer cancel()
		start := time.Now()
		err := w.Take(short, 1)
		if fault.KindOf(err) != fault.RateLimited || fault.RetryAfter(err) != time.Minute || !time.Now().Equal(start) {
			t.Errorf("a wait that outlasts the context: %v, wait %v", err, fault.RetryAfter(err))
		}
		gone, giveUp := context.WithCancel(t.Context())
		giveUp()
		if err := w.Take(gone, 1); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("a caller who gave up: %v", err)
		}
		if err := w.Take(t.Context(), 1); err != nil || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
