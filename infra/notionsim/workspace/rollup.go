package workspace

import (
	"math"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// maxDepth is how many rollups and formulas may lead to one another.
const maxDepth = 4

// rollup gathers what the related pages hold.
func (w *Workspace) rollup(page *Page, p *schema.Property, depth int) value.Value {
	relation := w.SchemaOf(page).ByID(p.Rollup.Relation)
	if depth >= maxDepth || relation == nil || relation.Relation == nil {
		return value.Computed{Function: p.Rollup.Function, Kind: "unsupported"}
	}
	other := w.sources[relation.Relation.DataSourceID]
	if other == nil || other.Schema.ByID(p.Rollup.Property) == nil {
		return value.Computed{Function: p.Rollup.Function, Kind: "unsupported"}
	}
	target := other.Schema.ByID(p.Rollup.Property)
	refs, _ := page.Values[relation.ID].(value.Refs)
	var items []value.Item
	for _, id := range refs {
		if related := w.pages[id]; related != nil && !related.InTrash {
			items = append(items, value.Item{Property: target, Value: w.valueOf(related, target, depth+1)})
		}
	}
	return gather(p.Rollup.Function, items, func(v value.Value) string { return w.shown(v, target) })
}

// gather makes one result of many values.
//
// https://developers.notion.com/reference/property-object#rollup
func gather(function string, items []value.Item, shown func(value.Value) string) value.Value {
	result := value.Computed{Function: function, Kind: "number"}
	filled := slices.DeleteFunc(slices.Clone(items), func(i value.Item) bool { return i.Value == nil })
	percent := func(part int) value.Value {
		if len(items) == 0 {
			return nil
		}
		return value.Number(float64(part) / float64(len(items)))
	}
	switch function {
	case "count":
		result.Result = value.Number(len(items))
	case "count_values", "not_empty":
		result.Result = value.Number(len(filled))
	case "empty":
		result.Result = value.Number(len(items) - len(filled))
	case "percent_not_empty":
		result.Result = percent(len(filled))
	case "percent_empty":
		result.Result = percent(len(items) - len(filled))
	case "checked": // an empty checkbox is not checked
		result.Result = value.Number(len(filled))
	case "unchecked":
		result.Result = value.Number(len(items) - len(filled))
	case "percent_checked":
		result.Result = percent(len(filled))
	case "percent_unchecked":
		result.Result = percent(len(items) - len(filled))
	case "unique":
		seen := make(map[string]bool)
		for _, i := range filled {
			seen[shown(i.Value)] = true
		}
		result.Result = value.Number(len(seen))
	case "sum", "average", "median", "min", "max", "range":
		result.Result = arithmetic(function, numbers(filled))
	case "earliest_date", "latest_date":
		result.Kind, result.Result = "date", extreme(function, filled)
	case "date_range":
		first, last := extreme("earliest_date", filled), extreme("latest_date", filled)
		if first != nil {
			result.Result = value.Number(when(last).Sub(when(first)).Hours() / 24)
		}
	case "show_original", "show_unique":
		result.Kind, result.Items = "array", items
	default:
		result.Kind = "unsupported"
	}
	return result
}

func numbers(items []value.Item) []float64 {
	var out []float64
	for _, i := range items {
		switch v := i.Value.(type) {
		case value.Number:
			out = append(out, float64(v))
		case value.Computed:
			if n, ok := v.Result.(value.Number); ok {
				out = append(out, float64(n))
			}
		}
	}
	slices.Sort(out)
	return out
}

// arithmetic computes on sorted numbers; of none, only their sum is known.
func arithmetic(function string, sorted []float64) value.Value {
	sum := 0.0
	for _, f := range sorted {
		sum += f
	}
	n := len(sorted)
	switch {
	case function == "sum":
		return value.Number(sum)
	case n == 0:
		return nil
	case function == "average":
		return value.Number(sum / float64(n))
	case function == "median":
		return value.Number((sorted[(n-1)/2] + sorted[n/2]) / 2)
	case function == "min":
		return value.Number(sorted[0])
	case function == "max":
		return value.Number(sorted[n-1])
	default:
		return value.Number(math.Abs(sorted[n-1] - sorted[0]))
	}
}

// extreme gives the earliest or the latest date, or none.
func extreme(function string, items []value.Item) value.Value {
	var best value.Value
	for _, i := range items {
		at := when(i.Value)
		if at.IsZero() || (best != nil && at.Before(when(best)) != (function == "earliest_date")) {
			continue
		}
		best = i.Value
	}
	if s, ok := best.(value.Stamp); ok {
		return value.Date{Start: s.UTC().Format("2006-01-02T15:04:05.000-07:00")}
	}
	return best
}

func when(v value.Value) time.Time {
	switch v := v.(type) {
	case value.Date:
		return v.When()
	case value.Stamp:
		return v.Time
	default:
		return time.Time{}
	}
}
