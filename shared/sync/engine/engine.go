// Package engine brings one database into step with its table: it looks at what changed on both sides, has merge plan each
// record, and carries the plans out so that a crash at any point loses nothing and does nothing twice.
//
// The way of a batch (settle.go): load what both sides and the base have; plan; store an intent for every write to Notion
// that the plan asks for; write to Notion; plan again with Notion's answers; then in one transaction, under the lease's term,
// write the rows, move the base for what both sides are now known to hold, and store conflicts, errors, events and progress.
package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Connection is whose data is kept in step, and how.
type Connection struct {
	ID      string
	Mapping mapping.Mapping
	// DatabaseIDs are the Notion databases by kind; a kind without one is not synced.
	DatabaseIDs map[string]string
	// Rule settles fields that both sides changed.
	Rule merge.Rule
	// Limit is how many deletions a run may make unasked.
	Limit journal.Limit
}

// Kinds returns the kinds that are synced, in the mapping's order.
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
	// Notion opens one database's Notion side, Interactive the same for a look: somebody has just edited what it is at, and waits for nobody's run.
	// Tables opens the Postgres side.
	Notion, Interactive func(mapping.Kind) Notion
	Tables              func(mapping.Kind) Tables
	// Ready returns how long it takes until Notion may be asked so often, and keeps the place in the line; nil: it may be at once.
	Ready func(ctx context.Context, requests int) (time.Duration, error)
	// Rehearsal opens the Postgres side for a dry run: nothing is written, and what would be is kept beside the run.
	Rehearsal func(kind mapping.Kind, runID string) Tables
	Now       func() time.Time
	NewID     func() string // a new UUID
	Log       *slog.Logger
	// Writers is how many writes to Notion are under way at once.
	Writers int
	// Reserve is how long before the context's deadline a run stops and queues its continuation.
	Reserve time.Duration
}

// Syncer runs syncs.
type Syncer struct{ Config }

// New makes a Syncer.
func New(cfg Config) *Syncer { return &Syncer{cfg} }

// Ledger keeps the runs.
type Ledger interface {
	// Create stores a run that is queued, with a part for each kind. Where there is one of its type and scope already it gives that one's id:
	// with fault.Conflict when somebody works on it, or was asked to after the given time; else it notes that it is handed over again.
	Create(ctx context.Context, run journal.Run, kinds []string, idleSince time.Time) (underWay string, err error)
	// Busy returns the kinds of which a part of a run of that type is not done.
	Busy(ctx context.Context, connectionID string, t journal.Type) ([]string, error)
	// Begin marks a part as running and gives it; fault.NotFound when there is no such part.
	Begin(ctx context.Context, runID, kind string, at time.Time) (journal.Part, error)
	// Finish ends a part, as failed when reason is not "". The run ends with its last part, and the event that says so is
	// stored with it.
	Finish(ctx context.Context, lease journal.Lease, part journal.Part, reason string, at time.Time) error
	// Queued notes that a part waits for a worker from now on.
	Queued(ctx context.Context, runID, kind string, at time.Time) error
	// Lost returns the parts that are not done, that nobody works on and nobody was asked to after the given time. They count as handed over at at.
	Lost(ctx context.Context, connectionID string, idleSince, at time.Time) ([]journal.Message, error)
	// Waiting returns the kinds with records that wait for a lock of somebody else's to go.
	Waiting(ctx context.Context, connectionID string) ([]string, error)
}

// Leases see to it that one worker at a time works on a database.
type Leases interface {
	// Acquire takes the lease; fault.Conflict, with how long to wait, while somebody else holds it.
	Acquire(ctx context.Context, connectionID, kind, owner string) (journal.Lease, error)
	// Renew holds it longer; fault.Conflict when it was lost.
	Renew(ctx context.Context, lease journal.Lease) error
	Release(ctx context.Context, lease journal.Lease) error
}

// Queue hands messages to the workers, one at a time for each database.
type Queue interface {
	Send(ctx context.Context, connectionID string, m journal.Message) error
}

// Notion is the Notion side of one database. Every error is a fault.Error: NotFound means that the page, or the database, is
// not there or not shared; Unavailable that a write may or may not have been made.
type Notion interface {
	Reader
	Completer
	Writer
}

// Reader reads a database.
type Reader interface {
	// Locate finds the data source of a database.
	Locate(ctx context.Context, databaseID string) (dataSourceID string, err error)
	// Schema returns the properties that the database has now.
	Schema(ctx context.Context, dataSourceID string) ([]mapping.Live, error)
	// Sees reports whether a data source is there, shared, and out of the trash.
	Sees(ctx context.Context, dataSourceID string) (bool, error)
	// List returns up to 100 pages: all when since is zero, else those edited at or after it. cursor is "" or the Next of the
	// listing before.
	List(ctx context.Context, dataSourceID string, since time.Time, cursor string) (journal.Listing, error)
	// Present returns an error, fault.NotFound, where the database is away: then nothing follows from what it does not show.
	Present(ctx context.Context, databaseID, dataSourceID string) error
	// Newest tells when the newest page was created; zero when there is none.
	Newest(ctx context.Context, dataSourceID string) (time.Time, error)
	// Page returns one page.
	Page(ctx context.Context, pageID string) (record.Page, error)
}

// Completer fetches whole what Notion cuts at 25 references.
type Completer interface {
	// Complete fetches the named properties of a page whole, into the page.
	Complete(ctx context.Context, page *record.Page, propertyIDs []string) error
}

// Writer writes pages. Each call gives the page as Notion answered it.
type Writer interface {
	// PrepareRowKey returns the id of the property for the rows' ids, which it adds if need be; "" where the integration may not add it, or where
	// people have another one of that name.
	PrepareRowKey(ctx context.Context, dataSourceID string, bound mapping.Binding) (keyID string, err error)
	// Create creates a page. It carries its row's id in the property keyID, unless that is "".
	Create(ctx context.Context, dataSourceID, keyID, rowID string, write journal.Write) (record.Page, error)
	// Rekey has a page carry another row's id in the property keyID.
	Rekey(ctx context.Context, pageID, keyID, rowID string) error
	// Created finds the pages that may have been made for an intent, oldest first.
	Created(ctx context.Context, dataSourceID string, intent journal.Intent) ([]record.Page, error)
	// Update changes a page, and takes it out of the trash first, or puts it there, as write says.
	Update(ctx context.Context, pageID string, write journal.Write) (record.Page, error)
}

// Tables is the Postgres side of one database: the table of records, the base, and the journal of the sync, which are written
// together.
type Tables interface {
	Finder
	Matcher
	Mover
	Journal
	Watcher
	Room
}

// Finder finds the records that a run has to look at.
type Finder interface {
	// Look loads one Known a key, in their order: the record of the page, else the one of the row. Where neither is known
	// it holds only the key.
	Look(ctx context.Context, keys []journal.Key) ([]journal.Known, error)
	// Changed returns the next records that somebody changed, in the order of their changes, and the last change among them;
	// without those whose deletion waits to be decided.
	Changed(ctx context.Context, after int64, limit int) (rowIDs []string, last int64, err error)
	// Left returns how many records Changed still has to give.
	Left(ctx context.Context, after int64) (int, error)
	// Due returns records that were refused and are to be tried again.
	Due(ctx context.Context, at time.Time, limit int) ([]journal.Key, error)
	// Waiting returns records whose rows were locked by somebody else.
	Waiting(ctx context.Context, limit int) ([]journal.Key, error)
	// Absent returns live records that neither shown names nor the whole listing of the run has shown, by the row's id, after the
	// given one; without those whose deletion waits to be decided.
	Absent(ctx context.Context, runID string, shown []string, after string, limit int) ([]journal.Key, error)
	// Named returns live records that have one of the options under its old name, by the row's id, after the given one.
	Named(ctx context.Context, renames []mapping.Rename, after string, limit int) ([]journal.Key, error)
}

// Journal keeps what is known of the database, and what is about to be and has been done.
type Journal interface {
	// Database returns what is known of the Notion database, nil at first contact, and how many live records the base has.
	Database(ctx context.Context) (*journal.Database, int, error)
	// Columns returns the columns and join tables that hold the fields, by field; one that does not exist is not among them.
	Columns(ctx context.Context) (map[string]journal.Column, error)
	// Hold holds the deletions that a run is about to make, with all others that it would make on that side, and reports true
	// when they are too many; else it leaves them. fault.Conflict when the lease was lost.
	Hold(ctx context.Context, lease journal.Lease, deletions journal.Deletions) (bool, error)
	// Intended returns the writes to Notion of which it is not known whether they were made, oldest first.
	Intended(ctx context.Context) ([]journal.Intent, error)
	// Intend stores the writes that are about to be made. fault.Conflict when the lease was lost.
	Intend(ctx context.Context, lease journal.Lease, intents []journal.Intent) error
	// Commit stores a batch as one, and gives an outcome for each settled record, in their order. fault.Conflict when the lease
	// was lost.
	Commit(ctx context.Context, lease journal.Lease, batch journal.Batch) ([]journal.Outcome, error)
	// Link relates rows to those that their relations waited for, and that are now there.
	Link(ctx context.Context) error
}
