package workspace

import (
	"maps"
	"slices"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// outside is the schema of a page that stands in no data source: a title.
func outside() schema.Schema {
	return schema.Schema{{ID: schema.TitleID, Name: "title", Type: schema.Title}}
}

// SchemaOf returns the schema of a page.
func (w *Workspace) SchemaOf(p *Page) schema.Schema {
	if ds := w.sources[p.SourceID]; ds != nil {
		return ds.Schema
	}
	return outside()
}

// edit is what a request wants of a page's properties: read and checked, not done.
type edit struct {
	property *schema.Property
	value    value.Value
	fresh    []schema.Option
}

// parseEdits reads the "properties" of a request. Where short is set, as it is for a page that is made, the title may come as an
// array, {"title":[…]}.
func (w *Workspace) parseEdits(n wire.Node, s schema.Schema, a Actor, short bool) []edit {
	if !n.Present() || !n.Object() {
		return nil
	}
	var edits []edit
	for _, k := range n.Keys() {
		p := s.Find(k)
		if p == nil {
			n.Refuse(wire.Validation("%s is not a property that exists.", k))
			return nil
		}
		var v value.Value
		var fresh []schema.Option
		if short && k == schema.TitleID && n.Get(k).IsList() {
			v = value.OrNil(value.ParseText(n.Get(k), env{w, a}))
		} else {
			v, fresh = value.Parse(p, n.Get(k), env{w, a})
		}
		if slices.ContainsFunc(edits, func(e edit) bool { return e.property == p }) {
			n.Refuse(wire.Validation("%s is named twice, by name and by id.", p.Name))
		}
		edits = append(edits, edit{p, v, fresh})
	}
	return edits
}

// CreatePage makes the page that a request wants.
//
// https://developers.notion.com/reference/post-page
func (w *Workspace) CreatePage(n wire.Node, a Actor) (*Page, error) {
	n.Only("parent", "properties", "icon", "cover", "children", "content", "markdown", "template", "position")
	p := &Page{CreatedBy: a.UserID, EditedBy: a.UserID}
	if err := w.parsePageParent(p, n.Get("parent"), a); err != nil {
		return nil, err
	}
	edits := w.parseEdits(n.Get("properties"), w.SchemaOf(p), a, true)
	p.Icon, p.Cover = w.parseIcon(n.Get("icon")), parseCover(n.Get("cover"))
	blocks := blocksIn(n)
	if err := n.Err(); err != nil {
		return nil, err
	}
	if err := w.room(); err != nil {
		return nil, err
	}
	w.blocks += blocks
	p.Created = w.time()
	p.Edited = p.Created
	w.number(p)
	if s := w.shelf(p); s != nil {
		s.insert(p)
	}
	w.apply(p, edits, a)
	w.tellPage("page.created", p, a)
	return p, nil
}

// number sets a new page's id, its numbers and its defaults.
func (w *Workspace) number(p *Page) {
	if p.ID == "" {
		p.ID = w.ids.UUID()
	}
	w.nextSeq++
	w.blocks++
	p.Seq = w.nextSeq
	if p.Values == nil {
		p.Values = make(map[string]value.Value)
	}
	for _, prop := range w.SchemaOf(p) {
		switch {
		case prop.Type == schema.UniqueID:
			p.Values[prop.ID] = w.serial(p.SourceID, prop)
		case prop.Type == schema.Status && p.Values[prop.ID] == nil && len(prop.Options) > 0:
			p.Values[prop.ID] = value.Choice(prop.Options[0].ID)
		}
	}
	w.pages[p.ID] = p
	w.changes.mark("page", p.ID)
}

// serial returns the next number of a unique_id.
func (w *Workspace) serial(sourceID string, p *schema.Property) value.Value {
	n := p.NextNumber
	p.NextNumber++
	w.changes.mark("source", sourceID)
	return value.Serial(n)
}

func (w *Workspace) parsePageParent(p *Page, n wire.Node, a Actor) error {
	if !n.Object() {
		return n.Err()
	}
	n.Only("type", "data_source_id", "database_id", "page_id", "workspace")
	switch {
	case n.Has("data_source_id"):
		ds, err := w.DataSource(n.Get("data_source_id").UUID(), a)
		if err := n.Or(err); err != nil {
			return err
		}
		p.SourceID = ds.ID
	case n.Has("database_id"):
		d, err := w.Database(n.Get("database_id").UUID(), a)
		if err := n.Or(err); err != nil {
			return err
		}
		if len(d.Sources) != 1 {
			return SeveralSources()
		}
		p.SourceID = d.Sources[0]
	case n.Has("page_id"):
		parent, err := w.Page(n.Get("page_id").UUID(), a)
		if err := n.Or(err); err != nil {
			return err
		}
		p.ParentPage = parent.ID
	default:
		if !n.Has("workspace") {
			n.Get("page_id").Expect("defined")
		}
	}
	if ds := w.sources[p.SourceID]; ds != nil && (ds.InTrash || w.databases[ds.DatabaseID].InTrash) {
		return wire.Validation("Can't create a page in a data source that is in the trash.")
	}
	return n.Err()
}

// SeveralSources is the answer to a version of the API, or a request, that takes a database for a table.
func SeveralSources() *wire.Error {
	err := wire.Validation("Databases with multiple data sources are not supported in this API version.")
	err.Data = map[string]string{"error_type": "multiple_data_sources_for_database"}
	return err
}

// DeletePage removes a page for good.
func (w *Workspace) DeletePage(id string, a Actor) error {
	p, err := w.Page(id, a)
	if err != nil {
		return err
	}
	if s := w.shelf(p); s != nil {
		s.remove(p)
	}
	if !p.InTrash {
		w.tellPage("page.deleted", p, a)
	}
	delete(w.pages, id)
	w.changes.mark("page", id)
	return nil
}

// MovePage puts a page into another data source. It keeps what has a property of the same name and type there.
func (w *Workspace) MovePage(id, sourceID string, a Actor) (*Page, error) {
	p, err := w.Page(id, a)
	if err != nil {
		return nil, err
	}
	to, err := w.DataSource(sourceID, a)
	if err != nil {
		return nil, err
	}
	if p.SourceID == to.ID {
		return p, nil
	}
	from, old := w.SchemaOf(p), maps.Clone(p.Values)
	for _, prop := range from {
		if prop.Type == schema.RelationType {
			w.relate(p, prop, nil, a)
		}
	}
	if s := w.shelf(p); s != nil {
		s.remove(p)
	}
	p.SourceID, p.ParentPage, p.Values = to.ID, "", make(map[string]value.Value)
	p.Edited, p.EditedBy = w.time(), a.UserID
	for _, prop := range to.Schema {
		was := from.Find(prop.Name)
		switch {
		case prop.Type == schema.UniqueID:
			p.Values[prop.ID] = w.serial(to.ID, prop)
		case prop.ID == schema.TitleID:
			set(p, prop.ID, old[schema.TitleID])
		case was != nil && was.Type == prop.Type && prop.Type != schema.RelationType:
			set(p, prop.ID, w.convert(old[was.ID], was, to.ID, prop))
		}
	}
	w.shelf(p).insert(p)
	w.changes.mark("page", p.ID)
	w.tellPage("page.moved", p, a)
	return p, nil
}

// AddPages puts pages that stand ready into a data source, or outside of all where sourceID is "". Nobody is told of it.
func (w *Workspace) AddPages(sourceID string, pages ...*Page) {
	for _, p := range pages {
		p.SourceID = sourceID
		w.number(p)
	}
	if ds := w.sources[sourceID]; ds != nil {
		ds.live.fill(pages)
		w.changes.mark("source", sourceID)
	}
}

// SetValue sets a page's value as it stands: how a value comes about that the API cannot write. The page does not count as
// edited.
func (w *Workspace) SetValue(pageID, propertyID string, v value.Value) error {
	p := w.pages[pageID]
	if p == nil {
		return wire.NotFound("page", pageID, "")
	}
	set(p, propertyID, value.OrNil(v))
	w.changes.mark("page", pageID)
	return nil
}
