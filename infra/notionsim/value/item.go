package value

import (
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Listed reports whether a property's item is a list that comes in pages.
//
// https://developers.notion.com/reference/property-item-object
func Listed(kind string) bool {
	switch kind {
	case schema.Title, schema.RichText, schema.People, schema.RelationType, schema.RollupType:
		return true
	default:
		return false
	}
}

// AppendItem writes a property item that is no list, as the members of an object that is open.
func AppendItem(b *wire.Buffer, p *schema.Property, v Value, view View) {
	b.Key("object").String("property_item")
	b.Key("type").String(p.Type)
	b.Key("id").String(p.EncodedID())
	Append(b, p, v, view)
}

// Elements returns what writes each element of a listed property's item, an object of its own.
func Elements(p *schema.Property, v Value, view View) []func(*wire.Buffer) {
	var out []func(*wire.Buffer)
	add := func(of *schema.Property, write func(*wire.Buffer)) {
		out = append(out, func(b *wire.Buffer) {
			b.Open()
			b.Key("object").String("property_item")
			b.Key("type").String(of.Type)
			b.Key("id").String(of.EncodedID())
			write(b)
			b.Close()
		})
	}
	switch v := v.(type) {
	case Text:
		for _, run := range v {
			add(p, func(b *wire.Buffer) { appendRun(b.Key(p.Type), run, view) })
		}
	case People:
		for _, id := range v {
			add(p, func(b *wire.Buffer) { view.AppendUser(b.Key(p.Type), id) })
		}
	case Refs:
		for _, id := range v {
			add(p, func(b *wire.Buffer) { appendRef(b.Key(p.Type), id) })
		}
	case Computed:
		for _, item := range v.Items {
			add(item.Property, func(b *wire.Buffer) { Append(b, item.Property, item.Value, view) })
		}
	}
	return out
}

// AppendListHead writes what the list of a listed property says of the property: for a rollup its result, without the array
// that the list itself holds.
func AppendListHead(b *wire.Buffer, p *schema.Property, v Value, nextURL string, view View) {
	b.Key("property_item").Open()
	b.Key("id").String(p.EncodedID())
	b.Key("next_url").StringOrNull(nextURL)
	b.Key("type").String(p.Type)
	b.Key(p.Type)
	if c, ok := v.(Computed); ok {
		c.Items = nil
		c.append(b, view)
	} else {
		b.Open()
		b.Close()
	}
	b.Close()
}
