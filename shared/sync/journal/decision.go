package journal

import (
	"encoding/json"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// ConflictStatus is where a conflict stands.
type ConflictStatus string

// Where a conflict may stand.
const (
	ConflictWaiting  ConflictStatus = "waiting"  // nobody has decided
	ConflictResolved ConflictStatus = "resolved" // by its rule
	ConflictDecided  ConflictStatus = "decided"  // by a person; a sync will do it
	ConflictSettled  ConflictStatus = "settled"  // both sides hold what the person decided on, or agree by themselves
)

// ConflictRecord is a conflict as it is kept.
type ConflictRecord struct {
	ID, Kind, RowID, PageID, Title string
	Field                          string // "" where an edit outlived a deletion
	Rule                           merge.Rule
	Winner                         merge.Side
	Notion, Postgres, Base         json.RawMessage // what each showed, as the row's column shows it
	Status                         ConflictStatus
	DetectedAt, DecidedAt          time.Time
	DecidedBy                      string
	Decision                       json.RawMessage
}

// Decision is what a person decides about a conflict: that one side's value stays, or another value.
type Decision struct {
	Keep  merge.Side
	Value json.RawMessage // where Keep is ""
	By    string
	At    time.Time
}

// ErrorRecord is a record that one side refused, or of which some fields wait, as it is kept.
type ErrorRecord struct {
	Kind, RowID, PageID, Title string
	Side                       merge.Side
	Reason                     string
	Attempts                   int
	FirstAt, LastAt, NextAt    time.Time
	Fields                     map[string]FieldRefusal // those that wait; none where the whole record does
}

// Find says which conflicts, errors or held records to list: those of which all that is set holds, newest first, after the cursor.
type Find struct {
	Kind, RowID, Field, Status, Cursor string
	Since                              time.Time
	Limit                              int
}

// Found is a page of what was found; Next is "" on the last.
type Found[T any] struct {
	Items []T
	Next  string
}
