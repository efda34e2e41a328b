package property

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Property is one property of a page, as an answer of Notion tells it.
type Property struct {
	ID    string // as CanonicalID spells it
	Type  Type   // "" where the answer names no type
	Value Value
	// Truncated says that Notion may hold more than Value: a list that may be cut at 25 references, or a property of
	// which the answer tells only the id. The property-item endpoint gives the whole. Writing a truncated value back would
	// delete the rest.
	Truncated bool
}

// referenceCap is how many references Notion lists in a page; a list this long may have been cut.
//
// https://developers.notion.com/reference/retrieve-a-page
const referenceCap = 25

// Decode reads one property of a page, in the shape of any Notion-Version since 2021. A type that it does not know is
// carried as Opaque. Its errors are fault.Invalid: raw is not JSON, or a value is not of the type that it claims.
//
// https://developers.notion.com/reference/page-property-values
func Decode(raw json.RawMessage) (Property, error) {
	var fields map[string]json.RawMessage
	if err := read(raw, &fields); err != nil {
		return Property{}, err
	}
	if fields == nil {
		return Property{}, fault.New(fault.Invalid, "A property is null where Notion gives an object.")
	}
	var id string
	var p Property
	var hasMore *bool
	if err := errors.Join(readIfAny(fields["id"], &id), readIfAny(fields["type"], &p.Type), readIfAny(fields["has_more"], &hasMore)); err != nil {
		return Property{}, fault.Wrap(err, fault.Invalid, "A property's id, type or has_more is of another type than Notion documents")
	}
	p.ID = CanonicalID(id)
	content, told := fields[string(p.Type)]
	if p.Type == "" || !told {
		p.Truncated = true
		return p, nil
	}
	value, err := decodeValue(p.Type, content)
	if err != nil {
		return Property{}, fault.Wrap(err, fault.Invalid, "The property %q does not hold a value of its type %q", p.ID, p.Type)
	}
	p.Value = value
	if hasMore != nil {
		p.Truncated = *hasMore
	} else {
		p.Truncated = references(value) >= referenceCap
	}
	return p, nil
}

// read decodes JSON and says what it is when it cannot.
func read(raw json.RawMessage, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fault.Wrap(err, fault.Invalid, "Notion's answer is not of the shape that it documents")
	}
	return nil
}

// readIfAny is read of what may be absent.
func readIfAny(raw json.RawMessage, into any) error {
	if raw == nil {
		return nil
	}
	return read(raw, into)
}

// references counts what Notion's limit of 25 may count, rather too much than too little.
func references(v Value) int {
	switch v := v.(type) {
	case People:
		return len(v)
	case Refs:
		return len(v)
	case Text:
		n := 0
		for _, run := range v {
			if run.Kind != RunText || run.Link != "" {
				n++
			}
		}
		return n
	default:
		return 0
	}
}

func decodeValue(t Type, raw json.RawMessage) (Value, error) {
	k := kindOf(t)
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return k.zero, nil
	}
	if k.decode == nil {
		return canonicalUnder(string(t), raw)
	}
	return k.decode(raw)
}

func decodeChecked(raw json.RawMessage) (Value, error) {
	var checked bool
	err := read(raw, &checked)
	return Checked(checked), err
}

func decodeNumber(raw json.RawMessage) (Value, error) {
	var n json.Number
	if err := read(raw, &n); err != nil {
		return nil, err
	}
	return parseNumber(n)
}

func decodeLine(raw json.RawMessage) (Value, error) {
	var line string
	if err := read(raw, &line); err != nil || line == "" {
		return nil, err
	}
	return Line(line), nil
}

func decodeDate(raw json.RawMessage) (Value, error) {
	var date dateObject
	if err := read(raw, &date); err != nil {
		return nil, err
	}
	if date.Start == "" {
		return nil, fault.New(fault.Invalid, "a date has no start.")
	}
	return Date{Start: canonicalTime(date.Start), End: canonicalTime(date.End), Zone: date.Zone}, nil
}

type namedOption struct {
	Name string `json:"name"`
}

func decodeOption(raw json.RawMessage) (Value, error) {
	var option namedOption
	if err := read(raw, &option); err != nil {
		return nil, err
	}
	if option.Name == "" {
		return nil, fault.New(fault.Invalid, "an option has no name.")
	}
	return Option(option.Name), nil
}

func decodeOptions(raw json.RawMessage) (Value, error) {
	var listed []namedOption
	if err := readList(raw, &listed); err != nil {
		return nil, err
	}
	var names Options
	for _, option := range listed {
		if option.Name == "" {
			return nil, fault.New(fault.Invalid, "an option has no name.")
		}
		names = append(names, option.Name)
	}
	return orNil(once(names, same)), nil
}

func decodePeople(raw json.RawMessage) (Value, error) {
	var listed []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	if err := readList(raw, &listed); err != nil {
		return nil, err
	}
	var people People
	for _, person := range listed {
		if person.ID == "" {
			return nil, fault.New(fault.Invalid, "a person has no id.")
		}
		people = append(people, Person{ID: canonicalRef(person.ID), Name: person.Name})
	}
	return orNil(once(people, Person.id)), nil
}

func decodeRefs(raw json.RawMessage) (Value, error) {
	var listed []struct {
		ID string `json:"id"`
	}
	if err := readList(raw, &listed); err != nil {
		return nil, err
	}
	var refs Refs
	for _, page := range listed {
		if page.ID == "" {
			return nil, fault.New(fault.Invalid, "a related page has no id.")
		}
		refs = append(refs, canonicalRef(page.ID))
	}
	return orNil(once(refs, same)), nil
}

func decodeFiles(raw json.RawMessage) (Value, error) {
	type address struct {
		URL string `json:"url"`
	}
	var listed []struct {
		Name     string   `json:"name"`
		Hosted   *address `json:"file"`
		External *address `json:"external"`
	}
	if err := readList(raw, &listed); err != nil {
		return nil, err
	}
	var files Files
	for _, file := range listed {
		switch {
		case file.Hosted != nil:
			files = append(files, File{Name: file.Name, URL: unsigned(file.Hosted.URL), Hosted: true})
		case file.External != nil:
			files = append(files, File{Name: file.Name, URL: file.External.URL})
		default:
			files = append(files, File{Name: file.Name})
		}
	}
	return orNil(files), nil
}

// readList decodes a list, or the one element of it that the property-item endpoint gives in the list's place.
func readList[E any](raw json.RawMessage, into *[]E) error {
	trimmed := bytes.TrimSpace(raw)
	if !bytes.HasPrefix(trimmed, []byte("{")) {
		return read(raw, into)
	}
	if bytes.Equal(trimmed, []byte("{}")) {
		return nil
	}
	*into = make([]E, 1)
	return read(raw, &(*into)[0])
}

// orNil returns a list as a Value: none is nil.
func orNil[L interface {
	Value
	~[]E
}, E any](list L) Value {
	if len(list) == 0 {
		return nil
	}
	return list
}

// once keeps the first of each.
func once[L ~[]E, E any](list L, key func(E) string) L {
	seen := make(map[string]struct{}, len(list))
	kept := list[:0:0]
	for _, e := range list {
		if _, ok := seen[key(e)]; !ok {
			seen[key(e)] = struct{}{}
			kept = append(kept, e)
		}
	}
	return kept
}

func same(s string) string { return s }

func (p Person) id() string { return p.ID }
