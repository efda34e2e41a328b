package record

import (
	"encoding/json"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/mapping"
	"github.com/act-platform/enhanced-integration/shared/property"
)

// agreed is what is known of a set that one side still has to take: each element by itself is in step where both sides have it, or
// neither has, and is else as it was. So an element that both got, and one of them loses later, is known to be lost.
type agreed struct {
	column   json.RawMessage // as a row has it
	property json.RawMessage // as Notion spells it
}

// agreement gives the agreed elements of a set, before being the base's property; false where the field is no set, or a side does not
// tell its elements.
func (l Lens) agreement(f mapping.Field, before json.RawMessage, page *Page, row *Row) (agreed, bool) {
	live := l.Binding[f.Column]
	column, told := row.Columns[f.Column]
	shown, whole := page.Properties[live.ID]
	if f.Type != property.TypeMultiSelect && f.Type != property.TypePeople || !told || !whole || shown.Truncated || shown.Type != f.Type {
		return agreed{}, false
	}
	var rows []string
	if json.Unmarshal(column, &rows) != nil {
		return agreed{}, false
	}
	now := RawProperty(page.Document, live.ID)
	inNotion, was := elements(f.Type, now), elements(f.Type, before)
	in := func(set []element, key string) bool {
		return slices.ContainsFunc(set, func(e element) bool { return e.key == key })
	}
	var keys []string
	kept := []json.RawMessage{}
	for _, e := range slices.Concat(inNotion, was) {
		if n, p := in(inNotion, e.key), slices.Contains(rows, e.key); !slices.Contains(keys, e.key) && (n && p || (n || p) && in(was, e.key)) {
			keys, kept = append(keys, e.key), append(kept, e.raw)
		}
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(now, &object) != nil {
		return agreed{}, false
	}
	object[string(f.Type)] = encoded(kept)
	set := agreed{column: null, property: encoded(object)}
	if len(keys) > 0 {
		set.column = encoded(keys)
	}
	return set, true
}

// element is one of a set, with what tells it from others.
type element struct {
	key string
	raw json.RawMessage
}

func elements(t property.Type, raw json.RawMessage) (set []element) {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(raw, &object) != nil || json.Unmarshal(object[string(t)], &list) != nil {
		return nil
	}
	for _, e := range list {
		var head struct{ ID, Name string }
		if json.Unmarshal(e, &head) != nil {
			continue
		}
		key := head.Name
		if t == property.TypePeople {
			key = property.CanonicalID(head.ID)
		}
		set = append(set, element{key, e})
	}
	return set
}
