package query

import (
	"cmp"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Sort is one criterion of an order.
type Sort struct {
	Timestamp  string           // created_time or last_edited_time, or
	Property   *schema.Property // a property
	Descending bool
}

// ParseSorts reads the sorts of a query.
//
// https://developers.notion.com/reference/sort-data-source-entries
func ParseSorts(n wire.Node, s schema.Schema) []Sort {
	var sorts []Sort
	for _, item := range n.List(maxConditions) {
		if !item.Object() {
			return nil
		}
		item.Only("property", "timestamp", "direction")
		sort := Sort{Descending: item.Get("direction").OneOf("ascending", "descending") == "descending"}
		if item.Has("timestamp") {
			sort.Timestamp = item.Get("timestamp").OneOf(schema.CreatedTime, schema.LastEditedTime)
		} else if sort.Property = s.Find(item.Get("property").Text()); sort.Property == nil {
			item.Refuse(wire.Validation("Could not find sort property with name or id: %s", item.Get("property").Text()))
			return nil
		}
		sorts = append(sorts, sort)
	}
	return sorts
}

// Key is where a row stands in an order of properties: one part for each sort.
type Key []part

type part struct {
	Empty  bool    // empty values come last, whatever the direction
	Number float64 // times in milliseconds, options by their place
	Text   string
}

// KeyOf returns where a row stands.
func KeyOf(r Row, sorts []Sort) Key {
	key := make(Key, len(sorts))
	for i, s := range sorts {
		switch s.Timestamp {
		case schema.CreatedTime:
			key[i].Number = float64(r.Created().UnixMilli())
		case schema.LastEditedTime:
			key[i].Number = float64(r.Edited().UnixMilli())
		default:
			key[i] = partOf(r, s.Property, r.Value(s.Property))
		}
	}
	return key
}

func partOf(r Row, p *schema.Property, v value.Value) part {
	switch v := v.(type) {
	case nil:
		return part{Empty: p.Type != schema.Checkbox}
	case value.Text:
		return part{Text: strings.ToLower(r.Text(v))}
	case value.Line:
		return part{Text: strings.ToLower(string(v))}
	case value.Number:
		return part{Number: float64(v)}
	case value.Serial:
		return part{Number: float64(v)}
	case value.Checked:
		return part{Number: 1}
	case value.Choice:
		return part{Number: float64(slices.IndexFunc(p.Options, func(o schema.Option) bool { return o.ID == string(v) }))}
	case value.Choices:
		return part{Number: float64(slices.IndexFunc(p.Options, func(o schema.Option) bool { return o.ID == v[0] }))}
	case value.Date:
		return part{Number: float64(v.When().UnixMilli())}
	case value.Stamp:
		return part{Number: float64(v.UnixMilli())}
	case value.Author:
		return part{Text: string(v)}
	case value.Computed:
		return partOf(r, p, v.Result)
	case value.People:
		return part{Text: v[0]}
	case value.Refs:
		return part{Number: float64(len(v))}
	default:
		return part{}
	}
}

// Compare orders two keys of the same sorts.
func Compare(a, b Key, sorts []Sort) int {
	for i, s := range sorts {
		if a[i].Empty != b[i].Empty {
			if a[i].Empty {
				return 1
			}
			return -1
		}
		c := cmp.Or(cmp.Compare(a[i].Number, b[i].Number), cmp.Compare(a[i].Text, b[i].Text))
		if s.Descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
