package record

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Lens looks at a kind's records through its mapping, as far as it is bound to the live database.
type Lens struct {
	Kind    mapping.Kind
	Binding mapping.Binding
}

// Fields returns the kind's fields that are in step, in the mapping's order.
func (l Lens) Fields() []mapping.Field {
	var fields []mapping.Field
	for _, f := range l.Kind.Fields {
		if _, bound := l.Binding[f.Column]; bound {
			fields = append(fields, f)
		}
	}
	return fields
}

// Lacks reports whether a field is in step of which the base knows nothing: its property was taken away, or never there, and has come. What
// Notion has of it, only the page tells.
func (l Lens) Lacks(b *Base) bool {
	return b != nil && slices.ContainsFunc(l.Fields(), func(f mapping.Field) bool {
		_, known := b.Columns[f.Column]
		return !known
	})
}

// OfPage returns the tree that a page shows; nil is a page that is not there. A property that the page does not show, or not
// whole, stands for the base's value: only what was seen can have changed.
func (l Lens) OfPage(p *Page, base Tree) Tree {
	if p == nil {
		return Tree{}
	}
	return Tree{State: p.State, EditedAt: p.EditedAt, Fields: l.fields(base.Fields, func(field, id string) (property.Property, bool) {
		shown, ok := p.Properties[id]
		if shown.Type == property.TypeRelation {
			shown.Value = withHidden(shown.Value, base.Fields[field], p.Hidden)
		}
		return shown, ok && !shown.Truncated
	})}
}

// OfBase returns the base's tree; nil is a record that has none. Relations are those that the row had: it had all that Notion had, and
// Notion may have hidden some. Its errors are a broken base row.
func (l Lens) OfBase(b *Base) (Tree, error) {
	if b == nil {
		return Tree{}, nil
	}
	properties, err := DecodeProperties(b.Document)
	if err != nil {
		return Tree{}, fault.Wrap(err, fault.Internal, "the base of record %s cannot be read", b.ID)
	}
	tree := Tree{State: b.State, Fields: l.fields(nil, func(field, id string) (property.Property, bool) {
		kept, ok := properties[id] // whole, whatever its length suggests: the base keeps nothing that was cut
		_, stands := b.Columns[field]
		return kept, ok && stands // else the field was out of step, and the document is ahead of the row
	})}
	relations, err := l.Related(b)
	maps.Copy(tree.Fields, relations)
	return tree, err
}

// OfRow returns the tree that a row shows, as far as its columns can tell: a column that shows what it showed at the base stands
// for the base's value, one that shows what Notion's value would show stands for that, and any other for the base's value
// with the change put into it. Where Notion, given that, would show just what it shows, the column stands for Notion's value: the row may
// hold more than Notion can, and no write would change anything. A column that holds what its
// property cannot is among the errors by field, which are fault.Invalid, and differs from any value that the property has.
func (l Lens) OfRow(r *Row, b *Base, base, notion Tree) (Tree, map[string]error) {
	if r == nil {
		return Tree{}, nil
	}
	tree := Tree{State: r.State, EditedAt: r.ChangedAt, Fields: Fields{}}
	var unread map[string]error
	for _, f := range l.Fields() {
		v, err := l.valueIn(f, r, b, base, notion)
		if err != nil {
			if unread == nil {
				unread = map[string]error{}
			}
			unread[f.Column], v = err, property.Opaque(r.Columns[f.Column])
		}
		tree.Fields[f.Column] = v
	}
	return tree, unread
}

func (l Lens) valueIn(f mapping.Field, r *Row, b *Base, base, notion Tree) (property.Value, error) {
	column := r.Columns[f.Column]
	known, kept := base.Fields[f.Column]
	if b != nil && kept { // else the base is of another property, which was taken away
		confirmed, stands := b.Columns[f.Column]
		if stands && (SameColumn(f.ColumnType, column, confirmed) || f.Stored != nil && SameColumn(f.ColumnType, column, Column(f, known))) {
			return known, nil // also where the column's type was changed since, and it has room for less
		}
	}
	if notion.State == None {
		return FromColumn(f, column, known)
	}
	shown := notion.Fields[f.Column]
	if SameColumn(f.ColumnType, column, Column(f, shown)) {
		return shown, nil
	}
	v, err := FromColumn(f, column, known)
	if err != nil || !f.Type.Writable() {
		return v, err
	}
	return property.Stands(f.Type, v, shown), nil
}

// Agrees reports whether a column and a property's value are the same as far as both sides can hold it: the column shows what it would show of
// the value, or Notion would show the value if it were given the column's.
func Agrees(f mapping.Field, column json.RawMessage, shown property.Value) bool {
	if SameColumn(f.ColumnType, column, Column(f, shown)) {
		return true
	}
	v, err := FromColumn(f, column, shown)
	return err == nil && f.Type.Writable() && property.Equal(property.Stands(f.Type, v, shown), shown)
}

// fields looks up each field that is in step; what a look-up does not find, or finds of another type, is as otherwise has it, and not
// there where that has nothing.
func (l Lens) fields(otherwise Fields, look func(field, id string) (property.Property, bool)) Fields {
	fields := make(Fields, len(l.Binding))
	for name, live := range l.Binding {
		if p, found := look(name, live.ID); found && p.Type == live.Type {
			fields[name] = p.Value
		} else if v, known := otherwise[name]; known {
			fields[name] = v
		}
	}
	return fields
}

// DecodeProperties returns a page document's properties by id.
func DecodeProperties(document json.RawMessage) (map[string]property.Property, error) {
	var page struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(document, &page); err != nil {
		return nil, err
	}
	properties := make(map[string]property.Property, len(page.Properties))
	for name, raw := range page.Properties {
		p, err := property.Decode(raw)
		if err != nil {
			return nil, fault.Wrap(err, fault.KindOf(err), "property %q", name)
		}
		properties[p.ID] = p
	}
	return properties, nil
}

// EditedAt returns when a page document says that the page was last edited; zero when it does not say.
func EditedAt(document json.RawMessage) time.Time {
	var page struct {
		EditedAt time.Time `json:"last_edited_time"`
	}
	if json.Unmarshal(document, &page) != nil {
		return time.Time{}
	}
	return page.EditedAt
}

// SamePage reports whether two page documents hold the same, whatever is in step: what changes by itself, and when and by whom
// the page was last edited, is no content. A document that cannot be read is the same as none.
func SamePage(a, b json.RawMessage) bool {
	return property.Same(a, b, "last_edited_time", "last_edited_by", "request_id")
}
