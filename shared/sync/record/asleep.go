package record

import (
	"slices"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// WithAsleep returns a relation that a page shows with those known pages that are in the trash or gone, which no page shows.
func WithAsleep(shown, known property.Value, asleep map[string]State) property.Value {
	refs, _ := shown.(property.Refs)
	before, _ := known.(property.Refs)
	whole := slices.Clone(refs)
	for _, id := range before {
		if _, is := asleep[id]; is && !slices.Contains(whole, id) {
			whole = append(whole, id)
		}
	}
	return whole
}
