package record

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// An option is its id. When a person renames it no page is edited: every page that has it shows the new name from then on.

// Renamed returns the options of a base that have another name by now, by field: the new names by the old. The schema told of some, and the page,
// if one was read, shows others. The base's document is read only where its value and what is known differ.
func (l Lens) Renamed(b *Base, base Tree, renames []mapping.Rename, p *Page) map[string]map[string]string {
	renamed := map[string]map[string]string{}
	if b == nil {
		return renamed
	}
	for _, r := range renames {
		live, bound := l.Binding[r.Field]
		if !bound || !hasOption(base.Fields[r.Field], r.Was) {
			continue
		}
		for _, e := range optionsIn(live.Type, RawProperty(b.Document, live.ID)) {
			if e.Name == r.Was && e.ID == r.Option {
				put(renamed, r.Field, r.Was, r.Is)
			}
		}
	}
	if p == nil || p.Document == nil {
		return renamed
	}
	for field, live := range l.Binding {
		shown, ok := p.Properties[live.ID]
		if !ok || !isOption(live.Type) || shown.Type != live.Type || base.Fields[field] == nil || property.Equal(base.Fields[field], shown.Value) {
			continue
		}
		now := optionsIn(live.Type, RawProperty(p.Document, live.ID))
		for _, e := range optionsIn(live.Type, RawProperty(b.Document, live.ID)) {
			i := slices.IndexFunc(now, func(n option) bool { return n.ID == e.ID && e.ID != "" })
			if i >= 0 && now[i].Name != e.Name {
				put(renamed, field, e.Name, now[i].Name)
			}
		}
	}
	return renamed
}

// Formerly returns a page with its options under the names that were known of them until now: those of the binding, or before the renames. It
// is the page itself where they have those.
func (l Lens) Formerly(p *Page, renames []mapping.Rename) *Page {
	former := *p
	for field, live := range l.Binding {
		shown, ok := p.Properties[live.ID]
		if !ok || !isOption(live.Type) || shown.Type != live.Type {
			continue
		}
		raw, names := RawProperty(p.Document, live.ID), map[string]string{}
		for _, o := range optionsIn(live.Type, raw) {
			was := live.Options[o.ID]
			if i := slices.IndexFunc(renames, func(r mapping.Rename) bool { return r.Field == field && r.Option == o.ID }); i >= 0 {
				was = renames[i].Was
			}
			if was != "" && was != o.Name {
				names[o.Name] = was
			}
		}
		document, found := withProperty(former.Document, live.ID, respell(live.Type, raw, names))
		if len(names) == 0 || !found {
			continue
		}
		former.Document, former.Properties = document, maps.Clone(former.Properties)
		tree := Tree{Fields: Fields{field: shown.Value}}.rename(map[string]map[string]string{field: names}, func(string, string) bool { return true })
		shown.Value = tree.Fields[field]
		former.Properties[live.ID] = shown
	}
	return &former
}

// Latest returns a base's tree with the names that its options have by now.
func (t Tree) Latest(renamed map[string]map[string]string) Tree {
	return t.rename(renamed, func(string, string) bool { return true })
}

// Respelled returns the value of a field with the names that its options have by now. What an option is called now keeps its name: it may be another
// that had it before.
func (l Lens) Respelled(field string, v property.Value, renames []mapping.Rename) property.Value {
	names := map[string]string{}
	for _, r := range renames {
		if r.Field == field && !slices.Contains(slices.Collect(maps.Values(l.Binding[field].Options)), r.Was) {
			names[r.Was] = r.Is
		}
	}
	return Tree{Fields: Fields{field: v}}.Latest(map[string]map[string]string{field: names}).Fields[field]
}

// RespelledColumn is Respelled of a value as the field's column shows it.
func (l Lens) RespelledColumn(f mapping.Field, column json.RawMessage, renames []mapping.Rename) json.RawMessage {
	v, err := FromColumn(f, column, nil)
	if err != nil {
		return column
	}
	if is := l.Respelled(f.Column, v, renames); !property.Equal(v, is) {
		return Column(f, is)
	}
	return column
}

// RespelledProperty returns a property as Notion spelled it with the names that its options have by now.
func (l Lens) RespelledProperty(f mapping.Field, raw json.RawMessage, renames []mapping.Rename) json.RawMessage {
	names := map[string]string{}
	for _, o := range optionsIn(f.Type, raw) {
		for _, r := range renames {
			if r.Field == f.Column && r.Option == o.ID && r.Is != o.Name {
				names[o.Name] = r.Is
			}
		}
	}
	if len(names) == 0 {
		return raw
	}
	return respell(f.Type, raw, names)
}

// AsRow returns a base's tree with the names that its options have by now, but for those that the row still has under their old name. What
// Notion then shows otherwise is to be written to the row, and what the row has otherwise is what somebody changed there.
func (l Lens) AsRow(t Tree, renamed map[string]map[string]string, r *Row) Tree {
	return t.rename(renamed, func(field, was string) bool {
		f, mapped := l.Kind.Field(field)
		return r == nil || !mapped || !holdsOption(f, r.Columns[field], was)
	})
}

func (t Tree) rename(renamed map[string]map[string]string, which func(field, was string) bool) Tree {
	others := Fields{}
	for field, names := range renamed {
		name := func(was string) string {
			if is, known := names[was]; known && which(field, was) {
				return is
			}
			return was
		}
		switch v := t.Fields[field].(type) {
		case property.Option:
			others[field] = property.Option(name(string(v)))
		case property.Options:
			list := make(property.Options, len(v))
			for i, was := range v {
				list[i] = name(was)
			}
			others[field] = list
		}
	}
	return t.With(others)
}

// respell returns a property with the names that its options have by now.
func respell(t property.Type, raw json.RawMessage, names map[string]string) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return raw
	}
	rename := func(raw json.RawMessage) json.RawMessage {
		var one map[string]json.RawMessage
		var was string
		if json.Unmarshal(raw, &one) != nil || json.Unmarshal(one["name"], &was) != nil {
			return raw
		}
		if is, known := names[was]; known {
			one["name"] = encoded(is)
		}
		return encoded(one)
	}
	var list []json.RawMessage
	if json.Unmarshal(object[string(t)], &list) == nil && list != nil {
		for i, e := range list {
			list[i] = rename(e)
		}
		object[string(t)] = encoded(list)
	} else {
		object[string(t)] = rename(object[string(t)])
	}
	return encoded(object)
}

// option is one as Notion spells it.
type option struct{ ID, Name string }

func optionsIn(t property.Type, raw json.RawMessage) []option {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	var list []option
	if json.Unmarshal(object[string(t)], &list) == nil {
		return list
	}
	var one option
	if json.Unmarshal(object[string(t)], &one) != nil {
		return nil
	}
	return []option{one}
}

func isOption(t property.Type) bool {
	return t == property.TypeSelect || t == property.TypeStatus || t == property.TypeMultiSelect
}

func hasOption(v property.Value, name string) bool {
	return slices.Contains(namesIn(v), name)
}

// holdsOption reports whether a field's column holds an option of that name, however it spells it.
func holdsOption(f mapping.Field, column json.RawMessage, name string) bool {
	v, err := FromColumn(f, column, nil)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(namesIn(v), func(held string) bool { return strings.EqualFold(held, name) })
}

func namesIn(v property.Value) []string {
	switch v := v.(type) {
	case property.Option:
		return []string{string(v)}
	case property.Options:
		return v
	default:
		return nil
	}
}

func put(renamed map[string]map[string]string, field, was, is string) {
	if renamed[field] == nil {
		renamed[field] = map[string]string{}
	}
	renamed[field][was] = is
}
