package property

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Column is what a column is, as Postgres's catalogue has it. A domain counts as the type that it is made of, an array as its elements.
type Column struct {
	// Name is the column's name.
	Name string
	// SQL is the type as a statement spells it: "numeric(10,2)", "public.mood".
	SQL string
	// Base is the catalogue's name of the type underneath: "numeric", "varchar"; "enum" is any enum.
	Base  string
	Array bool
	// Modifier is what stands in the type's brackets, as the catalogue packs it; below zero there is nothing.
	Modifier int32
	// Labels are an enum's values.
	Labels  []string
	NotNull bool
	// Default is the SQL of what a row gets where nothing is given; "" is none.
	Default string
	// Generated and Identity: Postgres fills the column.
	Generated, Identity bool
}

// ColumnOf returns the column that a mapping speaks of, where the catalogue is not at hand.
func ColumnOf(name string, t ColumnType) Column {
	c := Column{Name: name, SQL: string(t), Modifier: -1, Array: t == ColumnTextArray}
	for base, s := range stores {
		if s.mapped == t {
			c.Base = base
		}
	}
	return c
}

// store is what a type of the catalogue can hold of a value.
type store struct {
	// as is the column type that the type counts as.
	as ColumnType
	// mapped is the column type that means just this type in a mapping.
	mapped ColumnType
	// hold returns the JSON of what the column shows after it was given v, which may be less. Nil: it keeps what it is given. Its errors say why
	// the column takes nothing of v.
	hold func(c Column, v json.RawMessage) (json.RawMessage, error)
}

//nolint:gochecknoglobals // a table that Go cannot spell as a constant
var stores = map[string]store{
	"text":        {as: ColumnText, mapped: ColumnText},
	"citext":      {as: ColumnText},
	"varchar":     {as: ColumnText, hold: ofLength},
	"bpchar":      {as: ColumnText, hold: ofLength},
	"enum":        {as: ColumnText, hold: labelled},
	"int2":        {as: ColumnInteger, hold: whole(1 << 15)},
	"int4":        {as: ColumnInteger, mapped: ColumnInteger, hold: whole(1 << 31)},
	"int8":        {as: ColumnBigInt, mapped: ColumnBigInt, hold: whole(1 << 63)},
	"numeric":     {as: ColumnNumeric, mapped: ColumnNumeric, hold: scaled},
	"float4":      {as: ColumnDouble, hold: single},
	"float8":      {as: ColumnDouble, mapped: ColumnDouble},
	"bool":        {as: ColumnBoolean, mapped: ColumnBoolean},
	"date":        {as: ColumnDay, mapped: ColumnDay},
	"timestamptz": {as: ColumnTimestamptz, mapped: ColumnTimestamptz, hold: toFraction},
	"jsonb":       {as: ColumnJSONB, mapped: ColumnJSONB},
	"json":        {as: ColumnJSONB},
}

// For returns the column type that the column counts as for a property of type t. The error is fault.Invalid, and says why the column cannot be
// the property's; it goes on from "The column …".
func (c Column) For(t Type) (ColumnType, error) {
	switch {
	case c.Generated:
		return "", fault.New(fault.Invalid, "is generated: Postgres computes it, and nothing can be written to it. Map a column that is not, or take the field out of the mapping.")
	case c.Identity:
		return "", fault.New(fault.Invalid, "is an identity: Postgres numbers the rows. Map a column that is not, or take the field out of the mapping.")
	}
	as := stores[c.Base].as
	if c.Array {
		if as != ColumnText {
			as = ""
		} else {
			as = ColumnTextArray
		}
	}
	if allowed := t.Columns(); !slices.Contains(allowed, as) {
		return "", fault.New(fault.Invalid, "is of the type %s, and a %s is kept in one of %s. Change the column's type, or the mapping.", c.SQL, t, listed(allowed))
	}
	return as, nil
}

func listed(types []ColumnType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// Padded reports whether the column shows blanks at the end of a text that nobody wrote.
func (c Column) Padded() bool { return c.Base == "bpchar" }

// Fills reports whether a row has the column's default where it is given nothing.
func (c Column) Fills() bool { return c.NotNull && c.Default != "" }

// Hold returns the JSON of what the column shows after it was given v, which may be less: digits that it has no room for are rounded, an option is
// spelled as the enum spells it. Its errors are fault.Invalid: the column takes nothing of v, and what to do.
func (c Column) Hold(v json.RawMessage) (json.RawMessage, error) {
	if string(v) == "null" {
		return c.holdNothing()
	}
	hold := stores[c.Base].hold
	if hold == nil {
		return v, nil
	}
	if !c.Array {
		return hold(c, v)
	}
	list, is := shownAs[[]json.RawMessage](v)
	if !is {
		return v, nil
	}
	for i := range list {
		held, err := hold(c, list[i])
		if err != nil {
			return nil, err
		}
		list[i] = held
	}
	return json.Marshal(list)
}

// holdNothing returns what stands for nothing in a column: in one that may not be null a text without letters, or a list without elements. Any
// other gets its default, which the catalogue knows only as SQL.
func (c Column) holdNothing() (json.RawMessage, error) {
	switch {
	case !c.NotNull:
	case c.Array:
		return json.RawMessage(`[]`), nil
	case stores[c.Base].as == ColumnText && c.Base != "enum":
		return json.RawMessage(`""`), nil
	case c.Default == "":
		return nil, fault.New(fault.Invalid, "Column %s may not be empty, and has no default: fill in the property, or give the column a default (alter table … alter column %s set default …).", c.Name, c.Name)
	}
	return json.RawMessage("null"), nil
}

// ofLength holds texts of so many characters. Blanks past them are cut; where a type is padded, as many are added.
func ofLength(c Column, v json.RawMessage) (json.RawMessage, error) {
	most := int(c.Modifier) - 4 // the length of a header is counted in
	s, is := shownAs[string](v)
	if most < 0 || !is {
		return v, nil
	}
	length := utf8.RuneCountInString(s)
	for length > most && strings.HasSuffix(s, " ") {
		s, length = s[:len(s)-1], length-1
	}
	if length > most {
		return nil, fault.New(fault.Invalid, "Column %s takes %d characters (%s), and the page has %d: shorten the text, or widen the column.", c.Name, most, c.SQL, length)
	}
	if c.Padded() {
		s += strings.Repeat(" ", most-length)
	}
	return json.Marshal(s)
}

// labelled holds an enum's values, however their letters' case is spelled.
func labelled(c Column, v json.RawMessage) (json.RawMessage, error) {
	s, is := shownAs[string](v)
	if !is || slices.Contains(c.Labels, s) {
		return v, nil
	}
	if i := slices.IndexFunc(c.Labels, func(label string) bool { return strings.EqualFold(label, s) }); i >= 0 {
		return json.Marshal(c.Labels[i])
	}
	const shown = 20
	known := c.Labels[:min(len(c.Labels), shown)]
	more := ""
	if len(c.Labels) > shown {
		more = fmt.Sprintf(" and %d more", len(c.Labels)-shown)
	}
	return nil, fault.New(fault.Invalid, "Column %s is of the enum %s, which has %q%s and not %q: add it (alter type %s add value …), or change the page.",
		c.Name, strings.TrimSuffix(c.SQL, "[]"), known, more, s, strings.TrimSuffix(c.SQL, "[]"))
}

// whole holds whole numbers from -limit to below limit.
func whole(limit float64) func(Column, json.RawMessage) (json.RawMessage, error) {
	return func(c Column, v json.RawMessage) (json.RawMessage, error) {
		if n, is := shownAs[float64](v); is && (n != math.Trunc(n) || n < -limit || n >= limit) {
			return nil, fault.New(fault.Invalid, "Column %s takes whole numbers from %.0f to below %.0f, and the page has %v: change the number, or the column.", c.Name, -limit, limit, n)
		}
		return v, nil
	}
}

// scaled holds so many digits, so many of them after the point: others are rounded, half of one away from zero.
func scaled(c Column, v json.RawMessage) (json.RawMessage, error) {
	n, is := new(big.Rat).SetString(string(v))
	if c.Modifier < 0 || !is {
		return v, nil
	}
	packed := c.Modifier - 4 // the length of a header is counted in
	precision, scale := int64(packed>>16), int64(packed&0x7ff^0x400)-0x400
	unit := power(scale)
	rounded, _ := new(big.Rat).SetString(new(big.Rat).Mul(n, unit).FloatString(0)) // it was just printed
	rounded.Quo(rounded, unit)
	if limit := power(precision - scale); new(big.Rat).Abs(rounded).Cmp(limit) >= 0 {
		return nil, fault.New(fault.Invalid, "Column %s takes numbers below %s (%s), and the page has %s: change the number, or the column.", c.Name, limit.FloatString(int(max(0, scale-precision))), c.SQL, v)
	}
	return json.RawMessage(rounded.FloatString(int(max(0, scale)))), nil
}

// power returns ten to the power of n.
func power(n int64) *big.Rat {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(n, -n)), nil)
	if n < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), ten)
	}
	return new(big.Rat).SetInt(ten)
}

// single holds numbers of single precision.
func single(c Column, v json.RawMessage) (json.RawMessage, error) {
	n, err := strconv.ParseFloat(string(v), 32)
	if err != nil || n == 0 && strings.Trim(string(v), "-0.eE+") != "" {
		return nil, fault.New(fault.Invalid, "Column %s takes numbers of single precision (%s), and %s is beyond them: change the number, or the column.", c.Name, c.SQL, v)
	}
	return json.RawMessage(strconv.FormatFloat(n, 'g', -1, 32)), nil
}

// toFraction holds so many digits of a second.
func toFraction(c Column, v json.RawMessage) (json.RawMessage, error) {
	const most = 6
	at, is := shownAs[time.Time](v)
	if c.Modifier < 0 || c.Modifier >= most || !is {
		return v, nil
	}
	unit := time.Second
	for range c.Modifier {
		unit /= 10
	}
	return json.Marshal(at.Round(unit))
}

// shownAs decodes what a column shows; false where it is nothing of the kind, and there is nothing to hold it against.
func shownAs[T any](v json.RawMessage) (value T, is bool) {
	is = json.Unmarshal(v, &value) == nil
	return value, is
}
