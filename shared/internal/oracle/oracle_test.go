//go:build !race

package oracle

import (
	"fmt"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestHistories draws histories and holds the sync to the invariants: see model_test.go for what they are, and docs/ARCHITECTURE.md for why.
func TestHistories(t *testing.T) {
	t.Parallel()
	arenas := make([]*arena, workers)
	t.Cleanup(func() { t.Log(sum(arenas)) })
	for worker := range workers {
		t.Run(strconv.Itoa(worker), func(t *testing.T) {
			t.Parallel()
			a := newArena(t, worker)
			arenas[worker] = a
			rapid.Check(t, func(history *rapid.T) {
				if a.history(history); a.begun%1000 == 0 {
					t.Log(sum([]*arena{a}))
				}
			})
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
	for name, do := range actions {
		actions[name] = func(t *rapid.T) {
			a.steps++
			do(t)
		}
	}
	t.Repeat(actions)
	a.settle(t)
	a.check(t)
	a.all += a.effects.history
}

// sum says what histories have been through.
func sum(arenas []*arena) string {
	var histories, steps, syncs, effects int
	made := map[trouble]int{}
	for _, a := range arenas {
		if a == nil {
			continue
		}
		histories, steps, syncs, effects = histories+a.begun, steps+a.steps, syncs+a.syncs, effects+a.all
		for trouble, n := range a.total {
			made[trouble] += n
		}
	}
	return fmt.Sprintf("%d histories of %d steps in all, %d syncs and looks, %d effects: %d failed before, %d failed after with the answer lost, %d refused, "+
		"%d crashes before, %d crashes after, at %d a person did something meanwhile", histories, steps, syncs, effects,
		made[failBefore], made[failAfter], made[refuse], made[crashBefore], made[crashAfter], made[meanwhile])
}
