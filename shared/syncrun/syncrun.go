// Package syncrun brings one database into step with its table: it looks at what changed on both sides, has merge plan each
// record, and carries the plans out so that a crash at any point loses nothing and does nothing twice.
//
// The way of a batch (settle.go): load what both sides and the base have; plan; store an intent for every write to Notion
// that the plan asks for; write to Notion; plan again with Notion's answers; then in one transaction, under the lease's term,
// write the rows, move the base for what both sides are now known to hold, and store conflicts, errors, events and progress.
package syncrun

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/act-platform/enhanced-integration/shared/event"
	"github.com/act-platform/enhanced-integration/shared/mapping"
	"github.com/act-platform/enhanced-integration/shared/merge"
	"github.com/act-platform/enhanced-integration/shared/record"
)

// Connection is whose data is kept in step, and how.
type Connection struct {
	ID      string
	Mapping mapping.Mapping
	// DatabaseIDs are the Notion databases by kind; a kind without one is not synced.
	DatabaseIDs map[string]string
	// Rule settles fields that both sides changed.
	Rule merge.Rule
}

// Kinds gives the kinds that are synced, in the mapping's order.
func (c Connection) Kinds() []string {
	var kinds []string
	for _, k := range c.Mapping.Kinds {
		if c.DatabaseIDs[k.Name] != "" {
			kinds = append(kinds, k.Name)
		}
	}
	return kinds
}

// Config is what a Syncer works with.
type Config struct {
	Connection Connection
	Ledger     Ledger
	Leases     Leases
	Queue      Queue
	// Notion opens one database's Notion side, Tables its Postgres side.
	Notion func(mapping.Kind) Notion
	Tables func(mapping.Kind) Tables
	Now    func() time.Time
	NewID  func() string // a new UUID
	Log    *slog.Logger
	// Writers is how many writes to Notion are under way at once.
	Writers int
	// Reserve is how long before the context's deadline a run stops and queues its continuation.
	Reserve time.Duration
}

// Syncer runs syncs.
type Syncer struct{ Config }

// New makes a Syncer.
func New(cfg Config) *Syncer { return &Syncer{cfg} }

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

// Types gives the types that may be asked for.
func Types() []Type { return []Type{Full, NotionToSupabase, SupabaseToNotion, Incremental} }

func (t Type) writesNotion() bool   { return t != NotionToSupabase }
func (t Type) writesPostgres() bool { return t != SupabaseToNotion }

// Message asks for one database's part of a run.
type Message struct {
	RunID string `json:"run_id"`
	Kind  string `json:"kind"`
	// Segment counts the continuations of a part that is longer than one function may run.
	Segment int `json:"segment,omitempty"`
}

// Run is one sync of one or more databases.
type Run struct {
	ID, ConnectionID string
	Type             Type
	RequestedBy      string
	CreatedAt        time.Time
}

// Part is one database's part of a run.
type Part struct {
	Run        Run
	Kind       string
	Done       bool
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
	// Through is Notion's time when the listing began: every edit before it is in the listing.
	Through time.Time `json:"through,omitzero"`
	// Whole says that the listing is of the whole database, not only of what changed.
	Whole bool `json:"whole,omitempty"`
	// Change is the last change of a row that was looked at.
	Change int64 `json:"change,omitempty"`
}

// Phase is what a part is at.
type Phase string

// The phases, in order.
const (
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

// Ledger keeps the runs.
type Ledger interface {
	// Create stores a run that is queued, with a part for each kind and the event that it begins. fault.Conflict, with the
	// id of the run under way, when there is one of its type.
	Create(ctx context.Context, run Run, kinds []string) (underWay string, err error)
	// Begin marks a part as running and gives it; fault.NotFound when there is no such part.
	Begin(ctx context.Context, runID, kind string, at time.Time) (Part, error)
	// Finish ends a part, as failed when reason is not "". The run ends with its last part, and the event that says so is
	// stored with it.
	Finish(ctx context.Context, lease Lease, part Part, reason string, at time.Time) error
	// Lost gives the parts that were queued or running before the given time and that nobody works on.
	Lost(ctx context.Context, connectionID string, before time.Time) ([]Message, error)
}

// Leases see to it that one worker at a time works on a database.
type Leases interface {
	// Acquire takes the lease; fault.Conflict, with how long to wait, while somebody else holds it.
	Acquire(ctx context.Context, connectionID, kind, owner string) (Lease, error)
	// Renew holds it longer; fault.Conflict when it was lost.
	Renew(ctx context.Context, lease Lease) error
	Release(ctx context.Context, lease Lease) error
}

// Lease is the right to work on a database. Its term grows with each holder, and every write transaction checks it.
type Lease struct {
	ConnectionID, Kind, Owner string
	Term                      int64
	TTL                       time.Duration
}

// Queue hands messages to the workers, one at a time for each database.
type Queue interface {
	Send(ctx context.Context, connectionID string, m Message) error
}

// Notion is the Notion side of one database. Every error is a fault.Error: NotFound means that the page, or the database, is
// not there or not shared; Unavailable that a write may or may not have been made.
type Notion interface {
	Reader
	Writer
}

// Reader reads a database.
type Reader interface {
	// Locate finds the data source of a database.
	Locate(ctx context.Context, databaseID string) (dataSourceID string, err error)
	// Schema gives the properties that the database has now.
	Schema(ctx context.Context, dataSourceID string) ([]mapping.Live, error)
	// List gives up to 100 pages: all when since is zero, else those edited at or after it. cursor is "" or the Next of the
	// listing before.
	List(ctx context.Context, dataSourceID string, since time.Time, cursor string) (Listing, error)
	// Page gives one page.
	Page(ctx context.Context, pageID string) (record.Page, error)
}

// Writer writes pages. Each call gives the page as Notion answered it.
type Writer interface {
	// PrepareRowKey sees to it that the database has the property for row keys.
	PrepareRowKey(ctx context.Context, dataSourceID string) error
	// Create makes a page that carries its row's key.
	Create(ctx context.Context, dataSourceID string, rowID string, write Write) (record.Page, error)
	// Created finds the pages that carry the row's key, oldest first.
	Created(ctx context.Context, dataSourceID string, rowID string) ([]record.Page, error)
	// Update changes a page, and takes it out of the trash first, or puts it there, as write says.
	Update(ctx context.Context, pageID string, write Write) (record.Page, error)
}

// Write is what is to be written to a page.
type Write struct {
	Op merge.Op
	// Fields are the values by field; Binding says which property each is.
	Fields  record.Fields
	Binding mapping.Binding
}

// Listing is a stretch of a database's pages.
type Listing struct {
	Pages []record.Page
	Next  string // where it goes on; "" at the end
	// ServedAt is Notion's own time at the answer; zero when it did not say.
	ServedAt time.Time
	// Live are the database's properties as the pages show them; nil when there were no pages.
	Live []mapping.Live
}

// Tables is the Postgres side of one database: the table of records, the base, and the journal of the sync, which are written
// together.
type Tables interface {
	Finder
	Journal
}

// Finder finds the records that a run has to look at.
type Finder interface {
	// Look loads one Known a key, in their order: the record of the page, else the one of the row. Where neither is known
	// it holds only the key.
	Look(ctx context.Context, keys []Key) ([]Known, error)
	// Changed gives the next records that somebody changed, in the order of their changes, and the last change among them.
	Changed(ctx context.Context, after int64, limit int) (rowIDs []string, last int64, err error)
	// Due gives records that were refused and are to be tried again.
	Due(ctx context.Context, at time.Time, limit int) ([]Key, error)
	// Absent gives live records that neither shown names nor the whole listing of the run has shown, by the row's id, after the
	// given one.
	Absent(ctx context.Context, runID string, shown []string, after string, limit int) ([]Key, error)
}

// Journal keeps what is known of the database, and what is about to be and has been done.
type Journal interface {
	// Database gives what is known of the Notion database, nil at first contact, and how many live records the base has.
	Database(ctx context.Context) (*Database, int, error)
	// Intended gives the writes to Notion of which it is not known whether they were made, oldest first.
	Intended(ctx context.Context) ([]Intent, error)
	// Intend stores the writes that are about to be made. fault.Conflict when the lease was lost.
	Intend(ctx context.Context, lease Lease, intents []Intent) error
	// Commit stores a batch as one, and gives an outcome for each settled record, in their order. fault.Conflict when the lease
	// was lost.
	Commit(ctx context.Context, lease Lease, batch Batch) ([]Outcome, error)
}

// Database is what is known of a Notion database.
type Database struct {
	DatabaseID   string
	DataSourceID string
	Binding      mapping.Binding
	// NotionThrough is up to when, by Notion's clock, every edit has been seen.
	NotionThrough time.Time
	// ListedAt is when the database was last listed as a whole.
	ListedAt time.Time
	// Drifts are the differences between the mapping and the database that have been reported.
	Drifts      []mapping.Drift
	RowKeyReady bool
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
	// Refused is how often the record has been refused so far.
	Refused int
}

// Intent is a write to Notion that is about to be made.
type Intent struct {
	ID        string
	Key       Key
	Op        merge.Op
	Title     string
	At        time.Time
	Conflicts []Conflict // what the write overwrites
}

// Conflict is a value that lost, as each side showed it: the columns' JSON, and where Notion lost, the property as Notion spelled
// it.
type Conflict struct {
	ID string
	merge.Conflict
	NotionColumn, PostgresColumn, BaseColumn, PageProperty json.RawMessage
}

// Batch is what is stored as one.
type Batch struct {
	RunID string
	At    time.Time
	// Settled are the records, each once.
	Settled []Settled
	// Seen are the pages that a whole listing showed, when it takes more than one answer.
	Seen []string
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
	// Lens, Base, Page, State and Unsettled say which base follows, as record.Lens.Advance has it; Keep leaves it as it is.
	Lens      record.Lens
	Base      *record.Base
	Page      *record.Page
	State     record.State
	Unsettled map[string]bool
	Keep      bool
	// Closed are the writes to Notion of which it is now known whether they were made.
	Closed []Closed
	// Conflicts and OnRow are stored when the row has taken its change, or had none to take.
	Conflicts []Conflict
	OnRow     []event.Event
	// Events are stored in any case: they tell what was done in Notion.
	Events []event.Event
	// Refusal sets the record aside; nil takes it back.
	Refusal *Refusal
}

// Closed is a write to Notion that was made, or was not. Made, the conflicts that were stored with it stand; else they are void.
type Closed struct {
	ID   string
	Made bool
}

// Refusal says why a record was set aside.
type Refusal struct {
	Side   merge.Side
	Reason string
	Again  time.Time
}

// Outcome is what became of a settled record.
type Outcome struct {
	Applied bool // the row took its change, or had none to take
	Refused bool // Postgres refused the row
}
