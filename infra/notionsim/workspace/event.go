package workspace

import (
	"time"
)

// Event is something that happened, as a webhook tells it.
//
// https://developers.notion.com/reference/webhooks-events-delivery
type Event struct {
	Type       string // page.created and so on
	At         time.Time
	Author     Author
	EntityID   string
	EntityType string // page, data_source or database
	Parent     Parent
	Properties []string       // URL-encoded ids of the properties that changed, of a page
	Schema     []SchemaChange // what changed, of a data source
}

// Author is who caused an event.
type Author struct {
	ID   string `json:"id"`
	Type string `json:"type"` // person or bot
}

// Parent is where the thing stands that an event is about.
type Parent struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	DataSourceID string `json:"data_source_id,omitempty"`
}

// SchemaChange is one property that changed in a data source.
type SchemaChange struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Action string `json:"action"` // created, updated or deleted
}

// TakeEvents returns the events since it was last called.
func (w *Workspace) TakeEvents() []Event {
	events := w.events
	w.events = nil
	return events
}

func (w *Workspace) authorOf(a Actor) Author {
	if a.Bot {
		return Author{ID: a.UserID, Type: "bot"}
	}
	return Author{ID: a.UserID, Type: "person"}
}

func (w *Workspace) tellPage(kind string, p *Page, a Actor, properties ...string) {
	if w.hidden(p) {
		return
	}
	w.events = append(w.events, Event{
		Type: kind, At: w.time(), Author: w.authorOf(a), EntityID: p.ID, EntityType: "page", Parent: w.parentOf(p), Properties: properties,
	})
}

func (w *Workspace) tellSource(kind string, ds *DataSource, a Actor, changes ...SchemaChange) {
	d := w.databases[ds.DatabaseID]
	if d.Unshared {
		return
	}
	w.events = append(w.events, Event{
		Type: kind, At: w.time(), Author: w.authorOf(a), EntityID: ds.ID, EntityType: "data_source",
		Parent: Parent{ID: d.ID, Type: "database"}, Schema: changes,
	})
}

func (w *Workspace) tellDatabase(kind string, d *Database, a Actor) {
	if d.Unshared {
		return
	}
	parent := Parent{ID: w.ID(), Type: "space"}
	if d.ParentPage != "" {
		parent = Parent{ID: d.ParentPage, Type: "page"}
	}
	w.events = append(w.events, Event{
		Type: kind, At: w.time(), Author: w.authorOf(a), EntityID: d.ID, EntityType: "database", Parent: parent,
	})
}

func (w *Workspace) parentOf(p *Page) Parent {
	switch ds := w.sources[p.SourceID]; {
	case ds != nil:
		return Parent{ID: ds.DatabaseID, Type: "database", DataSourceID: ds.ID}
	case p.ParentPage != "":
		return Parent{ID: p.ParentPage, Type: "page"}
	default:
		return Parent{ID: w.ID(), Type: "space"}
	}
}
