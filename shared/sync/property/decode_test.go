package property

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

const (
	pageID   = "c01166c6-13ae-45cb-b968-18b4ef2f5a77"
	personID = "2200a911-6a96-44bb-bd38-6bfb1e01b9f6"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		raw  string
		want Property
	}{
		{
			"only an id, as in summer 2022",
			`{"id":"a%40b"}`,
			Property{ID: "a%40b", Truncated: true},
		},
		{
			"a type without a value",
			`{"id":"aBcD","type":"number"}`,
			Property{ID: "aBcD", Type: TypeNumber, Truncated: true},
		},
		{
			"an id in the bare spelling of 2021",
			`{"id":"qY[D","type":"checkbox","checkbox":true}`,
			Property{ID: "qY%5BD", Type: TypeCheckbox, Value: Checked(true)},
		},
		{
			"a checkbox that is null",
			`{"id":"x","type":"checkbox","checkbox":null}`,
			Property{ID: "x", Type: TypeCheckbox, Value: Checked(false)},
		},
		{
			"a number in another spelling",
			`{"id":"x","type":"number","number":1.50e1}`,
			Property{ID: "x", Type: TypeNumber, Value: Number(15)},
		},
		{
			"a number that is null",
			`{"id":"x","type":"number","number":null}`,
			Property{ID: "x", Type: TypeNumber},
		},
		{
			"minus zero",
			`{"id":"x","type":"number","number":-0}`,
			Property{ID: "x", Type: TypeNumber, Value: Number(0)},
		},
		{
			"a select",
			`{"id":"x","type":"select","select":{"id":"1","name":"A","color":"red"}}`,
			Property{ID: "x", Type: TypeSelect, Value: Option("A")},
		},
		{
			"a multi_select, one option named twice",
			`{"id":"x","type":"multi_select","multi_select":[{"name":"B"},{"name":"A"},{"name":"B"}]}`,
			Property{ID: "x", Type: TypeMultiSelect, Value: Options{"A", "B"}},
		},
		{
			"a day is not a midnight",
			`{"id":"x","type":"date","date":{"start":"2026-11-23","end":null,"time_zone":null}}`,
			Property{ID: "x", Type: TypeDate, Value: Date{Start: "2026-11-23"}},
		},
		{
			"an instant ending in Z and one without milliseconds",
			`{"id":"x","type":"date","date":{"start":"2025-02-10T15:00:00.000Z","end":"2025-02-17T15:00:00+11:00"}}`,
			Property{ID: "x", Type: TypeDate, Value: Date{Start: "2025-02-10T15:00:00.000+00:00", End: "2025-02-17T15:00:00.000+11:00"}},
		},
		{
			"a zone, with an offset and without",
			`{"id":"x","type":"date","date":{"start":"2026-11-23T10:00:00.000-05:00","end":"2026-11-23T11:00:00","time_zone":"America/New_York"}}`,
			Property{ID: "x", Type: TypeDate, Value: Date{Start: "2026-11-23T10:00:00.000", End: "2026-11-23T11:00:00.000-05:00", Zone: "America/New_York"}},
		},
		{
			"a date that no calendar knows is carried",
			`{"id":"x","type":"date","date":{"start":"+020226-01-01","end":null}}`,
			Property{ID: "x", Type: TypeDate, Value: Date{Start: "+020226-01-01"}},
		},
		{
			"an email that is empty",
			`{"id":"x","type":"email","email":""}`,
			Property{ID: "x", Type: TypeEmail},
		},
		{
			"a partial person, a bot and a group",
			`{"id":"x","type":"people","people":[{"object":"user","id":"2200A9116A9644BBBD386BFB1E01B9F6"},
				{"object":"user","id":"b","type":"bot","bot":{},"name":null},{"object":"user","id":"b"},{"object":"group","id":"c","name":"Crew"}]}`,
			Property{ID: "x", Type: TypePeople, Value: People{{ID: personID}, {ID: "b"}, {ID: "c"}}},
		},
		{
			"one person of a property item",
			`{"object":"property_item","id":"x","type":"people","people":{"object":"user","id":"b"}}`,
			Property{ID: "x", Type: TypePeople, Value: People{{ID: "b"}}},
		},
		{
			"nobody in a property item",
			`{"id":"x","type":"people","people":{},"next_url":null}`,
			Property{ID: "x", Type: TypePeople},
		},
		{
			"a hosted file, an external one and one of a new kind",
			`{"id":"x","type":"files","files":[{"name":"a.png","type":"file","file":{"url":"https://s3/a.png?X-Amz=1","expiry_time":"2026-11-23T10:00:00.000Z"}},
				{"name":"b","type":"external","external":{"url":"https://b/?q=1"}},{"name":"c","type":"aura","aura":{}}]}`,
			Property{ID: "x", Type: TypeFiles, Value: Files{{"a.png", "https://s3/a.png", true}, {"b", "https://b/?q=1", false}, {Name: "c"}}},
		},
		{
			"a relation of which there is more",
			`{"id":"x","type":"relation","relation":[{"id":"c01166c613ae45cbb96818b4ef2f5a77"},{"id":"C01166C6-13ae-45cb-b968-18b4ef2f5a77"}],"has_more":true}`,
			Property{ID: "x", Type: TypeRelation, Value: Refs{pageID}, Truncated: true},
		},
		{
			"a formula that Notion does not work out",
			`{"id":"x","type":"formula","formula":{"type":"unsupported","unsupported":{}}}`,
			Property{ID: "x", Type: TypeFormula, Value: Opaque(`{"type":"unsupported","unsupported":{}}`)},
		},
		{
			"a formula of a date",
			`{"id":"x","type":"formula","formula":{"date":{"time_zone":null,"end":null,"start":"2026-11-23T10:00:00Z"},"type":"date"}}`,
			Property{ID: "x", Type: TypeFormula, Value: Opaque(`{"date":{"end":null,"start":"2026-11-23T10:00:00.000+00:00","time_zone":null},"type":"date"}`)},
		},
		{
			"a rollup that is not complete",
			`{"id":"x","type":"rollup","rollup":{"type":"incomplete","incomplete":{},"function":"sum"}}`,
			Property{ID: "x", Type: TypeRollup, Value: Opaque(`{"function":"sum","incomplete":{},"type":"incomplete"}`)},
		},
		{
			"a rollup of texts, people, files and times without what changes by itself",
			`{"id":"x","type":"rollup","rollup":{"type":"array","function":"show_original","array":[
				{"type":"title","title":[{"type":"mention","mention":{"type":"user","user":{"object":"user","id":"b","name":"Ann"}},"plain_text":"@Ann","href":null}]},
				{"type":"files","files":[{"name":"a","type":"file","file":{"url":"https://s3/a?X-Amz=1","expiry_time":"2026-11-23T10:00:00.000Z"}}]},
				{"type":"created_time","created_time":"2026-11-23T10:00:00.000+11:00"},
				{"type":"number","number":1.0}]}}`,
			Property{ID: "x", Type: TypeRollup, Value: Opaque(`{"array":[` +
				`{"title":[{"mention":{"type":"user","user":{"id":"b","object":"user"}},"type":"mention"}],"type":"title"},` +
				`{"files":[{"file":{"url":"https://s3/a"},"name":"a","type":"file"}],"type":"files"},` +
				`{"created_time":"2026-11-22T23:00:00.000+00:00","type":"created_time"},` +
				`{"number":1,"type":"number"}],"function":"show_original","type":"array"}`)},
		},
		{
			"a time of creation is a moment",
			`{"id":"x","type":"created_time","created_time":"2026-11-23T10:00:00+11:00"}`,
			Property{ID: "x", Type: TypeCreatedTime, Value: Opaque(`"2026-11-22T23:00:00.000+00:00"`)},
		},
		{
			"an author is an id",
			`{"id":"x","type":"last_edited_by","last_edited_by":{"object":"user","id":"b","name":"Ann","avatar_url":"https://a","person":{"email":"a@b"}}}`,
			Property{ID: "x", Type: TypeLastEditedBy, Value: Opaque(`{"id":"b","object":"user"}`)},
		},
		{
			"a verification",
			`{"id":"x","type":"verification","verification":{"state":"verified","verified_by":{"object":"user","id":"b","name":"A"},"date":{"start":"2025-02-10T15:00:00.000Z","end":null,"time_zone":null}}}`,
			Property{ID: "x", Type: TypeVerification, Value: Opaque(`{"date":{"end":null,"start":"2025-02-10T15:00:00.000+00:00","time_zone":null},"state":"verified","verified_by":{"id":"b","object":"user"}}`)},
		},
		{
			"a place",
			`{"id":"x","type":"place","place":{"lon":13.405,"lat":52.520,"name":null}}`,
			Property{ID: "x", Type: TypePlace, Value: Opaque(`{"lat":52.52,"lon":13.405,"name":null}`)},
		},
		{
			"a place that is null",
			`{"id":"x","type":"place","place":null}`,
			Property{ID: "x", Type: TypePlace},
		},
		{
			"a button",
			`{"id":"x","type":"button","button":{}}`,
			Property{ID: "x", Type: TypeButton, Value: Opaque(`{}`)},
		},
		{
			"a unique_id with more digits than a double",
			`{"id":"x","type":"unique_id","unique_id":{"prefix":null,"number":9007199254740993}}`,
			Property{ID: "x", Type: TypeUniqueID, Value: Opaque(`{"number":9007199254740993,"prefix":null}`)},
		},
		{
			"a type that nobody knows",
			`{"id":"x","type":"aura","aura":[{"b":1,"a":"<&>"}]}`,
			Property{ID: "x", Type: "aura", Value: Opaque(`[{"a":"<&>","b":1}]`)},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode(json.RawMessage(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != test.want.ID || got.Type != test.want.Type || got.Truncated != test.want.Truncated || !Equal(got.Value, test.want.Value) {
				t.Errorf("got  %#v\nwant %#v", got, test.want)
			}
		})
	}
}

func TestDecodeText(t *testing.T) {
	t.Parallel()
	bold := Style{Bold: true}
	tests := []struct {
		name string
		raw  string // the elements
		want Text
	}{
		{
			"adjacent runs of one style are one",
			`{"type":"text","text":{"content":"a"},"annotations":{"color":"default"}},{"type":"text","text":{"content":""},"annotations":{"bold":true}},
			 {"type":"text","text":{"content":"b","link":null},"plain_text":"b","href":null},{"type":"text","text":{"content":"c"},"annotations":{"bold":true}}`,
			Text{{Kind: RunText, Text: "ab"}, {Kind: RunText, Text: "c", Style: bold}},
		},
		{
			"links of one style stay apart",
			`{"type":"text","text":{"content":"a","link":{"url":"/7ed3"}}},{"type":"text","text":{"content":"b","link":{"url":"https://b"}}}`,
			Text{{Kind: RunText, Text: "a", Link: "/7ed3"}, {Kind: RunText, Text: "b", Link: "https://b"}},
		},
		{
			"a person, whatever the name",
			`{"type":"mention","mention":{"type":"user","user":{"object":"user","id":"` + personID + `","name":"Ann","avatar_url":null,"person":{"email":"a@b"}}},"plain_text":"@Ann","annotations":{"bold":true}}`,
			Text{{Kind: RunMention, Text: "@Ann", Style: bold, Object: []byte(`{"type":"user","user":{"id":"` + personID + `"}}`)}},
		},
		{
			"a page, wherever Notion is hosted",
			`{"type":"mention","mention":{"type":"page","page":{"id":"c01166c613ae45cbb96818b4ef2f5a77"}},"plain_text":"Plan","href":"https://app.notion.com/p/1"}`,
			Text{{Kind: RunMention, Text: "Plan", Object: []byte(`{"page":{"id":"` + pageID + `"},"type":"page"}`)}},
		},
		{
			"a date with a zone",
			`{"type":"mention","mention":{"type":"date","date":{"start":"2026-11-23T10:00:00.000+11:00","end":null,"time_zone":"Australia/Sydney"}},"plain_text":"tomorrow"}`,
			Text{{Kind: RunMention, Text: "tomorrow", Object: []byte(`{"date":{"start":"2026-11-23T10:00:00.000","time_zone":"Australia/Sydney"},"type":"date"}`)}},
		},
		{
			"a template's date",
			`{"type":"mention","mention":{"type":"template_mention","template_mention":{"type":"template_mention_date","template_mention_date":"today"}},"plain_text":"@Today"}`,
			Text{{Kind: RunMention, Text: "@Today", Object: []byte(`{"template_mention":{"template_mention_date":"today","type":"template_mention_date"},"type":"template_mention"}`)}},
		},
		{
			"an emoji of the workspace",
			`{"type":"mention","mention":{"type":"custom_emoji","custom_emoji":{"id":"` + pageID + `","name":"wow","url":"https://s3/wow?sig=1"}},"plain_text":":wow:"}`,
			Text{{Kind: RunMention, Text: ":wow:", Object: []byte(`{"custom_emoji":{"id":"` + pageID + `"},"type":"custom_emoji"}`)}},
		},
		{
			"a preview and a link that unfolds",
			`{"type":"mention","mention":{"type":"link_preview","link_preview":{"url":"https://p"}},"plain_text":"https://p","href":"https://p"},
			 {"type":"mention","mention":{"type":"link_mention","link_mention":{"href":"https://l","title":"L","icon_url":"https://i"}},"plain_text":"L","href":"https://l"}`,
			Text{
				{Kind: RunMention, Text: "https://p", Link: "https://p", Object: []byte(`{"link_preview":{"url":"https://p"},"type":"link_preview"}`)},
				{Kind: RunMention, Text: "L", Link: "https://l", Object: []byte(`{"link_mention":{"href":"https://l"},"type":"link_mention"}`)},
			},
		},
		{
			"an equation",
			`{"type":"equation","equation":{"expression":"e=mc^2"},"plain_text":"e=mc^2"}`,
			Text{{Kind: RunEquation, Text: "e=mc^2", Object: []byte(`{"expression":"e=mc^2"}`)}},
		},
		{
			"a mention and a run of kinds that nobody knows",
			`{"type":"mention","mention":{"type":"aura","aura":{"glow":1}},"plain_text":"A","href":"https://a"},{"type":"aura","aura":{"glow":2},"plain_text":"B"}`,
			Text{
				{Kind: RunMention, Text: "A", Link: "https://a", Object: []byte(`{"aura":{"glow":1},"type":"aura"}`)},
				{Kind: "aura", Text: "B", Object: []byte(`{"glow":2}`)},
			},
		},
		{
			"mentions of nothing are what they show",
			`{"type":"mention","mention":null,"plain_text":"a"},{"type":"mention","mention":{"type":"page","page":{}},"plain_text":"b"},{"type":"mention","plain_text":"c"},{"plain_text":"d"}`,
			Text{{Kind: RunText, Text: "abcd"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode(json.RawMessage(`{"id":"x","type":"rich_text","rich_text":[` + test.raw + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			text, ok := got.Value.(Text)
			if !ok || !Equal(text, test.want) || PlainText(text) != PlainText(test.want) {
				t.Errorf("got  %s\nwant %s", spell(text), spell(test.want))
			}
		})
	}
}

// spell writes a text for people.
func spell(text Text) string {
	var b strings.Builder
	for _, run := range text {
		fmt.Fprintf(&b, "[%s %q link=%q %+v %s]", run.Kind, run.Text, run.Link, run.Style, run.Object)
	}
	return b.String()
}

func TestDecodeTruncated(t *testing.T) {
	t.Parallel()
	list := func(n int, element string) string {
		var b []string
		for i := range n {
			b = append(b, strings.ReplaceAll(element, "#", fmt.Sprintf("%s%02d", pageID[:34], i)))
		}
		return "[" + strings.Join(b, ",") + "]"
	}
	const (
		person  = `{"object":"user","id":"#"}`
		mention = `{"type":"mention","mention":{"type":"user","user":{"id":"#"}},"plain_text":"@"}`
		linked  = `{"type":"text","text":{"content":"a","link":{"url":"https://#"}}}`
		plain   = `{"type":"equation","equation":{"expression":"#"}},{"type":"text","text":{"content":"a"}}`
	)
	tests := []struct {
		name string
		raw  string
		want bool
	}{
		{"24 people", `{"type":"people","people":` + list(24, person) + `}`, false},
		{"25 people", `{"type":"people","people":` + list(25, person) + `}`, true},
		{"25 people, and Notion says that these are all", `{"type":"people","people":` + list(25, person) + `,"has_more":false}`, false},
		{"24 mentions", `{"type":"rich_text","rich_text":` + list(24, mention) + `}`, false},
		{"25 mentions in a text", `{"type":"rich_text","rich_text":` + list(25, mention) + `}`, true},
		{"25 mentions in a title", `{"type":"title","title":` + list(25, mention) + `}`, true},
		{"25 links", `{"type":"rich_text","rich_text":` + list(25, linked) + `}`, true},
		{"12 equations and much text", `{"type":"rich_text","rich_text":` + list(12, plain) + `}`, false},
		{"25 related pages, in an answer of 2021", `{"type":"relation","relation":` + list(25, `{"id":"#"}`) + `}`, true},
		{"25 related pages and no more", `{"type":"relation","relation":` + list(25, `{"id":"#"}`) + `,"has_more":false}`, false},
		{"30 options", `{"type":"multi_select","multi_select":` + list(30, `{"name":"#"}`) + `}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode(json.RawMessage(test.raw))
			if err != nil || got.Truncated != test.want {
				t.Errorf("truncated: %v, %v", got.Truncated, err)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"nothing":                     ``,
		"half an object":              `{"id":`,
		"null":                        `null`,
		"a list":                      `[]`,
		"an id that is a number":      `{"id":5}`,
		"a type that is an object":    `{"type":{}}`,
		"a number that is a word":     `{"type":"number","number":"five"}`,
		"a number beyond a double":    `{"type":"number","number":1e999}`,
		"a checkbox that is a number": `{"type":"checkbox","checkbox":1}`,
		"a select that is a list":     `{"type":"select","select":[]}`,
		"an option without a name":    `{"type":"select","select":{"id":"1"}}`,
		"options without a name":      `{"type":"multi_select","multi_select":[{"id":"1"}]}`,
		"a date without a start":      `{"type":"date","date":{"end":"2026-11-23"}}`,
		"a url that is an object":     `{"type":"url","url":{}}`,
		"a person without an id":      `{"type":"people","people":[{"object":"user"}]}`,
		"a page without an id":        `{"type":"relation","relation":[{}]}`,
		"a text that is a string":     `{"type":"title","title":"Plan"}`,
		"a run that is a number":      `{"type":"title","title":[5]}`,
		"a mention that is a list":    `{"type":"title","title":[{"type":"mention","mention":[]}]}`,
		"files that are a word":       `{"type":"files","files":"a.png"}`,
		"has_more that is a word":     `{"type":"relation","relation":[],"has_more":"no"}`,
	}
	for name, raw := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := Decode(json.RawMessage(raw)); fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %#v, %v", got, err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a%40b","type":"title","title":[{"type":"text","text":{"content":"a","link":{"url":"https://a"}},"annotations":{"bold":true,"color":"red"},"plain_text":"a"}]}`,
		`{"id":"x","type":"rich_text","rich_text":[{"type":"mention","mention":{"type":"date","date":{"start":"2026-11-23T10:00:00+11:00","time_zone":"Australia/Sydney"}},"plain_text":"@"}]}`,
		`{"id":"x","type":"relation","relation":{"id":"c01166c613ae45cbb96818b4ef2f5a77"},"has_more":true}`,
		`{"id":"x","type":"rollup","rollup":{"type":"array","array":[{"type":"files","files":[{"file":{"url":"https://s3?a","expiry_time":""}}]}]}}`,
		`{"id":"x","type":"date","date":{"start":"2026-11-23","end":null}}`,
		`{"id":"x","type":"people","people":[{"object":"group","id":"b"}]}`,
		`{"id":"x","type":"number","number":-0.0e-7}`,
		`{"id":"x","type":"aura","aura":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Decode(raw)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%v is not Invalid", err)
			}
			return
		}
		if p.ID != CanonicalID(p.ID) {
			t.Fatalf("the id %q is not settled", p.ID)
		}
		if !Equal(p.Value, p.Value) {
			t.Fatalf("%#v does not equal itself", p.Value)
		}
		if !p.Type.Writable() {
			return
		}
		request, err := Encode(p.Type, p.Value)
		if err != nil {
			return // Notion's limits
		}
		again, err := Decode(answer(t, p.ID, p.Type, request))
		if err != nil {
			t.Fatalf("%s does not read: %v", request, err)
		}
		if canWrite(p.Value) && !Equal(again.Value, p.Value) {
			t.Fatalf("%#v came back as %#v", p.Value, again.Value)
		}
	})
}

// canWrite reports whether a request can say all that the value says.
func canWrite(v Value) bool {
	text, ok := v.(Text)
	if !ok {
		date, isDate := v.(Date)
		return !isDate || date.Zone == "" && len(date.Start) != len(layoutWallClock) && len(date.End) != len(layoutWallClock)
	}
	for _, run := range text {
		if !run.writable() {
			return false
		}
	}
	return true
}
