package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// bodyLimit is how large the body of a request may be.
const bodyLimit = 256 << 10

// decodeBody reads a JSON object into v. Fields that v does not have, a second value and a body over the limit are errors that
// say so.
func decodeBody(r *http.Request, v any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The body could not be read")
	}
	if len(data) > bodyLimit {
		return tooLarge()
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return fault.New(fault.Invalid, "The body is empty; send a JSON object.")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fault.Wrap(err, fault.Invalid, "The body is not the JSON object that is expected: %s.", jsonProblem(err, reflect.TypeOf(v)))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "The body holds more than one JSON value.")
	}
	return nil
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "The body is larger than %d KiB.", bodyLimit>>10)
}

// jsonProblem tells what is wrong without repeating what was sent, and in the caller's words: what is read into is nobody's business.
func jsonProblem(err error, into reflect.Type) string {
	if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		name, t := fieldOf(into, typed.Field)
		if name == "" {
			return "it is " + sent(typed.Value)
		}
		return "field " + strconv.Quote(name) + " must be " + noun(t)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return "it is malformed at byte " + strconv.FormatInt(syntax.Offset, 10)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "there is no field " + name
	}
	return "it is malformed"
}

// fieldOf returns the name of a field as it is sent, and its type. A path names embedded structs, which are not sent, by their types.
func fieldOf(t reflect.Type, path string) (name string, _ reflect.Type) {
	var names []string
	for part := range strings.SplitSeq(path, ".") {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			break
		}
		for f := range t.Fields() {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag == part {
				names = append(names, part)
			}
			if tag == part || f.Anonymous && f.Name == part {
				t = f.Type
				break
			}
		}
	}
	return strings.Join(names, "."), t
}

// noun says what a field of a type is sent as.
func noun(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return noun(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list, each of it " + noun(t.Elem())
	case reflect.Map, reflect.Struct:
		return "an object"
	default:
		return "a text"
	}
}

// sent says what was sent in the place of an object.
func sent(value string) string {
	kind, _, _ := strings.Cut(value, " ")
	return map[string]string{"array": "a list", "string": "a text", "bool": "true or false", "number": "a number"}[kind]
}

// orNone lists names.
func orNone[S ~string](names []S) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(each(names, func(name S) string { return string(name) }), ", ")
}

// one returns a parameter that fits once, "" when it is not there.
func one(values url.Values, name string) (string, error) {
	if len(values[name]) > 1 {
		return "", fault.New(fault.Invalid, "The parameter %s is given %d times; give it once.", name, len(values[name]))
	}
	return values.Get(name), nil
}

// since returns the parameter of that name, the zero time when it is not there.
func since(values url.Values) (time.Time, error) {
	text, err := one(values, "since")
	if err != nil || !values.Has("since") {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "since must be a time such as 2026-11-23T10:00:00Z (RFC 3339; write + as %%2B).")
	}
	return at, nil
}

// limitMost is how many of anything are listed, or named, at once at the most.
const limitMost = 500

// limitOf returns the parameter limit; usual when it is not there.
func limitOf(values url.Values, usual int) (int, error) {
	text, err := one(values, "limit")
	if err != nil || text == "" && !values.Has("limit") {
		return usual, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > limitMost {
		return 0, fault.New(fault.Invalid, "limit must be a whole number from 1 to %d.", limitMost)
	}
	return n, nil
}
