package property

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		typ  Type
		v    Value
		want string
	}{
		{"no title", TypeTitle, nil, `{"title":[]}`},
		{"no text, left empty", TypeRichText, Text{}, `{"rich_text":[]}`},
		{"no number", TypeNumber, nil, `{"number":null}`},
		{"zero", TypeNumber, Number(0), `{"number":0}`},
		{"a fraction", TypeNumber, Number(0.1), `{"number":0.1}`},
		{"no select", TypeSelect, nil, `{"select":null}`},
		{"no status", TypeStatus, nil, `{"status":null}`},
		{"no options", TypeMultiSelect, Options{}, `{"multi_select":[]}`},
		{"an option twice", TypeMultiSelect, Options{"a", "b", "a"}, `{"multi_select":[{"name":"a"},{"name":"b"}]}`},
		{"a status with a comma", TypeStatus, Option("a, b"), `{"status":{"name":"a, b"}}`},
		{"no checkbox", TypeCheckbox, nil, `{"checkbox":false}`},
		{"a checkbox that is off", TypeCheckbox, Checked(false), `{"checkbox":false}`},
		{"no date", TypeDate, nil, `{"date":null}`},
		{"a day", TypeDate, Date{Start: "2026-11-23"}, `{"date":{"start":"2026-11-23"}}`},
		{"an instant in another spelling", TypeDate, Date{Start: "2026-11-23T10:00:00Z"}, `{"date":{"start":"2026-11-23T10:00:00.000+00:00"}}`},
		{"a wall clock nowhere is UTC", TypeDate, Date{Start: "2026-11-23T10:00:00"}, `{"date":{"start":"2026-11-23T10:00:00.000+00:00"}}`},
		{
			"a zone stands in for the offset", TypeDate,
			Date{Start: "2026-11-23T10:00:00.000+11:00", End: "2026-11-23T11:00:00", Zone: "Australia/Sydney"},
			`{"date":{"start":"2026-11-23T10:00:00.000","end":"2026-11-23T11:00:00.000","time_zone":"Australia/Sydney"}}`,
		},
		{"no url", TypeURL, Line(""), `{"url":null}`},
		{"an email", TypeEmail, Line("a@b"), `{"email":"a@b"}`},
		{"a phone number", TypePhone, Line("+61 7"), `{"phone_number":"+61 7"}`},
		{"nobody", TypePeople, nil, `{"people":[]}`},
		{"people", TypePeople, People{{ID: "a", Name: "Ann"}}, `{"people":[{"id":"a"}]}`},
		{"pages, one twice", TypeRelation, Refs{"a", "a"}, `{"relation":[{"id":"a"}]}`},
		{
			"styles and links", TypeTitle,
			Text{{Kind: RunText, Text: "<a>", Style: Style{Bold: true, Color: "red"}}, {Kind: RunText, Text: "b", Link: "https://b"}},
			`{"title":[{"type":"text","text":{"content":"<a>"},"annotations":{"bold":true,"color":"red"}},{"type":"text","text":{"content":"b","link":{"url":"https://b"}}}]}`,
		},
		{
			"mentions that may be written", TypeTitle,
			Text{
				{Kind: RunMention, Text: "@", Object: []byte(`{"type":"user","user":{"id":"a"}}`)},
				{Kind: RunMention, Text: ":a:", Object: []byte(`{"type":"custom_emoji","custom_emoji":{"id":"a"}}`)},
			},
			`{"title":[{"type":"mention","mention":{"type":"user","user":{"id":"a"}}},{"type":"mention","mention":{"type":"custom_emoji","custom_emoji":{"id":"a"}}}]}`,
		},
		{
			"mentions that may not", TypeTitle,
			Text{
				{Kind: RunMention, Text: "P", Link: "https://p", Object: []byte(`{"type":"link_preview","link_preview":{"url":"https://p"}}`)},
				{Kind: RunMention, Link: "https://l", Object: []byte(`{"type":"link_mention","link_mention":{"href":"https://l"}}`)},
				{Kind: "aura", Text: "A", Object: []byte(`{"glow":1}`)},
			},
			`{"title":[{"type":"text","text":{"content":"P","link":{"url":"https://p"}}},{"type":"text","text":{"content":"https://l","link":{"url":"https://l"}}},{"type":"text","text":{"content":"A"}}]}`,
		},
		{
			"an equation", TypeTitle,
			Text{{Kind: RunEquation, Text: "x", Object: []byte(`{"expression":"x"}`), Style: Style{Code: true}}},
			`{"title":[{"type":"equation","equation":{"expression":"x"},"annotations":{"code":true}}]}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Encode(test.typ, test.v)
			if err != nil {
				t.Fatal(err)
			}
			want, err := parse(json.RawMessage(test.want))
			if err != nil {
				t.Fatal(err)
			}
			if sent, err := parse(got); err != nil || !reflect.DeepEqual(sent, want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	names := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprint("n", i)
		}
		return list
	}
	people := make(People, 101)
	for i := range people {
		people[i].ID = fmt.Sprint("n", i)
	}
	styled := make(Text, 101)
	for i := range styled {
		styled[i] = Run{Kind: RunText, Text: "a", Style: Style{Bold: i%2 == 0}}
	}
	tests := []struct {
		name string
		typ  Type
		v    Value
		says string
	}{
		{"a formula", TypeFormula, Opaque(`{}`), "not written"},
		{"files", TypeFiles, Files{{Name: "a"}}, "not written"},
		{"a type that nobody knows", "aura", Opaque(`{}`), "not written"},
		{"a value of another type", TypeNumber, Line("5"), "another type"},
		{"no number at all", TypeNumber, Number(math.NaN()), "finite"},
		{"more than any number", TypeNumber, Number(math.Inf(-1)), "finite"},
		{"an option without a name", TypeSelect, Option(""), "needs a name"},
		{"a status without a name", TypeStatus, Option(""), "needs a name"},
		{"one option without a name", TypeMultiSelect, Options{"a", ""}, "needs a name"},
		{"an option with a comma", TypeSelect, Option("a, b"), "comma"},
		{"one option with a comma", TypeMultiSelect, Options{"a", "b,c"}, "comma"},
		{"101 options", TypeMultiSelect, Options(names(101)), "at most 100 options"},
		{"an option's name of 101", TypeSelect, Option(strings.Repeat("a", 101)), "100"},
		{"101 people", TypePeople, people, "at most 100 people"},
		{"a person without an id", TypePeople, People{{Name: "Ann"}}, "empty id"},
		{"101 pages", TypeRelation, Refs(names(101)), "at most 100 related pages"},
		{"a page's id with a NUL", TypeRelation, Refs{"a\x00"}, "NUL"},
		{"a url of 2,001", TypeURL, Line(strings.Repeat("a", 2001)), "2000"},
		{"an email of 201", TypeEmail, Line(strings.Repeat("a", 201)), "200"},
		{"a phone number of 101 pairs", TypePhone, Line(strings.Repeat("🚀", 101)), "has 202"},
		{"a url with a NUL", TypeURL, Line("a\x00"), "NUL"},
		{"half a surrogate pair", TypeURL, Line("\xed\xa0\x80"), "Unicode"},
		{"a text with a NUL", TypeTitle, Text{{Kind: RunText, Text: "a\x00"}}, "NUL"},
		{"a text with half a character", TypeTitle, Text{{Kind: RunText, Text: "\xff"}}, "Unicode"},
		{"101 styles", TypeTitle, styled, "at most 100 pieces"},
		{"200,001 characters", TypeRichText, Text{{Kind: RunText, Text: strings.Repeat("a", 200_001)}}, "here are 101"},
		{"a link of 2,001", TypeTitle, Text{{Kind: RunText, Text: "a", Link: strings.Repeat("a", 2001)}}, "link"},
		{
			"an equation of 1,001", TypeTitle,
			Text{{Kind: RunEquation, Text: "x", Object: fmt.Appendf(nil, `{"expression":%q}`, strings.Repeat("x", 1001))}},
			"equation",
		},
		{"a date in words", TypeDate, Date{Start: "tomorrow"}, "2026-11-23"},
		{"a day that does not exist", TypeDate, Date{Start: "2026-02-30"}, "2026-11-23"},
		{"an end in words", TypeDate, Date{Start: "2026-02-03", End: "later"}, "later"},
		{"a day in a zone", TypeDate, Date{Start: "2026-02-03", Zone: "Australia/Sydney"}, "no time zone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Encode(test.typ, test.v)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), test.says) {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestEncodeCutsText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		text   string
		pieces []int // in UTF-16 units
	}{
		{"2,000 characters", strings.Repeat("a", 2000), []int{2000}},
		{"2,001 characters", strings.Repeat("a", 2001), []int{2000, 1}},
		{"a pair on the border", strings.Repeat("a", 1999) + "🚀", []int{1999, 2}},
		{"a mark on the border", strings.Repeat("a", 1999) + "e\u0301", []int{1999, 2}},
		{"a family on the border", strings.Repeat("a", 1998) + "👩\u200d🚀", []int{1998, 5}},
		{"a joiner on the border", strings.Repeat("a", 1997) + "👩\u200d🚀", []int{1997, 5}},
		{"more marks than anybody writes", strings.Repeat("\u0301", 2001), []int{2000, 1}},
		{"200,000 characters", strings.Repeat("a", 200_000), slicesOf(2000, 100)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			raw, err := Encode(TypeRichText, Text{{Kind: RunText, Text: test.text, Style: Style{Bold: true}}})
			if err != nil {
				t.Fatal(err)
			}
			var request struct {
				Text []struct {
					Text        struct{ Content string }
					Annotations struct{ Bold bool }
				} `json:"rich_text"`
			}
			if err := json.Unmarshal(raw, &request); err != nil {
				t.Fatal(err)
			}
			var sizes []int
			var whole strings.Builder
			for _, e := range request.Text {
				sizes = append(sizes, length(e.Text.Content))
				whole.WriteString(e.Text.Content)
				if !e.Annotations.Bold {
					t.Error("a piece lost its style")
				}
			}
			if fmt.Sprint(sizes) != fmt.Sprint(test.pieces) || whole.String() != test.text {
				t.Errorf("got %v, want %v", sizes, test.pieces)
			}
		})
	}
}

func slicesOf(size, n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = size
	}
	return list
}
