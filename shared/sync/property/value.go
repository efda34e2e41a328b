// Package property holds the values of Notion's properties: their canonical form, in which both sides are compared, and
// the codec between that form and Notion's JSON. It is pure: no clock, no I/O.
package property

import "bytes"

// Type is a property's type by Notion's own name.
//
// https://developers.notion.com/reference/property-object
type Type string

// The types that Notion documents. A type that is not in this list is carried as Opaque.
const (
	TypeTitle          Type = "title"
	TypeRichText       Type = "rich_text"
	TypeNumber         Type = "number"
	TypeSelect         Type = "select"
	TypeStatus         Type = "status"
	TypeMultiSelect    Type = "multi_select"
	TypeCheckbox       Type = "checkbox"
	TypeDate           Type = "date"
	TypeURL            Type = "url"
	TypeEmail          Type = "email"
	TypePhone          Type = "phone_number"
	TypePeople         Type = "people"
	TypeFiles          Type = "files"
	TypeRelation       Type = "relation"
	TypeFormula        Type = "formula"
	TypeRollup         Type = "rollup"
	TypeUniqueID       Type = "unique_id"
	TypeCreatedTime    Type = "created_time"
	TypeCreatedBy      Type = "created_by"
	TypeLastEditedTime Type = "last_edited_time"
	TypeLastEditedBy   Type = "last_edited_by"
	TypeButton         Type = "button"
	TypeVerification   Type = "verification"
	TypePlace          Type = "place"
)

// Value is what a property holds, in canonical form: two values are the same content exactly when Equal says so, whatever
// Notion-Version or spelling they came in. A nil Value is an empty property, and there is no other empty: an empty text,
// list or line is nil. Values are immutable.
type Value interface {
	equal(Value) bool
}

type (
	// Text is a title or a rich_text: runs in reading order, adjacent runs of one style merged, none empty.
	Text []Run
	// Number is a number as Notion keeps it, a double.
	Number float64
	// Option is the name of a select's or status's option.
	Option string
	// Options are the names in a multi_select, in Notion's order, each once. Order is not content.
	Options []string
	// Checked is a checkbox. It has no empty: an absent box is false.
	Checked bool
	// Line is a url, an email or a phone_number.
	Line string
	// People are the persons, bots and groups in a people property, each once. Order is not content.
	People []Person
	// Files are the files of a property, in order.
	Files []File
	// Refs are the ids of the pages that a relation names, dashed and in lower case, each once. Order is not content.
	Refs []string
	// Opaque is the canonical JSON of a type that is carried and never written: formula, rollup, unique_id, created_*,
	// last_edited_*, button, verification, place, and whatever Notion adds next. Keys sorted, what changes by itself
	// (signatures and expiry of file addresses, request ids) removed.
	Opaque []byte
)

// Run is a stretch of text of one style.
type Run struct {
	Kind  RunKind
	Text  string // what a reader sees
	Link  string // address, or ""
	Style Style
	// Object is the canonical JSON of a mention or an equation, by its Kind, without what changes by itself (a person's
	// name and picture, a page's title); nil for plain text.
	Object []byte
}

// RunKind tells plain text from what stands in for something else.
type RunKind string

// The kinds of run.
const (
	RunText     RunKind = "text"
	RunMention  RunKind = "mention"
	RunEquation RunKind = "equation"
)

// Style is a run's annotations. Color is "" for Notion's "default".
type Style struct {
	Bold, Italic, Strikethrough, Underline, Code bool
	Color                                        string
}

// Date is a day, an instant or a range of either, spelled as ISO 8601. A day is `2026-11-23` and never a midnight; an
// instant keeps its offset (`2026-11-23T10:00:00.000+11:00`). Zone is an IANA name, or "". Where a Zone is named, the wall
// clock in it is the content, and an offset only helps to read it.
type Date struct {
	Start, End, Zone string
}

// content takes away what is not content.
func (v Date) content() Date {
	if v.Zone == "" {
		return v
	}
	return Date{Start: wallClock(v.Start), End: wallClock(v.End), Zone: v.Zone}
}

// Person is who stands in a people property. Name is for people to read and is not content.
type Person struct {
	ID, Name string
}

// File is one file of a files property. For a file that Notion hosts, URL is the address without the part that is signed
// and expires.
type File struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Hosted bool   `json:"hosted"`
}

// Equal reports whether two values are the same content. A list or a text that was left empty counts as nil.
func Equal(a, b Value) bool {
	if empty(a) || empty(b) {
		return empty(a) && empty(b)
	}
	return a.equal(b)
}

func empty(v Value) bool {
	switch v := v.(type) {
	case nil:
		return true
	case Text:
		return len(v) == 0
	case Options:
		return len(v) == 0
	case Line:
		return v == ""
	case People:
		return len(v) == 0
	case Files:
		return len(v) == 0
	case Refs:
		return len(v) == 0
	case Opaque:
		return len(v) == 0
	default:
		return false
	}
}

func (v Text) equal(w Value) bool {
	o, ok := w.(Text)
	if !ok || len(v) != len(o) {
		return false
	}
	for i := range v {
		if v[i].Kind != o[i].Kind || v[i].Link != o[i].Link || v[i].Style != o[i].Style || !bytes.Equal(v[i].Object, o[i].Object) {
			return false
		}
		// What a mention shows follows the thing it names: only the thing is content.
		if v[i].Kind == RunText && v[i].Text != o[i].Text {
			return false
		}
	}
	return true
}

func (v Number) equal(w Value) bool  { o, ok := w.(Number); return ok && v == o }
func (v Option) equal(w Value) bool  { o, ok := w.(Option); return ok && v == o }
func (v Checked) equal(w Value) bool { o, ok := w.(Checked); return ok && v == o }
func (v Line) equal(w Value) bool    { o, ok := w.(Line); return ok && v == o }
func (v Date) equal(w Value) bool    { o, ok := w.(Date); return ok && v.content() == o.content() }
func (v Opaque) equal(w Value) bool  { o, ok := w.(Opaque); return ok && bytes.Equal(v, o) }
func (v Options) equal(w Value) bool { o, ok := w.(Options); return ok && sameSet(v, o) }
func (v Refs) equal(w Value) bool    { o, ok := w.(Refs); return ok && sameSet(v, o) }

func (v People) equal(w Value) bool {
	o, ok := w.(People)
	return ok && sameSet(v.IDs(), o.IDs())
}

// IDs returns the ids of the people, in order.
func (v People) IDs() []string {
	ids := make([]string, len(v))
	for i, p := range v {
		ids[i] = p.ID
	}
	return ids
}

func (v Files) equal(w Value) bool {
	o, ok := w.(Files)
	if !ok || len(v) != len(o) {
		return false
	}
	for i := range v {
		if v[i] != o[i] {
			return false
		}
	}
	return true
}

// sameSet compares two lists, each without repetition, whatever their order.
func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	in := make(map[string]struct{}, len(a))
	for _, s := range a {
		in[s] = struct{}{}
	}
	for _, s := range b {
		if _, ok := in[s]; !ok {
			return false
		}
	}
	return true
}
