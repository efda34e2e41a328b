package journal

import (
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// Verdict is what becomes of a held deletion.
type Verdict string

// The verdicts. A record that no hold holds has none.
const (
	Waiting   Verdict = "waiting"
	Approved  Verdict = "approved"
	Refused   Verdict = "refused"   // the record is to return where it was deleted
	Withdrawn Verdict = "withdrawn" // nothing is left to decide
)

// Limit is how many deletions a run may make unasked: no more than Number, and no more than that Share of the database. A few are
// always let through.
type Limit struct {
	Number int
	Share  float64
}

// unasked is how many deletions are never held: in a small database, one is soon a large share.
const unasked = 2

// Holds reports whether so many deletions, in a database of that size, are to be held.
func (l Limit) Holds(deletions, size int) bool {
	return deletions > unasked && (deletions > l.Number || float64(deletions) > l.Share*float64(size))
}

// Deletions are those that a run is about to make on one side.
type Deletions struct {
	Side merge.Side
	Keys []Key // at hand; there may be more, which Postgres finds
	// Made is how many the run has made already.
	Made int
	// Listed: the run has listed the database as a whole, and RunID and Shown say what it has shown, as for Tables.Absent.
	Listed bool
	RunID  string
	Shown  []string
	Limit  Limit
	At     time.Time
}

// Hold is a set of deletions that are held.
type Hold struct {
	ID      string
	Kind    string
	Side    merge.Side
	Status  Verdict
	Records int
	Total   int
	At      time.Time
	Version string // another one as soon as the hold has other records
}

// HeldRecord is a record whose deletion is held.
type HeldRecord struct{ RowID, PageID, Title string }
