package notionsim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// compact writes JSON with its members in order of their names.
func compact(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func normal(t tester, raw string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return compact(v)
}

// What is written comes back, and what is cleared is empty.
func TestEveryWritableTypeRoundTrips(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source, page := everything(t, sim, bot)
	other := bot.createIn(source, map[string]any{"Title": title("Other"), "Number": number(20)})
	person := bot.person().get("/v1/users/me").ok().text("id")
	for name, c := range map[string]struct{ property, written, shown, clear, empty string }{
		"text":         {"Text", `{"rich_text":[{"text":{"content":"a ","link":{"url":"https://example.org"}},"annotations":{"bold":true,"color":"red"}},{"equation":{"expression":"e=mc^2"}}]}`, `["a ","e=mc^2"]`, `{"rich_text":[]}`, `[]`},
		"no words":     {"Text", `{"rich_text":[{"text":{"content":""}}]}`, `[]`, `{"rich_text":[]}`, `[]`},
		"number":       {"Number", `{"number":-1.5e3}`, `-1500`, `{"number":null}`, `null`},
		"huge":         {"Number", `{"number":1e21}`, `1e+21`, `{"number":null}`, `null`},
		"checkbox":     {"Check", `{"checkbox":true}`, `true`, `{"checkbox":false}`, `false`},
		"select":       {"Select", `{"select":{"name":"Two"}}`, `{"color":"default","name":"Two"}`, `{"select":null}`, `null`},
		"multi_select": {"Multi", `{"multi_select":[{"name":"B"},{"name":"A"},{"name":"B"}]}`, `[{"color":"default","name":"B"},{"color":"default","name":"A"}]`, `{"multi_select":[]}`, `[]`},
		"status":       {"Status", `{"status":{"name":"Done"}}`, `{"color":"green","name":"Done"}`, `{"status":null}`, `{"color":"default","name":"Not started"}`},
		"url":          {"URL", `{"url":"https://example.org/?a=b"}`, `"https://example.org/?a=b"`, `{"url":null}`, `null`},
		"email":        {"Email", `{"email":"a@example.org"}`, `"a@example.org"`, `{"email":null}`, `null`},
		"phone_number": {"Phone", `{"phone_number":"+61 7 5550 0100"}`, `"+61 7 5550 0100"`, `{"phone_number":null}`, `null`},
		"people":       {"People", `{"people":[{"id":"` + person + `"}]}`, `["` + person + `"]`, `{"people":[]}`, `[]`},
		"relation":     {"Next", `{"relation":[{"id":"` + other + `"}]}`, `["` + other + `"]`, `{"relation":[]}`, `[]`},
		"files":        {"Files", `{"files":[{"name":"robots","external":{"url":"https://example.org/robots.txt"}}]}`, `[{"external":{"url":"https://example.org/robots.txt"},"name":"robots","type":"external"}]`, `{"files":[]}`, `[]`},
		"place":        {"Place", `{"place":{"lat":-27.47,"lon":153.02,"name":"Meanjin"}}`, `{"address":null,"aws_place_id":null,"google_place_id":null,"lat":-27.47,"lon":153.02,"name":"Meanjin"}`, `{"place":null}`, `null`},
	} {
		t.Run(name, func(t *testing.T) {
			bot := bot.on(t)
			show := func(a answer) string {
				kind := a.text("properties", c.property, "type")
				v := a.at("properties", c.property, kind)
				switch kind {
				case "rich_text", "people", "relation":
					var parts []any
					for _, part := range v.([]any) {
						for _, k := range []string{"plain_text", "id"} {
							if s, ok := part.(map[string]any)[k]; ok {
								parts = append(parts, s)
								break
							}
						}
					}
					if parts == nil {
						parts = []any{}
					}
					v = parts
				case "select", "status":
					if o, ok := v.(map[string]any); ok {
						delete(o, "id")
					}
				case "multi_select":
					for _, o := range v.([]any) {
						delete(o.(map[string]any), "id")
					}
				}
				return compact(v)
			}
			if got := show(bot.patch("/v1/pages/"+page, `{"properties":{"`+c.property+`":`+c.written+`}}`).ok()); got != c.shown {
				t.Errorf("written %s, shown %s", c.written, got)
			}
			if got := show(bot.get("/v1/pages/" + page).ok()); got != c.shown {
				t.Errorf("written %s, then shown %s", c.written, got)
			}
			if got := show(bot.patch("/v1/pages/"+page, `{"properties":{"`+c.property+`":`+c.clear+`}}`).ok()); got != c.empty {
				t.Errorf("cleared, shown %s, want %s", got, c.empty)
			}
		})
	}
}

func TestComputedTypes(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source, page := everything(t, sim, bot)
	other := bot.createIn(source, map[string]any{"Title": title("Other"), "Number": number(20)})
	a := bot.patch("/v1/pages/"+page, properties(map[string]any{"Number": number(21), "Next": relation(other)})).ok()
	if got := compact(a.at("properties", "Double", "formula")); got != `{"number":42,"type":"number"}` {
		t.Errorf("formula %s", got)
	}
	if got := compact(a.at("properties", "Sum", "rollup")); got != `{"function":"sum","number":20,"type":"number"}` {
		t.Errorf("rollup %s", got)
	}
	if got := compact(a.at("properties", "ID", "unique_id")); got != `{"number":1,"prefix":"ALL"}` {
		t.Errorf("unique_id %s", got)
	}
	me := bot.get("/v1/users/me").ok().text("id")
	if a.text("properties", "Maker", "created_by", "id") != me || a.text("properties", "Made", "created_time") != "2026-11-23T12:00:00.000Z" {
		t.Errorf("created: %s", a.raw)
	}
	// A rollup follows the other page, and the page does not count as edited.
	sim.Clock().Advance(3600e9)
	bot.patch("/v1/pages/"+other, properties(map[string]any{"Number": number(5)})).ok()
	b := bot.get("/v1/pages/" + page).ok()
	if got := b.at("properties", "Sum", "rollup", "number"); got != 5.0 {
		t.Errorf("the rollup is %v", got)
	}
	if b.text("last_edited_time") != a.text("last_edited_time") {
		t.Errorf("the rollup's change moved last_edited_time to %s", b.text("last_edited_time"))
	}
	for property, want := range map[string]string{"Double": "formula", "Sum": "rollup", "ID": "unique_id", "Made": "created_time", "Status": "status", "Place": "place"} {
		item := bot.get("/v1/pages/" + page + "/properties/" + b.text("properties", property, "id")).ok()
		if item.text("type") != want && item.text("property_item", "type") != want {
			t.Errorf("%s: item %s", property, item.raw)
		}
	}
}

// Types that the API cannot write, and one that nobody knows.
func TestTypesThatAreOnlyCarried(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source, page := everything(t, sim, bot)
	db := bot.get("/v1/data_sources/"+source).ok().text("parent", "database_id")
	for name, body := range map[string]string{
		"Aura": `{"name":"Aura","type":"aura","config":{"palette":["gold"]}}`, "Push": `{"name":"Push","type":"button"}`,
		"Checked": `{"name":"Checked","type":"verification"}`,
	} {
		bot.post("/_sim/databases/"+db+"/properties", body).ok()
		if got := bot.get("/v1/data_sources/"+source).ok().at("properties", name); got == nil {
			t.Errorf("%s is not in the schema", name)
		}
	}
	if got := compact(bot.get("/v1/data_sources/"+source).ok().at("properties", "Aura", "aura")); got != `{"palette":["gold"]}` {
		t.Errorf("the schema of an unknown type is %s", got)
	}
	before := bot.get("/v1/pages/" + page).ok()
	for property, want := range map[string]string{"Aura": "null", "Push": "{}", "Checked": `{"date":null,"state":"unverified","verified_by":null}`} {
		if got := compact(before.at("properties", property, before.text("properties", property, "type"))); got != want {
			t.Errorf("%s is %s", property, got)
		}
	}
	person := bot.person().get("/v1/users/me").ok().text("id")
	sim.Clock().Advance(3600e9)
	bot.post("/_sim/pages/"+page+"/values", `{"Aura":{"glow":9},"Checked":{"state":"verified","by":"`+person+`"},"Files":[{"name":"a.pdf","path":"1/a.pdf"}]}`).ok()
	after := bot.get("/v1/pages/" + page).ok()
	if got := compact(after.at("properties", "Aura", "aura")); got != `{"glow":9}` {
		t.Errorf("aura is %s", got)
	}
	if after.text("properties", "Checked", "verification", "verified_by", "id") != person {
		t.Errorf("verification is %v", after.at("properties", "Checked"))
	}
	if after.text("last_edited_time") != before.text("last_edited_time") {
		t.Error("the page counts as edited")
	}
	for property, value := range map[string]string{"Aura": `{"aura":{"glow":1}}`, "Push": `{"button":{}}`} {
		bot.patch("/v1/pages/"+page, `{"properties":{"`+property+`":`+value+`}}`).refused(400, "validation_error", "read-only")
	}
	bot.patch("/v1/pages/"+page, `{"properties":{"Checked":{"verification":{"state":"unverified"}}}}`).ok()

	// The address of a hosted file is another one each time, and can be written back.
	first := after.text("properties", "Files", "files", 0, "file", "url")
	second := bot.get("/v1/pages/"+page).ok().text("properties", "Files", "files", 0, "file", "url")
	a, _ := url.Parse(first)
	b, _ := url.Parse(second)
	if first == second || a.Path != b.Path || a.RawQuery == "" {
		t.Errorf("addresses %s and %s", first, second)
	}
	kept := bot.patch("/v1/pages/"+page, map[string]any{"properties": map[string]any{"Files": map[string]any{"files": []any{
		map[string]any{"name": "a.pdf", "type": "file", "file": map[string]any{"url": first}},
	}}}}).ok()
	if got, _ := url.Parse(kept.text("properties", "Files", "files", 0, "file", "url")); got.Path != a.Path {
		t.Errorf("written back, the file is at %s", got)
	}
}

func TestOptionsComeIntoBeing(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	page := bot.createIn(source, map[string]any{"Name": title("Optional"), "Area": map[string]any{"select": map[string]any{"name": "Water"}}})
	// A request that is refused brings no option into being.
	bot.patch("/v1/pages/"+page, `{"properties":{"Area":{"select":{"name":"Fire"}},"Budget":{"number":"x"}}}`).refused(400, "validation_error", "Budget")
	schema := bot.get("/v1/data_sources/" + source).ok()
	var names []string
	for i := range schema.list("properties", "Area", "select", "options") {
		names = append(names, schema.text("properties", "Area", "select", "options", i, "name"))
	}
	if !slices.Contains(names, "Water") || slices.Contains(names, "Fire") || len(names) != 7 {
		t.Errorf("options %v", names)
	}
}

func TestTruncation(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	if err := sim.SetOptions(func(o *notionsim.Options) { o.Budget = 0 }); err != nil {
		t.Fatal(err)
	}
	source, page := everything(t, sim, bot)
	person := bot.person().get("/v1/users/me").ok().text("id")
	var related []string
	var mentions []any
	for i := range 30 {
		related = append(related, bot.createIn(source, map[string]any{"Title": title(fmt.Sprint("Related ", i))}))
		mentions = append(mentions, words("and ")[0], map[string]any{"mention": map[string]any{"user": map[string]any{"id": person}}})
	}
	users := bot.get("/v1/users").ok()
	var people []any
	for i := range users.list("results") {
		people = append(people, map[string]any{"id": users.text("results", i, "id")})
	}
	if err := sim.SetOptions(func(o *notionsim.Options) { o.Truncation = 5 }); err != nil {
		t.Fatal(err)
	}
	bot.patch("/v1/pages/"+page, properties(map[string]any{
		"Next": relation(related...), "Text": map[string]any{"rich_text": mentions}, "Title": map[string]any{"title": mentions}, "People": map[string]any{"people": people},
	})).ok()
	for limit, want := range map[int]map[string]int{
		5:  {"Next": 5, "Text": 11, "Title": 11, "People": 5},
		25: {"Next": 25, "Text": 51, "Title": 51, "People": 7},
		0:  {"Next": 30, "Text": 60, "Title": 60, "People": 7},
	} {
		if err := sim.SetOptions(func(o *notionsim.Options) { o.Truncation = limit }); err != nil {
			t.Fatal(err)
		}
		a := bot.get("/v1/pages/" + page).ok()
		for property, n := range want {
			p := a.at("properties", property).(map[string]any)
			if got := len(p[p["type"].(string)].([]any)); got != n {
				t.Errorf("a limit of %d shows %d of %s, want %d", limit, got, property, n)
			}
			more, says := p["has_more"]
			if says != (property == "Next") || (says && more != (n < 30)) {
				t.Errorf("a limit of %d: has_more of %s is %v", limit, property, more)
			}
		}
		// The item has all of it, in pages.
		for property, n := range map[string]int{"Next": 30, "Text": 60, "Title": 60, "People": 7} {
			id := a.text("properties", property, "id")
			total, path := 0, "/v1/pages/"+page+"/properties/"+id+"?page_size=7"
			for next := path; ; {
				item := bot.get(next).ok()
				total += len(item.list("results"))
				if item.at("has_more") != true {
					break
				}
				if nextURL := item.text("property_item", "next_url"); !strings.Contains(nextURL, "start_cursor=") || !strings.Contains(nextURL, id) {
					t.Errorf("next_url %q", nextURL)
				}
				next = path + "&start_cursor=" + url.QueryEscape(item.text("next_cursor"))
			}
			if total != n {
				t.Errorf("the item of %s has %d elements, want %d", property, total, n)
			}
		}
	}
	cursor := bot.get("/v1/pages/" + page + "/properties/title?page_size=1").ok().text("next_cursor")
	bot.get("/v1/pages/"+related[0]+"/properties/title?start_cursor="+cursor).refused(400, "validation_error", "start_cursor")
}

func TestMentions(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	page := bot.createIn(source, map[string]any{"Name": title("Mentioned: \"quoted\"\n\ttabs \\ and \u0001")})
	person := bot.person().get("/v1/users/me").ok()
	for name, c := range map[string]struct{ written, plain, href string }{
		"a person":     {`{"user":{"id":"` + person.text("id") + `"}}`, "@" + person.text("name"), ""},
		"a page":       {`{"page":{"id":"` + strings.ReplaceAll(page, "-", "") + `"}}`, "Mentioned: \"quoted\"\n\ttabs \\ and \u0001", "https://www.notion.so/" + strings.ReplaceAll(page, "-", "")},
		"a database":   {`{"database":{"id":"` + sim.Databases()["projects"] + `"}}`, "Projects", "https://www.notion.so/" + strings.ReplaceAll(sim.Databases()["projects"], "-", "")},
		"a day":        {`{"date":{"start":"2026-11-23"}}`, "2026-11-23", ""},
		"two days":     {`{"date":{"start":"2026-11-23","end":"2026-11-24"}}`, "2026-11-23 → 2026-11-24", ""},
		"a template":   {`{"template_mention":{"type":"template_mention_date","template_mention_date":"today"}}`, "@Today", ""},
		"another":      {`{"template_mention":{"template_mention_user":"me"}}`, "@Me", ""},
		"an emoji":     {`{"custom_emoji":{"id":"` + page + `","name":"bufo"}}`, ":bufo:", ""},
		"what is lost": {`{"page":{"id":"` + sim.Databases()["projects"] + `"}}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := bot.on(t).patch("/v1/pages/"+page, `{"properties":{"Description":{"rich_text":[{"type":"mention","mention":`+c.written+`,"annotations":{"italic":true}}]}}}`)
			if c.plain == "" {
				a.refused(404, "object_not_found", "Could not find page")
				return
			}
			run := a.ok().at("properties", "Description", "rich_text", 0).(map[string]any)
			href, _ := run["href"].(string)
			if run["plain_text"] != c.plain || href != c.href || run["annotations"].(map[string]any)["italic"] != true {
				t.Errorf("shown as %s", compact(run))
			}
			// What was answered can be written back, but for what only answers have.
			mention := run["mention"].(map[string]any)
			again := bot.on(t).patch("/v1/pages/"+page, map[string]any{"properties": map[string]any{"Description": map[string]any{"rich_text": []any{map[string]any{"type": "mention", "mention": mention}}}}}).ok()
			if got := again.text("properties", "Description", "rich_text", 0, "plain_text"); got != c.plain {
				t.Errorf("written back, shown as %q", got)
			}
		})
	}
}
