package value

import (
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// cut returns the part of a text that a page shows: up to before the mention that is one too many.
func cut(t Text, references int) Text {
	if references == 0 {
		return t
	}
	seen := 0
	for i, run := range t {
		if run.Mention == nil {
			continue
		}
		if seen == references {
			return t[:i]
		}
		seen++
	}
	return t
}

// AppendText writes the elements of a text.
func AppendText(b *wire.Buffer, t Text, view View) {
	b.Array()
	for _, run := range t {
		appendRun(b, run, view)
	}
	b.EndArray()
}

func appendRun(b *wire.Buffer, run Run, view View) {
	plain, address := run.Content, run.Link
	b.Open()
	switch {
	case run.Mention != nil:
		b.Key("type").String("mention")
		b.Key("mention").Open()
		plain, address = appendMention(b, run, view)
		b.Close()
	case run.Equation:
		b.Key("type").String("equation")
		b.Key("equation").Open()
		b.Key("expression").String(run.Content)
		b.Close()
	default:
		b.Key("type").String("text")
		b.Key("text").Open()
		b.Key("content").String(run.Content)
		b.Key("link")
		if run.Link == "" {
			b.Null()
		} else {
			b.Open()
			b.Key("url").String(run.Link)
			b.Close()
		}
		b.Close()
	}
	appendStyle(b, run.Style)
	b.Key("plain_text").String(plain)
	b.Key("href").StringOrNull(address)
	b.Close()
}

// appendMention writes what a mention stands for, and gives what it shows and where it leads.
func appendMention(b *wire.Buffer, run Run, view View) (plain, address string) {
	m := run.Mention
	b.Key("type").String(m.Kind)
	b.Key(m.Kind)
	switch m.Kind {
	case "user":
		view.AppendUser(b, m.ID)
		return "@" + view.UserName(m.ID), ""
	case "page", "database":
		b.Open()
		b.Key("id").String(m.ID)
		b.Close()
		title, address := view.PageName(m.ID)
		if title == "" {
			title = "Untitled"
		}
		return title, address
	case "date":
		appendDate(b, m.Date)
		return shownDate(m.Date), ""
	case "custom_emoji":
		b.Open()
		b.Key("id").String(m.ID)
		b.Key("name").String(strings.Trim(run.Content, ":"))
		b.Key("url").String("https://s3-us-west-2.amazonaws.com/public.notion-static.com/" + m.ID + "/emoji.png")
		b.Close()
		return run.Content, ""
	default:
		b.Raw(run.Template)
		return run.Content, ""
	}
}

func shownDate(d Date) string {
	if d.End == "" {
		return d.Start
	}
	return d.Start + " → " + d.End
}

func appendStyle(b *wire.Buffer, s Style) {
	b.Key("annotations").Open()
	b.Key("bold").Bool(s.Bold)
	b.Key("italic").Bool(s.Italic)
	b.Key("strikethrough").Bool(s.Strikethrough)
	b.Key("underline").Bool(s.Underline)
	b.Key("code").Bool(s.Code)
	color := s.Color
	if color == "" {
		color = "default"
	}
	b.Key("color").String(color)
	b.Close()
}

// String returns what a reader sees of a text, view saying what its mentions show.
func String(t Text, view View) string {
	if len(t) == 1 && t[0].Mention == nil {
		return t[0].Content
	}
	var s strings.Builder
	for _, run := range t {
		plain := run.Content
		if run.Mention != nil {
			plain, _ = appendMention(new(wire.Buffer), run, view)
		}
		s.WriteString(plain)
	}
	return s.String()
}
