package journal

import (
	"encoding/json"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// Preview is what a run would do with one record.
type Preview struct {
	Place int64 // where it stands in the list
	Kind  string
	Key   Key
	Title string
	// Match says by what the page and the row would be matched. Doubtful: they would not, until somebody decides; nothing else is
	// said then.
	Match    Criterion
	Doubtful bool
	// Notion and Supabase are what would be done on either side, nil for nothing.
	Notion, Supabase *Effect
	// Held: the deletion that is named would wait for a person's approval.
	Held      bool
	Conflicts []Overruled
	Refusal   *Foreseen
}

// Effect is what would be done with a record on one side.
type Effect struct {
	Op     merge.Op `json:"op"`
	Fields []Field  `json:"fields"`
}

// Field is a value that would be written, as the row's column shows it.
type Field struct {
	Field string          `json:"field"`
	Has   json.RawMessage `json:"has"`
	Gets  json.RawMessage `json:"gets"`
}

// Overruled is a conflict that would be logged. Field is "" where an edit outlives a deletion, Winner where a person has to decide.
type Overruled struct {
	Field    string          `json:"field"`
	Rule     merge.Rule      `json:"rule"`
	Winner   merge.Side      `json:"winner"`
	Notion   json.RawMessage `json:"notion_value"`
	Supabase json.RawMessage `json:"supabase_value"`
}

// Foreseen is a refusal that can be told beforehand.
type Foreseen struct {
	Side   merge.Side `json:"side"`
	Reason string     `json:"reason"`
}

// RunReport is a run as it is shown, with its parts by kind.
type RunReport struct {
	Run
	Status                string
	StartedAt, FinishedAt time.Time // zero: not yet
	Parts                 map[string]PartReport
}

// PartReport is a part of a run as it is shown.
type PartReport struct {
	Status string
	Phase  Phase
	Error  string
	Counts Counts
}

// PreviewFilter chooses records of a preview.
type PreviewFilter struct {
	RunID string
	Kind  string // "": all
	After int64  // the place after which the list goes on
	Limit int
}

// PreviewPage is a stretch of a preview.
type PreviewPage struct {
	Records []Preview
	Total   int   // records in all that fit the filter
	Next    int64 // the place after which the list goes on; 0 at the end
}
