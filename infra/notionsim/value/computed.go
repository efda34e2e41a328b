package value

import (
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Computed is the result of a formula or a rollup.
type Computed struct {
	Function string // of a rollup, "" for a formula
	Result   Value  // Number, Line for a string, Checked for a boolean, Date; nil is none
	Kind     string // number, string, boolean, date, array or unsupported: which Result has, or would have
	Items    []Item // of an array
}

// Item is one element of a rollup's array: a value of another page.
type Item struct {
	Property *schema.Property
	Value    Value
}

func (Computed) value() {}

func (c Computed) append(b *wire.Buffer, view View) {
	b.Open()
	defer b.Close()
	b.Key("type").String(c.Kind)
	b.Key(c.Kind)
	switch result := c.Result.(type) {
	case Number:
		b.Float(float64(result))
	case Line:
		b.String(string(result))
	case Checked:
		b.Bool(bool(result))
	case Date:
		appendDate(b, result)
	default:
		c.appendRest(b, view)
	}
	if c.Function != "" {
		b.Key("function").String(c.Function)
	}
}

func (c Computed) appendRest(b *wire.Buffer, view View) {
	switch c.Kind {
	case "array":
		b.Array()
		for _, item := range c.Items {
			b.Open()
			b.Key("type").String(item.Property.Type)
			Append(b, item.Property, item.Value, view)
			b.Close()
		}
		b.EndArray()
	case "unsupported":
		b.Open()
		b.Close()
	default:
		b.Null()
	}
}
