package workspace

import (
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// view is the workspace as answers show it.
type view struct {
	w          *Workspace
	references int
}

// view returns the workspace as answers show it, with at most so many references of a property; 0 is all.
func (w *Workspace) view(references int) view { return view{w, references} }

func (v view) References() int { return v.references }

func (v view) AppendUser(b *wire.Buffer, id string) {
	u := v.w.User(id)
	if u == nil {
		appendPartialUser(b, id)
		return
	}
	b.Open()
	b.Key("object")
	if u.Kind == "group" {
		b.String("group")
		b.Key("id").String(u.ID)
		b.Key("name").String(u.Name)
		b.Close()
		return
	}
	appendUserHead(b, u)
	if u.Kind == "bot" {
		b.Key("bot").Open()
		b.Close()
	} else {
		appendPerson(b, u)
	}
	b.Close()
}

func appendUserHead(b *wire.Buffer, u *User) {
	b.String("user")
	b.Key("id").String(u.ID)
	b.Key("name").String(u.Name)
	b.Key("avatar_url").StringOrNull(u.Avatar)
	b.Key("type").String(u.Kind)
}

func appendPerson(b *wire.Buffer, u *User) {
	b.Key("person").Open()
	b.Key("email").String(u.Email)
	b.Close()
}

func appendPartialUser(b *wire.Buffer, id string) {
	b.Open()
	b.Key("object").String("user")
	b.Key("id").String(id)
	b.Close()
}

func (v view) UserName(id string) string {
	if u := v.w.User(id); u != nil {
		return u.Name
	}
	return "Anonymous"
}

func (v view) PageName(id string) (title, address string) {
	if p := v.w.pages[id]; p != nil {
		held, _ := p.Values[schema.TitleID].(value.Text)
		return plain(held), pageURL("", id)
	}
	if d := v.w.databases[id]; d != nil {
		return plain(d.Title), pageURL("", id)
	}
	return "", pageURL("", id)
}

// plain returns the words of a text without what its mentions show: mentions may name one another in a ring.
func plain(t value.Text) string {
	var s strings.Builder
	for _, run := range t {
		s.WriteString(run.Content)
	}
	return s.String()
}

// AppendHosted writes an address that nobody was given before and that expires in an hour.
func (v view) AppendHosted(b *wire.Buffer, path string) {
	now := v.w.time()
	n := strconv.FormatUint(v.w.links.Add(1), 10)
	b.Open()
	b.Key("url").String(value.HostedPrefix + path + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=" + now.Format("20060102T150405Z") +
		"&X-Amz-Expires=3600&X-Amz-Signature=" + strings.ReplaceAll(ident.UUID(v.w.ids.Seed, "link", n), "-", ""))
	b.Key("expiry_time").String(now.Add(time.Hour).Format("2006-01-02T15:04:05.000Z"))
	b.Close()
}

// pageURL returns the address of a page with a title.
func pageURL(title, id string) string {
	slug := strings.Join(strings.FieldsFunc(title, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}), "-")
	if slug != "" {
		slug += "-"
	}
	return "https://www.notion.so/" + slug + strings.ReplaceAll(id, "-", "")
}
