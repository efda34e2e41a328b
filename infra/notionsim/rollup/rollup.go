// Package rollup computes rollups: one result of the values that related pages hold in a property.
package rollup

import (
	"reflect"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// Gather makes one result of the values of related pages. Shown gives what a reader sees of a value: those that look the same are
// one for "unique".
//
// https://developers.notion.com/reference/property-object#rollup
func Gather(function string, items []value.Item, shown func(value.Value) string) value.Computed {
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
	case "count_values", "not_empty", "checked": // a checkbox that is not checked is empty
		result.Result = value.Number(len(filled))
	case "empty", "unchecked":
		result.Result = value.Number(len(items) - len(filled))
	case "percent_not_empty", "percent_checked":
		result.Result = percent(len(filled))
	case "percent_empty", "percent_unchecked":
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
	case "show_original":
		result.Kind, result.Items = "array", items
	case "show_unique":
		result.Kind, result.Items = "array", distinct(items, shown)
	default:
		result.Kind = "unsupported"
	}
	return result
}

// distinct returns the first of the items that look the same. What shows no text is the same where it holds the same.
func distinct(items []value.Item, shown func(value.Value) string) []value.Item {
	var out []value.Item
	texts := make(map[string]bool)
	for _, i := range items {
		if text := shown(i.Value); text != "" {
			if !texts[text] {
				texts[text] = true
				out = append(out, i)
			}
			continue
		}
		if !slices.ContainsFunc(out, func(o value.Item) bool { return reflect.DeepEqual(o.Value, i.Value) }) {
			out = append(out, i)
		}
	}
	return out
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
		return value.Number(sorted[n-1] - sorted[0])
	}
}

// extreme returns the earliest or the latest date, or none.
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
