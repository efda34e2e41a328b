package mapping

import (
	"slices"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// With returns the kind with its columns as the catalogue has them, by field, and what is wrong with them, by the order of the fields: a column
// that does not exist, or that cannot hold its property. Such fields stay as they are mapped. So does one whose column is not known: one of no SQL
// type.
func (k Kind) With(columns map[string]property.Column) (Kind, []Drift) {
	var drifts []Drift
	k.Fields = slices.Clone(k.Fields)
	for i, f := range k.Fields {
		column, there := columns[f.Column]
		if !there {
			name := f.Column
			if f.Join != nil {
				name = f.Join.Table
			}
			drifts = append(drifts, Drift{Field: f.Column, Change: NoColumn, Was: name})
			continue
		}
		if column.SQL == "" {
			continue
		}
		as, err := column.For(f.Type)
		if err != nil {
			drifts = append(drifts, Drift{Field: f.Column, Change: Unusable, Was: f.Column, Is: fault.Message(err)})
			continue
		}
		k.Fields[i].ColumnType, k.Fields[i].Stored = as, &column
	}
	return k, drifts
}

// Only returns the kind with those of its fields that have no drift.
func (k Kind) Only(drifts []Drift) Kind {
	k.Fields = slices.DeleteFunc(slices.Clone(k.Fields), func(f Field) bool {
		return slices.ContainsFunc(drifts, func(d Drift) bool { return d.Field == f.Column })
	})
	return k
}
