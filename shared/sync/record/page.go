package record

import (
	"encoding/json"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Page is a record as a Notion page.
type Page struct {
	ID        string
	State     State
	CreatedAt time.Time
	EditedAt  time.Time // rounded down to the minute by Notion
	// DataSourceID is where the page stands, "" when its parent is no data source.
	DataSourceID string
	// Elsewhere says that the page was moved to another database. It is Archived as long as it is there, and nothing can be written to it.
	Elsewhere bool
	// RowKey is the row's id that the page carries, "" when it carries none. A page that a person duplicated carries the
	// original's.
	RowKey string
	// Properties are the page's properties by id.
	Properties map[string]property.Property
	// Document is the page as Notion gave it: what the base table keeps as data.
	Document json.RawMessage
	// Hidden are related pages that the page does not show because they are in the trash, or gone.
	Hidden map[string]bool
	// Completed says that a value had to be fetched whole, which costs a request each time it is looked at.
	Completed bool
	// Fresh says that the minute in which the page was last edited may not be over: it may be edited again, and tell the same time.
	Fresh bool
}

// Take puts a property that is known to be whole into the page, in the place of what Notion cut. False when raw is none.
func (p *Page) Take(id string, raw json.RawMessage) bool {
	whole, err := property.Decode(raw)
	if err != nil || !p.Keep(id, raw) {
		return false
	}
	whole.Truncated = false
	p.Properties[id] = whole
	return true
}

// Keep puts a property that is known to be whole into the page's document, in the place of what Notion cut. The page still does not
// show it: it counts as what it was. False when raw is none.
func (p *Page) Keep(id string, raw json.RawMessage) bool {
	whole, err := property.Decode(raw)
	if err != nil || whole.ID != id {
		return false
	}
	document, found := withProperty(p.Document, id, raw)
	if found {
		p.Document = document
	}
	return found
}
