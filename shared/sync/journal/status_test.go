package journal_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

func TestPace(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	begun := now.Add(-10 * time.Second)
	read := func(n int) journal.Counts { return journal.Counts{Read: n} }
	pulling := func(expected int) journal.Checkpoint {
		return journal.Checkpoint{Phase: journal.Pulling, Expected: expected}
	}
	pushing := func(left ...int) journal.Checkpoint {
		at := journal.Checkpoint{Phase: journal.Pushing, Expected: 20}
		for _, n := range left {
			at.Push(n, begun)
		}
		return at
	}
	cases := map[string]struct {
		part journal.PartProgress
		want journal.Pace
	}{
		"queued":                                           {journal.PartProgress{}, journal.Pace{}},
		"just begun":                                       {journal.PartProgress{At: pulling(500), StartedAt: now}, journal.Pace{Expected: 500}},
		"half way":                                         {journal.PartProgress{At: pulling(500), StartedAt: begun, Counts: read(250)}, journal.Pace{Done: 250, Expected: 500, PerSecond: new(25.0), Left: 10 * time.Second}},
		"how many, nobody knows":                           {journal.PartProgress{At: pulling(0), StartedAt: begun, Counts: read(250)}, journal.Pace{Done: 250, PerSecond: new(25.0)}},
		"more than expected":                               {journal.PartProgress{At: pulling(200), StartedAt: begun, Counts: read(250)}, journal.Pace{Done: 250, PerSecond: new(25.0)}},
		"as many as expected":                              {journal.PartProgress{At: pulling(250), StartedAt: begun, Counts: read(250)}, journal.Pace{Done: 250, Expected: 250, PerSecond: new(25.0)}},
		"all read, fewer than was":                         {journal.PartProgress{At: journal.Checkpoint{Phase: journal.Missing, Expected: 500}, StartedAt: begun, Counts: read(250)}, journal.Pace{Done: 250, Expected: 250, PerSecond: new(25.0)}},
		"all read, to be pushed":                           {journal.PartProgress{At: journal.Checkpoint{Phase: journal.Pushing, Expected: 20}, StartedAt: begun, Counts: read(20)}, journal.Pace{}},
		"20 read, 1,200 to push":                           {journal.PartProgress{At: pushing(1200), StartedAt: begun.Add(-time.Hour), Counts: read(20)}, journal.Pace{Expected: 1200}},
		"of 1,200 to push, 300 are":                        {journal.PartProgress{At: pushing(1200, 900), StartedAt: begun.Add(-time.Hour), Counts: read(20)}, journal.Pace{Done: 300, Expected: 1200, PerSecond: new(30.0), Left: 30 * time.Second}},
		"50 more came meanwhile":                           {journal.PartProgress{At: pushing(1200, 900, 950), StartedAt: begun.Add(-time.Hour)}, journal.Pace{Done: 300, Expected: 1250, PerSecond: new(30.0), Left: 32 * time.Second}},
		"slower than a tenth in a second":                  {journal.PartProgress{At: pushing(1200, 1199), StartedAt: begun}, journal.Pace{Done: 1, Expected: 1200, PerSecond: new(0.1), Left: 11990 * time.Second}},
		"7 of 10 in 10 s, to the second":                   {journal.PartProgress{At: pulling(10), StartedAt: begun, Counts: read(7)}, journal.Pace{Done: 7, Expected: 10, PerSecond: new(0.7), Left: 4 * time.Second}},
		"a batch is looked at again, of which 40 are done": {journal.PartProgress{At: pushing(1200, 1160), StartedAt: begun}, journal.Pace{Done: 40, Expected: 1200, PerSecond: new(4.0), Left: 290 * time.Second}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.part.Pace(now)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
