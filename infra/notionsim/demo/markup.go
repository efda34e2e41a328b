package demo

import (
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// markup reads a text of the data files: **bold**, *italic*, `code`, [words](address), @[a person] and #[a record].
func markup(seed int64, s string) value.Text {
	var out value.Text
	plain := func(words string) {
		if words != "" {
			out = append(out, value.Run{Content: words})
		}
	}
	for s != "" {
		at := strings.IndexAny(s, "*`[@#")
		if at < 0 {
			break
		}
		run, length := special(seed, s[at:])
		if length == 0 { // a sign that stands for itself
			at++
			plain(s[:at])
			s = s[at:]
			continue
		}
		plain(s[:at])
		out = append(out, run)
		s = s[at+length:]
	}
	plain(s)
	return out
}

// special reads the run at the start of s, and gives how long it is; 0 where there is none.
func special(seed int64, s string) (value.Run, int) {
	for _, mark := range []struct {
		open, end string
		run       func(inner string) value.Run
	}{
		{"**", "**", func(t string) value.Run { return value.Run{Content: t, Style: value.Style{Bold: true}} }},
		{"*", "*", func(t string) value.Run { return value.Run{Content: t, Style: value.Style{Italic: true}} }},
		{"`", "`", func(t string) value.Run { return value.Run{Content: t, Style: value.Style{Code: true}} }},
		{"@[", "]", func(t string) value.Run { return value.Run{Mention: &value.Mention{Kind: "user", ID: userID(seed, t)}} }},
		{"#[", "]", func(t string) value.Run { return value.Run{Mention: &value.Mention{Kind: "page", ID: pageID(seed, t)}} }},
		{"[", ")", func(t string) value.Run {
			words, address, _ := strings.Cut(t, "](")
			return value.Run{Content: words, Link: address}
		}},
	} {
		rest, ok := strings.CutPrefix(s, mark.open)
		if !ok {
			continue
		}
		if inner, _, closed := strings.Cut(rest, mark.end); closed {
			return mark.run(inner), len(mark.open) + len(inner) + len(mark.end)
		}
	}
	return value.Run{}, 0
}
