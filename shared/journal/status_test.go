package journal_test

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/journal"
)

func TestPace(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	begun := now.Add(-10 * time.Second)
	read := func(n int) journal.Counts { return journal.Counts{Read: n} }
	cases := map[string]struct {
		part journal.PartProgress
		want journal.Pace
	}{
		"queued":                   {journal.PartProgress{}, journal.Pace{}},
		"just begun":               {journal.PartProgress{Phase: journal.Pulling, StartedAt: now, Expected: 500}, journal.Pace{Expected: 500}},
		"half way":                 {journal.PartProgress{Phase: journal.Pulling, StartedAt: begun, Expected: 500, Counts: read(250)}, journal.Pace{Done: 250, Expected: 500, PerSecond: 25, Left: 10 * time.Second}},
		"how many, nobody knows":   {journal.PartProgress{Phase: journal.Pulling, StartedAt: begun, Counts: read(250)}, journal.Pace{Done: 250, PerSecond: 25}},
		"more than expected":       {journal.PartProgress{Phase: journal.Pulling, StartedAt: begun, Expected: 200, Counts: read(250)}, journal.Pace{Done: 250, Expected: 250, PerSecond: 25}},
		"all read, fewer than was": {journal.PartProgress{Phase: journal.Pushing, StartedAt: begun, Counts: read(250)}, journal.Pace{Done: 250, Expected: 250, PerSecond: 25}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.part.Pace(now); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}
