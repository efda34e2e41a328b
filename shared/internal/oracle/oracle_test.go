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
	actions := map[string]func(*rapid.T){
		"let time pass": a.pass, "be told": a.noticed,
		"sync": a.syncAround, "sync now": a.syncAround, "sync again": a.syncAround, "sync once more": a.syncAround,
	}
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

// counts are what histories have been through, one after the other, beside syncs and faults.
type counts struct {
	transactions, statements int // of applications
	beside, waits            int // the syncs and looks beside which a transaction was open, and how often a record waited for it
	fine, bad                int // values that are finer than the other side's, and values that it cannot hold
	dropped, renamed, jumps  int // columns, and properties
	options                  int // that were renamed
	moved, keys              int // pages, to another database, and how often the property of the ids was taken away
	unshared, full, refused  int // how often the database was not shared, the workspace was full, and a creation refused for that
}

// add adds those of other histories.
func (c *counts) add(o counts) {
	c.transactions, c.statements, c.beside, c.waits = c.transactions+o.transactions, c.statements+o.statements, c.beside+o.beside, c.waits+o.waits
	c.fine, c.bad = c.fine+o.fine, c.bad+o.bad
	c.dropped, c.renamed, c.jumps = c.dropped+o.dropped, c.renamed+o.renamed, c.jumps+o.jumps
	c.options += o.options
	c.moved, c.keys = c.moved+o.moved, c.keys+o.keys
	c.unshared, c.full, c.refused = c.unshared+o.unshared, c.full+o.full, c.refused+o.refused
}

func (c counts) String() string {
	return fmt.Sprintf("%d transactions of applications with %d statements, open beside %d syncs and looks, for which a record waited %d times; "+
		"%d values finer than the other side's, %d that it cannot hold; %d columns dropped, %d renamed, %d properties jumped, %d options renamed; "+
		"%d pages moved to another database, the property of the ids taken away %d times; "+
		"the database unshared %d times; the workspace full %d times, %d creations refused",
		c.transactions, c.statements, c.beside, c.waits, c.fine, c.bad, c.dropped, c.renamed, c.jumps, c.options, c.moved, c.keys, c.unshared, c.full, c.refused)
}

// sum says what histories have been through.
func sum(arenas []*arena) string {
	var histories, steps, syncs, effects int
	var others counts
	made := map[trouble]int{}
	for _, a := range arenas {
		if a == nil {
			continue
		}
		histories, steps, syncs, effects = histories+a.begun, steps+a.steps, syncs+a.syncs, effects+a.all
		others.add(a.counts)
		for trouble, n := range a.total {
			made[trouble] += n
		}
	}
	return fmt.Sprintf("%d histories of %d steps in all, %d syncs and looks, %d effects: %d failed before, %d failed after with the answer lost, %d refused, "+
		"%d crashes before, %d crashes after, at %d a person did something meanwhile; %s", histories, steps, syncs, effects,
		made[failBefore], made[failAfter], made[refuse], made[crashBefore], made[crashAfter], made[meanwhile], others)
}
