package property

import (
	"strings"
	"testing"
)

func TestWithPlainText(t *testing.T) {
	t.Parallel()
	plain := func(s string) Run { return Run{Kind: RunText, Text: s} }
	bold := func(s string) Run { return Run{Kind: RunText, Text: s, Style: Style{Bold: true}} }
	italic := func(s string) Run { return Run{Kind: RunText, Text: s, Style: Style{Italic: true}} }
	linked := func(s string) Run { return Run{Kind: RunText, Text: s, Link: "https://l"} }
	ann := func(s string) Run {
		return Run{Kind: RunMention, Text: s, Object: []byte(`{"type":"user","user":{"id":"a"}}`)}
	}
	tests := []struct {
		name string
		base Text
		text string
		want Text
	}{
		{"nothing was there", nil, "new", Text{plain("new")}},
		{"nothing is left", Text{bold("old")}, "", nil},
		{"the same", Text{bold("a"), ann("")}, "a", Text{bold("a"), ann("")}},
		{"written on", Text{plain("a "), bold("b")}, "a b!", Text{plain("a "), bold("b!")}},
		{"written before", Text{bold("b"), plain(" c")}, "a b c", Text{bold("a b"), plain(" c")}},
		{"a word replaced", Text{plain("the "), bold("old"), plain(" plan")}, "the new plan", Text{plain("the "), bold("new"), plain(" plan")}},
		{"a letter within a word", Text{bold("colour")}, "color", Text{bold("color")}},
		{
			"two words far apart",
			Text{plain("one "), bold("two"), plain(" three "), italic("four"), plain(" five")},
			"ONE two three four FIVE",
			Text{plain("ONE "), bold("two"), plain(" three "), italic("four"), plain(" FIVE")},
		},
		{"after a link", Text{linked("home")}, "home page", Text{linked("home"), plain(" page")}},
		{"within a link", Text{linked("home page")}, "home or page", Text{linked("home or page")}},
		{"the words of a link", Text{plain("see "), linked("home")}, "see start", Text{plain("see "), linked("start")}},
		{"beside a mention", Text{plain("for "), ann("@Ann"), plain(" now")}, "for @Ann later", Text{plain("for "), ann("@Ann"), plain(" later")}},
		{"right after a mention", Text{ann("@Ann")}, "@Ann!", Text{ann("@Ann"), plain("!")}},
		{"within a mention", Text{plain("for "), ann("@Ann Lee"), plain(" now")}, "for @Bob Lee now", Text{plain("for @Bob Lee now")}},
		{"a mention removed", Text{plain("for "), ann("@Ann"), plain(" now")}, "for  now", Text{plain("for  now")}},
		{"a mention that shows nothing", Text{ann(""), plain("a b")}, "a c", Text{ann(""), plain("a c")}},
		{"a pair that shares its first half", Text{plain("x"), bold("🚀"), plain("y")}, "x🚁y", Text{plain("x"), bold("🚁"), plain("y")}},
		{
			"too long to compare by words",
			Text{plain("a "), bold(strings.Repeat("b ", 1000)), italic("mid"), plain(strings.Repeat(" b", 1000) + " z")},
			"a " + strings.Repeat("c ", 1000) + "mid" + strings.Repeat(" c", 1000) + " z",
			Text{plain("a "), bold(strings.Repeat("c ", 1000) + "mid" + strings.Repeat(" c", 1000)), plain(" z")},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := WithPlainText(test.base, test.text)
			if !Equal(got, test.want) || PlainText(got) != test.text {
				t.Errorf("got  %s\nwant %s", spell(got), spell(test.want))
			}
		})
	}
}
