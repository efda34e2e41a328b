package journal

import (
	"encoding/json"
	"time"
)

// Criterion is what a page and a row have in common, by which they are taken for the same record.
type Criterion string

// The criteria, the strongest first.
const (
	ByRowKey Criterion = "row_key" // the page carries the row's id
	ByKey    Criterion = "key"     // the field that the mapping names as key
	ByTitle  Criterion = "title"
)

// Staged is a page as matching sees it: what it may have in common with a row, "" for nothing.
type Staged struct {
	PageID string `json:"page_id"`
	RowKey string `json:"row_key"`
	Key    string `json:"key"`
	Title  string `json:"title"`
}

// Doubt is a page of which it is not clear which row it is, if any.
type Doubt struct {
	Place  int64 // where it stands in the list
	Kind   string
	PageID string
	Title  string
	// By is what page and rows have in common, Value what that is.
	By    Criterion
	Value string
	// Candidates are the first rows that it may be, by id; Rows is how many there are, and Pages how many pages they are wanted by.
	Candidates  []Candidate
	Rows, Pages int
}

// Candidate is a row that a page may be.
type Candidate struct {
	RowID   string
	Columns map[string]json.RawMessage
}

// Settling settles a doubt: the page is the row, or a record of its own (RowID is "").
type Settling struct {
	PageID, RowID string
	By            string // who says so
	At            time.Time
}

// Settlement is what a settled doubt has led to.
type Settlement struct {
	Kind string
	// NewPages are other pages, and NewRows rows, that are records of their own now because nothing is left that they could be.
	NewPages, NewRows int
}

// FindDoubts says which doubts to list.
type FindDoubts struct {
	Kind  string // "": all
	After int64  // the place after which the list goes on
	Limit int
}

// Doubts is a stretch of the list.
type Doubts struct {
	Items []Doubt
	Total int
	Next  int64 // the place after which the list goes on; 0 at the end
}
