package record

import (
	"encoding/json"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// agreed is what is known of a set that one side still has to take: each element by itself is in step where both sides have it, or
// neither has, and is else as it was. So an element that both got, and one of them loses later, is known to be lost.
type agreed struct {
	column   json.RawMessage // as a row has it
	property json.RawMessage // as Notion spells it
}

// agreement returns the agreed elements of a set, before being what the base has of it; false where the field is no set, or a side does not
// tell its elements.
func (l Lens) agreement(f mapping.Field, before agreed, page *Page, row *Row) (agreed, bool) {
	live := l.Binding[f.Column]
	column, told := row.Columns[f.Column]
	shown, whole := page.Properties[live.ID]
	if !told || !whole || shown.Truncated || shown.Type != f.Type {
		return agreed{}, false
	}
	switch f.Type {
	case property.TypeMultiSelect, property.TypePeople:
		return agreedElements(f, before, RawProperty(page.Document, live.ID), column)
	case property.TypeRelation:
		return agreedPages(before, shown.Value, page.Hidden, column)
	default:
		return agreed{}, false
	}
}

func agreedElements(f mapping.Field, before agreed, now, column json.RawMessage) (agreed, bool) {
	rows, err := decodedTexts(f, column)
	if err != nil {
		return agreed{}, false
	}
	inNotion, was := elements(f.Type, now), elements(f.Type, before.property)
	if f.Type == property.TypeMultiSelect {
		var known property.Options
		for _, e := range slices.Concat(inNotion, was) {
			known = append(known, e.key)
		}
		rows = property.Respell(rows, known) // an enum may spell an option otherwise
	}
	in := func(set []element, key string) bool {
		return slices.ContainsFunc(set, func(e element) bool { return e.key == key })
	}
	var keys []string
	kept := []json.RawMessage{}
	for _, e := range slices.Concat(inNotion, was) {
		if !slices.Contains(keys, e.key) && agree(in(inNotion, e.key), slices.Contains(rows, e.key), in(was, e.key)) {
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

// agreedPages returns the agreed pages of a relation. Of those that Notion hides it is known only what was known; the property stays as it
// is: what the base has of a relation is the column.
func agreedPages(before agreed, shown property.Value, hidden map[string]bool, column json.RawMessage) (agreed, bool) {
	was, errWas := refsIn(before.column)
	inRow, errRow := refsIn(column)
	if errWas != nil || errRow != nil {
		return agreed{}, false
	}
	has := func(v property.Value, id string) bool {
		refs, _ := v.(property.Refs)
		return slices.Contains(refs, id)
	}
	inNotion := withHidden(shown, was, hidden)
	pages := []string{}
	for _, v := range []property.Value{inNotion, was} {
		refs, _ := v.(property.Refs)
		for _, id := range refs {
			if agree(has(inNotion, id), has(inRow, id), has(was, id)) {
				pages = append(pages, id)
			}
		}
	}
	slices.Sort(pages)
	return agreed{column: encoded(slices.Compact(pages)), property: before.property}, true
}

// agree reports whether an element is in the set as far as both sides agree, or it is not known that they do and it was.
func agree(inNotion, inRow, was bool) bool { return inNotion && inRow || (inNotion || inRow) && was }

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
