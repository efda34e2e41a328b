package workspace

import (
	"maps"
	"reflect"
	"slices"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// outside is the schema of a page that stands in no data source: a title.
func outside() schema.Schema {
	return schema.Schema{{ID: schema.TitleID, Name: "title", Type: schema.Title}}
}

// SchemaOf gives the schema of a page.
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

// parseEdits reads the "properties" of a request.
func (w *Workspace) parseEdits(n wire.Node, s schema.Schema, a Actor) []edit {
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
		v, fresh := value.Parse(p, n.Get(k), env{w, a})
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
	edits := w.parseEdits(n.Get("properties"), w.SchemaOf(p), a)
	p.Icon, p.Cover = parseMedia(n.Get("icon")), parseMedia(n.Get("cover"))
	if err := n.Err(); err != nil {
		return nil, err
	}
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

// number gives a new page its id, its numbers and its defaults.
func (w *Workspace) number(p *Page) {
	if p.ID == "" {
		p.ID = w.ids.UUID()
	}
	w.nextSeq++
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

// serial gives the next number of a unique_id.
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
		if n.Err() != nil {
			return n.Err()
		}
		if err != nil {
			return err
		}
		p.SourceID = ds.ID
	case n.Has("database_id"):
		d, err := w.Database(n.Get("database_id").UUID(), a)
		if n.Err() != nil {
			return n.Err()
		}
		if err != nil {
			return err
		}
		if len(d.Sources) != 1 {
			return severalSources()
		}
		p.SourceID = d.Sources[0]
	case n.Has("page_id"):
		parent, err := w.Page(n.Get("page_id").UUID(), a)
		if n.Err() != nil {
			return n.Err()
		}
		if err != nil {
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

func severalSources() *wire.Error {
	err := wire.Validation("Databases with multiple data sources are not supported in this API version.")
	err.Data = map[string]string{"error_type": "multiple_data_sources_for_database"}
	return err
}

// UpdatePage does what a request wants of a page, and reports whether anything came out different.
//
// https://developers.notion.com/reference/patch-page
func (w *Workspace) UpdatePage(id string, n wire.Node, a Actor) (p *Page, changed bool, err error) {
	p, err = w.Page(id, a)
	if err != nil {
		return nil, false, err
	}
	n.Only("properties", "icon", "cover", "in_trash", "archived", "is_archived", "is_locked", "erase_content", "template")
	edits := w.parseEdits(n.Get("properties"), w.SchemaOf(p), a)
	after := *p
	if n.Get("icon").Present() {
		after.Icon = parseMedia(n.Get("icon"))
	}
	if n.Get("cover").Present() {
		after.Cover = parseMedia(n.Get("cover"))
	}
	flag(n, "in_trash", &after.InTrash)
	flag(n, "archived", &after.InTrash)
	flag(n, "is_archived", &after.Archived)
	flag(n, "is_locked", &after.Locked)
	if p.InTrash && after.InTrash && (len(edits) > 0 || n.Has("icon") || n.Has("cover")) {
		n.Refuse(wire.Validation("Can't edit block that is archived. You must unarchive the block before editing."))
	}
	if err := n.Err(); err != nil {
		return nil, false, err
	}
	if len(n.Keys()) == 0 {
		return p, false, nil
	}
	return p, w.change(p, &after, edits, a), nil
}

// change turns a page into what it shall be after, and then does the edits of its properties.
func (w *Workspace) change(p, after *Page, edits []edit, a Actor) bool {
	before := *p
	w.touch(p, a)
	if s := w.shelf(p); s != nil {
		s.remove(p)
	}
	p.InTrash, p.Archived, p.Locked, p.Icon, p.Cover = after.InTrash, after.Archived, after.Locked, after.Icon, after.Cover
	if s := w.shelf(p); s != nil {
		s.insert(p)
	}
	changed := false
	tell := func(is, was bool, yes, no string) {
		if is == was {
			return
		}
		changed = true
		if is {
			w.tellPage(yes, p, a)
		} else {
			w.tellPage(no, p, a)
		}
	}
	tell(p.InTrash, before.InTrash, "page.deleted", "page.undeleted")
	tell(p.Locked, before.Locked, "page.locked", "page.unlocked")
	tell(p.Archived, before.Archived, "page.content_updated", "page.content_updated")
	if !reflect.DeepEqual(p.Icon, before.Icon) || !reflect.DeepEqual(p.Cover, before.Cover) {
		changed = true
		w.tellPage("page.content_updated", p, a)
	}
	touched := w.apply(p, edits, a)
	if len(edits) > 0 {
		ids := make([]string, len(edits))
		for i, e := range edits {
			ids[i] = e.property.EncodedID()
		}
		w.tellPage("page.properties_updated", p, a, ids...)
	}
	return changed || touched
}

// touch makes a page one that the actor edited just now.
func (w *Workspace) touch(p *Page, a Actor) {
	s := w.shelf(p)
	if s != nil {
		s.edited.remove(p, byEdited)
	}
	p.Edited, p.EditedBy = w.time(), a.UserID
	if s != nil {
		s.edited.insert(p, byEdited)
	}
	w.changes.mark("page", p.ID)
}

// apply does edits, and reports whether any property holds something else than before.
func (w *Workspace) apply(p *Page, edits []edit, a Actor) bool {
	changed := false
	for _, e := range edits {
		if len(e.fresh) > 0 {
			e.property.Options = append(slices.Clip(e.property.Options), e.fresh...)
			w.changes.mark("source", p.SourceID)
		}
		if !reflect.DeepEqual(p.Values[e.property.ID], e.value) {
			changed = true
		}
		if e.property.Type == schema.RelationType {
			refs, _ := e.value.(value.Refs)
			w.relate(p, e.property, refs, a)
			continue
		}
		set(p, e.property.ID, e.value)
	}
	return changed
}

func set(p *Page, id string, v value.Value) {
	if v == nil {
		delete(p.Values, id)
		return
	}
	p.Values[id] = v
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
	}
}

// SetValue gives a page a value as it stands: how a value comes about that the API cannot write. The page does not count as
// edited.
func (w *Workspace) SetValue(pageID, propertyID string, v value.Value) error {
	p := w.pages[pageID]
	if p == nil {
		return wire.NotFound("page", pageID, "")
	}
	set(p, propertyID, v)
	w.changes.mark("page", pageID)
	return nil
}
