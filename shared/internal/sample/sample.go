// Package sample shortens what tests go through at length where they are run with -short, as `make test` does, so that it stays below five
// minutes. It is always the same that is left out, and `make race`, which is part of what a change has to pass, leaves out nothing.
package sample

import (
	"maps"
	"slices"
	"testing"
)

// every is which of them a short run goes through.
const every = 3

// Of returns the cases that are run: all, or with -short every third in the order of their names.
func Of[C any](cases map[string]C) map[string]C {
	if !testing.Short() {
		return cases
	}
	some := make(map[string]C, len(cases)/every+1)
	for i, name := range slices.Sorted(maps.Keys(cases)) {
		if i%every == 0 {
			some[name] = cases[name]
		}
	}
	return some
}

// List returns what is run of a list: all, or with -short every third, the first at least.
func List[E any](all []E) []E {
	if !testing.Short() {
		return all
	}
	var some []E
	for i := 0; i < len(all); i += every {
		some = append(some, all[i])
	}
	return some
}

// Step returns by how much to go on through moments that are numbered: by one, or with -short by three.
func Step() int {
	if testing.Short() {
		return every
	}
	return 1
}
