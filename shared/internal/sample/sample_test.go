package sample_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/internal/sample"
)

// TestOf: all cases are run, or with -short always the same third; none is made up, and of a few one at least is left.
func TestOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cases map[string]int
		short []string
	}{
		"none":  {nil, nil},
		"one":   {map[string]int{"a": 1}, []string{"a"}},
		"seven": {map[string]int{"g": 7, "f": 6, "e": 5, "d": 4, "c": 3, "b": 2, "a": 1}, []string{"a", "d", "g"}},
	} {
		want := slices.Sorted(maps.Keys(c.cases))
		if testing.Short() {
			want = c.short
		}
		got := sample.Of(c.cases)
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
			t.Errorf("%s: %q, want %q", name, names, want)
		}
		for key, value := range got {
			if value != c.cases[key] {
				t.Errorf("%s: %s is another case", name, key)
			}
		}
	}
	want := []int{1, 2, 3, 4}
	if testing.Short() {
		want = []int{1, 4}
	}
	if got := sample.List([]int{1, 2, 3, 4}); !slices.Equal(got, want) {
		t.Errorf("of a list %v, want %v", got, want)
	}
	if step := sample.Step(); step == 1 == testing.Short() {
		t.Errorf("by %d", step)
	}
}
