package property

import (
	"encoding/json"
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Notion's limits on one request. Lengths are in UTF-16 units.
//
// https://developers.notion.com/reference/request-limits
const (
	maxElements   = 100
	maxContent    = 2000
	maxExpression = 1000
	maxURL        = 2000
	maxContact    = 200
	maxOptionName = 2000
)

// Encode gives the property value object of a request that creates or updates a page: `{"number":3}`. A nil value
// clears. Text is cut into elements of at most 2,000 characters; mentions that Notion takes in no request become text
// with a link. Its errors are fault.Invalid and say which limit stands in the way and what to do: the type is not written,
// the value is of another type, or Notion would refuse it.
//
// https://developers.notion.com/reference/page-property-values
func Encode(t Type, v Value) (json.RawMessage, error) {
	if !t.Writable() {
		return nil, fault.New(fault.Invalid, "A property of type %q is not written to Notion: change it there.", t)
	}
	content, err := encodeValue(t, v)
	if err != nil {
		return nil, err
	}
	return marshal(map[string]any{string(t): content})
}

func encodeValue(t Type, v Value) (any, error) {
	if empty(v) {
		return cleared(t), nil
	}
	switch t {
	case TypeTitle, TypeRichText:
		return encodeAs(t, v, encodeText)
	case TypeNumber:
		return encodeAs(t, v, encodeNumber)
	case TypeSelect:
		return encodeAs(t, v, encodeOption)
	case TypeStatus:
		return encodeAs(t, v, encodeStatus)
	case TypeMultiSelect:
		return encodeAs(t, v, encodeOptions)
	case TypeCheckbox:
		return encodeAs(t, v, func(v Checked) (any, error) { return v, nil })
	case TypeDate:
		return encodeAs(t, v, encodeDate)
	case TypeURL:
		return encodeAs(t, v, func(v Line) (any, error) { return v, checkLength("A url", string(v), maxURL) })
	case TypeEmail:
		return encodeAs(t, v, func(v Line) (any, error) { return v, checkLength("An email address", string(v), maxContact) })
	case TypePhone:
		return encodeAs(t, v, func(v Line) (any, error) { return v, checkLength("A phone number", string(v), maxContact) })
	case TypePeople:
		return encodeAs(t, v, func(v People) (any, error) { return encodeIDs("people", v.IDs()) })
	case TypeRelation:
		return encodeAs(t, v, func(v Refs) (any, error) { return encodeIDs("related pages", v) })
	default:
		return nil, fault.New(fault.Internal, "no encoding for the writable type %q", t)
	}
}

// cleared is what empties a property of the type.
func cleared(t Type) any {
	switch t {
	case TypeTitle, TypeRichText, TypeMultiSelect, TypePeople, TypeRelation:
		return []any{}
	case TypeCheckbox:
		return false
	default:
		return nil
	}
}

func encodeAs[V Value](t Type, v Value, encode func(V) (any, error)) (any, error) {
	value, ok := v.(V)
	if !ok {
		return nil, fault.New(fault.Invalid, "A property of type %q cannot hold a value of another type (%T).", t, v)
	}
	return encode(value)
}

func encodeNumber(v Number) (any, error) {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fault.New(fault.Invalid, "Notion holds finite numbers only: replace %v or clear the field.", f)
	}
	return v, nil
}

func encodeStatus(v Option) (any, error) {
	return namedOption{Name: string(v)}, checkOptionName(string(v))
}

// encodeOption encodes an option that comes into being when it is written; Notion takes a comma in its name for the end
// of the name.
func encodeOption(v Option) (any, error) {
	if strings.Contains(string(v), ",") {
		return nil, fault.New(fault.Invalid, "Notion takes no comma in the name of an option: rename %.60q.", v)
	}
	return encodeStatus(v)
}

func encodeOptions(v Options) (any, error) {
	names := once(v, same)
	if err := checkCount("options", len(names)); err != nil {
		return nil, err
	}
	list := make([]any, len(names))
	for i, name := range names {
		option, err := encodeOption(Option(name))
		if err != nil {
			return nil, err
		}
		list[i] = option
	}
	return list, nil
}

// encodeIDs names pages or users. Users and groups alike go by their id alone.
func encodeIDs(what string, ids []string) (any, error) {
	ids = once(ids, same)
	if err := checkCount(what, len(ids)); err != nil {
		return nil, err
	}
	list := make([]map[string]string, len(ids))
	for i, id := range ids {
		if id == "" {
			return nil, fault.New(fault.Invalid, "One of the %s has an empty id: remove it.", what)
		}
		if err := checkText(id); err != nil {
			return nil, err
		}
		list[i] = map[string]string{"id": id}
	}
	return list, nil
}

func checkOptionName(name string) error {
	if name == "" {
		return fault.New(fault.Invalid, "An option needs a name: give one, or clear the field.")
	}
	return checkLength("An option's name", name, maxOptionName)
}

func checkCount(what string, n int) error {
	if n > maxElements {
		return fault.New(fault.Invalid, "Notion takes at most %d %s in one property, and here are %d: remove some.", maxElements, what, n)
	}
	return nil
}

func checkLength(what, s string, limit int) error {
	if n := length(s); n > limit {
		return fault.New(fault.Invalid, "%s may have at most %d characters in Notion, and this one has %d: shorten it.", what, limit, n)
	}
	return checkText(s)
}

// checkText refuses what no JSON string can carry whole.
func checkText(s string) error {
	if !utf8.ValidString(s) {
		return fault.New(fault.Invalid, "The text is not valid Unicode (half a character, perhaps): correct it.")
	}
	if strings.ContainsRune(s, 0) {
		return fault.New(fault.Invalid, "The text holds a NUL character, which Notion does not take: remove it.")
	}
	return nil
}

// length counts UTF-16 units, as Notion does.
func length(s string) int {
	n := 0
	for _, r := range s {
		n += units(r)
	}
	return n
}

func units(r rune) int {
	return max(1, utf16.RuneLen(r))
}
