package journal

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Database is what is known of a Notion database.
type Database struct {
	DatabaseID   string
	DataSourceID string
	// Binding ties every field to the last property that was known to hold it, also where Drifts say that it does not any more.
	Binding mapping.Binding
	// NotionThrough is up to when, by Notion's clock, every edit has been seen.
	NotionThrough time.Time
	// ListedAt is when the database was last listed as a whole.
	ListedAt time.Time
	// Drifts are the differences between the mapping and what there is that have been reported.
	Drifts []mapping.Drift
	// RowKey is the id of the property that holds the rows' ids; "" where it has to be looked for.
	RowKey string
	// Columns says which column, or join table, each field has: see Column.Place.
	Columns map[string]string
	// Learning are the fields that came into step and have to be read from every page once. A whole listing does that.
	Learning []string
	// Renames are options that were renamed, until every record that has one has been looked at.
	Renames []mapping.Rename
	// Forget are fields of which the base has values that no longer count. It is empty once they are stored as forgotten.
	Forget []string
}

// Column is a column that holds a field, or the join table of a relation.
type Column struct {
	// Place tells a column from another of the same name: the table, and the column's number in it, which is never used again.
	Place string
	// Is is what the catalogue has of it; zero for a join table.
	Is property.Column
}

// CatalogueOf returns what the catalogue has of columns, by field.
func CatalogueOf(columns map[string]Column) map[string]property.Column {
	catalogue := make(map[string]property.Column, len(columns))
	for field, c := range columns {
		catalogue[field] = c.Is
	}
	return catalogue
}

// InStep returns the binding of the fields that are in step: those that no drift stops.
func (d Database) InStep() mapping.Binding {
	bound := maps.Clone(d.Binding)
	for _, drift := range d.Drifts {
		if drift.Stops() {
			delete(bound, drift.Field)
		}
	}
	return bound
}

// Follow takes in which properties and columns hold the kind's fields now, and what keeps fields out of step. What the base has of a field
// is forgotten when the field goes out of step, when another property or column holds it, and when the mapping no longer has it: from then
// on both sides' values are new. Where the field is only hidden (see mapping.Drift.Keeps) nothing is forgotten, unless another property or column
// holds it once it is seen again. A field that comes into step, or is held by another property or column, has to be learned.
func (d *Database) Follow(kind mapping.Kind, bound mapping.Binding, columns map[string]string, drifts []mapping.Drift) {
	met, was, places := d.Binding != nil, d.InStep(), d.Columns
	next := *d
	next.Binding, next.Columns, next.Drifts = mapping.Binding{}, columns, drifts
	for _, f := range kind.Fields {
		if p, ok := bound[f.Column]; ok {
			next.Binding[f.Column] = p
		} else if p, ok := d.Binding[f.Column]; ok {
			next.Binding[f.Column] = p // the last property that held it
		}
	}
	is := next.InStep()
	d.Renames = is.Renames(was, d.Renames)
	forget, learn := map[string]bool{}, map[string]bool{}
	for field := range d.Binding {
		if _, mapped := next.Binding[field]; !mapped {
			forget[field] = true
		}
	}
	for field := range next.Binding {
		before, known := d.Binding[field]
		known = known && stands(d.Drifts, field)
		replaced := known && (before.ID != next.Binding[field].ID || moved(field, places, columns))
		_, wasIn := was[field]
		_, isIn := is[field]
		forget[field] = replaced || known && !stands(drifts, field)
		learn[field] = met && isIn && (replaced || !wasIn)
	}
	d.Binding, d.Columns, d.Drifts = next.Binding, next.Columns, next.Drifts
	d.Forget, d.Learning = with(d.Forget, forget), with(d.Learning, learn)
	d.Learning = slices.DeleteFunc(d.Learning, func(field string) bool { _, in := is[field]; return !in })
}

// stands reports whether what both sides had of a field is still known beside these drifts: it is in step, or only hidden.
func stands(drifts []mapping.Drift, field string) bool {
	return !slices.ContainsFunc(drifts, func(d mapping.Drift) bool { return d.Field == field && d.Stops() && !d.Keeps() })
}

// Same reports whether two say the same of the fields.
func (d Database) Same(other Database) bool {
	return maps.EqualFunc(d.Binding, other.Binding, mapping.Live.Same) && maps.Equal(d.Columns, other.Columns) &&
		slices.Equal(d.Drifts, other.Drifts) && slices.Equal(d.Learning, other.Learning) && slices.Equal(d.Renames, other.Renames) && slices.Equal(d.Forget, other.Forget)
}

// moved reports whether a field's column or join table was dropped and made again. Where the record table was as well, as when a database is
// restored, the name counts.
func moved(field string, was, is map[string]string) bool {
	return was[field] != "" && is[field] != "" && was[field] != is[field] && tableOf(was) == tableOf(is)
}

// tableOf returns the record table of places, as it stands before each column's number; "" where no column tells.
func tableOf(places map[string]string) string {
	for _, place := range places {
		if table, _, ofColumn := strings.Cut(place, "."); ofColumn {
			return table
		}
	}
	return ""
}

// with returns a sorted list with those that are true as well.
func with(list []string, more map[string]bool) []string {
	all := slices.Clone(list)
	for name, is := range more {
		if is {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Key names a record by its page, its row, or both.
type Key struct{ PageID, RowID string }

// Known is what Postgres has of a record.
type Known struct {
	Key  Key
	Base *record.Base
	Row  *record.Row
	// Changes are the changes of the row that nobody has consumed.
	Changes []int64
	// Asleep are the related pages, on either side, whose records are not live, and how they are instead: None where the page is of no
	// record that is known.
	Asleep map[string]record.State
	// Moved are those of them that are gone, and whose records have another page now.
	Moved map[string]string
	// Refused is how often the record has been refused so far, and RefusedFor why, the last time.
	Refused    int
	RefusedFor string
	// Waits are the fields that waited, the last time.
	Waits map[string]FieldRefusal
	// Verdict is what is to become of its deletion, where that is held.
	Verdict Verdict
	// Disputes are the conflicts of which a person has to say, or has said, what stays.
	Disputes []Dispute
	// Aside: the record is to be left alone, because it is in doubt which page is which row, or because the dry run has already
	// said what becomes of it.
	Aside bool
	// Match says by what the page and the row were matched, while the base does not know them yet.
	Match Criterion
}

// Dispute is a conflict that is not closed: it waits for a person, or for a sync to do what the person decided.
type Dispute struct {
	ConflictID string          `json:"id"`
	Field      string          `json:"field"`
	Decided    bool            `json:"decided"`
	Lapsed     bool            `json:"-"`      // it was decided, and a person has to decide anew
	Respelled  bool            `json:"-"`      // its options have other names than those that are stored
	Winner     merge.Side      `json:"winner"` // "" where the sides differed when it was decided
	DecidedAt  *time.Time      `json:"decided_at"`
	Value      json.RawMessage `json:"value"`    // decided on, as the column shows it
	Property   json.RawMessage `json:"property"` // decided on, as Notion spelled it; none where only columns ever showed it
	// Notion and Postgres are what the sides showed, Shown Notion's as Notion spelled it.
	Shown    json.RawMessage `json:"shown"`
	Notion   json.RawMessage `json:"notion"`
	Postgres json.RawMessage `json:"postgres"`
}

// Intent is a write to Notion that is about to be made.
type Intent struct {
	ID    string
	Key   Key
	Op    merge.Op
	Title string
	At    time.Time
	// Columns are the values that are written, as the row's columns show them: once the page shows them too, both sides are
	// known to have had them. Of a page that is made they are what it is born with, empty values as well.
	Columns map[string]json.RawMessage
	// Conflicts are what the write overwrites. Of one that is read back they have the field, and the column that Notion showed.
	Conflicts []Conflict
	// Replaces is an intent that Notion has refused, and that this one takes the place of; "" is none.
	Replaces string
	// RowReturns: the row was not live, and is to be once the write was made. Until then its being away is no deletion.
	RowReturns bool
	// RowKey is the id that the page was made with, where the row has another by now; else "".
	RowKey string
}

// Conflict is a value that lost, as each side showed it: the columns' JSON, and where Notion lost, the property as Notion spelled
// it.
type Conflict struct {
	ID string
	merge.Conflict
	NotionColumn, PostgresColumn, BaseColumn, PageProperty json.RawMessage
	// Reopens is what a person had decided of it, which lapses; nil where nobody had.
	Reopens *Dispute
}

// Batch is what is stored as one.
type Batch struct {
	RunID string
	At    time.Time
	// Settled are the records, each once.
	Settled []Settled
	// Seen are the pages that a whole listing showed, when it takes more than one answer.
	Seen []string
	// Staged are pages that are to be matched with rows; Decided those that were looked at since somebody matched them.
	Staged  []Staged
	Decided []string
	// Previews say, in a dry run, what would become of each of the settled records.
	Previews []Preview
	// Database is stored when it is not nil.
	Database *Database
	// Part is the part with what it has done so far.
	Part Part
	// Events are stored whatever becomes of the records.
	Events []event.Event
}

// Settled is what becomes of one record.
type Settled struct {
	Key     Key
	Changes []int64 // consumed once the record is settled
	// Row is what the row has to take, Was what it was when it was read. A row that is not that any more takes nothing, and
	// the record is set aside to be looked at again.
	Row merge.Action
	Was *record.Row
	// Decided are the columns that a person decided on, by field. A value of Row may hold less of one, such as fewer digits.
	Decided map[string]json.RawMessage
	// Lens, Base, Page, State and Unsettled say which base follows, as record.Lens.Advance has it; Keep leaves it as it is.
	Lens      record.Lens
	Base      *record.Base
	Page      *record.Page
	State     record.State
	Unsettled map[string]bool
	Keep      bool
	// Rebased: Base is not what is stored, but what is known since, and is stored where none follows from it.
	Rebased bool
	// Closed are the writes to Notion of which it is now known whether they were made.
	Closed []Closed
	// Conflicts and OnRow are stored when the row has taken its change, or had none to take.
	Conflicts []Conflict
	OnRow     []event.Event
	// Events are stored in any case: they tell what was done in Notion.
	Events []event.Event
	// Respelled are the disputes whose options have other names by now.
	Respelled []Dispute
	// Ended are the disputes that are over, unless a person decided anew meanwhile.
	Ended []Dispute
	// Released takes the record out of the hold in which it is: what was decided is done, or there is nothing to decide.
	Released bool
	// Refusal sets the record aside; nil takes it back. Refused is how often it has been so far, and RefusedFor why, the last time: the same is
	// not told again.
	Refusal    *Refusal
	Refused    int
	RefusedFor string
}

// Closed is a write to Notion that was made, or was not. Made, the conflicts that were stored with it stand; else they are void.
type Closed struct {
	ID   string
	Made bool
}

// Refusal says why a record was set aside, or, where it names fields, why those wait while the others are in step.
type Refusal struct {
	Side   merge.Side
	Reason string
	Again  time.Time
	// Waits: nothing is wrong with the record; it waits for a lock of somebody else's to go.
	Waits  bool
	Fields map[string]FieldRefusal // by field
}

// FieldRefusal says why a field waits, and which side cannot hold its value, or has one that cannot be read.
type FieldRefusal struct {
	Side   merge.Side `json:"side"`
	Reason string     `json:"reason"`
	// Shown is what the page showed of a field that Notion refused, as the column would. As long as it shows that, nobody has edited it: Notion
	// gives a page that is made without a status one of its own.
	Shown json.RawMessage `json:"shown,omitempty"`
}

// Outcome is what became of a settled record.
type Outcome struct {
	Applied bool // the row took its change, or had none to take
	Refused bool // Postgres refused the row
	Locked  bool // somebody else has locked what the record has to write; it waits
}

// Backoff is how long a record that was refused so often waits before it is tried again: a minute, and twice as long each time, up
// to six hours.
func Backoff(refused int) time.Duration {
	return min(time.Minute<<min(refused, 9), 6*time.Hour)
}
