package engine_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// How much of a team at work TestNoRowStaysStale sees; make test-deep sees two hours, twenty times.
var (
	freshnessSeeds   = flag.Int("freshness.seeds", 1, "how many teams are drawn for each pace")
	freshnessMinutes = flag.Int("freshness.minutes", 6, "how long each works")
)

// TestNoRowStaysStale has people edit fifty pages of a database that takes more than one answer to list, at several paces, with polls
// in between. Ten quiet minutes later no row is stale.
func TestNoRowStaysStale(t *testing.T) {
	t.Parallel()
	for _, rounding := range []string{"rounded", "raw"} {
		for _, pace := range sample.List([]int{10, 2, 40}) {
			for _, poll := range []time.Duration{time.Minute, 5 * time.Minute} {
				t.Run(fmt.Sprintf("%s times, %d edits a minute, polled every %v", rounding, pace, poll), func(t *testing.T) {
					t.Parallel()
					for seed := range *freshnessSeeds {
						team(t, rounding, pace, poll, uint64(seed))
					}
				})
			}
		}
	}
}

// office is where a team works, ten minutes after its workspace was filled, with that database.
func office(t *testing.T, rounding string, pool *postgres.Pool) (w *sidetest.World) {
	t.Helper()
	w = sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Demo: true, Seed: 1}, Pool: pool, Mapping: mapping.ACT(),
		Databases: func(w *sidetest.World) map[string]string {
			return map[string]string{"partners": w.Sim.Databases()["partners"]}
		},
		Change: func(cfg *engine.Config) { cfg.Now = func() time.Time { return w.Sim.Clock().Now() } },
	})
	clock := w.Sim.Clock()
	clock.Set(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	setOptions(t, w, func(o *notionsim.Options) { o.Rounding, o.Budget = rounding, 0 })
	if _, err := w.Sim.Grow(map[string]int{"partners": 130}, 1); err != nil {
		t.Fatal(err)
	}
	clock.Advance(10 * time.Minute)
	return w
}

// filled is the database after the first sync of an office.
var filled = pgtest.Template{Name: "office"}

func team(t *testing.T, rounding string, pace int, poll time.Duration, seed uint64) {
	t.Helper()
	w := office(t, rounding, sidetest.Copy(t, &filled, func(pool *postgres.Pool) {
		succeeded(t, office(t, rounding, pool).Sync(t, journal.Full, "partners"))
	}))
	clock := w.Sim.Clock()
	pages := sidetest.Query[[]string](t, w, `select array_agg(notion_id order by id) from notion_partners`)[:50]

	random := rand.New(rand.NewPCG(seed, 0))
	before, polls, edits := requests(w), 0, 0
	step := time.Minute / time.Duration(pace)
	for minute, next := 0, poll; minute < *freshnessMinutes*pace; minute++ {
		clock.Advance(step)
		edits++
		edit(t, w, pages[random.IntN(len(pages))], map[string]any{"Location": rich("rich_text", fmt.Sprintf("%d", edits))})
		if next -= step; next <= 0 {
			next += poll
			polls++
			succeeded(t, w.Sync(t, journal.Incremental, "partners"))
		}
	}
	for quiet := time.Duration(0); quiet < 10*time.Minute; quiet += poll {
		clock.Advance(poll)
		polls++
		succeeded(t, w.Sync(t, journal.Incremental, "partners"))
	}
	w.Agree(t)
	t.Logf("seed %d: %d edits, %d polls, %.2f requests a poll", seed, edits, polls, float64(requests(w)-before)/float64(polls))
}
