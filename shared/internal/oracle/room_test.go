//go:build !race

package oracle

import (
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// lasts draws, after a sync, whether what keeps the sync from its work goes on: else little would ever be synced.
func (a *arena) lasts(t *rapid.T) {
	if a.isUnshared && rapid.Bool().Draw(t, "is shared again") {
		a.share(t, true)
	}
	if a.isFull && rapid.IntRange(0, 2).Draw(t, "there is room at 2") == 2 {
		a.fill(t, false)
	}
}

// share shares the database with the integration, or takes it away: what the integration does not see any more is not deleted. People see it as
// before.
func (a *arena) share(t *rapid.T, shared bool) {
	if a.isUnshared != shared {
		return
	}
	if a.isUnshared = !shared; a.isUnshared {
		a.counts.unshared++
	}
	a.note("the database is shared: %t", shared)
	if err := a.sim.Share(a.database, shared); err != nil {
		t.Fatal(err)
	}
}

// room is how many blocks a workspace may hold that can be full.
const room = 1000

// fill fills the workspace, so that it takes no more pages, or makes room.
func (a *arena) fill(t *rapid.T, full bool) {
	if a.isFull == full {
		return
	}
	if a.isFull = full; full {
		a.counts.full++
	}
	a.note("the workspace is full: %t", full)
	limit := 0 // none
	if full {
		limit = room
		if err := a.sim.SetBlocks(room); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.sim.SetOptions(func(o *notionsim.Options) { o.BlockLimit = limit }); err != nil {
		t.Fatal(err)
	}
}
