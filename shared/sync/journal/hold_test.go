package journal_test

import (
	"testing"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

func TestLimit(t *testing.T) {
	t.Parallel()
	usual := journal.Limit{Number: 20, Share: 0.1}
	cases := map[string]struct {
		limit           journal.Limit
		deletions, size int
		want            bool
	}{
		"a tenth":                     {usual, 3, 30, false},
		"more than a tenth":           {usual, 4, 30, true},
		"twenty of many":              {usual, 20, 1000, false},
		"more than twenty of many":    {usual, 21, 1000, true},
		"two of two":                  {usual, 2, 2, false},
		"three of three":              {usual, 3, 3, true},
		"all, where all may go":       {journal.Limit{Number: 1 << 30, Share: 1}, 9, 9, false},
		"none may go, but for a few":  {journal.Limit{}, 2, 9, false},
		"none may go, and it is many": {journal.Limit{}, 3, 9, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.limit.Holds(c.deletions, c.size); got != c.want {
				t.Errorf("%d of %d: %t", c.deletions, c.size, got)
			}
		})
	}
}
