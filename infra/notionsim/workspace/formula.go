package workspace

import (
	"slices"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/formula"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// formula computes a formula of a page.
func (w *Workspace) formula(page *Page, p *schema.Property, by reader) value.Value {
	expression, err := formula.Parse(p.Expression)
	if err != nil || p.Unsupported || by.depth >= maxDepth {
		return value.Computed{Kind: "unsupported"}
	}
	s := w.SchemaOf(page)
	result := expression.Eval(formula.Scope{Now: w.now(), Prop: func(name string) value.Value {
		named := s.Find(name)
		if named == nil {
			return nil
		}
		return w.operand(w.valueOf(page, named, by.deeper()), named)
	}})
	computed := value.Computed{Result: result}
	switch result.(type) {
	case value.Number:
		computed.Kind = "number"
	case value.Checked:
		computed.Kind = "boolean"
	case value.Date:
		computed.Kind = "date"
	default:
		computed.Kind = "string"
	}
	return computed
}

// operand returns a value as formulas compute with it.
func (w *Workspace) operand(v value.Value, p *schema.Property) value.Value {
	switch v := v.(type) {
	case value.Number, value.Checked, value.Date, nil:
		return v
	case value.Stamp:
		return value.Date{Start: v.UTC().Format("2006-01-02T15:04:05.000-07:00")}
	case value.Serial:
		return value.Number(v)
	case value.Computed:
		return v.Result
	default:
		return value.Line(w.shown(v, p))
	}
}

// checkFormula checks that a formula can be read, or at least may be one of Notion's, and that the properties which it names exist.
func checkFormula(p *schema.Property, s schema.Schema) error {
	if _, err := formula.Parse(p.Expression); err != nil && !formula.Beyond(p.Expression) {
		return wire.Validation("Type error with formula in property %s: %s.", p.Name, err)
	}
	for _, name := range formula.Properties(p.Expression) {
		if s.Find(name) == nil {
			return wire.Validation("Type error with formula in property %s: there is no property %q.", p.Name, name)
		}
	}
	return nil
}

// renameInFormulas keeps the formulas of a schema right when a property gets another name.
func renameInFormulas(s schema.Schema, from, to string) {
	for _, p := range s {
		if p.Type == schema.Formula && slices.Contains(formula.Properties(p.Expression), from) {
			p.Expression = strings.ReplaceAll(p.Expression, "prop("+strconv.Quote(from)+")", "prop("+strconv.Quote(to)+")")
		}
	}
}
