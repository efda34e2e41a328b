package property_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

func plain(s string) property.Text {
	if s == "" {
		return nil
	}
	return property.Text{{Kind: property.RunText, Text: s}}
}

func TestMergeText(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ base, a, b, want string }{
		"different words":             {"the red fox runs", "the blue fox runs", "the red fox sleeps", "the blue fox sleeps"},
		"a word added at each end":    {"fox", "the fox", "fox runs", "the fox runs"},
		"a sentence removed":          {"One. Two. Three.", "One. Three.", "One. Two. Four.", "One. Four."},
		"the same change":             {"a red fox", "a blue fox", "a blue fox", "a blue fox"},
		"one side only":               {"a red fox", "a red fox", "a blue fox", "a blue fox"},
		"other scripts":               {"über die Brücke", "über eine Brücke", "unter die Brücke", "unter eine Brücke"},
		"the same word":               {"the red fox", "the blue fox", "the green fox", ""},
		"the same word, in two parts": {"category", "catastrophe", "gory", ""},
		"the same place":              {"a fox", "a red fox", "a big fox", ""},
		"all of it, and a word":       {"a red fox", "something else", "a blue fox", ""},
		"both from nothing":           {"", "a", "b", ""},
		"removed by one, edited":      {"a red fox", "a fox", "a redder fox", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, sides := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
				got, ok := property.MergeText(plain(c.base), plain(sides[0]), plain(sides[1]))
				if ok != (c.want != "") || ok && property.PlainText(got) != c.want {
					t.Errorf("%q and %q give %q, %t", sides[0], sides[1], property.PlainText(got), ok)
				}
			}
		})
	}
}

func TestMergeTextKeepsFormatting(t *testing.T) {
	t.Parallel()
	bold := property.Style{Bold: true}
	base := property.Text{{Kind: property.RunText, Text: "the red fox runs"}}
	notion := property.Text{{Kind: property.RunText, Text: "the "}, {Kind: property.RunText, Text: "red", Style: bold}, {Kind: property.RunText, Text: " fox runs"}}
	got, ok := property.MergeText(base, notion, plain("the red fox sleeps"))
	want := property.Text{notion[0], notion[1], {Kind: property.RunText, Text: " fox sleeps"}}
	if !ok || !property.Equal(got, want) {
		t.Errorf("%+v, %t", got, ok)
	}
}

// TestMergeTextTakesBoth: words that only one side replaced are in the result, all others are as they were.
func TestMergeTextTakesBoth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-f]{1,3}`), 1, 12).Draw(t, "words")
		a, b, both := edited(words), edited(words), edited(words)
		for i := range words {
			switch rapid.IntRange(0, 3).Draw(t, "by") {
			case 1:
				a[i] = strings.ToUpper(words[i]) + "1"
				both[i] = a[i]
			case 2:
				b[i] = strings.ToUpper(words[i]) + "2"
				both[i] = b[i]
			}
		}
		join := func(list []string) property.Text { return plain(strings.Join(list, " ")) }
		got, ok := property.MergeText(join(words), join(a), join(b))
		if !ok || property.PlainText(got) != strings.Join(both, " ") {
			t.Fatalf("%q and %q give %q, %t", a, b, property.PlainText(got), ok)
		}
	})
}

func edited(words []string) []string { return append([]string(nil), words...) }

// TestMergeTextOfAny: whatever the texts, a side that is as the base leaves the other's, and the order of the sides does not matter to
// the words.
func TestMergeTextOfAny(t *testing.T) {
	t.Parallel()
	text := rapid.StringMatching(`[ab .]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		base, a, b := text.Draw(t, "base"), text.Draw(t, "a"), text.Draw(t, "b")
		if got, ok := property.MergeText(plain(base), plain(a), plain(base)); !ok || property.PlainText(got) != a {
			t.Fatalf("one side: %q, %t", property.PlainText(got), ok)
		}
		x, okX := property.MergeText(plain(base), plain(a), plain(b))
		y, okY := property.MergeText(plain(base), plain(b), plain(a))
		if okX != okY || property.PlainText(x) != property.PlainText(y) {
			t.Fatalf("%q %t, %q %t", property.PlainText(x), okX, property.PlainText(y), okY)
		}
	})
}
