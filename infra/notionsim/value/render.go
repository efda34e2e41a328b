package value

import (
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// View is what writing values must know of the workspace.
type View interface {
	// AppendUser writes a user or group in full.
	AppendUser(b *wire.Buffer, id string)
	// UserName returns a user's name.
	UserName(id string) string
	// PageName returns the plain title of a page or database and its address.
	PageName(id string) (title, address string)
	// AppendHosted writes the address of a hosted file, which is another one each time, and when it expires.
	AppendHosted(b *wire.Buffer, path string)
	// References returns how many mentions, people or related pages a page shows of one property; 0 means all.
	References() int
}

// Append writes the value of a property under its type, such as "number":1, and has_more for a relation. A nil value is an
// empty property.
func Append(b *wire.Buffer, p *schema.Property, v Value, view View) {
	b.Key(p.Type)
	if v == nil {
		appendEmpty(b, p.Type)
		return
	}
	switch v := v.(type) {
	case Text:
		AppendText(b, cut(v, view.References()), view)
	case Number:
		b.Float(float64(v))
	case Line:
		b.String(string(v))
	case Choice:
		appendOption(b, p, string(v))
	case Choices:
		b.Array()
		for _, id := range v {
			appendOption(b, p, id)
		}
		b.EndArray()
	case Checked:
		b.Bool(bool(v))
	case Date:
		appendDate(b, v)
	case People:
		b.Array()
		for _, id := range first(v, view.References()) {
			view.AppendUser(b, id)
		}
		b.EndArray()
	case Refs:
		appendRefs(b, v, view.References())
	case Files:
		appendFiles(b, v, view)
	case Serial:
		b.Open()
		b.Key("prefix").StringOrNull(p.Prefix)
		b.Key("number").Int(int(v))
		b.Close()
	case Author:
		view.AppendUser(b, string(v))
	case Stamp:
		b.Minute(v.Time)
	case Raw:
		b.Raw([]byte(v))
	case Verification:
		appendVerification(b, v, view)
	case Computed:
		v.append(b, view)
	}
}

func appendEmpty(b *wire.Buffer, kind string) {
	switch kind {
	case schema.Title, schema.RichText, schema.MultiSelect, schema.People, schema.Files:
		b.Array()
		b.EndArray()
	case schema.RelationType:
		b.Array()
		b.EndArray()
		b.Key("has_more").Bool(false)
	case schema.Checkbox:
		b.Bool(false)
	case schema.Button:
		b.Open()
		b.Close()
	case schema.Verification:
		appendVerification(b, Verification{State: "unverified"}, nil)
	default:
		b.Null()
	}
}

func appendOption(b *wire.Buffer, p *schema.Property, id string) {
	o, ok := p.Option(id)
	if !ok {
		b.Null()
		return
	}
	b.Open()
	b.Key("id").String(o.ID)
	b.Key("name").String(o.Name)
	b.Key("color").String(o.Color)
	b.Close()
}

// first returns the references that a page shows.
func first(ids []string, limit int) []string {
	if limit > 0 && len(ids) > limit {
		return ids[:limit]
	}
	return ids
}

func appendRefs(b *wire.Buffer, refs Refs, limit int) {
	shown := first(refs, limit)
	b.Array()
	for _, id := range shown {
		appendRef(b, id)
	}
	b.EndArray()
	b.Key("has_more").Bool(len(shown) < len(refs))
}

func appendRef(b *wire.Buffer, id string) {
	b.Open()
	b.Key("id").String(id)
	b.Close()
}

func appendFiles(b *wire.Buffer, files Files, view View) {
	b.Array()
	for _, f := range files {
		b.Open()
		b.Key("name").String(f.Name)
		if f.Path != "" {
			b.Key("type").String("file")
			b.Key("file")
			view.AppendHosted(b, f.Path)
		} else {
			b.Key("type").String("external")
			b.Key("external").Open()
			b.Key("url").String(f.URL)
			b.Close()
		}
		b.Close()
	}
	b.EndArray()
}

func appendVerification(b *wire.Buffer, v Verification, view View) {
	b.Open()
	b.Key("state").String(v.State)
	b.Key("verified_by")
	if v.By == "" {
		b.Null()
	} else {
		view.AppendUser(b, v.By)
	}
	b.Key("date")
	if v.Date.Start == "" {
		b.Null()
	} else {
		appendDate(b, v.Date)
	}
	b.Close()
}
