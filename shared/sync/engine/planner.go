package engine

import (
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// planner decides what becomes of records, and says what was done with them. It goes by what the worker has found out so far, and neither
// reads nor writes anything.
type planner struct {
	Connection Connection
	Now        func() time.Time
	NewID      func() string // a new UUID

	part    journal.Part
	lens    record.Lens
	renames []mapping.Rename // of options, that were not looked at everywhere when the worker began or have come since
	holds   bool             // deletions are held, since the worker began
}

// planner returns what plans the records of a kind for a part.
func (s *Syncer) planner(kind mapping.Kind, part journal.Part) planner {
	return planner{Connection: s.Connection, Now: s.Now, NewID: s.NewID, part: part, lens: record.Lens{Kind: kind}}
}
