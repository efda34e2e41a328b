package workspace

import (
	"slices"

	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// CreateDatabase makes a database with one data source, as a request wants it.
//
// https://developers.notion.com/reference/create-database
func (w *Workspace) CreateDatabase(n wire.Node, a Actor) (*Database, error) {
	n.Only("parent", "title", "description", "is_inline", "initial_data_source", "icon", "cover")
	d := &Database{Title: w.parseTitle(n.Get("title"), a), Description: w.parseTitle(n.Get("description"), a)}
	if len(d.Title) == 0 {
		d.Title = value.Plain("New database")
	}
	var err error
	if d.ParentPage, err = w.parseHome(n.Get("parent"), a); n.Or(err) != nil {
		return nil, n.Or(err)
	}
	flag(n, "is_inline", &d.Inline)
	d.Icon, d.Cover = w.parseIcon(n.Get("icon")), parseCover(n.Get("cover"))
	first := n.Get("initial_data_source")
	if first.Present() {
		first.Object()
	}
	if err := n.Or(w.room()); err != nil {
		return nil, err
	}
	d.ID, d.Created = w.ids.UUID(), w.time()
	d.Edited = d.Created
	ds, err := w.newSource(d, first, d.Title, a)
	if err != nil {
		return nil, err
	}
	ds.Description = d.Description
	w.AddDatabase(d, ds)
	w.tellDatabase("database.created", d, a)
	w.tellSource("data_source.created", ds, a)
	return d, nil
}

// parseHome reads where a database stands: the id of a page, or "" for the workspace itself.
func (w *Workspace) parseHome(parent wire.Node, a Actor) (string, error) {
	switch {
	case !parent.Object():
		return "", parent.Err()
	case parent.Has("page_id"):
		id := parent.Get("page_id").UUID()
		_, err := w.Page(id, a)
		return id, parent.Or(err)
	case !parent.Has("workspace"):
		parent.Get("page_id").Expect("defined")
	}
	return "", parent.Err()
}

// AddDatabase puts a database that stands ready into the workspace, with its data sources.
func (w *Workspace) AddDatabase(d *Database, sources ...*DataSource) {
	w.databases[d.ID] = d
	w.changes.mark("database", d.ID)
	w.blocks++
	for _, ds := range sources {
		w.nextSeq++
		ds.DatabaseID, ds.Seq = d.ID, w.nextSeq
		if !slices.Contains(d.Sources, ds.ID) {
			d.Sources = append(d.Sources, ds.ID)
		}
		w.sources[ds.ID] = ds
		w.changes.mark("source", ds.ID)
	}
}

// CreateDataSource adds a data source to a database.
//
// https://developers.notion.com/reference/create-a-data-source
func (w *Workspace) CreateDataSource(n wire.Node, a Actor) (*DataSource, error) {
	n.Only("parent", "title", "properties", "icon")
	d, err := w.Database(n.Get("parent").Get("database_id").UUID(), a)
	if err := n.Or(err); err != nil {
		return nil, err
	}
	if err := w.room(); err != nil {
		return nil, err
	}
	ds, err := w.newSource(d, n, nil, a)
	if err != nil {
		return nil, err
	}
	w.AddDatabase(d, ds)
	w.tellSource("data_source.created", ds, a)
	return ds, nil
}

// newSource reads a data source out of a request; it is not in the workspace yet.
func (w *Workspace) newSource(d *Database, n wire.Node, title value.Text, a Actor) (*DataSource, error) {
	ds := &DataSource{
		ID: w.ids.UUID(), DatabaseID: d.ID, Title: title, Created: w.time(), Edited: w.time(), CreatedBy: a.UserID, EditedBy: a.UserID,
	}
	if n.Has("title") {
		ds.Title = w.parseTitle(n.Get("title"), a)
	}
	ds.Icon = w.parseIcon(n.Get("icon"))
	w.sources[ds.ID], w.databases[d.ID] = ds, d // a relation may lead to the data source itself
	if !n.Has("properties") {
		ds.Schema = ds.Schema.Insert(&schema.Property{ID: schema.TitleID, Name: "Name", Type: schema.Title})
	}
	if err := w.alter(ds, n.Get("properties"), a, true); err != nil {
		delete(w.sources, ds.ID)
		if len(d.Sources) == 0 {
			delete(w.databases, d.ID)
		}
		return nil, err
	}
	return ds, nil
}

// UpdateDatabase does what a request wants of a database.
//
// https://developers.notion.com/reference/update-a-database
func (w *Workspace) UpdateDatabase(id string, n wire.Node, a Actor) (*Database, error) {
	d, err := w.Database(id, a)
	if err != nil {
		return nil, err
	}
	n.Only("title", "description", "is_inline", "icon", "cover", "in_trash", "archived", "is_locked", "parent")
	after := *d
	if n.Has("parent") {
		if after.ParentPage, err = w.parseHome(n.Get("parent"), a); err != nil {
			return nil, err
		}
	}
	if n.Has("title") {
		after.Title = w.parseTitle(n.Get("title"), a)
	}
	if n.Has("description") {
		after.Description = w.parseTitle(n.Get("description"), a)
	}
	flag(n, "is_inline", &after.Inline)
	flag(n, "is_locked", &after.Locked)
	flag(n, "in_trash", &after.InTrash)
	flag(n, "archived", &after.InTrash)
	if n.Has("icon") {
		after.Icon = w.parseIcon(n.Get("icon"))
	}
	if n.Has("cover") {
		after.Cover = parseCover(n.Get("cover"))
	}
	if err := n.Err(); err != nil {
		return nil, err
	}
	if after.InTrash != d.InTrash {
		kind := "database.undeleted"
		if after.InTrash {
			kind = "database.deleted"
		}
		w.tellDatabase(kind, d, a)
	}
	if after.ParentPage != d.ParentPage {
		w.tellDatabase("database.moved", &after, a)
	}
	after.Edited = w.time()
	*d = after
	if n.Has("description") && len(d.Sources) > 0 { // the first data source shows it as its own
		ds := w.sources[d.Sources[0]]
		ds.Description, ds.Edited, ds.EditedBy = d.Description, w.time(), a.UserID
		w.changes.mark("source", ds.ID)
	}
	w.changes.mark("database", d.ID)
	return d, nil
}

// Share lets the bot see a database and all in it, or takes it away.
func (w *Workspace) Share(databaseID string, shared bool) error {
	d := w.databases[databaseID]
	if d == nil {
		return wire.NotFound("database", databaseID, "")
	}
	d.Unshared = !shared
	w.changes.mark("database", d.ID)
	return nil
}

// flag reads a boolean that may be left out.
func flag(n wire.Node, name string, to *bool) {
	if n.Has(name) {
		*to = n.Get(name).Bool()
	}
}

func (w *Workspace) parseTitle(n wire.Node, a Actor) value.Text {
	if !n.Present() {
		return nil
	}
	return value.ParseText(n, env{w, a})
}

// ID is the id of the workspace itself.
func (w *Workspace) ID() string { return ident.UUID(w.ids.Seed, "workspace") }
