package workspace

import (
	"slices"
	"strconv"

	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// UpdateDataSource does what a request wants of a data source: its title, its trash, its properties.
//
// https://developers.notion.com/reference/update-a-data-source
func (w *Workspace) UpdateDataSource(id string, n wire.Node, a Actor) (*DataSource, error) {
	ds, err := w.DataSource(id, a)
	if err != nil {
		return nil, err
	}
	n.Only("title", "description", "icon", "properties", "in_trash", "archived", "parent")
	title, description, icon, inTrash := ds.Title, ds.Description, ds.Icon, ds.InTrash
	if n.Has("title") {
		title = w.parseTitle(n.Get("title"), a)
	}
	if n.Has("description") {
		description = w.parseTitle(n.Get("description"), a)
	}
	if n.Get("icon").Present() {
		icon = w.parseIcon(n.Get("icon"))
	}
	flag(n, "in_trash", &inTrash)
	flag(n, "archived", &inTrash)
	to := w.databases[ds.DatabaseID]
	if n.Has("parent") {
		parent := n.Get("parent")
		parent.Only("type", "database_id")
		if to, err = w.Database(parent.Get("database_id").UUID(), a); n.Or(err) != nil {
			return nil, n.Or(err)
		}
	}
	if err := n.Err(); err != nil {
		return nil, err
	}
	if err := w.alter(ds, n.Get("properties"), a, false); err != nil {
		return nil, err
	}
	if inTrash != ds.InTrash {
		kind := "data_source.undeleted"
		if inTrash {
			kind = "data_source.deleted"
		}
		w.tellSource(kind, ds, a)
	}
	w.moveSource(ds, to, a)
	ds.Title, ds.Description, ds.Icon, ds.InTrash = title, description, icon, inTrash
	ds.Edited, ds.EditedBy = w.time(), a.UserID
	w.changes.mark("source", ds.ID)
	return ds, nil
}

// moveSource puts a data source into a database. Relations that lead to it lead to the database then.
func (w *Workspace) moveSource(ds *DataSource, to *Database, a Actor) {
	from := w.databases[ds.DatabaseID]
	if from == to {
		return
	}
	from.Sources = slices.DeleteFunc(slices.Clone(from.Sources), func(id string) bool { return id == ds.ID })
	to.Sources = append(slices.Clip(to.Sources), ds.ID)
	ds.DatabaseID = to.ID
	w.changes.mark("database", from.ID)
	w.changes.mark("database", to.ID)
	for _, other := range w.sources {
		for _, p := range other.Schema {
			if p.Relation != nil && p.Relation.DataSourceID == ds.ID {
				p.Relation.DatabaseID = to.ID
				w.changes.mark("source", other.ID)
			}
		}
	}
	w.tellSource("data_source.moved", ds, a)
}

// alter changes a schema as the "properties" of a request want it: all of it, or nothing where something is wrong.
func (w *Workspace) alter(ds *DataSource, n wire.Node, a Actor, fresh bool) error {
	if !n.Present() || !n.Object() {
		return n.Err()
	}
	next := ds.Schema
	var done []func() SchemaChange
	for _, key := range n.Keys() {
		item := n.Get(key)
		before := ds.Schema.Find(key)
		var after *schema.Property
		switch {
		case item.Null() && before == nil:
			item.Refuse(wire.Validation("Could not find property with name or id: %s", key))
		case item.Null() && before.ID == schema.TitleID:
			item.Refuse(wire.Validation("Cannot delete a title property."))
		case item.Null():
			next = next.Without(before.ID)
			done = append(done, func() SchemaChange { return w.dropProperty(ds, before, a) })
			continue
		case before == nil && schema.Requested(item) == "":
			item.Refuse(wire.Validation("Could not find property with name or id: %s", key))
		default:
			after = schema.Configure(before, item, w.ids.UUID)
		}
		if n.Err() != nil {
			return n.Err()
		}
		if before == nil {
			after.ID, after.Name = w.propertyID(ds, next, key), key
			if after.Type == schema.Title {
				if after.ID = schema.TitleID; next.ByID(schema.TitleID) != nil {
					return wire.Validation("Cannot create new database with more than one title property")
				}
			}
			next = next.Insert(after)
			done = append(done, func() SchemaChange { return w.addProperty(ds, after, a) })
			continue
		}
		if (before.Type == schema.Title) != (after.Type == schema.Title) {
			return wire.Validation("Cannot change the type of a title property, nor to it.")
		}
		next = next.Without(before.ID).Insert(after)
		done = append(done, func() SchemaChange { return w.replaceProperty(ds, before, after, a) })
	}
	if next.ByID(schema.TitleID) == nil {
		return wire.Validation("Title is not provided")
	}
	if err := w.checkSchema(ds, next, a); err != nil {
		return err
	}
	var changes []SchemaChange
	for _, do := range done {
		changes = append(changes, do())
	}
	if len(changes) > 0 && !fresh {
		w.tellSource("data_source.schema_updated", ds, a, changes...)
	}
	return nil
}

// checkSchema checks what holds of a schema as a whole, and resolves what its relations and rollups name.
func (w *Workspace) checkSchema(ds *DataSource, s schema.Schema, a Actor) error {
	for i, p := range s {
		for _, other := range s[:i] {
			if other.Name == p.Name {
				return wire.Validation("Cannot have two properties with the same name: %s", p.Name)
			}
			if p.Type == schema.UniqueID && other.Type == schema.UniqueID {
				return wire.Validation("A data source can have only one unique_id property.")
			}
		}
		if p.Relation != nil && p.Relation.DatabaseID == "" {
			other, err := w.DataSource(p.Relation.DataSourceID, a)
			if err != nil {
				return err
			}
			p.Relation.DatabaseID = other.DatabaseID
		}
	}
	for _, p := range s {
		if before := ds.Schema.ByID(p.ID); p.Type == schema.Formula && (before == nil || before.Expression != p.Expression) {
			if err := checkFormula(p, s); err != nil {
				return err
			}
		}
		if p.Rollup == nil {
			continue
		}
		relation := s.Find(p.Rollup.Relation)
		if relation == nil || relation.Relation == nil {
			return wire.Validation("%s is not a relation that the rollup %s could follow.", p.Rollup.Relation, p.Name)
		}
		other := w.sources[relation.Relation.DataSourceID].Schema
		if relation.Relation.DataSourceID == ds.ID {
			other = s
		}
		target := other.Find(p.Rollup.Property)
		if target == nil {
			return wire.Validation("Could not find property with name or id: %s", p.Rollup.Property)
		}
		p.Rollup.Relation, p.Rollup.Property = relation.ID, target.ID
	}
	return nil
}

// propertyID makes an id that no property of the data source has, nor had.
func (w *Workspace) propertyID(ds *DataSource, taken schema.Schema, name string) string {
	for try := ds.Dropped; ; try++ {
		id := ident.Property(w.ids.Seed, ds.ID, name, strconv.Itoa(try))
		if taken.ByID(id) == nil && ds.Schema.ByID(id) == nil {
			return id
		}
	}
}

// AddProperty adds a property that stands ready to a data source: how a property comes about that the API cannot make.
func (w *Workspace) AddProperty(ds *DataSource, p *schema.Property, a Actor) {
	p.ID = w.propertyID(ds, ds.Schema, p.Name)
	w.editSchema(ds, a, w.addProperty(ds, p, a))
}

// ChangeProperty puts a changed property in the place of another of the same id and type, as the app does it.
func (w *Workspace) ChangeProperty(ds *DataSource, before, after *schema.Property, a Actor) {
	w.editSchema(ds, a, w.replaceProperty(ds, before, after, a))
}

// DropProperty removes a property, as the app does it.
func (w *Workspace) DropProperty(ds *DataSource, p *schema.Property, a Actor) {
	w.editSchema(ds, a, w.dropProperty(ds, p, a))
}

// editSchema notes and tells that an actor changed a schema.
func (w *Workspace) editSchema(ds *DataSource, a Actor, change SchemaChange) {
	ds.Edited, ds.EditedBy = w.time(), a.UserID
	w.changes.mark("source", ds.ID)
	w.tellSource("data_source.schema_updated", ds, a, change)
}

func (w *Workspace) addProperty(ds *DataSource, p *schema.Property, a Actor) SchemaChange {
	ds.Schema = ds.Schema.Insert(p)
	w.changes.mark("source", ds.ID)
	w.numberAll(ds, p)
	if p.Relation != nil && p.Relation.Dual && p.Relation.SyncedID == "" {
		w.addSynced(ds, p, a)
	}
	return SchemaChange{ID: p.EncodedID(), Name: p.Name, Action: "created"}
}

// addSynced makes the property at the other end of a new two-way relation.
func (w *Workspace) addSynced(ds *DataSource, p *schema.Property, a Actor) {
	other := w.sources[p.Relation.DataSourceID]
	name := p.Relation.SyncedName
	if name == "" {
		name = "Related to " + value.String(ds.Title, w.view(0)) + " (" + p.Name + ")"
	}
	unused := name
	for i := 1; other.Schema.Find(unused) != nil; i++ {
		unused = name + " " + strconv.Itoa(i)
	}
	synced := &schema.Property{
		ID: w.propertyID(other, other.Schema, unused), Name: unused, Type: schema.RelationType,
		Relation: &schema.Relation{DataSourceID: ds.ID, DatabaseID: ds.DatabaseID, Dual: true, SyncedID: p.ID},
	}
	p.Relation.SyncedID, p.Relation.SyncedName = synced.ID, ""
	other.Schema = other.Schema.Insert(synced)
	w.changes.mark("source", other.ID)
	if other != ds {
		w.tellSource("data_source.schema_updated", other, a, SchemaChange{ID: synced.EncodedID(), Name: synced.Name, Action: "created"})
	}
}

// numberAll sets the unique_id and the status of every page of a data source when such a property is added.
func (w *Workspace) numberAll(ds *DataSource, p *schema.Property) {
	if p.Type != schema.UniqueID && p.Type != schema.Status {
		return
	}
	for _, page := range w.Rows(ds) {
		if p.Type == schema.UniqueID {
			page.Values[p.ID] = w.serial(ds.ID, p)
		} else {
			page.Values[p.ID] = value.Choice(p.Options[0].ID)
		}
		w.changes.mark("page", page.ID)
	}
}

// dropProperty removes a property and what all pages hold in it. Of a two-way relation, the other end goes too.
func (w *Workspace) dropProperty(ds *DataSource, p *schema.Property, a Actor) SchemaChange {
	ds.Schema = ds.Schema.Without(p.ID)
	ds.Dropped++
	w.changes.mark("source", ds.ID)
	for _, page := range w.Rows(ds) {
		delete(page.Values, p.ID)
		w.changes.mark("page", page.ID)
	}
	if p.Relation != nil {
		w.dropSynced(ds, p, a)
	}
	return SchemaChange{ID: p.EncodedID(), Name: p.Name, Action: "deleted"}
}

// dropSynced removes the property at the other end of a two-way relation of a data source.
func (w *Workspace) dropSynced(ds *DataSource, p *schema.Property, a Actor) {
	synced := w.syncedOf(p)
	if synced == nil {
		return
	}
	other := w.sources[p.Relation.DataSourceID]
	synced.Relation.Dual = false
	change := w.dropProperty(other, synced, a)
	if other != ds {
		w.tellSource("data_source.schema_updated", other, a, change)
	}
}

// replaceRelation does what a change of a relation does beyond the property itself: one that leads elsewhere loses what the pages
// hold, and the property at the other end comes and goes with the two-way relation. What it comes to hold edits no page.
func (w *Workspace) replaceRelation(ds *DataSource, before, after *schema.Property, a Actor) {
	was, is := before.Relation, after.Relation
	moved := was.DataSourceID != is.DataSourceID
	if moved || !is.Dual {
		w.dropSynced(ds, before, a)
		is.SyncedID = ""
	}
	if moved {
		for _, page := range w.Rows(ds) {
			set(page, after.ID, nil)
			w.changes.mark("page", page.ID)
		}
	}
	if !is.Dual || is.SyncedID != "" {
		is.SyncedName = ""
		return
	}
	w.addSynced(ds, after, a)
	synced := w.syncedOf(after)
	for _, page := range w.Rows(ds) {
		refs, _ := page.Values[after.ID].(value.Refs)
		for _, id := range refs {
			if other := w.pages[id]; other != nil {
				held, _ := other.Values[synced.ID].(value.Refs)
				set(other, synced.ID, append(slices.Clip(held), page.ID))
				w.changes.mark("page", id)
			}
		}
	}
}

// replaceProperty puts the changed property in its place and carries over what the pages hold. Pages do not count as edited
// by it.
func (w *Workspace) replaceProperty(ds *DataSource, before, after *schema.Property, a Actor) SchemaChange {
	if before.Name != after.Name {
		renameInFormulas(ds.Schema, before.Name, after.Name)
	}
	switch {
	case before.Type != after.Type:
		old := make(map[*Page]value.Value)
		for _, page := range w.Rows(ds) {
			old[page] = page.Values[before.ID]
		}
		w.dropProperty(ds, before, a)
		w.addProperty(ds, after, a)
		for _, page := range w.Rows(ds) {
			if old[page] != nil {
				set(page, after.ID, w.convert(old[page], before, ds.ID, after))
			}
		}
	default:
		ds.Schema = ds.Schema.Without(before.ID).Insert(after)
		w.changes.mark("source", ds.ID)
		if before.Relation != nil && after.Relation != nil {
			w.replaceRelation(ds, before, after, a)
		}
		for _, page := range w.Rows(ds) {
			w.forget(page, after)
		}
	}
	return SchemaChange{ID: after.EncodedID(), Name: after.Name, Action: "updated"}
}

// forget clears from a page the options that a property no longer has.
func (w *Workspace) forget(page *Page, p *schema.Property) {
	gone := func(id string) bool { _, ok := p.Option(id); return !ok }
	switch held := page.Values[p.ID].(type) {
	case value.Choice:
		if gone(string(held)) {
			delete(page.Values, p.ID)
			w.changes.mark("page", page.ID)
		}
	case value.Choices:
		if left := slices.DeleteFunc(slices.Clone(held), gone); len(left) < len(held) {
			set(page, p.ID, nil)
			if len(left) > 0 {
				set(page, p.ID, left)
			}
			w.changes.mark("page", page.ID)
		}
	}
}
