package journal

import (
	"time"

	"github.com/act-platform/enhanced-integration/shared/mapping"
	"github.com/act-platform/enhanced-integration/shared/merge"
	"github.com/act-platform/enhanced-integration/shared/record"
)

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
