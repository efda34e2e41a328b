package breaker

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	type step struct {
		after   time.Duration
		outcome Outcome
		refused time.Duration // asked to wait so long; 0 when let through
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"closed while somebody answers", []step{{outcome: Failed}, {outcome: Failed}, {outcome: Healthy}, {outcome: Failed}, {outcome: Failed}, {outcome: Healthy}}},
		{"open after three failures in a row", []step{{outcome: Failed}, {outcome: Failed}, {outcome: Failed}, {refused: time.Minute}, {after: 20 * time.Second, refused: 40 * time.Second}}},
		{"closed by a good probe", []step{{outcome: Failed}, {outcome: Failed}, {outcome: Failed}, {after: time.Minute, outcome: Healthy}, {outcome: Failed}, {outcome: Failed}, {outcome: Healthy}}},
		{"open again by a bad probe", []step{{outcome: Failed}, {outcome: Failed}, {outcome: Failed}, {after: time.Minute, outcome: Failed}, {refused: time.Minute}}},
		{"half open still after a probe that told nothing", []step{{outcome: Failed}, {outcome: Failed}, {outcome: Failed}, {after: time.Minute, outcome: Unknown}, {outcome: Healthy}, {outcome: Failed}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(0, 0)
			b := New(Config{Failures: 3, Cooldown: time.Minute, Now: func() time.Time { return now }})
			for i, s := range test.steps {
				now = now.Add(s.after)
				report, err := b.Allow()
				if fault.RetryAfter(err) != s.refused || (err == nil) != (s.refused == 0) {
					t.Fatalf("step %d: %v, wait %v", i, err, fault.RetryAfter(err))
				}
				if err == nil {
					report(s.outcome)
				}
			}
		})
	}
}

func TestBreakerProbesOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	b := New(Config{Failures: 1, Cooldown: time.Minute, Now: func() time.Time { return now }})
	late, _ := b.Allow()
	report, _ := b.Allow()
	report(Failed)
	now = now.Add(time.Minute)
	probe, err := b.Allow()
	if err != nil {
		t.Fatal(err)
	}
	late(Unknown)
	if _, err := b.Allow(); fault.KindOf(err) != fault.Unavailable || fault.RetryAfter(err) != time.Second {
		t.Errorf("a second attempt went through beside the probe: %v", err)
	}
	probe(Healthy)
	if _, err := b.Allow(); err != nil {
		t.Error(err)
	}
}

// TestLawBreaker holds the breaker against the plain words of its description.
func TestLawBreaker(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		b := New(Config{Failures: 2, Cooldown: time.Minute, Now: func() time.Time { return now }})
		inARow, openedAt := 0, time.Time{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
			report, err := b.Allow()
			open := inARow >= 2 && now.Before(openedAt.Add(time.Minute))
			if open != (err != nil) {
				t.Fatalf("open: %v, but got %v", open, err)
			}
			if err != nil {
				continue
			}
			switch o := rapid.SampledFrom([]Outcome{Healthy, Failed, Unknown}).Draw(t, "outcome"); o {
			case Healthy:
				inARow = 0
				report(o)
			case Failed:
				inARow, openedAt = inARow+1, now
				report(o)
			case Unknown:
				report(o)
			}
		}
	})
}
