package value

import (
	"encoding/json"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// The limits that Notion puts on a text in a request.
//
// https://developers.notion.com/reference/request-limits
const (
	maxElements   = 100
	maxContent    = 2000
	maxURL        = 2000
	maxExpression = 1000
	maxLine       = 200
)

// Run is one element of a text: words, a mention or an equation.
type Run struct {
	Content  string          `json:"c,omitempty"` // the words, or an equation's expression
	Link     string          `json:"l,omitempty"`
	Mention  *Mention        `json:"m,omitempty"`
	Equation bool            `json:"e,omitempty"`
	Style    Style           `json:"s,omitzero"`
	Template json.RawMessage `json:"t,omitempty"` // of a template mention, as it is
}

// Mention names what a mention stands for.
type Mention struct {
	Kind string `json:"k"` // user, page, database, date, template_mention or custom_emoji
	ID   string `json:"i,omitempty"`
	Date Date   `json:"d,omitzero"`
}

// Style is how a run looks.
type Style struct {
	Bold          bool   `json:"b,omitempty"`
	Italic        bool   `json:"i,omitempty"`
	Strikethrough bool   `json:"s,omitempty"`
	Underline     bool   `json:"u,omitempty"`
	Code          bool   `json:"c,omitempty"`
	Color         string `json:"k,omitempty"` // "" is the default color
}

// Plain returns the text without style that reads s.
func Plain(s string) Text {
	if s == "" {
		return nil
	}
	return Text{{Content: s}}
}

// ParseText reads the elements of a text in a request. Elements without content are left out, as Notion does.
func ParseText(n wire.Node, env Env) Text {
	var out Text
	for _, item := range n.List(maxElements) {
		if !item.Object() {
			return nil
		}
		item.Only("type", "text", "mention", "equation", "annotations", "plain_text", "href")
		if run, ok := parseRun(item, env); ok {
			out = append(out, run)
		}
	}
	return out
}

func parseRun(n wire.Node, env Env) (Run, bool) {
	run := Run{Style: parseStyle(n.Get("annotations"))}
	kind := firstOf(n, "text", "mention", "equation")
	if n.Has("type") && kind != "" {
		n.Get("type").OneOf(kind)
	}
	switch kind {
	case "text":
		text := n.Get("text")
		if !text.Object() {
			return run, false
		}
		text.Only("content", "link")
		run.Content = text.Get("content").AtMost(maxContent)
		if text.Has("link") {
			run.Link = text.Get("link").Get("url").Bounded(maxURL)
			if !strings.Contains(run.Link, ":") && !strings.HasPrefix(run.Link, "/") {
				text.Refuse(wire.Validation("Content creation Failed. Fix the following: Invalid URL for link."))
			}
		}
		return run, run.Content != ""
	case "equation":
		run.Equation = true
		run.Content = n.Get("equation").Get("expression").Bounded(maxExpression)
		return run, true
	case "mention":
		return parseMention(run, n.Get("mention"), env), true
	default:
		n.Get("text").Expect("defined")
		return run, false
	}
}

func parseMention(run Run, n wire.Node, env Env) Run {
	run.Mention = &Mention{Kind: firstOf(n, "user", "page", "database", "date", "template_mention", "custom_emoji")}
	target := n.Get(run.Mention.Kind)
	switch run.Mention.Kind {
	case "user":
		run.Mention.ID = userID(target.Get("id"), env)
	case "page":
		run.Mention.ID, _ = pageID(target.Get("id"), env)
	case "database":
		run.Mention.ID = target.Get("id").UUID()
	case "custom_emoji":
		run.Mention.ID = target.Get("id").UUID()
		run.Content = ":emoji:"
		if target.Has("name") {
			run.Content = ":" + target.Get("name").Bounded(maxElements) + ":"
		}
	case "date":
		run.Mention.Date = parseDate(target, env)
	case "template_mention":
		kind := firstOf(target, "template_mention_date", "template_mention_user")
		run.Content = map[string]string{"today": "@Today", "now": "@Now", "me": "@Me"}[target.Get(kind).OneOf("today", "now", "me")]
		run.Template, _ = json.Marshal(map[string]any{"type": kind, kind: target.Get(kind).Raw()})
	default:
		n.Expect("a mention that can be written")
	}
	return run
}

func parseStyle(n wire.Node) Style {
	var s Style
	if !n.Present() || !n.Object() {
		return s
	}
	n.Only("bold", "italic", "strikethrough", "underline", "code", "color")
	flag := func(name string) bool { return n.Get(name).Present() && n.Get(name).Bool() }
	s.Bold, s.Italic, s.Strikethrough = flag("bold"), flag("italic"), flag("strikethrough")
	s.Underline, s.Code = flag("underline"), flag("code")
	if n.Has("color") {
		if s.Color = n.Get("color").OneOf(textColors()...); s.Color == "default" {
			s.Color = ""
		}
	}
	return s
}

func textColors() []string {
	base := []string{"default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red"}
	all := base
	for _, c := range base {
		all = append(all, c+"_background")
	}
	return all
}

// firstOf returns the first of the names that an object has.
func firstOf(n wire.Node, names ...string) string {
	for _, name := range names {
		if n.Has(name) {
			return name
		}
	}
	return ""
}
