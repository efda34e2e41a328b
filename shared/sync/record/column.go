package record

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// A column is a view of a value: it may show less (a day of a range, the words of a formatted text). Column looks through
// it; FromColumn puts a changed view back into the value that it was a view of, so that what the column cannot show is kept.

// null is an empty column.
var null = json.RawMessage("null") //nolint:gochecknoglobals // a constant that Go cannot spell

// Column returns the JSON of what the field's column shows of v: as much as the column can hold of it, where that is known.
func Column(f mapping.Field, v property.Value) json.RawMessage {
	shown := columnOf(f, v)
	if f.Stored == nil {
		return shown
	}
	held, err := f.Stored.Hold(shown)
	if err != nil {
		return shown // Storable says so
	}
	return held
}

// ColumnOver returns what Column does, for a column that holds was now: of what it has and Notion cannot hold, it keeps what v leaves as it is, such as
// seconds.
func ColumnOver(f mapping.Field, v property.Value, was json.RawMessage) json.RawMessage {
	column := Column(f, v)
	d, date := v.(property.Date)
	switch {
	case !date || len(was) == 0 || isNull(was):
		return column
	case Agrees(f, was, v):
		return was
	case f.ColumnType == mapping.JSONB:
		return dateOver(f, d, column, was)
	}
	return column
}

func columnOf(f mapping.Field, v property.Value) json.RawMessage {
	switch v := v.(type) {
	case nil:
		switch f.Type {
		case property.TypeCheckbox:
			return encoded(false)
		case property.TypeRelation:
			return encoded([]string{})
		default:
			return null
		}
	case property.Text:
		return encoded(property.PlainText(v))
	case property.Number:
		return encoded(float64(v))
	case property.Option:
		return encoded(string(v))
	case property.Options:
		return encoded([]string(v))
	case property.Checked:
		return encoded(bool(v))
	case property.Line:
		return encoded(string(v))
	case property.Date:
		return dateColumn(f.ColumnType, v)
	case property.People:
		return encoded(v.IDs())
	case property.Refs:
		return encoded([]string(v))
	case property.Files:
		return encoded(v)
	case property.Opaque:
		return opaqueColumn(f, v)
	}
	return null
}

// FromColumn returns the value that the column's JSON stands for, where was is the value that the column showed before. It is
// fault.Invalid when the column holds what the property cannot.
func FromColumn(f mapping.Field, column json.RawMessage, was property.Value) (property.Value, error) {
	if isNull(column) {
		if f.Type == property.TypeCheckbox {
			return property.Checked(false), nil
		}
		return nil, nil
	}
	switch f.Type {
	case property.TypeTitle, property.TypeRichText:
		s, err := decodedText(f, column)
		if s == "" || err != nil {
			return nil, err
		}
		text, _ := was.(property.Text)
		return property.WithPlainText(text, s), nil
	case property.TypeNumber:
		n, err := decoded[float64](f, column)
		return property.Number(n), err
	case property.TypeSelect, property.TypeStatus:
		s, err := decodedText(f, column)
		return orEmpty(property.Option(s)), err
	case property.TypeURL, property.TypeEmail, property.TypePhone:
		s, err := decodedText(f, column)
		return orEmpty(property.Line(s)), err
	case property.TypeMultiSelect:
		list, err := decodedTexts(f, column)
		return optionsOf(list, was), err
	case property.TypePeople:
		list, err := decodedTexts(f, column)
		return peopleOf(list, was), err
	case property.TypeRelation:
		return refsIn(column)
	case property.TypeCheckbox:
		b, err := decoded[bool](f, column)
		return property.Checked(b), err
	case property.TypeDate:
		d, _ := was.(property.Date)
		return dateFrom(f, column, d)
	default: // one way: what stands in the column is no value of the property, and is only kept to be shown as the loser
		return property.Opaque(column), nil
	}
}

// SameColumn reports whether two JSON values are the same in a column of that type.
func SameColumn(t mapping.ColumnType, a, b json.RawMessage) bool {
	if t == mapping.JoinTable {
		x, errX := refsIn(a)
		y, errY := refsIn(b)
		return errX == nil && errY == nil && property.Equal(x, y)
	}
	if isNull(a) || isNull(b) {
		return isNull(a) == isNull(b)
	}
	switch t {
	case mapping.Numeric, mapping.Double, mapping.Integer, mapping.BigInt:
		return sameNumber(string(a), string(b))
	case mapping.Timestamptz:
		var x, y time.Time
		return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x.Equal(y) || bytes.Equal(a, b)
	default:
		return property.Same(a, b)
	}
}

func isNull(column json.RawMessage) bool {
	return len(column) == 0 || string(column) == "null"
}

func encoded(v any) json.RawMessage {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return null // only a number that is no number cannot be encoded, and Notion has none
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

func decoded[T any](f mapping.Field, column json.RawMessage) (T, error) {
	var v T
	if err := json.Unmarshal(column, &v); err != nil {
		return v, refused(f, column)
	}
	return v, nil
}

// decodedText decodes a text, without the blanks that the column itself puts at its end.
func decodedText(f mapping.Field, column json.RawMessage) (string, error) {
	s, err := decoded[string](f, column)
	if f.Stored != nil && f.Stored.Padded() {
		s = strings.TrimRight(s, " ")
	}
	return s, err
}

func decodedTexts(f mapping.Field, column json.RawMessage) ([]string, error) {
	list, err := decoded[[]string](f, column)
	if f.Stored != nil && f.Stored.Padded() {
		for i := range list {
			list[i] = strings.TrimRight(list[i], " ")
		}
	}
	return list, err
}

func refused(f mapping.Field, column json.RawMessage) error {
	return fault.New(fault.Invalid, "Column %s holds %.100s, which a Notion %s cannot hold; change the row.", f.Column, column, f.Type)
}

func orEmpty[T interface {
	~string
	property.Value
}](v T) property.Value {
	if v == "" {
		return nil
	}
	return v
}

func optionsOf(list []string, was property.Value) property.Value {
	var options property.Options
	for _, name := range list {
		if name != "" && !slices.Contains(options, name) {
			options = append(options, name)
		}
	}
	if options == nil {
		return nil
	}
	known, _ := was.(property.Options)
	return property.Respell(options, known)
}

func peopleOf(ids []string, was property.Value) property.Value {
	known, _ := was.(property.People)
	var people property.People
	for _, id := range ids {
		id = strings.ToLower(id)
		if id == "" || slices.Contains(people.IDs(), id) {
			continue
		}
		p := property.Person{ID: id}
		if i := slices.IndexFunc(known, func(k property.Person) bool { return k.ID == id }); i >= 0 {
			p = known[i]
		}
		people = append(people, p)
	}
	if people == nil {
		return nil
	}
	return people
}

// opaqueColumn shows what Notion computes: the result of a formula or a rollup, an id as people read it, a time.
func opaqueColumn(f mapping.Field, v property.Opaque) json.RawMessage {
	if f.ColumnType == mapping.JSONB {
		return json.RawMessage(v)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(v, &object) != nil {
		return json.RawMessage(v) // a plain string or number: created_time, say
	}
	if f.Type == property.TypeUniqueID {
		return uniqueID(object)
	}
	var kind string
	if json.Unmarshal(object["type"], &kind) != nil {
		return null
	}
	result := object[kind]
	if kind == "date" && !isNull(result) {
		var d property.Date
		var raw struct {
			Start string `json:"start"`
		}
		if json.Unmarshal(result, &raw) != nil {
			return null
		}
		d.Start = raw.Start
		return dateColumn(f.ColumnType, d)
	}
	if !fits(f.ColumnType, result) {
		return null // a formula may change what it gives; a column may not
	}
	return result
}

func uniqueID(object map[string]json.RawMessage) json.RawMessage {
	var prefix string
	var number float64
	_ = json.Unmarshal(object["prefix"], &prefix) // null: none
	if isNull(object["number"]) || json.Unmarshal(object["number"], &number) != nil || math.IsInf(number, 0) {
		return null
	}
	id := strconv.FormatFloat(number, 'f', -1, 64)
	if prefix != "" {
		id = prefix + "-" + id
	}
	return encoded(id)
}

// fits reports whether a JSON value can stand in a column of that type.
func fits(t mapping.ColumnType, v json.RawMessage) bool {
	var s string
	var n float64
	var b bool
	switch t {
	case mapping.Text:
		return json.Unmarshal(v, &s) == nil
	case mapping.Numeric, mapping.Double:
		return json.Unmarshal(v, &n) == nil
	case mapping.Boolean:
		return json.Unmarshal(v, &b) == nil
	default:
		return false
	}
}
