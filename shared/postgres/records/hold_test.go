package records_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// TestColumnsHoldWhatPostgresDoes: what a column is said to show of a value is what Postgres shows once the value was written to it, and what it is
// said to refuse Postgres refuses.
func TestColumnsHoldWhatPostgresDoes(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.exec(t, `create extension citext`)
	f.exec(t, `create type mood as enum ('sad', 'ok', 'Very Happy')`)
	f.exec(t, `create domain cents as numeric(8,2)`)
	f.exec(t, `create domain short as varchar(3)`)
	texts := []string{`""`, `"a"`, `"abc"`, `"abcd"`, `"ab "`, `"abc   "`, `" abc"`, `"äöü"`, `"äöü😀"`, `"a\r\n"`, `"<&>"`, `"Ok"`, `"sad"`, `"very happy"`, `null`}
	numbers := []string{
		"0", "-0.001", "0.005", "0.125", "-0.125", "2.675", "7", "-7.5", "99.995", "99.994", "1234.5", "-99999", "32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "1e18", "9223372036854775000", "1e20",
		"0.1", "0.123456789", "16777217", "3.4e38", "3.5e38", "1e-44", "1e-50", "1e300", "5e-324", "null",
	}
	times := []string{`"2026-11-23T10:00:00Z"`, `"2026-11-23T10:00:30.4999Z"`, `"2026-11-23T10:00:30.5Z"`, `"2026-11-23T10:00:30.123456Z"`, `"1969-12-31T23:59:59.9996Z"`, `"2026-12-31T23:59:59.9+11:00"`, `null`}
	lists := []string{`[]`, `["sad"]`, `["OK","sad"]`, `["abc  ","b"]`, `["abcd"]`, `null`}
	for sql, c := range map[string]struct {
		as     mapping.ColumnType
		of     property.Type
		values []string
	}{
		"text": {mapping.Text, property.TypeRichText, texts}, "citext": {mapping.Text, property.TypeRichText, texts}, "varchar": {mapping.Text, property.TypeRichText, texts},
		"varchar(3)": {mapping.Text, property.TypeRichText, texts}, "char(3)": {mapping.Text, property.TypeRichText, texts}, "char": {mapping.Text, property.TypeRichText, texts},
		"short": {mapping.Text, property.TypeRichText, texts}, "mood": {mapping.Text, property.TypeSelect, texts}, "varchar(4) not null": {mapping.Text, property.TypeRichText, texts},
		"mood not null": {mapping.Text, property.TypeSelect, texts},
		"smallint":      {mapping.Integer, property.TypeNumber, numbers}, "integer": {mapping.Integer, property.TypeNumber, numbers}, "bigint": {mapping.BigInt, property.TypeNumber, numbers},
		"numeric": {mapping.Numeric, property.TypeNumber, numbers}, "numeric(4)": {mapping.Numeric, property.TypeNumber, numbers}, "numeric(4,2)": {mapping.Numeric, property.TypeNumber, numbers},
		"numeric(4,-2)": {mapping.Numeric, property.TypeNumber, numbers}, "numeric(2,4)": {mapping.Numeric, property.TypeNumber, numbers}, "cents": {mapping.Numeric, property.TypeNumber, numbers},
		"real": {mapping.Double, property.TypeNumber, numbers}, "double precision": {mapping.Double, property.TypeNumber, numbers}, "real not null": {mapping.Double, property.TypeNumber, numbers},
		"timestamptz": {mapping.Timestamptz, property.TypeDate, times}, "timestamptz(0)": {mapping.Timestamptz, property.TypeDate, times}, "timestamptz(3)": {mapping.Timestamptz, property.TypeDate, times},
		"text[]": {mapping.TextArray, property.TypeMultiSelect, lists}, "mood[]": {mapping.TextArray, property.TypeMultiSelect, lists}, "varchar(3)[] not null": {mapping.TextArray, property.TypeMultiSelect, lists},
		"char(4)[]": {mapping.TextArray, property.TypeMultiSelect, lists}, "json": {mapping.JSONB, property.TypeDate, []string{`{"start":"2026-11-23"}`, `null`}},
	} {
		f.exec(t, `drop table if exists held`)
		f.exec(t, `create table held (value `+sql+`)`)
		kind := mapping.Kind{Name: "held", Table: "held", BaseTable: "notion_held", Fields: []mapping.Field{{Property: "Value", Type: c.of, Column: "value", ColumnType: c.as}, {Property: "Name", Type: property.TypeTitle, Column: "name"}}}
		columns, err := records.New(f.pool, config.DefaultConnection, mapping.Mapping{Kinds: []mapping.Kind{kind}}, kind, nil).Columns(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		is := columns["value"].Is
		if as, err := is.For(c.of); as != c.as || err != nil {
			t.Errorf("%s counts as %s: %v", sql, as, err)
		}
		for _, v := range c.values {
			said, refused := is.Hold(json.RawMessage(v))
			written := v
			if refused == nil {
				written = string(said) // which is what is written
			}
			var shown json.RawMessage
			err := f.pool.QueryRow(t.Context(), fmt.Sprintf(`insert into held as r (value) select x.value from jsonb_to_record($1) as x(value %s) returning to_jsonb(r) -> 'value'`, is.SQL),
				map[string]json.RawMessage{"value": json.RawMessage(written)}).Scan(&shown)
			switch {
			case (err == nil) != (refused == nil):
				t.Errorf("%s, given %s: said to refuse: %v; Postgres: %v", sql, v, refused, err)
			case err == nil && !record.SameColumn(c.as, shown, said):
				t.Errorf("%s, given %s, is said to show %s, and shows %s", sql, v, said, shown)
			case err == nil:
				var given json.RawMessage // as it came, without anybody's having said anything
				if err := f.pool.QueryRow(t.Context(), fmt.Sprintf(`select to_jsonb(x) -> 'value' from jsonb_to_record($1) as x(value %s)`, is.SQL),
					map[string]json.RawMessage{"value": json.RawMessage(v)}).Scan(&given); err == nil && string(given) != "null" && is.Labels == nil && !record.SameColumn(c.as, given, said) {
					t.Errorf("%s, given %s, is said to show %s, and is %s by itself", sql, v, said, given)
				}
				if again, err := is.Hold(said); err != nil || !record.SameColumn(c.as, again, said) {
					t.Errorf("%s, given %s and that once more, shows %s: %v", sql, said, again, err)
				}
			}
		}
	}
}
