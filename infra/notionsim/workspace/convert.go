package workspace

import (
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// convert turns what a page holds in one property into what it holds in another: by the text that a reader sees, where the
// other type can hold that, else nothing. Options that it takes come into being in the data source with that id.
func (w *Workspace) convert(v value.Value, from *schema.Property, sourceID string, to *schema.Property) value.Value {
	if v == nil || (from.Type == to.Type && len(from.Options) == 0) {
		return v
	}
	text := w.shown(v, from)
	if text == "" {
		return nil
	}
	switch to.Type {
	case schema.RichText:
		return value.Plain(text)
	case schema.URL, schema.Email, schema.PhoneNumber:
		return value.Line(text)
	case schema.Number:
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return value.Number(f)
		}
	case schema.Select:
		return value.Choice(w.option(sourceID, to, text))
	case schema.MultiSelect:
		var ids value.Choices
		for name := range strings.SplitSeq(text, ", ") {
			ids = append(ids, w.option(sourceID, to, name))
		}
		return ids
	case schema.Checkbox:
		if text == "Yes" {
			return value.Checked(true)
		}
	case schema.Status:
		if o, ok := to.OptionNamed(text); ok {
			return value.Choice(o.ID)
		}
		if len(to.Options) > 0 {
			return value.Choice(to.Options[0].ID)
		}
	}
	return nil
}

// shown returns what a reader sees of a simple value, and "" of any other.
func (w *Workspace) shown(v value.Value, p *schema.Property) string {
	name := func(id string) string { o, _ := p.Option(id); return o.Name }
	switch v := v.(type) {
	case value.Text:
		return value.String(v, w.view(0))
	case value.Line:
		return string(v)
	case value.Number:
		return strconv.FormatFloat(float64(v), 'f', -1, 64)
	case value.Choice:
		return name(string(v))
	case value.Choices:
		names := make([]string, len(v))
		for i, id := range v {
			names[i] = name(id)
		}
		return strings.Join(names, ", ")
	case value.Checked:
		return "Yes"
	case value.Date:
		return v.Start
	default:
		return ""
	}
}

// option returns the id of the option with a name, which comes into being if need be.
func (w *Workspace) option(sourceID string, p *schema.Property, name string) string {
	name = strings.ReplaceAll(name, ",", "")
	if o, ok := p.OptionNamed(name); ok {
		return o.ID
	}
	o := schema.Option{ID: w.ids.UUID(), Name: name, Color: schema.AutoColor(name)}
	p.Options = append(p.Options, o)
	w.changes.mark("source", sourceID)
	return o.ID
}
