package workspace

import (
	"reflect"
	"slices"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// UpdatePage does what a request wants of a page, and reports whether anything came out different.
//
// https://developers.notion.com/reference/patch-page
func (w *Workspace) UpdatePage(id string, n wire.Node, a Actor) (p *Page, changed bool, err error) {
	p, err = w.Page(id, a)
	if err != nil {
		return nil, false, err
	}
	n.Only("properties", "icon", "cover", "in_trash", "archived", "is_archived", "is_locked", "erase_content", "template")
	edits := w.parseEdits(n.Get("properties"), w.SchemaOf(p), a, false)
	after := *p
	if n.Get("icon").Present() {
		after.Icon = w.parseIcon(n.Get("icon"))
	}
	if n.Get("cover").Present() {
		after.Cover = parseCover(n.Get("cover"))
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
