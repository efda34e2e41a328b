// Package journal holds what a sync writes down about itself: runs, leases, intents, and the batches in which records settle. Pure.
package journal

import "time"

// Type says what a run does.
type Type string

// The types of run. An incremental run looks at what changed since the last; the others list the database as a whole, which
// is how deletions in Notion are noticed. The one-way types write to one side only and leave what the other has to take for
// later.
const (
	Full             Type = "full"
	Incremental      Type = "incremental"
	NotionToSupabase Type = "notion_to_supabase"
	SupabaseToNotion Type = "supabase_to_notion"
)

// Types returns the types that may be asked for.
func Types() []Type { return []Type{Full, NotionToSupabase, SupabaseToNotion, Incremental} }

// WritesNotion reports whether a run of the type writes to Notion.
func (t Type) WritesNotion() bool { return t != NotionToSupabase }

// WritesPostgres reports whether a run of the type writes rows.
func (t Type) WritesPostgres() bool { return t != SupabaseToNotion }

// Message asks for one database's part of a run, or, with Look, for a look at what somebody said has changed.
type Message struct {
	RunID string `json:"run_id,omitempty"`
	Kind  string `json:"kind"`
	Look  bool   `json:"look,omitempty"`
	// ConnectionID says whose the database is that is to be looked at; a run knows its own.
	ConnectionID string `json:"connection_id,omitempty"`
	// Segment counts the continuations of a part that is longer than one function may run.
	Segment int `json:"segment,omitempty"`
	// Idle counts the last ones of them that stored nothing.
	Idle int `json:"idle,omitempty"`
	// Counts are what the part had done when it was continued: what became of its last batch is in no commit.
	Counts Counts `json:"counts,omitzero"`
}

// BySchedule is who asks for the runs that are due.
const BySchedule = "schedule"

// Run is one sync of one or more databases.
type Run struct {
	ID, ConnectionID string
	Type             Type
	Scope            string // the databases that were asked for, in order, with commas; "" for all
	// DryRun: the run says what it would do, and does nothing.
	DryRun      bool
	RequestedBy string
	CreatedAt   time.Time
}

// Noun names what the run is: a sync or a dry run.
func (r Run) Noun() string {
	if r.DryRun {
		return "dry run"
	}
	return "sync"
}

// Part is one database's part of a run.
type Part struct {
	Run        Run
	Kind       string
	Done       bool
	StartedAt  time.Time
	Checkpoint Checkpoint
	Counts     Counts
}

// Checkpoint is how far a part came.
type Checkpoint struct {
	Phase Phase `json:"phase,omitempty"`
	// Cursor is where the listing goes on.
	Cursor string `json:"cursor,omitempty"`
	// Pages is how many answers the listing has had.
	Pages int `json:"pages,omitempty"`
	// Expected is about how many pages the listing will show; 0: nobody knows.
	Expected int `json:"expected,omitempty"`
	// Oldest and Newest are when the database's first and last page were created, where Expected is estimated from that.
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	// Through is Notion's time when the listing began: every edit before it is in the listing.
	Through time.Time `json:"through,omitzero"`
	// Whole says that the listing is of the whole database, not only of what changed.
	Whole bool `json:"whole,omitempty"`
	// Learns are the fields that were to be learned when the listing began: at its end they are.
	Learns []string `json:"learns,omitempty"`
	// Change is the last change of a row that was looked at.
	Change int64 `json:"change,omitempty"`
	// PushBegan is when the first of the rows that changed was looked at; Rows is how many there were, and Left how many are left of them.
	PushBegan time.Time `json:"push_began,omitzero"`
	Rows      int       `json:"rows,omitempty"`
	Left      int       `json:"left,omitempty"`
}

// Push notes how many rows that changed are left to look at. Those that people change meanwhile come on top.
func (c *Checkpoint) Push(left int, now time.Time) {
	if c.PushBegan.IsZero() {
		c.PushBegan = now
	}
	c.Rows, c.Left = max(c.Rows, c.Rows-c.Left+left), left
}

// Phase is what a part is at.
type Phase string

// The phases, in order.
const (
	Matching Phase = "match"  // at first contact of two filled sides: finding out which page is which row
	Renaming Phase = "rename" // looking at the records that have an option which was renamed
	Pulling  Phase = "pull"   // looking at what Notion lists
	Missing  Phase = "absent" // looking for what a whole listing did not show
	Pushing  Phase = "push"   // looking at rows that changed
	Finished Phase = "done"
)

// Counts are what a part did.
type Counts struct {
	Read          int `json:"read"`
	RowsCreated   int `json:"rows_created"`
	RowsUpdated   int `json:"rows_updated"`
	RowsArchived  int `json:"rows_archived"`
	PagesCreated  int `json:"pages_created"`
	PagesUpdated  int `json:"pages_updated"`
	PagesArchived int `json:"pages_archived"`
	Conflicts     int `json:"conflicts"`
	Errors        int `json:"errors"`
}

// Written is how many records were written on either side.
func (c Counts) Written() int {
	return c.RowsCreated + c.RowsUpdated + c.RowsArchived + c.PagesCreated + c.PagesUpdated + c.PagesArchived
}

// Lease is the right to work on a database. Its term grows with each holder, and every write transaction checks it.
type Lease struct {
	ConnectionID, Kind, Owner string
	Term                      int64
	TTL                       time.Duration
}

// Look is a page that somebody said has changed.
type Look struct {
	PageID  string
	AskedAt time.Time
}
