package property

import (
	"encoding/json"
	"errors"
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
	maxOptionName = 100
)

// Encode returns the property value object of a request that creates or updates a page: `{"number":3}`. A nil value
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

// errOtherType is what as finds; encodeValue says of which type.
var errOtherType = errors.New("a value of another type")

func encodeValue(t Type, v Value) (any, error) {
	k := kindOf(t)
	if empty(v) {
		return k.cleared, nil
	}
	content, err := k.encode(v)
	if errors.Is(err, errOtherType) {
		return nil, fault.New(fault.Invalid, "A %s property cannot hold this value: it is of another type.", k.noun)
	}
	return content, err
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
