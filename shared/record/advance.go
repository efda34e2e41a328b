package record

import (
	"encoding/json"
	"maps"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/property"
)

// Advance gives the base that follows once page and row are known to hold the same, but for the unsettled fields, which one side
// still has to take: those stay as old has them. A record that is archived on both sides keeps the values that it had, since
// neither side takes the other's while it is. page is nil where nobody looked at it since old. Its errors are a page document
// that cannot be read.
func (l Lens) Advance(old *Base, page *Page, row *Row, state State, unsettled map[string]bool) (Base, error) {
	next := Base{}
	if old != nil {
		next = *old
	}
	next.State, next.Columns = state, map[string]json.RawMessage{}
	if old != nil {
		maps.Copy(next.Columns, old.Columns)
	}
	if old != nil && state != Live {
		return next, nil
	}
	for _, f := range l.Kind.Fields {
		if _, bound := l.Binding[f.Column]; !bound {
			delete(next.Columns, f.Column) // nobody compares it with its property, and so the two are not known to agree
		}
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

// Mixed reports whether the base's document is one that no page had: of what its page showed something was left out, which a side still has
// to take. So it does not tell what the page has now.
func (b *Base) Mixed() bool { return b != nil && b.Document != nil && EditedAt(b.Document).IsZero() }

// document is the page's, but for those properties, by field, which are as they are kept; nil is not there. A mixed one was last edited at no time.
func (l Lens) document(page json.RawMessage, kept map[string]json.RawMessage) (json.RawMessage, error) {
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

// named gives the name under which the property of that id stands.
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

// RawProperty gives a page document's property of that id as Notion spelled it, nil when there is none.
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
