package stats_test

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// TestFreshnessByStretch: a stretch is as fresh as its worst moment, of the database that waited longest; one of a time before every
// database had been brought into step has none.
func TestFreshnessByStretch(t *testing.T) {
	t.Parallel()
	w, _ := metric.WindowOf("24h")
	now := time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC)
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 23, hour, minute, 0, 0, time.UTC) }
	f := stats.Facts{
		Window: w, Now: now,
		Databases: []stats.Database{{Kind: "partners"}, {Kind: "projects"}},
		Brought: []stats.Brought{
			{Kind: "partners", At: at(-20, 0), Last: at(-20, 50)}, // before the window
			{Kind: "partners", At: at(9, 0), Gap: 29 * time.Hour, Last: at(9, 50)},
			{Kind: "partners", At: at(12, 0), Gap: 140 * time.Minute, Last: at(12, 10)},
			{Kind: "projects", At: at(8, 0), Last: at(8, 0)},
			{Kind: "projects", At: at(12, 0), Gap: 4 * time.Hour, Last: at(12, 20)},
		},
	}
	got := f.Fresh()
	if len(got) != 25 {
		t.Fatalf("%d stretches", len(got))
	}
	for hour, want := range map[int]time.Duration{7: -1, 8: 28*time.Hour + 10*time.Minute, 9: 29 * time.Hour, 10: 3 * time.Hour, 11: 4 * time.Hour, 12: 4 * time.Hour} {
		switch fresh := got[hour+12]; {
		case want < 0 && fresh != nil:
			t.Errorf("at %d it was %v, and projects never", hour, *fresh)
		case want >= 0 && (fresh == nil || *fresh != want):
			t.Errorf("at %d: %v, not %v", hour, fresh, want)
		}
	}
	if none := (stats.Facts{Window: w, Now: now}).Fresh(); none[0] != nil {
		t.Error("without a database")
	}
}
