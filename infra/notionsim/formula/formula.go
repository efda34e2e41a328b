// Package formula computes a useful part of Notion's formulas: properties, arithmetic, comparison, logic, and the functions
// if, empty, length, round, abs, upper, lower, concat and now.
//
// https://www.notion.com/help/formula-syntax
package formula

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// Scope is what a formula looks up. Prop gives a property's value as a Number, a Line, a Checked or a Date, and nil where it
// is empty.
type Scope struct {
	Prop func(name string) value.Value
	Now  time.Time
}

// Expression is a formula that can be computed.
type Expression struct{ root node }

// Eval computes the formula.
func (e Expression) Eval(s Scope) value.Value { return e.root(s) }

// node computes a part of a formula.
type node func(Scope) value.Value

func constant(v value.Value) node { return func(Scope) value.Value { return v } }

// number reads a value as a number; what is empty counts as 0.
func number(v value.Value) float64 {
	switch v := v.(type) {
	case value.Number:
		return float64(v)
	case value.Checked:
		if v {
			return 1
		}
	case value.Date:
		return float64(v.When().UnixMilli())
	}
	return 0
}

// text reads a value as a reader sees it.
func text(v value.Value) string {
	switch v := v.(type) {
	case value.Number:
		return strconv.FormatFloat(float64(v), 'f', -1, 64)
	case value.Line:
		return string(v)
	case value.Checked:
		return strconv.FormatBool(bool(v))
	case value.Date:
		return v.Start
	default:
		return ""
	}
}

func truth(v value.Value) bool {
	b, ok := v.(value.Checked)
	return bool(b) || (!ok && v != nil && text(v) != "")
}

func isText(v value.Value) bool { _, ok := v.(value.Line); return ok }

// binary returns the node of an operator between two others.
func binary(op string, a, b node) node {
	return func(s Scope) value.Value {
		x := a(s)
		switch op {
		case "and", "&&":
			return value.Checked(truth(x) && truth(b(s)))
		case "or", "||":
			return value.Checked(truth(x) || truth(b(s)))
		}
		y := b(s)
		switch op {
		case "+":
			if isText(x) || isText(y) {
				return value.Line(text(x) + text(y))
			}
			return finite(number(x) + number(y))
		case "-":
			return finite(number(x) - number(y))
		case "*":
			return finite(number(x) * number(y))
		case "/":
			return finite(number(x) / number(y))
		case "%":
			return finite(math.Mod(number(x), number(y)))
		}
		return value.Checked(compare(op, x, y))
	}
}

// finite returns a number, or nothing where there is none, such as after a division by zero.
func finite(f float64) value.Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return value.Number(f)
}

func compare(op string, x, y value.Value) bool {
	c := 0
	if isText(x) || isText(y) {
		c = strings.Compare(text(x), text(y))
	} else if a, b := number(x), number(y); a < b {
		c = -1
	} else if a > b {
		c = 1
	}
	switch op {
	case "==":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

// function returns the node of a call, or nil where there is no such function of so many arguments.
func function(name string, args []node) node {
	arg := func(s Scope, i int) value.Value { return args[i](s) }
	switch {
	case name == "now" && len(args) == 0:
		return func(s Scope) value.Value {
			return value.Date{Start: s.Now.UTC().Truncate(time.Minute).Format("2006-01-02T15:04:05.000-07:00")}
		}
	case name == "if" && len(args) == 3:
		return func(s Scope) value.Value {
			if truth(arg(s, 0)) {
				return arg(s, 1)
			}
			return arg(s, 2)
		}
	case name == "concat":
		return func(s Scope) value.Value {
			var joined strings.Builder
			for i := range args {
				joined.WriteString(text(arg(s, i)))
			}
			return value.Line(joined.String())
		}
	case len(args) != 1:
		return nil
	}
	switch name {
	case "empty":
		return func(s Scope) value.Value { v := arg(s, 0); return value.Checked(v == nil || text(v) == "") }
	case "not":
		return func(s Scope) value.Value { return value.Checked(!truth(arg(s, 0))) }
	case "length":
		return func(s Scope) value.Value { return value.Number(len([]rune(text(arg(s, 0))))) }
	case "round":
		return func(s Scope) value.Value { return finite(math.Round(number(arg(s, 0)))) }
	case "abs":
		return func(s Scope) value.Value { return finite(math.Abs(number(arg(s, 0)))) }
	case "upper":
		return func(s Scope) value.Value { return value.Line(strings.ToUpper(text(arg(s, 0)))) }
	case "lower":
		return func(s Scope) value.Value { return value.Line(strings.ToLower(text(arg(s, 0)))) }
	default:
		return nil
	}
}
