package breaker

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// attempts are some that begin at once, after a wait. They end in the order of outcomes.
type attempts struct {
	after    time.Duration
	outcomes []Outcome
	refused  time.Duration // the attempt after them is refused for so long; 0: it is let through, and tells nothing
}

func times(n int, o Outcome) []Outcome {
	all := make([]Outcome, n)
	for i := range all {
		all[i] = o
	}
	return all
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	dead := attempts{outcomes: times(10, Failed), refused: 5 * time.Second}
	tests := []struct {
		name  string
		steps []attempts
	}{
		{"a few failures say nothing", []attempts{{outcomes: times(9, Failed)}}},
		{"ten failures and nothing else open it", []attempts{dead}},
		{"it is open for the rest of the cooldown", []attempts{dead, {after: 2 * time.Second, refused: 3 * time.Second}}},
		{"one failing answer in three does not open it, told last", []attempts{
			{outcomes: append(times(7, Healthy), times(3, Failed)...)},
			{outcomes: append(times(6, Healthy), times(4, Failed)...)},
			{outcomes: append(times(7, Healthy), times(3, Failed)...)},
			{outcomes: append(times(7, Healthy), times(3, Failed)...)},
		}},
		{"what was well and dies opens it", []attempts{{outcomes: times(30, Healthy)}, {outcomes: times(24, Failed)}, {outcomes: times(1, Failed), refused: 5 * time.Second}}},
		{"what was well a minute ago does not count", []attempts{{outcomes: times(30, Healthy)}, {after: time.Minute, outcomes: times(10, Failed), refused: 5 * time.Second}}},
		{"few slow failures and nothing else for a minute open it", []attempts{
			{outcomes: times(1, Healthy)},
			{after: 30 * time.Second, outcomes: times(1, Failed)},
			{after: 30 * time.Second, outcomes: times(2, Failed)},
			{after: 20 * time.Second, outcomes: times(1, Failed)},
			{after: 10 * time.Second, outcomes: times(1, Failed), refused: 5 * time.Second},
		}},
		{"what tells nothing counts for nothing", []attempts{{outcomes: times(50, Unknown)}, {outcomes: times(9, Failed)}}},
		{"recovery lets three through, then six, then twelve", []attempts{
			dead, {after: 5 * time.Second, outcomes: times(3, Healthy)}, {outcomes: times(6, Healthy)}, {outcomes: times(12, Healthy)}, {outcomes: times(100, Healthy)},
		}},
		{"bad probes among good ones do not end a recovery", []attempts{
			dead, {after: 5 * time.Second, outcomes: []Outcome{Failed, Healthy, Failed}}, {outcomes: []Outcome{Failed, Healthy, Failed, Failed, Healthy, Failed}},
		}},
		{"a dead service is left alone for twice as long", []attempts{
			dead, {after: 5 * time.Second, outcomes: times(3, Failed), refused: 10 * time.Second}, {after: 10 * time.Second, outcomes: times(3, Failed), refused: 20 * time.Second},
		}},
		{"but for a minute at the most", []attempts{
			dead,
			{after: 5 * time.Second, outcomes: times(3, Failed), refused: 10 * time.Second},
			{after: 10 * time.Second, outcomes: times(3, Failed), refused: 20 * time.Second},
			{after: 20 * time.Second, outcomes: times(3, Failed), refused: 40 * time.Second},
			{after: 40 * time.Second, outcomes: times(3, Failed), refused: time.Minute},
			{after: time.Minute, outcomes: times(3, Failed), refused: time.Minute},
		}},
		{"a recovery that ended well starts over", []attempts{
			dead,
			{after: 5 * time.Second, outcomes: times(3, Failed), refused: 10 * time.Second},
			{after: 10 * time.Second, outcomes: times(3, Healthy)},
			{outcomes: times(6, Healthy)},
			{outcomes: times(12, Healthy)},
			dead,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(0, 0)
			b := New(Config{Now: func() time.Time { return now }})
			for i, s := range test.steps {
				now = now.Add(s.after)
				reports := make([]func(Outcome), len(s.outcomes))
				for n := range reports {
					var err error
					if reports[n], err = b.Allow(); err != nil {
						t.Fatalf("%d, attempt %d: %v", i, n, err)
					}
				}
				for n, report := range reports {
					report(s.outcomes[n])
				}
				report, err := b.Allow()
				if fault.RetryAfter(err) != s.refused || (err == nil) != (s.refused == 0) {
					t.Fatalf("%d: %v, wait %v", i, err, fault.RetryAfter(err))
				}
				if err == nil {
					report(Unknown)
				}
			}
		})
	}
}

// TestRecoveryLetsFewThrough: beside the attempts of a step nothing gets through; an attempt that tells nothing gives its place back; and
// whoever dies in a step does not keep the others from the service.
func TestRecoveryLetsFewThrough(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	b := New(Config{Rule: Rule{Least: 1}, Now: func() time.Time { return now }})
	early, _ := b.Allow()
	late, _ := b.Allow()
	early(Failed)
	now = now.Add(5 * time.Second)
	var probes []func(Outcome)
	for range 3 {
		probe, err := b.Allow()
		if err != nil {
			t.Fatal(err)
		}
		probes = append(probes, probe)
	}
	late(Healthy) // of before it opened
	if _, err := b.Allow(); fault.KindOf(err) != fault.Unavailable || fault.RetryAfter(err) != time.Second || b.Status() != HalfOpen {
		t.Errorf("a fourth attempt went through: %v", err)
	}
	probes[0](Unknown)
	if _, err := b.Allow(); err != nil {
		t.Errorf("the place was not given back: %v", err)
	}
	now = now.Add(39 * time.Second)
	if _, err := b.Allow(); err == nil {
		t.Error("a fourth attempt went through")
	}
	now = now.Add(time.Second) // nobody told how the step went
	again, err := b.Allow()
	if err != nil {
		t.Fatalf("the step does not begin again: %v", err)
	}
	probes[1](Failed) // of the step before
	probes[2](Failed)
	again(Failed)
	if _, err := b.Allow(); err != nil {
		t.Errorf("outcomes of an earlier step counted: %v", err)
	}
}

// TestAThirdOf5xxDoesNotOpen: a service that fails three times of ten, in whatever order, is not kept from.
func TestAThirdOf5xxDoesNotOpen(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]Rule{"usual": {}, "a longer window": {Window: 5 * time.Minute}} {
		for _, pace := range []time.Duration{10 * time.Millisecond, time.Second, 10 * time.Second} {
			chance := rand.New(rand.NewPCG(1, 2))
			now := time.Unix(0, 0)
			b := New(Config{Rule: rule, Now: func() time.Time { return now }})
			refused := 0
			for range 50_000 {
				now = now.Add(pace)
				report, err := b.Allow()
				switch {
				case err != nil:
					refused++
				case chance.Float64() < 0.3:
					report(Failed)
				default:
					report(Healthy)
				}
			}
			if refused > 0 {
				t.Errorf("%s, one in %v: %d of 50,000 refused", name, pace, refused)
			}
		}
	}
}

// TestLawBreaker: whatever comes in whatever order, the breaker opens only on failures, keeps to its longest wait, and lets everything
// through again once the service is well.
func TestLawBreaker(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		rule := Rule{Least: rapid.IntRange(1, 12).Draw(t, "least"), Share: float64(rapid.IntRange(2, 10).Draw(t, "share")) / 10}
		b := New(Config{Rule: rule, Now: func() time.Time { return now }})
		failures := 0
		var open []func(Outcome)
		for range rapid.IntRange(1, 200).Draw(t, "moves") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			report, err := b.Allow()
			if err != nil && (failures < (rule.Least+1)/2 || fault.RetryAfter(err) > time.Minute) {
				t.Fatalf("refused after %d failures for %v", failures, fault.RetryAfter(err))
			}
			if err == nil {
				open = append(open, report)
			}
			if len(open) > 0 && (len(open) == 10 || rapid.Bool().Draw(t, "ends")) {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				o := rapid.SampledFrom([]Outcome{Healthy, Failed, Failed, Unknown}).Draw(t, "outcome")
				if o == Failed {
					failures++
				}
				open[i](o)
				open = append(open[:i], open[i+1:]...)
			}
		}
		// The service is well from now on; what was under way is never told of.
		refused := 0
		for range 500 {
			now = now.Add(time.Second)
			report, err := b.Allow()
			if err != nil {
				refused++
				continue
			}
			report(Healthy)
		}
		if b.Status() != Closed || refused > 130 {
			t.Fatalf("%s after 500 s of health, %d attempts refused", b.Status(), refused)
		}
	})
}
