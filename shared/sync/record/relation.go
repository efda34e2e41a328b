package record

import (
	"encoding/json"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// A relation is a set of pages. What a row shows of it is the pages of the rows that its join table names, and those that wait for
// a row of theirs; a row that has no page yet is not in it. Notion leaves out pages that are in the trash, and shows them again
// when they are restored: its silence on them says nothing, and they stand for what was known.

// refsIn returns the pages that a column's JSON names.
func refsIn(column json.RawMessage) (property.Value, error) {
	if isNull(column) {
		return nil, nil
	}
	var list []string
	if err := json.Unmarshal(column, &list); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "a relation's pages cannot be read")
	}
	if len(list) == 0 {
		return nil, nil
	}
	return property.Refs(list), nil
}

// Related returns the relations of a base, by field; nil is a record that has none. Its errors are a broken base row.
func (l Lens) Related(b *Base) (Fields, error) {
	relations := Fields{}
	for _, f := range l.Fields() {
		if f.Type != property.TypeRelation {
			continue
		}
		var column json.RawMessage
		if b != nil {
			column = b.Columns[f.Column]
		}
		related, err := refsIn(column)
		if err != nil {
			return nil, err
		}
		relations[f.Column] = related
	}
	return relations, nil
}

// Shown returns the related pages that the base's page shows; nil is a record that has none.
func (l Lens) Shown(b *Base) map[string]bool {
	shown := map[string]bool{}
	if b == nil {
		return shown
	}
	for _, f := range l.Fields() {
		if f.Type != property.TypeRelation {
			continue
		}
		p, err := property.Decode(RawProperty(b.Document, l.Binding[f.Column].ID))
		refs, ok := p.Value.(property.Refs)
		if err != nil || !ok {
			continue
		}
		for _, id := range refs {
			shown[id] = true
		}
	}
	return shown
}

// Unseen returns the pages that known names in a relation, and that the page does not show there: somebody took them out, or they are
// in the trash. Each stands once.
func (l Lens) Unseen(p *Page, known Fields) []string {
	var unseen []string
	for _, f := range l.Fields() {
		refs, related := known[f.Column].(property.Refs)
		shown, told := p.Properties[l.Binding[f.Column].ID]
		if !related || !told || shown.Truncated || shown.Type != property.TypeRelation {
			continue
		}
		unseen = append(unseen, without(refs, shown.Value)...)
	}
	slices.Sort(unseen)
	return slices.Compact(unseen)
}

// Took reports whether a page that shows a value, together with what Notion hides of it, has taken what was written to it, when it had another
// before. Of a relation, people may have put in and taken out others since. Notion replaces the whole of one: where the page shows what was to
// be put in, what is hidden was taken out; where there was nothing to put in, nobody can tell.
func Took(f mapping.Field, before property.Value, written json.RawMessage, shown property.Value, hidden map[string]bool) bool {
	if f.Type != property.TypeRelation {
		return Agrees(f, written, shown)
	}
	to, err := refsIn(written)
	next, _ := to.(property.Refs)
	had, _ := before.(property.Refs)
	added, removed := without(next, before), without(had, to)
	if len(added) > 0 {
		removed = slices.DeleteFunc(removed, func(id string) bool { return hidden[id] })
	}
	return err == nil && len(without(added, shown)) == 0 && len(without(removed, shown)) == len(removed)
}

// withHidden returns the relation that a page shows together with those known pages that Notion hides.
func withHidden(shown, known property.Value, hidden map[string]bool) property.Value {
	refs, _ := shown.(property.Refs)
	before, _ := known.(property.Refs)
	whole := slices.Clone(refs)
	for _, id := range without(before, shown) {
		if hidden[id] {
			whole = append(whole, id)
		}
	}
	if len(whole) == 0 {
		return nil
	}
	return whole
}

// without returns the refs that are not in v.
func without(refs property.Refs, v property.Value) []string {
	shown, _ := v.(property.Refs)
	in := make(map[string]struct{}, len(shown))
	for _, id := range shown {
		in[id] = struct{}{}
	}
	var left []string
	for _, id := range refs {
		if _, ok := in[id]; !ok {
			left = append(left, id)
		}
	}
	return left
}
