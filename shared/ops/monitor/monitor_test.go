package monitor_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/ops/alert"
	"github.com/act-platform/enhanced-integration/shared/ops/monitor"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board keeps alerts in memory.
type board struct {
	open []alert.Alert
	told []string
}

func (b *board) Samples(_ context.Context, now time.Time) (alert.Samples, error) {
	return alert.Samples{Now: now}, nil
}

func (b *board) Step(_ context.Context, _ time.Time, decide func([]alert.Alert) []alert.Change) error {
	for _, c := range decide(b.open) {
		b.told = append(b.told, string(c.Event)+" "+c.Alert.Key.Title())
		b.open = nil
		if c.Event == alert.Raised {
			b.open = []alert.Alert{c.Alert}
		}
	}
	return nil
}

func TestWatch(t *testing.T) {
	t.Parallel()
	var notionErr, boardErr error
	b := &board{}
	var mu sync.Mutex
	var samples []metric.Sample
	letters := map[string]int{}
	m := monitor.Monitor{
		Checks: map[metric.Service]monitor.Check{
			metric.Notion:   func(context.Context) error { return notionErr },
			metric.Supabase: func(context.Context) error { return nil },
		},
		Alerts:  func(context.Context) (monitor.Alerts, error) { return b, boardErr },
		Letters: func(context.Context) (map[string]int, error) { return letters, nil },
		Observe: func(s metric.Sample) {
			mu.Lock()
			defer mu.Unlock()
			samples = append(samples, s)
		},
		Limits: alert.Defaults(), Now: time.Now, NewID: func() string { return "id" }, Log: slog.New(slog.DiscardHandler),
	}
	watch := func() {
		t.Helper()
		if err := m.Watch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	watch()
	notionErr = fault.New(fault.Unavailable, "It does not answer.")
	watch()
	watch()
	notionErr = nil
	watch()
	if len(b.told) != 2 || b.told[0] != "raised Notion cannot be reached" || b.told[1] != "resolved Notion cannot be reached" {
		t.Errorf("told %q", b.told)
	}
	for _, err := range []error{
		fault.New(fault.RateLimited, "Notion's limit is reached."), // busy is not ill
		fault.NotAsked(fault.New(fault.Unavailable, "The database cannot be reached.")),
	} {
		notionErr = err
		if watch(); len(b.told) != 2 {
			t.Errorf("%v: told %q", err, b.told)
		}
	}
	notionErr = nil
	letters["sync-dead"] = 2
	watch()
	if len(b.told) != 3 || b.told[2] != "raised Dead letters in the queue sync-dead" {
		t.Errorf("told %q", b.told)
	}
	failed := 0
	for _, s := range samples {
		if s.Outcome != "" {
			failed++
		}
	}
	if len(samples) != 13 || failed != 2 { // one check of those was none
		t.Errorf("%d checks were measured, %d failed", len(samples), failed)
	}
	if err := m.Rest(t.Context()); err != nil || len(b.open) != 0 || len(b.told) != 4 || b.told[3] != "resolved Dead letters in the queue sync-dead" {
		t.Errorf("at rest, told %q, open %+v: %v", b.told, b.open, err)
	}
	boardErr = errors.New("away")
	if err := m.Watch(t.Context()); !errors.Is(err, boardErr) || len(samples) != 15 {
		t.Error("a database that is away is an error, and the checks are measured:", err, len(samples))
	}
}
