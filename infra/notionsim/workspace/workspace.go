// Package workspace is the content of a Notion workspace, and what may be done with it: users, databases, data sources and
// pages, their rules and their side effects. It knows no HTTP. A Workspace is not safe for concurrent use: whoever holds it
// lets either one writer in or many readers.
package workspace

import (
	"encoding/json"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/cursor"
	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Name is the name of every workspace.
const Name = "ACT Placemat"

// Workspace is all content.
type Workspace struct {
	// Limits are what tests turn; see Limits.
	Limits Limits

	now       func() time.Time
	ids       ident.Source
	nextSeq   uint32
	blocks    int // how many there ever were
	users     []*User
	databases map[string]*Database
	sources   map[string]*DataSource
	pages     map[string]*Page
	sealer    cursor.Sealer
	positions positions
	links     atomic.Uint64 // how many hosted addresses were given; no two are the same
	ownIcons  *regexp.Regexp

	events  []Event
	changes changes
}

// Limits are the limits and habits of Notion that a test may want otherwise.
type Limits struct {
	References   int           // mentions, people and related pages that a page shows of one property; 0 is all
	Rows         int           // rows that one query gives in all; 0 is all
	FilterRaw    bool          // filters compare times as they are, not rounded down to the minute
	KeepTimeZone bool          // dates keep the name of their time zone
	KeepSeconds  bool          // dates keep seconds and milliseconds instead of being cut to the minute
	SearchLag    time.Duration // how long it takes until search knows of an edit
	Blocks       int           // blocks that the workspace may ever hold; 0 is without limit
	Unshared     Unshared      // how a bot sees relations to what is not shared with it
}

// Unshared says how a bot sees a relation that leads to a data source which is not shared with it, and the rollups along it.
type Unshared string

// The ways in which a bot sees such relations.
const (
	UnsharedEmpty   Unshared = "empty"   // they hold nothing, as recorded
	UnsharedOmitted Unshared = "omitted" // neither the schema nor pages have them, as Notion's documentation says
	UnsharedShown   Unshared = "shown"   // they hold what a person sees
)

// User is a person, a bot or a group.
type User struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"` // person, bot or group
	Name   string `json:"name"`
	Email  string `json:"email,omitempty"`
	Avatar string `json:"avatar,omitempty"`
}

// Actor is who does something. A bot sees what is shared with it, a person everything.
type Actor struct {
	UserID      string
	Bot         bool
	Integration string // name, in errors
}

// NotFound is the answer for what does not exist or is not shared with the actor. It names the bot that asked.
func (a Actor) NotFound(kind, id string) *wire.Error {
	err := wire.NotFound(kind, id, a.Integration)
	if a.Bot {
		err.Data = map[string]string{"integration_id": a.UserID}
	}
	return err
}

// Database is a container of data sources.
type Database struct {
	ID          string     `json:"id"`
	Title       value.Text `json:"title"`
	Description value.Text `json:"description,omitempty"`
	ParentPage  string     `json:"parent_page,omitempty"` // "" stands in the workspace itself
	Sources     []string   `json:"sources"`
	Created     time.Time  `json:"created"`
	Edited      time.Time  `json:"edited"`
	InTrash     bool       `json:"in_trash,omitempty"`
	Locked      bool       `json:"locked,omitempty"`
	Inline      bool       `json:"inline,omitempty"`
	Unshared    bool       `json:"unshared,omitempty"` // taken from the bot
	Icon        Media      `json:"icon,omitempty"`
	Cover       Media      `json:"cover,omitempty"`
}

// DataSource is a table of pages.
type DataSource struct {
	ID          string        `json:"id"`
	Seq         uint32        `json:"seq"` // in order of creation here
	DatabaseID  string        `json:"database_id"`
	Title       value.Text    `json:"title"`
	Description value.Text    `json:"description,omitempty"`
	Schema      schema.Schema `json:"schema"`
	Dropped     int           `json:"dropped,omitempty"` // how many properties were deleted: a new one of the same name has an id of its own
	Created     time.Time     `json:"created"`
	Edited      time.Time     `json:"edited"`
	CreatedBy   string        `json:"created_by"`
	EditedBy    string        `json:"edited_by"`
	InTrash     bool          `json:"in_trash,omitempty"`
	Icon        Media         `json:"icon,omitempty"`

	live, trash shelf
}

// Page is a page, in a data source or outside of all.
type Page struct {
	ID         string                 `json:"id"`
	Seq        uint32                 `json:"seq"`                   // in order of creation here; breaks ties of time
	SourceID   string                 `json:"source_id,omitempty"`   // "" outside of all data sources, then
	ParentPage string                 `json:"parent_page,omitempty"` // the page it stands in, or "" for the workspace itself
	Created    time.Time              `json:"created"`
	Edited     time.Time              `json:"edited"`
	CreatedBy  string                 `json:"created_by"`
	EditedBy   string                 `json:"edited_by"`
	InTrash    bool                   `json:"in_trash,omitempty"`
	Archived   bool                   `json:"archived,omitempty"`
	Locked     bool                   `json:"locked,omitempty"`
	Icon       Media                  `json:"icon,omitempty"`
	Cover      Media                  `json:"cover,omitempty"`
	Values     map[string]value.Value `json:"values"` // by id of the property; what is empty is not there
}

// Media is an icon or a cover as it is written and answered; nil for none.
type Media = json.RawMessage

// New returns an empty workspace. The seed decides every id; now is the time of every edit.
func New(seed int64, now func() time.Time) *Workspace {
	return &Workspace{
		now:       now,
		ids:       ident.Source{Seed: seed},
		sealer:    cursor.Sealer{Seed: seed},
		databases: make(map[string]*Database),
		sources:   make(map[string]*DataSource),
		pages:     make(map[string]*Page),
		changes:   newChanges(),
		ownIcons:  ownIconAddress(),
	}
}

// time returns the time of an edit. Notion keeps milliseconds.
func (w *Workspace) time() time.Time { return w.now().UTC().Truncate(time.Millisecond) }

// Seed returns what decides the ids.
func (w *Workspace) Seed() int64 { return w.ids.Seed }

// AddUser adds a user.
func (w *Workspace) AddUser(u User) {
	w.users = append(w.users, &u)
	w.changes.mark("user", u.ID)
}

// Users returns all persons and bots in the order in which they were added.
func (w *Workspace) Users() []*User {
	return slices.DeleteFunc(slices.Clone(w.users), func(u *User) bool { return u.Kind == "group" })
}

// User returns a user or group, or nil.
func (w *Workspace) User(id string) *User {
	for _, u := range w.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// Database returns a database that the actor sees.
func (w *Workspace) Database(id string, a Actor) (*Database, error) {
	d := w.databases[id]
	if d == nil || (a.Bot && d.Unshared) {
		return nil, a.NotFound("database", id)
	}
	return d, nil
}

// DataSource returns a data source that the actor sees.
func (w *Workspace) DataSource(id string, a Actor) (*DataSource, error) {
	ds := w.sources[id]
	if ds == nil || (a.Bot && w.databases[ds.DatabaseID].Unshared) {
		return nil, a.NotFound("data source", id)
	}
	return ds, nil
}

// Page returns a page that the actor sees, be it in the trash.
func (w *Workspace) Page(id string, a Actor) (*Page, error) {
	p := w.pages[id]
	if p == nil || (a.Bot && w.hidden(p)) {
		return nil, a.NotFound("page", id)
	}
	return p, nil
}

// hidden reports whether a page is not shared with the bot.
func (w *Workspace) hidden(p *Page) bool {
	ds := w.sources[p.SourceID]
	return ds != nil && w.databases[ds.DatabaseID].Unshared
}

// Rows returns the pages of a data source, those in the trash included, in order of creation.
func (w *Workspace) Rows(ds *DataSource) []*Page {
	rows := slices.Concat(ds.live.created.pages, ds.trash.created.pages)
	slices.SortFunc(rows, func(a, b *Page) int { return byCreated(a).Compare(byCreated(b)) })
	return rows
}

// Count returns how many pages of a data source are not in the trash.
func (ds *DataSource) Count() int { return len(ds.live.created.pages) }
