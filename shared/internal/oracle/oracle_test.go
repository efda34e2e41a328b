//go:build !race

package oracle

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestHistories draws histories and holds the sync to the invariants: see model.go for what they are, and docs/ARCHITECTURE.md for why.
func TestHistories(t *testing.T) {
	t.Parallel()
	for worker := range workers {
		t.Run(strconv.Itoa(worker), func(t *testing.T) {
			t.Parallel()
			a := newArena(t)
			a.worker = worker
			rapid.Check(t, a.history)
			t.Logf("%d syncs of %d effects; troubles: %v", a.syncs, a.all, a.total)
		})
	}
}

// history is one of them.
func (a *arena) history(t *rapid.T) {
	for range a.worker {
		rapid.Bool().Draw(t, "another worker's") // so that each draws others from the same seed
	}
	a.begin(t)
	actions := map[string]func(*rapid.T){"let time pass": a.pass, "sync": a.syncAround, "sync now": a.syncAround, "sync again": a.syncAround, "be told": a.noticed}
	for _, p := range a.people() {
		actions[p.name] = p.do
	}
	t.Repeat(actions)
	a.settle(t)
	a.check(t)
	a.all += a.effects.history
}
