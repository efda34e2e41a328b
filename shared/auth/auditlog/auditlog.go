// Package auditlog is what callers changed: who, what, when, from where, and what came of it. Pure.
package auditlog

import "time"

// Entry is a change that a caller asked for. It is written down before it is made.
type Entry struct {
	ID        string
	At        time.Time
	Client    string // "" where nobody said who they are
	KeyID     string
	SourceIP  string
	RequestID string
	Action    string   // the method and the path
	Outcome   *Outcome // nil: the work broke off, or goes on
}

// Outcome is what came of a change.
type Outcome struct {
	Status int            // of the answer
	Detail map[string]any // what the change was
	At     time.Time
}

// Filter says which entries are asked for.
type Filter struct {
	Client string    // "": all
	Since  time.Time // zero: all
	Before int64     // only entries before this place; 0: from the newest
	Limit  int
}

// Page is a stretch of entries, newest first.
type Page struct {
	Entries []Entry
	Next    int64 // where the next page begins; 0 at the end
}
