package mapping_test

import (
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// TestWith: the catalogue decides as what a column counts, and which fields cannot be kept in it.
func TestWith(t *testing.T) {
	t.Parallel()
	text := property.Column{Name: "c", SQL: "text", Base: "text", Modifier: -1}
	for name, c := range map[string]struct {
		of     property.Type
		mapped mapping.ColumnType
		column property.Column
		as     mapping.ColumnType // where it is in step
		change mapping.Change     // where it is not
		why    string
	}{
		"as mapped":                       {of: property.TypeRichText, mapped: mapping.Text, column: text, as: mapping.Text},
		"an enum":                         {of: property.TypeSelect, mapped: mapping.Text, column: property.Column{SQL: "mood", Base: "enum"}, as: mapping.Text},
		"an array of it":                  {of: property.TypeMultiSelect, mapped: mapping.TextArray, column: property.Column{SQL: "mood[]", Base: "enum", Array: true}, as: mapping.TextArray},
		"more than is mapped":             {of: property.TypeDate, mapped: mapping.Day, column: property.Column{SQL: "timestamp with time zone", Base: "timestamptz"}, as: mapping.Timestamptz},
		"less than is mapped":             {of: property.TypeNumber, mapped: mapping.Numeric, column: property.Column{SQL: "smallint", Base: "int2"}, as: mapping.Integer},
		"no column":                       {of: property.TypeNumber, mapped: mapping.Numeric, change: mapping.NoColumn, why: "no column"},
		"a generated one":                 {of: property.TypeNumber, mapped: mapping.Numeric, column: property.Column{SQL: "numeric", Base: "numeric", Generated: true}, change: mapping.Unusable, why: "generated"},
		"an identity":                     {of: property.TypeNumber, mapped: mapping.Numeric, column: property.Column{SQL: "bigint", Base: "int8", Identity: true}, change: mapping.Unusable, why: "identity"},
		"a text for a number":             {of: property.TypeNumber, mapped: mapping.Numeric, column: text, change: mapping.Unusable, why: "of the type text, and a number is kept in one of numeric, double precision, integer, bigint"},
		"an array for a text":             {of: property.TypeRichText, mapped: mapping.Text, column: property.Column{SQL: "text[]", Base: "text", Array: true}, change: mapping.Unusable, why: "of the type text[]"},
		"an array of numbers":             {of: property.TypeMultiSelect, mapped: mapping.TextArray, column: property.Column{SQL: "integer[]", Base: "int4", Array: true}, change: mapping.Unusable, why: "of the type integer[]"},
		"a type that nobody has heard of": {of: property.TypeRichText, mapped: mapping.Text, column: property.Column{SQL: "ltree", Base: "ltree"}, change: mapping.Unusable, why: "of the type ltree"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind := mapping.Kind{Fields: []mapping.Field{{Property: "P", Type: c.of, Column: "c", ColumnType: c.mapped}}}
			columns := map[string]property.Column{}
			if c.column.SQL != "" {
				columns["c"] = c.column
			}
			with, drifts := kind.With(columns)
			if c.change == "" {
				if len(drifts) > 0 || with.Fields[0].ColumnType != c.as || with.Fields[0].Stored == nil || len(with.Only(drifts).Fields) != 1 {
					t.Errorf("%+v, %+v", with, drifts)
				}
				return
			}
			if len(drifts) != 1 || drifts[0].Change != c.change || !drifts[0].Stops() || !drifts[0].Lasting() || !strings.Contains(drifts[0].Message(), c.why) || len(with.Only(drifts).Fields) != 0 {
				t.Errorf("%+v", drifts)
			}
			if kind.Fields[0].Stored != nil || with.Fields[0].ColumnType != c.mapped {
				t.Error("the mapping was changed")
			}
		})
	}
}
