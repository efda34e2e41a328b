package record_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

func text(s string) property.Text { return property.Text{{Kind: property.RunText, Text: s}} }

func field(t property.Type, c mapping.ColumnType) mapping.Field {
	return mapping.Field{Property: "P", Column: "p", Type: t, ColumnType: c}
}

func TestColumn(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		field mapping.Field
		value property.Value
		want  string
	}{
		"nothing":               {field(property.TypeTitle, mapping.Text), nil, `null`},
		"no box":                {field(property.TypeCheckbox, mapping.Boolean), nil, `false`},
		"title":                 {field(property.TypeTitle, mapping.Text), text(`a "b" <c> & d`), `"a \"b\" <c> & d"`},
		"formatted text":        {field(property.TypeRichText, mapping.Text), property.Text{{Kind: property.RunText, Text: "a ", Style: property.Style{Bold: true}}, {Kind: property.RunText, Text: "b", Link: "https://x"}}, `"a b"`},
		"number":                {field(property.TypeNumber, mapping.Numeric), property.Number(0.1), `0.1`},
		"large number":          {field(property.TypeNumber, mapping.Numeric), property.Number(1e300), `1e+300`},
		"select":                {field(property.TypeSelect, mapping.Text), property.Option("NGO"), `"NGO"`},
		"multi_select":          {field(property.TypeMultiSelect, mapping.TextArray), property.Options{"a", "b"}, `["a","b"]`},
		"box":                   {field(property.TypeCheckbox, mapping.Boolean), property.Checked(true), `true`},
		"day":                   {field(property.TypeDate, mapping.Day), property.Date{Start: "2026-11-23"}, `"2026-11-23"`},
		"day of an instant":     {field(property.TypeDate, mapping.Day), property.Date{Start: "2026-11-23T01:00:00.000+11:00", End: "2026-11-24"}, `"2026-11-23"`},
		"instant":               {field(property.TypeDate, mapping.Timestamptz), property.Date{Start: "2026-11-23T01:00:00.000+11:00"}, `"2026-11-23T01:00:00+11:00"`},
		"instant of a day":      {field(property.TypeDate, mapping.Timestamptz), property.Date{Start: "2026-11-23"}, `"2026-11-23T00:00:00Z"`},
		"whole date":            {field(property.TypeDate, mapping.JSONB), property.Date{Start: "2026-11-23", End: "2026-11-24"}, `{"start":"2026-11-23","end":"2026-11-24","time_zone":null}`},
		"url":                   {field(property.TypeURL, mapping.Text), property.Line("https://x"), `"https://x"`},
		"people":                {field(property.TypePeople, mapping.TextArray), property.People{{ID: "1", Name: "A"}}, `["1"]`},
		"formula, string":       {field(property.TypeFormula, mapping.Text), property.Opaque(`{"string":"a","type":"string"}`), `"a"`},
		"formula, number":       {field(property.TypeFormula, mapping.Numeric), property.Opaque(`{"number":2.5,"type":"number"}`), `2.5`},
		"formula, boolean":      {field(property.TypeFormula, mapping.Boolean), property.Opaque(`{"boolean":true,"type":"boolean"}`), `true`},
		"formula, date":         {field(property.TypeFormula, mapping.Day), property.Opaque(`{"date":{"start":"2026-11-23"},"type":"date"}`), `"2026-11-23"`},
		"formula of another":    {field(property.TypeFormula, mapping.Numeric), property.Opaque(`{"string":"a","type":"string"}`), `null`},
		"formula, empty":        {field(property.TypeFormula, mapping.Day), property.Opaque(`{"date":null,"type":"date"}`), `null`},
		"formula as it is":      {field(property.TypeFormula, mapping.JSONB), property.Opaque(`{"number":2.5,"type":"number"}`), `{"number":2.5,"type":"number"}`},
		"unique id":             {field(property.TypeUniqueID, mapping.Text), property.Opaque(`{"number":7,"prefix":"TASK"}`), `"TASK-7"`},
		"unique id, no prefix":  {field(property.TypeUniqueID, mapping.Text), property.Opaque(`{"number":7,"prefix":null}`), `"7"`},
		"created time":          {field(property.TypeCreatedTime, mapping.Timestamptz), property.Opaque(`"2026-11-23T10:00:00.000Z"`), `"2026-11-23T10:00:00.000Z"`},
		"what nobody knows yet": {field("aura", mapping.JSONB), property.Opaque(`{"a":1}`), `{"a":1}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(record.Column(c.field, c.value)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestFromColumn(t *testing.T) {
	t.Parallel()
	span := property.Date{Start: "2026-11-23T09:30:00.000+11:00", End: "2026-11-25T17:00:00.000+11:00"}
	cases := map[string]struct {
		field  mapping.Field
		column string
		was    property.Value
		want   property.Value
	}{
		"cleared":                     {field(property.TypeTitle, mapping.Text), `null`, text("a"), nil},
		"an empty text is none":       {field(property.TypeRichText, mapping.Text), `""`, text("a"), nil},
		"an empty option is none":     {field(property.TypeSelect, mapping.Text), `""`, nil, nil},
		"no box is an unchecked one":  {field(property.TypeCheckbox, mapping.Boolean), `null`, property.Checked(true), property.Checked(false)},
		"text":                        {field(property.TypeTitle, mapping.Text), `"b"`, nil, text("b")},
		"number":                      {field(property.TypeNumber, mapping.Numeric), `0.10`, nil, property.Number(0.1)},
		"number past a double":        {field(property.TypeNumber, mapping.Numeric), `0.12345678901234567890`, nil, property.Number(0.12345678901234568)},
		"options, some twice or none": {field(property.TypeMultiSelect, mapping.TextArray), `["a","","a",null,"b"]`, nil, property.Options{"a", "b"}},
		"no options":                  {field(property.TypeMultiSelect, mapping.TextArray), `[]`, nil, nil},
		"people keep their names":     {field(property.TypePeople, mapping.TextArray), `["1","2"]`, property.People{{ID: "1", Name: "A"}}, property.People{{ID: "1", Name: "A"}, {ID: "2"}}},
		"a first day":                 {field(property.TypeDate, mapping.Day), `"2026-12-01"`, nil, property.Date{Start: "2026-12-01"}},
		"a moved day moves the range, its times and its zone stay": {
			field(property.TypeDate, mapping.Day), `"2026-12-01"`, span,
			property.Date{Start: "2026-12-01T09:30:00.000+11:00", End: "2026-12-03T17:00:00.000+11:00"},
		},
		"a moved range of days": {
			field(property.TypeDate, mapping.Day), `"2024-02-28"`,
			property.Date{Start: "2026-11-23", End: "2026-11-25"},
			property.Date{Start: "2024-02-28", End: "2024-03-01"},
		},
		"a moved instant moves the range, in its own offset": {
			field(property.TypeDate, mapping.Timestamptz), `"2026-11-23T00:30:00+00:00"`, span,
			property.Date{Start: "2026-11-23T11:30:00.000+11:00", End: "2026-11-25T19:00:00.000+11:00"},
		},
		"an instant in a named zone": {
			field(property.TypeDate, mapping.Timestamptz), `"2026-06-01T00:00:00+00:00"`,
			property.Date{Start: "2026-01-01T10:00:00.000", Zone: "Australia/Sydney"},
			property.Date{Start: "2026-06-01T10:00:00.000", Zone: "Australia/Sydney"},
		},
		"a day stays a day at midnight":               {field(property.TypeDate, mapping.Timestamptz), `"2026-12-01T00:00:00+00:00"`, property.Date{Start: "2026-11-23"}, property.Date{Start: "2026-12-01"}},
		"a day becomes an instant":                    {field(property.TypeDate, mapping.Timestamptz), `"2026-12-01T08:00:00+00:00"`, property.Date{Start: "2026-11-23"}, property.Date{Start: "2026-12-01T08:00:00.000Z"}},
		"a first instant":                             {field(property.TypeDate, mapping.Timestamptz), `"2026-12-01T08:00:00.123456+00:00"`, nil, property.Date{Start: "2026-12-01T08:00:00.123456Z"}},
		"a whole date":                                {field(property.TypeDate, mapping.JSONB), `{"start": "2026-12-01", "end": "2026-12-02"}`, nil, property.Date{Start: "2026-12-01", End: "2026-12-02"}},
		"what only Notion writes is kept to be shown": {field(property.TypeFormula, mapping.Text), `"x"`, nil, property.Opaque(`"x"`)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := record.FromColumn(c.field, json.RawMessage(c.column), c.was)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
}

func TestFromColumnRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		field  mapping.Field
		column string
	}{
		"no number":             {field(property.TypeNumber, mapping.Numeric), `"NaN"`},
		"infinity":              {field(property.TypeDate, mapping.Day), `"infinity"`},
		"before the first year": {field(property.TypeDate, mapping.Day), `"0044-03-15 BC"`},
		"an infinite instant":   {field(property.TypeDate, mapping.Timestamptz), `"-infinity"`},
		"a date without start":  {field(property.TypeDate, mapping.JSONB), `{"end": "2026-12-02"}`},
		"a date that is none":   {field(property.TypeDate, mapping.JSONB), `{"start": "soon"}`},
		"an end that is none":   {field(property.TypeDate, mapping.JSONB), `{"start": "2026-12-02", "end": "later"}`},
		"an unknown zone":       {field(property.TypeDate, mapping.JSONB), `{"start": "2026-12-02T10:00:00", "time_zone": "Mars/Olympus"}`},
		"a list in a text":      {field(property.TypeTitle, mapping.Text), `["a"]`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := record.FromColumn(c.field, json.RawMessage(c.column), nil); err == nil || fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestSameColumn(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		kind mapping.ColumnType
		a, b string
		want bool
	}{
		"none and null":      {mapping.Text, ``, `null`, true},
		"null and a value":   {mapping.Text, `null`, `""`, false},
		"numbers by value":   {mapping.Numeric, `1.50`, `1.5`, true},
		"different numbers":  {mapping.Numeric, `1.5`, `1.51`, false},
		"past a double":      {mapping.Numeric, `0.12345678901234567890`, `0.12345678901234567891`, false},
		"instants":           {mapping.Timestamptz, `"2026-11-23T10:00:00+11:00"`, `"2026-11-22T23:00:00Z"`, true},
		"different instants": {mapping.Timestamptz, `"2026-11-23T10:00:00Z"`, `"2026-11-23T10:00:01Z"`, false},
		"infinite instants":  {mapping.Timestamptz, `"infinity"`, `"infinity"`, true},
		"objects":            {mapping.JSONB, `{"a":1,"b":[2]}`, `{ "b" : [2], "a" : 1.0 }`, true},
		"escapes":            {mapping.Text, `"\u00e9"`, `"é"`, true},
		"lists":              {mapping.TextArray, `["a", "b"]`, `["b","a"]`, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := record.SameColumn(c.kind, json.RawMessage(c.a), json.RawMessage(c.b)); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// TestLens holds the two laws of a view that can be written: what is put in is what is shown, and putting back what is shown changes
// nothing.
func TestLens(t *testing.T) {
	t.Parallel()
	days := rapid.StringMatching(`20[0-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])`)
	instants := rapid.Custom(func(t *rapid.T) string {
		return days.Draw(t, "day") + rapid.StringMatching(`T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}`).Draw(t, "time") +
			rapid.SampledFrom([]string{"Z", "+11:00", "-07:00", "+05:30"}).Draw(t, "offset")
	})
	dates := rapid.Custom(func(t *rapid.T) property.Date {
		of := rapid.SampledFrom([]*rapid.Generator[string]{days, instants}).Draw(t, "of")
		d := property.Date{Start: of.Draw(t, "start")}
		if rapid.Bool().Draw(t, "range") {
			d.End = of.Draw(t, "end")
		}
		return d
	})
	for _, c := range []mapping.ColumnType{mapping.Day, mapping.Timestamptz, mapping.JSONB} {
		t.Run(string(c), func(t *testing.T) {
			t.Parallel()
			f := field(property.TypeDate, c)
			rapid.Check(t, func(t *rapid.T) {
				was, other := dates.Draw(t, "was"), dates.Draw(t, "other")
				if back, err := record.FromColumn(f, record.Column(f, was), was); err != nil || !property.Equal(back, was) {
					t.Fatalf("%+v put back became %+v, %v", was, back, err)
				}
				shown := record.Column(f, other)
				put, err := record.FromColumn(f, shown, was)
				if err != nil {
					t.Fatal(err)
				}
				if again := record.Column(f, put); !record.SameColumn(c, again, shown) {
					t.Fatalf("%s was put into %+v, which shows %s", shown, was, again)
				}
			})
		})
	}
}
