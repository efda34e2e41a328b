package workspace

import (
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Style is how answers are written.
type Style struct {
	Archived  bool     // beside in_trash there is archived, as until 2025-09-03
	Only      []string // the properties of pages to write, by id or name; nil is all
	RequestID string   // written at the end of the object where it is not ""
	All       bool     // references are not cut
	Bot       bool     // as the bot sees it, which is not shown what is not shared with it
}

func (w *Workspace) viewOf(style Style) view {
	if style.All {
		return w.view(0)
	}
	return w.view(w.Limits.References)
}

// AppendPage writes a page.
//
// https://developers.notion.com/reference/page
func (w *Workspace) AppendPage(b *wire.Buffer, p *Page, style Style) {
	v := w.viewOf(style)
	b.Open()
	b.Key("object").String("page")
	b.Key("id").String(p.ID)
	b.Key("created_time").Minute(p.Created)
	b.Key("last_edited_time").Minute(p.Edited)
	appendPartialUser(b.Key("created_by"), p.CreatedBy)
	appendPartialUser(b.Key("last_edited_by"), p.EditedBy)
	b.Key("cover").Raw(p.Cover)
	b.Key("icon").Raw(p.Icon)
	w.appendParent(b.Key("parent"), p)
	b.Key("in_trash").Bool(p.InTrash)
	b.Key("is_archived").Bool(p.Archived)
	b.Key("is_locked").Bool(p.Locked)
	b.Key("properties").Open()
	s, by := w.SchemaOf(p), reader{bot: style.Bot}
	for _, prop := range s {
		if w.omitted(s, prop, by) {
			continue
		}
		if style.Only != nil && !slices.ContainsFunc(style.Only, func(k string) bool { return s.Find(k) == prop }) {
			continue
		}
		b.Name(prop.Name).Open()
		b.Key("id").String(prop.EncodedID())
		b.Key("type").String(prop.Type)
		value.Append(b, prop, w.valueOf(p, prop, by), v)
		b.Close()
	}
	b.Close()
	title, _ := p.Values[schema.TitleID].(value.Text)
	b.Key("url").String(pageURL(plain(title), p.ID))
	b.Key("public_url").Null()
	style.end(b, p.InTrash)
}

// end writes what stands last in an object that can be in the trash.
func (s Style) end(b *wire.Buffer, inTrash bool) {
	if s.Archived {
		b.Key("archived").Bool(inTrash)
	}
	if s.RequestID != "" {
		b.Key("request_id").String(s.RequestID)
	}
	b.Close()
}

func (w *Workspace) appendParent(b *wire.Buffer, p *Page) {
	b.Open()
	defer b.Close()
	if ds := w.sources[p.SourceID]; ds != nil {
		b.Key("type").String("data_source_id")
		b.Key("data_source_id").String(ds.ID)
		b.Key("database_id").String(ds.DatabaseID)
		return
	}
	appendPageParent(b, p.ParentPage)
}

func appendPageParent(b *wire.Buffer, pageID string) {
	if pageID == "" {
		b.Key("type").String("workspace")
		b.Key("workspace").Bool(true)
		return
	}
	b.Key("type").String("page_id")
	b.Key("page_id").String(pageID)
}

// AppendDatabase writes a database. Its times, unlike those of a page, are not rounded.
//
// https://developers.notion.com/reference/database
func (w *Workspace) AppendDatabase(b *wire.Buffer, d *Database, style Style) {
	b.Open()
	b.Key("object").String("database")
	b.Key("id").String(d.ID)
	value.AppendText(b.Key("title"), d.Title, w.view(0))
	value.AppendText(b.Key("description"), d.Description, w.view(0))
	b.Key("parent").Open()
	appendPageParent(b, d.ParentPage)
	b.Close()
	b.Key("is_inline").Bool(d.Inline)
	b.Key("in_trash").Bool(d.InTrash)
	b.Key("is_locked").Bool(d.Locked)
	b.Key("created_time").String(exact(d.Created))
	b.Key("last_edited_time").String(exact(d.Edited))
	b.Key("data_sources").Array()
	for _, id := range d.Sources {
		b.Open()
		b.Key("id").String(id)
		b.Key("name").String(plain(w.sources[id].Title))
		b.Close()
	}
	b.EndArray()
	b.Key("icon").Raw(d.Icon)
	b.Key("cover").Raw(d.Cover)
	b.Key("url").String(pageURL("", d.ID))
	b.Key("public_url").Null()
	style.end(b, d.InTrash)
}

func exact(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-07:00") }

// AppendDataSource writes a data source.
//
// https://developers.notion.com/reference/data-source
func (w *Workspace) AppendDataSource(b *wire.Buffer, ds *DataSource, style Style) {
	d := w.databases[ds.DatabaseID]
	b.Open()
	b.Key("object").String("data_source")
	b.Key("id").String(ds.ID)
	b.Key("cover").Null()
	b.Key("icon").Raw(ds.Icon)
	b.Key("created_time").Minute(ds.Created)
	appendPartialUser(b.Key("created_by"), ds.CreatedBy)
	appendPartialUser(b.Key("last_edited_by"), ds.EditedBy)
	b.Key("last_edited_time").Minute(ds.Edited)
	value.AppendText(b.Key("title"), ds.Title, w.view(0))
	value.AppendText(b.Key("description"), ds.Description, w.view(0))
	b.Key("is_inline").Bool(d.Inline)
	b.Key("properties")
	shown := slices.DeleteFunc(slices.Clone(ds.Schema), func(p *schema.Property) bool {
		return w.omitted(ds.Schema, p, reader{bot: style.Bot})
	})
	shown.Append(b, func(id string) schema.Schema {
		if other := w.sources[id]; other != nil {
			return other.Schema
		}
		return nil
	})
	b.Key("parent").Open()
	b.Key("type").String("database_id")
	b.Key("database_id").String(d.ID)
	b.Close()
	b.Key("database_parent").Open()
	appendPageParent(b, d.ParentPage)
	b.Close()
	b.Key("url").String(pageURL("", d.ID))
	b.Key("public_url").Null()
	b.Key("in_trash").Bool(ds.InTrash)
	style.end(b, ds.InTrash)
}

// AppendUser writes a user with all that the API tells of it.
//
// https://developers.notion.com/reference/user
func (w *Workspace) AppendUser(b *wire.Buffer, u *User, requestID string) {
	b.Open()
	b.Key("object")
	appendUserHead(b, u)
	if u.Kind == "bot" {
		b.Key("bot").Open()
		b.Key("owner").Open()
		b.Key("type").String("workspace")
		b.Key("workspace").Bool(true)
		b.Close()
		b.Key("workspace_id").String(w.ID())
		b.Key("workspace_name").String(Name)
		b.Key("workspace_limits").Open()
		b.Key("max_file_upload_size_in_bytes").Int(5 << 20)
		b.Close()
		b.Close()
	} else {
		appendPerson(b, u)
	}
	if requestID != "" {
		b.Key("request_id").String(requestID)
	}
	b.Close()
}
