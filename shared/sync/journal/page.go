package journal

import (
	"encoding/json"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Write is what is to be written to a page.
type Write struct {
	Op merge.Op
	// Fields are the values by field; Binding says which property each is.
	Fields  record.Fields
	Binding mapping.Binding
}

// Properties returns the fields as Notion takes them, by property id. The error is fault.Invalid, and names the field that Notion would
// refuse.
func (w Write) Properties() (map[string]json.RawMessage, error) {
	properties := make(map[string]json.RawMessage, len(w.Fields))
	for _, name := range w.Fields.Names() {
		bound, ok := w.Binding[name]
		if !ok || w.Fields[name] == nil && w.Op == merge.Create {
			continue
		}
		raw, err := property.Encode(bound.Type, w.Fields[name])
		if err != nil {
			return nil, fault.Wrap(err, fault.KindOf(err), "Field %s: %s", name, fault.Message(err))
		}
		properties[bound.ID] = raw
	}
	return properties, nil
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
