// Package query is what a data source's query asks for: a filter and sorts, read from a request and applied to rows.
package query

import (
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Row is a page as a filter and a sort see it.
type Row interface {
	// Created and Edited give the page's times as filters compare them, rounded to the minute or not.
	Created() time.Time
	Edited() time.Time
	// Value returns what the page holds in a property, results of formulas and rollups, users and times included; nil is none.
	Value(p *schema.Property) value.Value
	// Text returns what a reader sees of a text.
	Text(t value.Text) string
}

// Scope is what reading a filter must know: the schema, the time for relative dates, and who asks.
type Scope struct {
	Schema schema.Schema
	Now    time.Time
	Me     string
	// Cut says that the times with which a filter compares dates are cut to whole minutes, as dates are.
	Cut bool
}

// Filter decides which rows a query gives.
type Filter struct {
	Match func(Row) bool
	// Created and Edited bound the times of every row that can match: what lies outside need not be looked at.
	Created, Edited Span
}

// Span is a stretch of time, both ends included; a zero end is open.
type Span struct{ From, To time.Time }

func (s Span) intersect(o Span) Span {
	if s.From.Before(o.From) {
		s.From = o.From
	}
	if s.To.IsZero() || (!o.To.IsZero() && o.To.Before(s.To)) {
		s.To = o.To
	}
	return s
}

// maxDepth is how deep compound filters may be nested.
const maxDepth = 3

// All is the filter that every row passes.
func All() Filter { return Filter{Match: func(Row) bool { return true }} }

// ParseFilter reads a filter.
//
// https://developers.notion.com/reference/filter-data-source-entries
func ParseFilter(n wire.Node, scope Scope) Filter { return parseFilter(n, scope, 1) }

func parseFilter(n wire.Node, scope Scope, depth int) Filter {
	if !n.Object() {
		return All()
	}
	switch {
	case n.Get("and").Present():
		n.Only("and")
		return all(parseGroup(n.Get("and"), scope, depth))
	case n.Get("or").Present():
		n.Only("or")
		return some(parseGroup(n.Get("or"), scope, depth))
	case n.Get("timestamp").Present():
		return parseTimestamp(n, scope)
	default:
		return Filter{Match: parseProperty(n, scope)}
	}
}

func parseGroup(n wire.Node, scope Scope, depth int) []Filter {
	if depth >= maxDepth {
		n.Refuse(wire.Validation("body failed validation: %s: compound filters may be nested only two levels deep.", n.Path()))
		return nil
	}
	var group []Filter
	for _, item := range n.List(maxConditions) {
		group = append(group, parseFilter(item, scope, depth+1))
	}
	return group
}

// maxConditions is how many conditions one group may hold.
const maxConditions = 100

func all(group []Filter) Filter {
	f := Filter{Match: func(r Row) bool {
		for _, g := range group {
			if !g.Match(r) {
				return false
			}
		}
		return true
	}}
	for _, g := range group {
		f.Created, f.Edited = f.Created.intersect(g.Created), f.Edited.intersect(g.Edited)
	}
	return f
}

func some(group []Filter) Filter {
	return Filter{Match: func(r Row) bool {
		for _, g := range group {
			if g.Match(r) {
				return true
			}
		}
		return len(group) == 0
	}}
}

func parseTimestamp(n wire.Node, scope Scope) Filter {
	kind := n.Get("timestamp").OneOf(schema.CreatedTime, schema.LastEditedTime)
	n.Only("timestamp", "type", kind)
	scope.Cut = false
	match, span := timeCondition(n.Get(kind), scope)
	if kind == schema.CreatedTime {
		return Filter{Match: func(r Row) bool { return match(r.Created()) }, Created: span}
	}
	return Filter{Match: func(r Row) bool { return match(r.Edited()) }, Edited: span}
}
