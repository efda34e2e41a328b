package property

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
)

// ColumnType is the SQL type of a column, as Postgres spells it.
type ColumnType string

// The column types that a property may be kept in. What a column of such a type really is, a varchar(20) or a domain, the catalogue tells.
const (
	ColumnText        ColumnType = "text"
	ColumnTextArray   ColumnType = "text[]"
	ColumnNumeric     ColumnType = "numeric"
	ColumnDouble      ColumnType = "double precision"
	ColumnInteger     ColumnType = "integer"
	ColumnBigInt      ColumnType = "bigint"
	ColumnBoolean     ColumnType = "boolean"
	ColumnDay         ColumnType = "date"
	ColumnTimestamptz ColumnType = "timestamptz"
	ColumnJSONB       ColumnType = "jsonb"
	// ColumnJoin is where a relation is kept, which has no column of its own.
	ColumnJoin ColumnType = "join table"
)

// kind is everything in which one property type differs from another. The codec, the mapping's checks, the merge's rules, the simulator's tests
// and the laws read it; a new type is a new entry.
type kind struct {
	// noun is what people call a value of the type.
	noun string
	// writable: this project writes the type to Notion.
	writable bool
	// computed: Notion itself fills it, so that no change of it is a person's edit.
	computed bool
	// columns lists what the type may be kept in, the default first.
	columns []ColumnType
	// cleared is what empties the property in a request.
	cleared any
	// zero is the value of an empty property; nil but for a checkbox.
	zero Value
	// decode reads what an answer has under the type's name; nil carries it as Opaque.
	decode func(json.RawMessage) (Value, error)
	// encode returns what a request has under the type's name. Its errors say which limit stands in the way.
	encode func(Value) (any, error)
	// held returns what Notion shows after it was given v, where that differs from v; shown is what it shows now, which decides between two
	// spellings of the same. Nil: Notion keeps what it is given.
	held func(v, shown Value) Value
}

//nolint:gochecknoglobals // a table that Go cannot spell as a constant
var kinds = map[Type]kind{
	TypeTitle: {
		noun: "text", writable: true, columns: []ColumnType{ColumnText}, cleared: []any{},
		decode: decodeText, encode: as(encodeText),
	},
	TypeRichText: {
		noun: "text", writable: true, columns: []ColumnType{ColumnText}, cleared: []any{},
		decode: decodeText, encode: as(encodeText),
	},
	TypeNumber: {
		noun: "number", writable: true, columns: []ColumnType{ColumnNumeric, ColumnDouble, ColumnInteger, ColumnBigInt},
		decode: decodeNumber, encode: as(encodeNumber),
	},
	TypeSelect: {
		noun: "option", writable: true, columns: []ColumnType{ColumnText},
		decode: decodeOption, encode: as(encodeOption), held: respelled,
	},
	TypeStatus: {
		noun: "status", writable: true, columns: []ColumnType{ColumnText},
		decode: decodeOption, encode: as(encodeStatus), held: respelled,
	},
	TypeMultiSelect: {
		noun: "list of options", writable: true, columns: []ColumnType{ColumnTextArray}, cleared: []any{},
		decode: decodeOptions, encode: as(encodeOptions), held: respelled,
	},
	TypeCheckbox: {
		noun: "checkbox", writable: true, columns: []ColumnType{ColumnBoolean}, cleared: false, zero: Checked(false),
		decode: decodeChecked, encode: as(func(v Checked) (any, error) { return v, nil }),
	},
	TypeDate: {
		noun: "date", writable: true, columns: []ColumnType{ColumnDay, ColumnTimestamptz, ColumnJSONB},
		decode: decodeDate, encode: as(encodeDate), held: cutToMinutes,
	},
	TypeURL: {
		noun: "url", writable: true, columns: []ColumnType{ColumnText},
		decode: decodeLine, encode: as(line("A url", maxURL)),
	},
	TypeEmail: {
		noun: "email address", writable: true, columns: []ColumnType{ColumnText},
		decode: decodeLine, encode: as(line("An email address", maxContact)),
	},
	TypePhone: {
		noun: "phone number", writable: true, columns: []ColumnType{ColumnText},
		decode: decodeLine, encode: as(line("A phone number", maxContact)),
	},
	TypePeople: {
		noun: "list of people", writable: true, columns: []ColumnType{ColumnTextArray}, cleared: []any{},
		decode: decodePeople, encode: as(func(v People) (any, error) { return encodeIDs("people", v.IDs()) }),
	},
	TypeRelation: {
		noun: "relation", writable: true, columns: []ColumnType{ColumnJoin}, cleared: []any{},
		decode: decodeRefs, encode: as(func(v Refs) (any, error) { return encodeIDs("related pages", v) }),
	},
	TypeFiles:    {noun: "list of files", columns: []ColumnType{ColumnJSONB}, decode: decodeFiles},
	TypeFormula:  {noun: "formula", computed: true, columns: computedColumns},
	TypeRollup:   {noun: "rollup", computed: true, columns: computedColumns},
	TypeUniqueID: {noun: "unique id", computed: true, columns: []ColumnType{ColumnText, ColumnJSONB}},

	TypeCreatedTime:    {noun: "time", computed: true, columns: []ColumnType{ColumnTimestamptz, ColumnJSONB}},
	TypeLastEditedTime: {noun: "time", computed: true, columns: []ColumnType{ColumnTimestamptz, ColumnJSONB}},
	TypeCreatedBy:      {noun: "person", computed: true, columns: []ColumnType{ColumnJSONB}},
	TypeLastEditedBy:   {noun: "person", computed: true, columns: []ColumnType{ColumnJSONB}},
	TypeButton:         {noun: "button", computed: true, columns: []ColumnType{ColumnJSONB}},
	TypeVerification:   {noun: "verification", columns: []ColumnType{ColumnJSONB}},
	TypePlace:          {noun: "place", columns: []ColumnType{ColumnJSONB}},
}

//nolint:gochecknoglobals // part of the table
var computedColumns = []ColumnType{ColumnJSONB, ColumnText, ColumnNumeric, ColumnDouble, ColumnBoolean, ColumnDay, ColumnTimestamptz}

// kindOf returns the type's entry. A type that Notion has added since is carried one way, and taken for a person's.
func kindOf(t Type) kind {
	if k, known := kinds[t]; known {
		return k
	}
	return kind{noun: string(t), columns: []ColumnType{ColumnJSONB}}
}

// Writable reports whether this project writes the type to Notion. Files are carried one way: an upload is not a value
// that a row can hold.
func (t Type) Writable() bool { return kindOf(t).writable }

// Computed reports whether Notion itself fills the type, so that no change of it is a person's edit. Of a type that Notion has added since,
// nobody knows, and it is taken for a person's.
func (t Type) Computed() bool { return kindOf(t).computed }

// Noun returns what people call a value of the type.
func (t Type) Noun() string { return kindOf(t).noun }

// Columns returns the column types that the type may be kept in, the default first.
func (t Type) Columns() []ColumnType { return kindOf(t).columns }

// Types returns the types that this project writes to Notion or carries, in no order.
func Types() []Type {
	types := make([]Type, 0, len(kinds))
	for t := range kinds {
		types = append(types, t)
	}
	return types
}

// Held returns what Notion shows after it was given v, which may be less: it cuts times to the minute, and answers with the option that is
// there already where one differs in case only. shown is what the property shows now. Its errors are fault.Invalid: Notion cannot hold v.
func Held(t Type, v, shown Value) (Value, error) {
	k := kindOf(t)
	if !k.writable {
		return shown, nil
	}
	if empty(v) {
		return k.zero, nil
	}
	raw, err := Encode(t, v)
	if err != nil {
		return nil, err
	}
	var object map[Type]json.RawMessage
	if err := read(raw, &object); err != nil {
		return nil, err
	}
	given, err := decodeValue(t, object[t])
	if err != nil || k.held == nil {
		return given, err
	}
	return k.held(given, shown), nil
}

// Stands returns shown where Notion, given v, would show just that: then v differs from it in nothing that a write could change. Else it
// returns v.
func Stands(t Type, v, shown Value) Value {
	if Equal(v, shown) {
		return shown
	}
	if held, err := Held(t, v, shown); err == nil && Equal(held, shown) {
		return shown
	}
	return v
}

// respelled spells options as they are shown: Notion takes names that differ in case only for one option.
func respelled(v, shown Value) Value {
	switch v := v.(type) {
	case Option:
		if s, ok := shown.(Option); ok && strings.EqualFold(string(s), string(v)) {
			return s
		}
	case Options:
		known, _ := shown.(Options)
		return Respell(v, known)
	}
	return v
}

// Respell returns the options as known spells them, where it has one that differs in case only. Each stands once.
func Respell(v, known Options) Options {
	spelled := make(Options, len(v))
	for i, name := range v {
		spelled[i] = name
		if j := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) }); j >= 0 && !slices.Contains(known, name) {
			spelled[i] = known[j]
		}
	}
	return once(spelled, func(name string) string {
		if slices.Contains(known, name) {
			return name
		}
		return folded(name)
	})
}

// folded returns a name as all have it that strings.EqualFold takes for the same. Lower letters are not that: "İ" becomes "i", which is another.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, name)
}

// cutToMinutes cuts the times of a date to the minute. Notion takes the name of a zone and answers with the offset that it means; it shows the
// name only where a person chose it.
func cutToMinutes(v, shown Value) Value {
	date, ok := v.(Date)
	if !ok {
		return v
	}
	zone := date.Zone
	if now, _ := shown.(Date); now.Zone == "" {
		date.Zone = ""
	}
	date.Start, date.End = cutToMinute(date.Start, zone, date.Zone == ""), cutToMinute(date.End, zone, date.Zone == "")
	return date
}

// cutToMinute cuts an instant or a wall clock in the zone to the minute, spelled with its offset where that is asked for. A day stays as it is.
func cutToMinute(s, zone string, withOffset bool) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Truncate(time.Minute).Format(LayoutInstant)
	}
	at, err := time.LoadLocation(zone)
	if err != nil {
		return s
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05", s, at)
	switch {
	case err != nil:
		return s
	case withOffset:
		return t.Truncate(time.Minute).Format(LayoutInstant)
	default:
		return t.Truncate(time.Minute).Format(layoutWallClock)
	}
}

// as makes an encoder of one kind of value an encoder of values.
func as[V Value](encode func(V) (any, error)) func(Value) (any, error) {
	return func(v Value) (any, error) {
		value, ok := v.(V)
		if !ok {
			return nil, errOtherType
		}
		return encode(value)
	}
}

// line encodes a line of at most limit characters.
func line(what string, limit int) func(Line) (any, error) {
	return func(v Line) (any, error) { return v, checkLength(what, string(v), limit) }
}
