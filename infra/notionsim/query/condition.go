package query

import (
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// test decides about what a row holds in a property.
type test func(r Row, p *schema.Property, v value.Value) bool

// condition reads an object of exactly one member: the condition's name, and what it compares with.
func condition(n wire.Node) (name string, arg wire.Node, ok bool) {
	if !n.Object() {
		return "", n, false
	}
	keys := n.Keys()
	if len(keys) != 1 {
		n.Expect("an object with one condition")
		return "", n, false
	}
	return keys[0], n.Get(keys[0]), true
}

func unknown(n wire.Node, name string) { n.Get(name).Expect("not present") }

// parseProperty reads a filter on a property.
func parseProperty(n wire.Node, scope Scope) func(Row) bool {
	no := func(Row) bool { return false }
	p := scope.Schema.Find(n.Get("property").Text())
	if p == nil {
		n.Refuse(wire.Validation("Could not find property with name or id: %s", n.Get("property").Text()))
		return no
	}
	kinds := slices.DeleteFunc(n.Keys(), func(k string) bool { return k == "property" || k == "type" })
	if len(kinds) != 1 {
		n.Expect("an object with one condition")
		return no
	}
	if !fits(kinds[0], p.Type) {
		n.Refuse(wire.Validation("database property %s does not match filter %s", p.Type, kinds[0]))
		return no
	}
	decide := parseTest(kinds[0], n.Get(kinds[0]), p, scope)
	return func(r Row) bool { return decide(r, p, r.Value(p)) }
}

// fits reports whether a filter's type may be used for a property's type.
func fits(filter, property string) bool {
	switch filter {
	case property:
		return true
	case schema.RichText:
		return slices.Contains([]string{schema.Title, schema.URL, schema.Email, schema.PhoneNumber}, property)
	case schema.Number:
		return property == schema.UniqueID
	case schema.People:
		return property == schema.CreatedBy || property == schema.LastEditedBy
	case schema.Date:
		return property == schema.CreatedTime || property == schema.LastEditedTime
	default:
		return false
	}
}

func parseTest(kind string, n wire.Node, p *schema.Property, scope Scope) test {
	switch kind {
	case schema.Formula:
		inner, arg, _ := condition(n)
		return parseComputed(inner, arg, scope)
	case schema.RollupType:
		return parseRollup(n, scope)
	case schema.Verification:
		status := n.Get("status").OneOf("verified", "expired", "none")
		return func(_ Row, _ *schema.Property, v value.Value) bool {
			held, _ := v.(value.Verification)
			return held.State == status || (status == "none" && held.State == "")
		}
	}
	name, arg, ok := condition(n)
	if !ok {
		return func(Row, *schema.Property, value.Value) bool { return false }
	}
	switch name {
	case "is_empty":
		return func(_ Row, _ *schema.Property, v value.Value) bool { return v == nil }
	case "is_not_empty":
		return func(_ Row, _ *schema.Property, v value.Value) bool { return v != nil }
	}
	switch kind {
	case schema.Title, schema.RichText, schema.URL, schema.Email, schema.PhoneNumber:
		return textTest(n, name, arg)
	case schema.Number, schema.UniqueID:
		return numberTest(n, name, arg)
	case schema.Checkbox:
		want, negated := arg.Bool(), negated(n, name, "equals", "does_not_equal")
		return func(_ Row, _ *schema.Property, v value.Value) bool {
			held, _ := v.(value.Checked)
			return (bool(held) == want) != negated
		}
	case schema.Select, schema.Status, schema.MultiSelect:
		return optionTest(n, kind, name, arg)
	case schema.People, schema.RelationType, schema.CreatedBy, schema.LastEditedBy:
		return memberTest(n, name, arg, scope)
	case schema.Date, schema.CreatedTime, schema.LastEditedTime:
		matchDate, _ := timeCondition(n, scope)
		scope.Cut = false
		matchStamp, _ := timeCondition(n, scope)
		return func(_ Row, _ *schema.Property, v value.Value) bool {
			switch v := v.(type) {
			case value.Date:
				return matchDate(v.When())
			case value.Stamp:
				return matchStamp(v.Time)
			default:
				return false
			}
		}
	default:
		n.Refuse(wire.Validation("database property %s cannot be filtered by %s", p.Type, name))
		return func(Row, *schema.Property, value.Value) bool { return false }
	}
}

// negated reports which of a condition and its opposite is named.
func negated(n wire.Node, name, yes, no string) bool {
	if name != yes && name != no {
		unknown(n, name)
	}
	return name == no
}

func textTest(n wire.Node, name string, arg wire.Node) test {
	want := arg.Text()
	lower := strings.ToLower(want)
	var match func(string) bool
	switch name {
	case "equals":
		match = func(s string) bool { return s == want }
	case "does_not_equal":
		match = func(s string) bool { return s != want }
	case "contains":
		match = func(s string) bool { return strings.Contains(strings.ToLower(s), lower) }
	case "does_not_contain":
		match = func(s string) bool { return !strings.Contains(strings.ToLower(s), lower) }
	case "starts_with":
		match = func(s string) bool { return strings.HasPrefix(strings.ToLower(s), lower) }
	case "ends_with":
		match = func(s string) bool { return strings.HasSuffix(strings.ToLower(s), lower) }
	default:
		unknown(n, name)
	}
	return func(r Row, _ *schema.Property, v value.Value) bool { return match(text(r, v)) }
}

func text(r Row, v value.Value) string {
	switch v := v.(type) {
	case value.Text:
		return r.Text(v)
	case value.Line:
		return string(v)
	default:
		return ""
	}
}

func numberTest(n wire.Node, name string, arg wire.Node) test {
	want := arg.Float()
	var match func(float64) bool
	switch name {
	case "equals":
		match = func(f float64) bool { return f == want }
	case "does_not_equal":
		return func(_ Row, _ *schema.Property, v value.Value) bool { f, ok := number(v); return !ok || f != want }
	case "greater_than":
		match = func(f float64) bool { return f > want }
	case "less_than":
		match = func(f float64) bool { return f < want }
	case "greater_than_or_equal_to":
		match = func(f float64) bool { return f >= want }
	case "less_than_or_equal_to":
		match = func(f float64) bool { return f <= want }
	default:
		unknown(n, name)
	}
	return func(_ Row, _ *schema.Property, v value.Value) bool { f, ok := number(v); return ok && match(f) }
}

func number(v value.Value) (float64, bool) {
	switch v := v.(type) {
	case value.Number:
		return float64(v), true
	case value.Serial:
		return float64(v), true
	default:
		return 0, false
	}
}

// optionTest compares by the names of options: with one, or with any of several.
func optionTest(n wire.Node, kind, name string, arg wire.Node) test {
	yes, no := "equals", "does_not_equal"
	if kind == schema.MultiSelect {
		yes, no = "contains", "does_not_contain"
	}
	want, not := names(arg), negated(n, name, yes, no)
	return func(_ Row, p *schema.Property, v value.Value) bool {
		var ids []string
		switch v := v.(type) {
		case value.Choice:
			ids = []string{string(v)}
		case value.Choices:
			ids = v
		}
		found := slices.ContainsFunc(ids, func(id string) bool { o, _ := p.Option(id); return slices.Contains(want, o.Name) })
		return found != not
	}
}

// names reads the name of an option, or several.
func names(n wire.Node) []string {
	if !n.IsList() {
		return []string{n.Text()}
	}
	var all []string
	for _, item := range n.List(maxConditions) {
		all = append(all, item.Text())
	}
	return all
}

// memberTest looks for a user or a page in a list.
func memberTest(n wire.Node, name string, arg wire.Node, scope Scope) test {
	want, not := scope.Me, negated(n, name, "contains", "does_not_contain")
	if arg.Text() != "me" {
		want = arg.UUID()
	}
	return func(_ Row, _ *schema.Property, v value.Value) bool {
		found := false
		switch v := v.(type) {
		case value.People:
			found = slices.Contains(v, want)
		case value.Refs:
			found = slices.Contains(v, want)
		case value.Author:
			found = string(v) == want
		}
		return found != not
	}
}

// parseComputed reads a condition on the result of a formula or a rollup.
func parseComputed(kind string, n wire.Node, scope Scope) test {
	inner := map[string]string{"string": schema.RichText, "number": schema.Number, "checkbox": schema.Checkbox, "date": schema.Date}[kind]
	if inner == "" {
		n.Expect("a condition on a string, a number, a checkbox or a date")
		return func(Row, *schema.Property, value.Value) bool { return false }
	}
	decide := parseTest(inner, n, &schema.Property{Type: inner}, scope)
	return func(r Row, p *schema.Property, v value.Value) bool {
		computed, _ := v.(value.Computed)
		return decide(r, p, computed.Result)
	}
}

func parseRollup(n wire.Node, scope Scope) test {
	kind, arg, ok := condition(n)
	if !ok {
		return func(Row, *schema.Property, value.Value) bool { return false }
	}
	if kind != "any" && kind != "every" && kind != "none" {
		return parseComputed(kind, arg, scope)
	}
	inner, innerArg, _ := condition(arg)
	decide := parseTest(inner, innerArg, &schema.Property{Type: inner}, scope)
	return func(r Row, _ *schema.Property, v value.Value) bool {
		computed, _ := v.(value.Computed)
		hits := 0
		for _, item := range computed.Items {
			if decide(r, item.Property, item.Value) {
				hits++
			}
		}
		switch kind {
		case "any":
			return hits > 0
		case "none":
			return hits == 0
		default:
			return hits > 0 && hits == len(computed.Items) // an empty rollup has nothing that could
		}
	}
}
