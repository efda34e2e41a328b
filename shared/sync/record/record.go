// Package record holds the neutral form of what both sides keep: one record, seen as a Notion page, as a Postgres row, and
// as the base, the state that both sides are known to have had. Pure.
package record

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// State says where a record stands on one side.
type State string

// The states. A record that nobody looked at is None together with a nil tree, never Gone: only a complete listing, or a
// look at the record itself, shows an absence.
const (
	None     State = ""         // the side never had it, as far as is known
	Live     State = "live"     // it is there
	Archived State = "archived" // in Notion's trash; archived_at set on the row
	Gone     State = "gone"     // deleted for good
)

// Alive reports whether the record is there for people to work with.
func (s State) Alive() bool { return s == Live }

// Fields are a record's values by field name. A field that is missing is empty, or not in step; see Names.
type Fields map[string]property.Value

// Names returns the fields' names, sorted.
func (f Fields) Names() []string { return slices.Sorted(maps.Keys(f)) }

// Tree is a record as one side shows it.
type Tree struct {
	State  State
	Fields Fields
	// EditedAt is when the side says the record was last edited; Notion rounds down to the minute.
	EditedAt time.Time
}

// With returns the tree with other values in some of its fields.
func (t Tree) With(others Fields) Tree {
	if len(others) == 0 {
		return t
	}
	fields := maps.Clone(t.Fields)
	if fields == nil {
		fields = Fields{}
	}
	maps.Copy(fields, others)
	t.Fields = fields
	return t
}

// Row is a record as a row of its table.
type Row struct {
	ID    string
	State State
	// Version is what the row must still be when it is written: Postgres's own, changed by every update.
	Version string
	// Columns are the mapped columns' values as JSON, by name; of a relation, the ids of the related pages.
	Columns map[string]json.RawMessage
	// ChangedAt is when a person's last change that has not been consumed was made; zero when there is none.
	ChangedAt time.Time
}

// Base is the state of a record that both sides are known to have had.
type Base struct {
	ID     string // the row's id, and the record's key
	PageID string
	State  State // Live or Archived
	// Document is Notion's page at that time, Columns the row's. Both are kept because neither side can show all of the
	// other: a day in a date column says nothing of a range's end, and a column may round what it is given.
	Document json.RawMessage
	Columns  map[string]json.RawMessage
	Version  int64
	// Exact says that Document is the page as it was left at its last edit: no other edit of that minute can be missing.
	Exact bool
	// Renamed are options of Document that have another name by now, by field: the new names by the old. It is not stored.
	Renamed map[string]map[string]string
}
