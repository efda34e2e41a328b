package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Node is a place in a request's JSON. Its readers never fail outright: what does not fit is noted once for the whole
// document, gives the zero value, and is found by Err. So a request is read from top to bottom, then judged, and nothing is
// done before that.
type Node struct {
	doc     *doc
	path    string
	value   any
	present bool
}

type doc struct{ err *Error }

// Parse reads a request's body. An empty body is an empty object; what is no JSON object is an error.
func Parse(raw []byte) (Node, *Error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	if err == nil {
		if _, trailing := dec.Token(); trailing != io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil || !utf8.Valid(raw) {
		return Node{}, &Error{Status: http.StatusBadRequest, Code: "invalid_json", Message: "Error parsing JSON body."}
	}
	n := Node{doc: new(doc), path: "body", value: v, present: true}
	n.Object()
	return n, n.doc.err
}

// Err returns the first thing found wrong anywhere in the document.
func (n Node) Err() error {
	if n.doc.err == nil {
		return nil
	}
	return n.doc.err
}

// Or returns what was found wrong in the document, or else an error that came up while it was read.
func (n Node) Or(err error) error {
	if n.doc.err != nil {
		return n.doc.err
	}
	return err
}

// Refuse notes an error, unless one is noted already.
func (n Node) Refuse(err *Error) {
	if n.doc.err == nil {
		n.doc.err = err
	}
}

// Expect notes that the value should be something else: "body.x should be a string, instead was `1`."
func (n Node) Expect(what string) {
	n.Refuse(Validation("body failed validation: %s should be %s, instead was `%s`.", n.path, what, n.excerpt()))
}

// Path returns the place's path.
func (n Node) Path() string { return n.path }

// Present reports whether the member is there at all, be it null.
func (n Node) Present() bool { return n.present }

// Null reports whether the member is there and null.
func (n Node) Null() bool { return n.present && n.value == nil }

// Get returns a member of an object.
func (n Node) Get(key string) Node {
	m, _ := n.value.(map[string]any)
	v, ok := m[key]
	return Node{doc: n.doc, path: n.path + "." + key, value: v, present: ok}
}

// Has reports whether an object has a member that is not null.
func (n Node) Has(key string) bool {
	c := n.Get(key)
	return c.present && c.value != nil
}

// Object notes an error where the value is no object.
func (n Node) Object() bool {
	_, ok := n.value.(map[string]any)
	if !ok {
		n.Expect(defined(n, "an object"))
	}
	return ok
}

// IsObject reports whether the value is an object.
func (n Node) IsObject() bool {
	_, ok := n.value.(map[string]any)
	return ok
}

// IsList reports whether the value is an array.
func (n Node) IsList() bool {
	_, ok := n.value.([]any)
	return ok
}

// Keys returns the names of an object's members in alphabetical order.
func (n Node) Keys() []string {
	m, _ := n.value.(map[string]any)
	return sortedKeys(m)
}

// Only notes an error for each member of an object that is not among those named.
func (n Node) Only(names ...string) {
	for _, k := range n.Keys() {
		known := false
		for _, name := range names {
			known = known || name == k
		}
		if !known {
			n.Get(k).Expect("not present")
		}
	}
}

// List returns the elements of an array of at most limit elements.
func (n Node) List(limit int) []Node {
	a, ok := n.value.([]any)
	if !ok {
		n.Expect(defined(n, "an array"))
		return nil
	}
	if len(a) > limit {
		n.Refuse(Validation("body failed validation: %s.length should be ≤ `%d`, instead was `%d`.", n.path, limit, len(a)))
		return nil
	}
	nodes := make([]Node, len(a))
	for i, v := range a {
		nodes[i] = Node{doc: n.doc, path: n.path + "[" + strconv.Itoa(i) + "]", value: v, present: true}
	}
	return nodes
}

// Text returns a string.
func (n Node) Text() string {
	s, ok := n.value.(string)
	if !ok {
		n.Expect(defined(n, "a string"))
	}
	return s
}

// Bounded returns a string of at least one and at most limit UTF-16 units, as Notion counts them.
func (n Node) Bounded(limit int) string {
	s := n.AtMost(limit)
	if _, ok := n.value.(string); ok && s == "" && n.doc.err == nil {
		n.Refuse(Validation("body failed validation: %s.length should be ≥ `1`, instead was `0`.", n.path))
	}
	return s
}

// AtMost returns a string of at most limit UTF-16 units.
func (n Node) AtMost(limit int) string {
	s := n.Text()
	if length := Length(s); length > limit {
		n.Refuse(Validation("body failed validation: %s.length should be ≤ `%d`, instead was `%d`.", n.path, limit, length))
		return ""
	}
	return s
}

// OneOf returns a string that is among those named.
func (n Node) OneOf(names ...string) string {
	s, ok := n.value.(string)
	if ok {
		for _, name := range names {
			if s == name {
				return s
			}
		}
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = "`" + strconv.Quote(name) + "`"
	}
	n.Expect(strings.Join(quoted, ", or "))
	return ""
}

// Float returns a number.
func (n Node) Float() float64 {
	num, ok := n.value.(json.Number)
	f, err := num.Float64()
	if !ok || err != nil || math.IsInf(f, 0) {
		n.Expect(defined(n, "a number"))
		return 0
	}
	return f
}

// Bool returns true or false.
func (n Node) Bool() bool {
	b, ok := n.value.(bool)
	if !ok {
		n.Expect(defined(n, "a boolean"))
	}
	return b
}

// UUID returns an id in its dashed, lower-case spelling. It may come without dashes and in any case.
func (n Node) UUID() string {
	s, ok := n.value.(string)
	id, valid := UUID(s)
	if !ok || !valid {
		n.Expect("a valid uuid")
	}
	return id
}

// Raw returns the value as JSON.
func (n Node) Raw() json.RawMessage {
	raw, err := json.Marshal(n.value)
	if err != nil {
		return nil
	}
	return raw
}

// excerpt shows a value in an error as Notion does: JSON, cut after some fifty characters.
func (n Node) excerpt() string {
	if !n.present {
		return "undefined"
	}
	s := string(n.Raw())
	if r := []rune(s); len(r) > 53 {
		s = string(r[:50]) + "..."
	}
	return s
}

func defined(n Node, what string) string {
	if n.present {
		return what
	}
	return "defined"
}

// Length counts a text as Notion does, in UTF-16 units.
func Length(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// UUID brings an id into its dashed, lower-case spelling, and reports whether it is one.
func UUID(s string) (string, bool) {
	hex := strings.ToLower(strings.ReplaceAll(s, "-", ""))
	if len(hex) != 32 || (len(s) != 32 && len(s) != 36) {
		return "", false
	}
	for i := range len(hex) {
		if c := hex[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
	}
	return fmt.Sprintf("%s-%s-%s-%s-%s", hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]), true
}
