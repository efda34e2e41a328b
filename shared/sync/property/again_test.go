package property

import (
	"strings"
	"testing"
)

// TestMergeTextAgain: what a merge made of two edits, merged again with one of them, is what it was: so is a page that has taken it, and the row not yet.
func TestMergeTextAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ base, a, b string }{
		"one word becomes two, and another edit later": {"one two three four end", "one two three four finish", "one 2 words three four end"},
		"one word becomes two, far off":                {strings.Repeat("link ", 5) + "seven " + strings.Repeat("more ", 20) + "end", strings.Repeat("link ", 5) + "seven " + strings.Repeat("more ", 20) + "finish", strings.Repeat("link ", 5) + "other words " + strings.Repeat("more ", 20) + "end"},
		"words put in":                                 {"one two three", "one two THREE", "one and a half two three"},
		"a word taken out":                             {"one two three four", "one two three FOUR", "one three four"},
		"two words become one":                         {"one two three four five", "one two three four FIVE", "one 23 four five"},
		"a repeated word":                              {strings.Repeat("a ", 4) + "b", strings.Repeat("a ", 4) + "c", "a x " + strings.Repeat("a ", 3) + "b"},
	} {
		t.Run(name, func(t *testing.T) {
			text := func(s string) Text { return Text{{Kind: RunText, Text: s}} }
			for _, side := range []bool{true, false} {
				a, b := c.a, c.b
				if side {
					a, b = b, a
				}
				merged, ok := MergeText(text(c.base), text(a), text(b))
				if !ok {
					t.Fatal("does not merge")
				}
				again, ok := MergeText(text(c.base), merged, text(b))
				if !ok || PlainText(again) != PlainText(merged) {
					t.Errorf("%q, merged with %q again: %t %q; changes %v and %v", PlainText(merged), b, ok, PlainText(again), changes(c.base, PlainText(merged)), changes(c.base, b))
				}
			}
		})
	}
}
