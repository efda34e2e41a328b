package record

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Advance returns the base that follows once page and row are known to hold the same, but for the unsettled fields, which one side
// still has to take: those stay as old has them. A record that is archived on both sides keeps the values that it had, since
// neither side takes the other's while it is. page is nil where nobody looked at it since old. Its errors are a page document
// that cannot be read.
func (l Lens) Advance(old *Base, page *Page, row *Row, state State, unsettled map[string]bool) (Base, error) {
	next := Base{}
	if old != nil {
		next = *old
	}
	next.State, next.Columns, next.Renamed = state, map[string]json.RawMessage{}, nil
	if old != nil {
		maps.Copy(next.Columns, old.Columns)
	}
	if old != nil && state != Live {
		if page != nil && page.Elsewhere {
			for _, f := range l.Fields() {
				if _, shown := page.Properties[l.Binding[f.Column].ID]; !shown {
					delete(next.Columns, f.Column) // a page that is moved back without a value has not been cleared by anybody
				}
			}
		}
		return next, nil
	}
	looked := page != nil && page.Document != nil
	if row != nil {
		next.ID = row.ID
		for _, f := range l.Fields() {
			_, known := next.Columns[f.Column]
			if column, shown := row.Columns[f.Column]; shown && !unsettled[f.Column] && (looked || known || old == nil) {
				next.Columns[f.Column] = column // a field that came into step stays unknown until its property is looked at
			}
		}
	}
	if !looked {
		next.Document = l.respelled(old, unsettled)
		return next, nil
	}
	next.PageID = page.ID
	var before json.RawMessage
	if old != nil {
		before = old.Document
	}
	next.Exact = !page.Fresh && len(unsettled) == 0
	kept := map[string]json.RawMessage{}
	for _, f := range l.Fields() {
		if !unsettled[f.Column] {
			continue
		}
		kept[f.Column] = RawProperty(before, l.Binding[f.Column].ID)
		if row == nil {
			continue
		}
		if set, ok := l.agreement(f, agreed{next.Columns[f.Column], kept[f.Column]}, page, row); ok {
			kept[f.Column], next.Columns[f.Column] = set.property, set.column
		}
	}
	document, err := l.document(page.Document, kept)
	next.Document = document
	return next, err
}

// respelled returns a base's document with the names that its options have by now, but for those of unsettled fields.
func (l Lens) respelled(b *Base, unsettled map[string]bool) json.RawMessage {
	if b == nil {
		return nil
	}
	document := b.Document
	for field, names := range b.Renamed {
		if live := l.Binding[field]; !unsettled[field] {
			if next, found := withProperty(document, live.ID, respell(live.Type, RawProperty(document, live.ID), names)); found {
				document = next
			}
		}
	}
	return document
}

// Born returns the base of a record whose page was just made: both sides had these columns, but for those that their properties cannot hold; of
// the others it knows what old does. Its errors are a broken base.
func (l Lens) Born(old *Base, columns map[string]json.RawMessage) (Base, error) {
	born := Base{Document: json.RawMessage(`{"properties":{}}`)}
	if old != nil {
		born = *old
	}
	known, kept := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	maps.Copy(known, born.Columns)
	for _, f := range l.Fields() {
		column, had := columns[f.Column]
		if raw, err := written(f, l.Binding[f.Column].ID, column); had && err == nil {
			kept[f.Column], known[f.Column] = raw, column
		}
	}
	document, err := l.document(born.Document, kept)
	born.Document, born.Columns = document, known
	return born, err
}

// Without returns the base of a record that one side has made anew, with these columns. Nobody has written to it the fields that wait: of those, both
// sides are known to have what it was made with, so that what the other side has is an edit, and passes once it can. Its errors are a broken base.
func (l Lens) Without(b Base, waits []string, columns map[string]json.RawMessage) (Base, error) {
	known, kept := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	maps.Copy(known, b.Columns)
	for _, f := range l.Fields() {
		column := columns[f.Column]
		if raw, err := written(f, l.Binding[f.Column].ID, column); slices.Contains(waits, f.Column) && err == nil {
			kept[f.Column], known[f.Column] = raw, column
		}
	}
	document, err := l.document(b.Document, kept)
	b.Document, b.Columns = document, known
	return b, err
}

// ColumnsOf returns what a page shows, as columns would.
func (l Lens) ColumnsOf(p *Page) map[string]json.RawMessage {
	columns := map[string]json.RawMessage{}
	for _, f := range l.Fields() {
		columns[f.Column] = Column(f, p.Properties[l.Binding[f.Column].ID].Value)
	}
	return columns
}

// written returns the property that a column was written to, much as Notion spells it. Its error is a column that the property cannot hold.
func written(f mapping.Field, id string, column json.RawMessage) (json.RawMessage, error) {
	object := map[string]json.RawMessage{string(f.Type): json.RawMessage(`[]`)} // no files: only none are written
	if f.Type.Writable() {
		v, err := FromColumn(f, column, nil)
		if err != nil {
			return nil, err
		}
		if v, err = property.Held(f.Type, v, nil); err != nil {
			return nil, err
		}
		raw, err := property.Encode(f.Type, v)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, err
		}
	}
	object["id"], object["type"] = encoded(id), encoded(f.Type)
	return encoded(object), nil
}

// Mixed reports whether the base's document is one that no page had: of what its page showed something was left out, which a side still has
// to take. So it does not tell what the page has now.
func (b *Base) Mixed() bool { return b != nil && b.Document != nil && EditedAt(b.Document).IsZero() }

// document is the page's, but for those properties, by field, which are as they are kept; nil is not there. A mixed one was last edited at no time.
func (l Lens) document(page json.RawMessage, kept map[string]json.RawMessage) (json.RawMessage, error) {
	if len(kept) == 0 && !bytes.Contains(page, []byte(`"request_id"`)) {
		return page, nil // as every page of a listing is: nothing is to be taken out of it
	}
	var now struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(page, &whole); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "a page's document cannot be read")
	}
	if err := json.Unmarshal(page, &now); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "a page's properties cannot be read")
	}
	for field, raw := range kept {
		live := l.Binding[field]
		name, _ := named(now.Properties, live.ID)
		delete(now.Properties, name)
		if raw != nil {
			now.Properties[live.Name] = raw
		}
	}
	delete(whole, "request_id")
	if len(kept) > 0 {
		delete(whole, "last_edited_time")
	}
	whole["properties"] = encoded(now.Properties)
	return encoded(whole), nil
}

// withProperty returns a page document with another property in the place of the one of that id; false where it has none.
func withProperty(document json.RawMessage, id string, raw json.RawMessage) (json.RawMessage, bool) {
	var page, properties map[string]json.RawMessage
	if json.Unmarshal(document, &page) != nil || json.Unmarshal(page["properties"], &properties) != nil {
		return nil, false
	}
	name, found := named(properties, id)
	if !found {
		return nil, false
	}
	properties[name] = raw
	page["properties"] = encoded(properties)
	return encoded(page), true
}

// named returns the name under which the property of that id stands.
func named(properties map[string]json.RawMessage, id string) (string, bool) {
	for name, raw := range properties {
		var head struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(raw, &head) == nil && property.CanonicalID(head.ID) == id {
			return name, true
		}
	}
	return "", false
}

// RawProperty returns a page document's property of that id as Notion spelled it, nil when there is none.
func RawProperty(document json.RawMessage, id string) json.RawMessage {
	var page struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(document, &page) != nil {
		return nil
	}
	name, _ := named(page.Properties, id)
	return page.Properties[name]
}
