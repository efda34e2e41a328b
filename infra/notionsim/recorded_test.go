package notionsim_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// What recordings of the real API show and documents do not say.

func TestIcons(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	page := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Icons")})
	const custom = "3839ce7b-60a4-804c-bdcd-007ad3034fba"
	for _, c := range []struct{ name, written, shown string }{
		{"an emoji", `{"emoji":"🧪"}`, `{"emoji":"🧪","type":"emoji"}`},
		{"one of Notion's own", `{"type":"icon","icon":{"name":"pizza","color":"blue"}}`, `{"icon":{"color":"blue","name":"pizza"},"type":"icon"}`},
		{"one of Notion's own without a color", `{"icon":{"name":"pizza"}}`, `{"icon":{"color":"gray","name":"pizza"},"type":"icon"}`},
		{
			"the address of one of Notion's own", `{"external":{"url":"https://www.notion.so/icons/snippet_lightgray.svg"}}`,
			`{"icon":{"color":"lightgray","name":"snippet"},"type":"icon"}`,
		},
		{"another address", `{"external":{"url":"https://example.org/icons/a_blue.svg"}}`, `{"external":{"url":"https://example.org/icons/a_blue.svg"},"type":"external"}`},
		{
			"a custom emoji", `{"type":"custom_emoji","custom_emoji":{"id":"` + custom + `","name":"u","url":"https://example.org/u.png"}}`,
			`{"custom_emoji":{"id":"` + custom + `","name":"u","url":"https://example.org/u.png"},"type":"custom_emoji"}`,
		},
		{"none", `null`, `null`},
	} {
		a := bot.patch("/v1/pages/"+page, `{"icon":`+c.written+`}`).ok()
		if got := compact(a.at("icon")); got != c.shown {
			t.Errorf("%s is shown as %s, want %s", c.name, got, c.shown)
		}
	}
	bot.patch("/v1/pages/"+page, `{"icon":{"icon":{"name":"pizza","color":"beige"}}}`).refused(http.StatusBadRequest, "validation_error", "color should be")
	bot.patch("/v1/pages/"+page, `{"cover":{"emoji":"🧪"}}`).refused(http.StatusBadRequest, "validation_error", "emoji should be not present")
}

func TestShortTitles(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	for name, parent := range map[string]any{
		"under a page":     map[string]any{"page_id": bot.get("/v1/databases/"+sim.Databases()["projects"]).ok().text("parent", "page_id")},
		"in a data source": map[string]any{"data_source_id": bot.source(sim, "projects")},
	} {
		a := bot.post("/v1/pages", map[string]any{"parent": parent, "properties": map[string]any{"title": words("Short")}}).ok()
		if got := bot.get("/v1/pages/"+a.text("id")+"/properties/title").ok().text("results", 0, "title", "plain_text"); got != "Short" {
			t.Errorf("%s: the title is %q", name, got)
		}
		bot.patch("/v1/pages/"+a.text("id"), map[string]any{"properties": map[string]any{"title": words("Short")}}).refused(http.StatusBadRequest, "validation_error", "should be an object")
	}
}

func TestRelationValuesMayRepeatHasMore(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	page := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Related")})
	partner := bot.createIn(bot.source(sim, "partners"), map[string]any{"Name": title("Partner")})
	a := bot.patch("/v1/pages/"+page, `{"properties":{"Partners":{"type":"relation","relation":[{"id":"`+partner+`"}],"has_more":false}}}`).ok()
	if got := refs(a, "Partners"); !slices.Equal(got, []string{partner}) {
		t.Errorf("related to %v", got)
	}
	bot.patch("/v1/pages/"+page, `{"properties":{"Budget":{"number":1,"has_more":false}}}`).refused(http.StatusBadRequest, "validation_error", "has_more should be not present")
}

func TestDatabasesAsRecorded(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	home := map[string]any{"page_id": bot.get("/v1/databases/"+sim.Databases()["projects"]).ok().text("parent", "page_id")}
	first := bot.post("/v1/databases", map[string]any{"parent": home, "description": words("What it is for")}).ok()
	source := bot.get("/v1/data_sources/" + first.text("data_sources", 0, "id")).ok()
	if first.text("title", 0, "plain_text") != "New database" || source.text("title", 0, "plain_text") != "New database" {
		t.Errorf("without a title: %s", first.raw)
	}
	if got := source.text("description", 0, "plain_text"); got != "What it is for" {
		t.Errorf("the data source is described as %q", got)
	}
	bot.patch("/v1/databases/"+first.text("id"), map[string]any{"description": words("Anew")}).ok()
	if got := bot.get("/v1/data_sources/"+source.text("id")).ok().text("description", 0, "plain_text"); got != "Anew" {
		t.Errorf("the data source is described as %q", got)
	}

	second := bot.post("/v1/databases", map[string]any{"parent": home, "title": words("Second")}).ok()
	relating := bot.patch("/v1/data_sources/"+second.text("data_sources", 0, "id"), map[string]any{"properties": map[string]any{
		"To the first": map[string]any{"relation": map[string]any{"data_source_id": source.text("id"), "single_property": map[string]any{}}},
	}}).ok()
	moved := bot.patch("/v1/data_sources/"+source.text("id"), map[string]any{"parent": map[string]any{"type": "database_id", "database_id": second.text("id")}}).ok()
	if got := moved.text("parent", "database_id"); got != second.text("id") {
		t.Errorf("moved to %s", got)
	}
	if got := bot.get("/v1/databases/" + first.text("id")).ok().list("data_sources"); len(got) != 0 {
		t.Errorf("the first database still has %v", got)
	}
	if got := bot.get("/v1/databases/"+second.text("id")).ok().text("data_sources", 1, "id"); got != source.text("id") {
		t.Errorf("the second database has %s", got)
	}
	if got := bot.get("/v1/data_sources/"+relating.text("id")).ok().text("properties", "To the first", "relation", "database_id"); got != second.text("id") {
		t.Errorf("the relation leads to the database %s", got)
	}
	bot.patch("/v1/data_sources/"+source.text("id"), map[string]any{"parent": map[string]any{"database_id": source.text("id")}}).
		refused(http.StatusNotFound, "object_not_found", "Could not find database")

	page := bot.post("/v1/pages", map[string]any{"parent": home, "properties": map[string]any{"title": words("Room")}}).ok().text("id")
	if got := bot.patch("/v1/databases/"+second.text("id"), map[string]any{"parent": map[string]any{"type": "page_id", "page_id": page}}).ok().text("parent", "page_id"); got != page {
		t.Errorf("the database moved to %s", got)
	}
}

func TestPropertiesThatRepeatTheirID(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	id := bot.get("/v1/data_sources/"+source).ok().text("properties", "Lead", "id")
	a := bot.patch("/v1/data_sources/"+source, map[string]any{"properties": map[string]any{"Lead": map[string]any{"id": id, "name": "Led by", "rich_text": map[string]any{}}}}).ok()
	if got := a.text("properties", "Led by", "id"); got != id {
		t.Errorf("the id is %q, and was %q", got, id)
	}
	for name, body := range map[string]string{
		"another property's": `{"Led by":{"id":"title","rich_text":{}}}`,
		"a new property's":   `{"New":{"id":"abcd","rich_text":{}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			bot.on(t).patch("/v1/data_sources/"+source, `{"properties":`+body+`}`).refused(http.StatusBadRequest, "validation_error", "the id of the property itself")
		})
	}
}

func TestRelationsMadeTwoWay(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	projects, organizations := bot.source(sim, "projects"), bot.source(sim, "organizations")
	organization := bot.post("/v1/data_sources/"+organizations+"/query", `{"page_size":1}`).ok().text("results", 0, "id")
	alter := func(kind, settings string) answer {
		t.Helper()
		return bot.patch("/v1/data_sources/"+projects, `{"properties":{"Owner":{"relation":{"data_source_id":"`+organizations+`","type":"`+kind+`","`+kind+`":`+settings+`}}}}`).ok()
	}
	synced := func(a answer) string {
		t.Helper()
		return a.text("properties", "Owner", "relation", "dual_property", "synced_property_id")
	}
	properties := func() map[string]any {
		return bot.get("/v1/data_sources/" + organizations).ok().at("properties").(map[string]any)
	}

	alter("single_property", `{}`)
	page := bot.createIn(projects, map[string]any{"Owner": relation(organization)})
	first := alter("dual_property", `{}`)
	const name = "Related to Projects (Owner)"
	if got := first.text("properties", "Owner", "relation", "dual_property", "synced_property_name"); got != name || synced(first) == "" {
		t.Fatalf("made two-way: %s", compact(first.at("properties", "Owner")))
	}
	if got := refs(bot.get("/v1/pages/"+organization).ok(), name); !slices.Equal(got, []string{page}) {
		t.Errorf("the other end holds %v", got)
	}
	if again := alter("dual_property", `{}`); synced(again) != synced(first) {
		t.Errorf("written again, the synced property went from %q to %q", synced(first), synced(again))
	}
	bot.patch("/v1/data_sources/"+projects, `{"properties":{"Owner":{"name":"Owner"}}}`).ok()
	if got := synced(bot.get("/v1/data_sources/" + projects).ok()); got != synced(first) {
		t.Errorf("named again, the synced property is %q", got)
	}
	alter("single_property", `{}`)
	if _, there := properties()[name]; there {
		t.Error("made one-way, the other end stays")
	}
	if got := refs(bot.get("/v1/pages/"+page).ok(), "Owner"); !slices.Equal(got, []string{organization}) {
		t.Errorf("made one-way, the page holds %v", got)
	}
	if named := alter("dual_property", `{"synced_property_name":"Owns"}`); properties()["Owns"] == nil || synced(named) == "" {
		t.Errorf("made two-way by name: %s", compact(named.at("properties", "Owner")))
	}
	// Leading elsewhere, it loses what the pages hold.
	partners := bot.source(sim, "partners")
	bot.patch("/v1/data_sources/"+projects, `{"properties":{"Owner":{"relation":{"data_source_id":"`+partners+`","single_property":{}}}}}`).ok()
	if got := refs(bot.get("/v1/pages/"+page).ok(), "Owner"); len(got) != 0 || properties()["Owns"] != nil {
		t.Errorf("leading elsewhere, the page holds %v", got)
	}
}

func TestLongAndForeignFormulas(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	page := bot.createIn(source, map[string]any{"Name": title("Computed"), "Budget": number(1)})
	long := `prop("Budget")` + strings.Repeat(` + 1`, 979) // 3,930 characters
	for name, c := range map[string]struct{ expression, shown string }{
		"3,930 characters":       {long, `{"number":980,"type":"number"}`},
		"what is not computed":   {`prop("Partners").map(current.prop("Name")).join(", ")`, `{"type":"unsupported","unsupported":{}}`},
		"a ternary with a quote": {`prop("Budget") > 0 ? "a \"b\"" : "c"`, `{"type":"unsupported","unsupported":{}}`},
	} {
		bot.patch("/v1/data_sources/"+source, map[string]any{"properties": map[string]any{"F": map[string]any{"formula": map[string]any{"expression": c.expression}}}}).ok()
		if got := compact(bot.get("/v1/pages/"+page).ok().at("properties", "F", "formula")); got != c.shown {
			t.Errorf("%s: %s, want %s", name, got, c.shown)
		}
	}
}

func TestFiltersWithSeveralValues(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source, _ := everything(t, sim, bot)
	add := func(name, one, two string) {
		bot.createIn(source, map[string]any{
			"Title": title(name), "Select": map[string]any{"select": map[string]any{"name": one}},
			"Multi": map[string]any{"multi_select": []any{map[string]any{"name": one}, map[string]any{"name": two}}},
		})
	}
	add("first", "One", "A")
	add("second", "Two", "A")
	add("third", "Three", "B")
	for filter, want := range map[string]string{
		`"property":"Select","select":{"equals":["One","Two"]}`:                    "first second",
		`"property":"Select","select":{"does_not_equal":["One","Two"]}`:            "A page third",
		`"property":"Status","status":{"equals":["Done","Not started"]}`:           "A page first second third",
		`"property":"Multi","multi_select":{"contains":["A","Three"]}`:             "first second third",
		`"property":"Multi","multi_select":{"does_not_contain":["One","A","Two"]}`: "A page third",
		`"property":"Multi","multi_select":{"contains":[]}`:                        "",
	} {
		a := bot.post("/v1/data_sources/"+source+"/query", `{"filter":{`+filter+`}}`).ok()
		var got []string
		for i := range a.list("results") {
			got = append(got, a.text("results", i, "properties", "Title", "title", 0, "plain_text"))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s finds %q, want %q", filter, got, want)
		}
	}
	bot.post("/v1/data_sources/"+source+"/query", `{"filter":{"property":"Select","select":{"equals":[1]}}}`).refused(http.StatusBadRequest, "validation_error", "should be a string")
}

func TestSearchInTheTrash(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	page := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Zephyr")})
	find := func(filter string) int {
		t.Helper()
		return len(bot.post("/v1/search", `{"query":"zephyr","sort":{"timestamp":"relevance"},"filter":`+filter+`}`).ok().list("results"))
	}
	if live, trash := find(`{"in_trash":false}`), find(`{"in_trash":true}`); live != 1 || trash != 0 {
		t.Errorf("found %d, in the trash %d", live, trash)
	}
	bot.patch("/v1/pages/"+page, `{"in_trash":true}`).ok()
	if live, trash := find(`{"in_trash":false}`), find(`{"property":"object","value":"page","in_trash":true}`); live != 0 || trash != 1 {
		t.Errorf("once deleted, found %d, in the trash %d", live, trash)
	}
	bot.post("/v1/search", `{"filter":{}}`).refused(http.StatusBadRequest, "validation_error", "body.filter.property should be")
}

func TestWritesAnswerTheChosenProperties(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	made := bot.post("/v1/pages?filter_properties=title", map[string]any{"parent": map[string]any{"data_source_id": bot.source(sim, "projects")}, "properties": map[string]any{"Name": title("Chosen")}}).ok()
	if got := keys(made.at("properties").(map[string]any)); !slices.Equal(got, []string{"Name"}) {
		t.Errorf("made, it shows %v", got)
	}
	written := bot.patch("/v1/pages/"+made.text("id")+"?filter_properties[]=Budget&filter_properties[]=Name", properties(map[string]any{"Budget": number(1)})).ok()
	if got := keys(written.at("properties").(map[string]any)); !slices.Equal(got, []string{"Budget", "Name"}) {
		t.Errorf("written, it shows %v", got)
	}
}

func TestErrorsNameTheIntegration(t *testing.T) {
	t.Parallel()
	_, bot := start(t)
	me := bot.get("/v1/users/me").ok().text("id")
	const nothing = "00000000-0000-4000-8000-000000000000"
	for _, path := range []string{"/v1/pages/", "/v1/databases/", "/v1/data_sources/", "/v1/users/"} {
		a := bot.get(path+nothing).refused(http.StatusNotFound, "object_not_found", "Could not find")
		if got := a.text("additional_data", "integration_id"); got != me {
			t.Errorf("%s: integration_id is %q, want %q", path, got, me)
		}
	}
	want := keys(recorded(t, "error-61-ultimate.json"))
	if got := keys(bot.get("/v1/pages/" + nothing).body); !slices.Equal(got, want) {
		t.Errorf("members %v, recorded %v", got, want)
	}
	if a := bot.person().get("/v1/pages/" + nothing); a.body["additional_data"] != nil {
		t.Errorf("to a person: %s", a.raw)
	}
}

func TestAProxyThatRefuses(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	bot.post("/_sim/faults", `{"rules":[{"status":403,"body":"html","times":1}]}`).ok()
	a := bot.get("/v1/users/me")
	if a.status != http.StatusForbidden || a.header.Get("Content-Type") != "text/html" || !strings.Contains(string(a.raw), "<h1>Forbidden</h1>") {
		t.Errorf("%d %s %s", a.status, a.header.Get("Content-Type"), a.raw)
	}
	bot.get("/v1/users/me").ok()
	if got := sim.Stats().Faults; got != 1 {
		t.Errorf("%d faults", got)
	}
}

// What leads to a data source that is not shared is empty for the bot, whatever it asks, and as it was for a person.
func TestRelationsToWhatIsNotShared(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	bot.post("/_sim/options", `{"budget":0}`).ok()
	projects, partners := bot.source(sim, "projects"), bot.source(sim, "partners")
	partner := bot.createIn(partners, map[string]any{"Name": title("Partner")})
	page := bot.createIn(projects, map[string]any{"Name": title("Related"), "Partners": relation(partner)})
	bot.patch("/v1/data_sources/"+projects, `{"properties":{"Count":{"rollup":{"relation_property_name":"Partners","rollup_property_name":"Name","function":"count"}}}}`).ok()
	id := bot.get("/v1/data_sources/"+projects).ok().text("properties", "Partners", "id")
	related := func(c client) []string { t.Helper(); return refs(c.get("/v1/pages/"+page).ok(), "Partners") }
	found := func(condition string) bool {
		t.Helper()
		ids, _ := walk(t, bot, projects, map[string]any{"filter": map[string]any{"property": "Partners", "relation": map[string]any{condition: true}}})
		return slices.Contains(ids, page)
	}

	bot.post("/_sim/databases/partners/unshare", nil).ok()
	a := bot.get("/v1/pages/" + page).ok()
	if got := related(bot); len(got) != 0 || a.at("properties", "Partners", "has_more") != false {
		t.Errorf("not shared, the bot sees %v", got)
	}
	if got := a.at("properties", "Count", "rollup", "number"); got != 0.0 {
		t.Errorf("not shared, the rollup counts %v", got)
	}
	if got := bot.get("/v1/pages/" + page + "/properties/" + id).ok().list("results"); len(got) != 0 {
		t.Errorf("not shared, the item holds %v", got)
	}
	if !found("is_empty") || found("is_not_empty") {
		t.Error("not shared, filters find what the bot does not see")
	}
	bot.get("/v1/pages/"+partner).refused(http.StatusNotFound, "object_not_found", "Could not find page")
	bot.get("/v1/data_sources/"+partners).refused(http.StatusNotFound, "object_not_found", "Could not find data source")
	if got := related(bot.person()); !slices.Equal(got, []string{partner}) {
		t.Errorf("a person sees %v", got)
	}

	bot.post("/_sim/options", `{"unshared_relations":"omitted"}`).ok()
	schema := bot.get("/v1/data_sources/" + projects).ok().at("properties").(map[string]any)
	shown := bot.get("/v1/pages/" + page).ok().at("properties").(map[string]any)
	for _, name := range []string{"Partners", "Count"} {
		if schema[name] != nil || shown[name] != nil {
			t.Errorf("omitted, %s still shows", name)
		}
	}
	bot.post("/_sim/options", `{"unshared_relations":"shown"}`).ok()
	if got := related(bot); !slices.Equal(got, []string{partner}) {
		t.Errorf("shown, the bot sees %v", got)
	}
	bot.post("/_sim/options", `{"unshared_relations":"empty"}`).ok()
	bot.post("/_sim/databases/"+partners+"/share", nil).ok()
	if got := related(bot); !slices.Equal(got, []string{partner}) || found("is_empty") {
		t.Errorf("shared again, the bot sees %v", got)
	}
}

func TestBlockLimit(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/state"
	sim, bot := start(t, func(c *notionsim.Config) { c.Path = path })
	source := bot.source(sim, "projects")
	home := bot.get("/v1/databases/"+sim.Databases()["projects"]).ok().text("parent", "page_id")
	used := sim.Blocks()
	if used < 95 { // 90 records, four databases, a home
		t.Errorf("the demo workspace has %d blocks", used)
	}
	a := bot.post("/v1/pages", `{"parent":{"data_source_id":"`+source+`"},"children":[
		{"paragraph":{"rich_text":[]}},{"toggle":{"rich_text":[],"children":[{"paragraph":{"rich_text":[]}},{"divider":{}}]}}]}`).ok()
	if got := sim.Blocks() - used; got != 5 {
		t.Errorf("a page with four blocks counts as %d", got)
	}
	bot.post("/v1/pages", `{"parent":{"data_source_id":"`+source+`"},"markdown":"# A\n\nb\n"}`).ok()
	if got := sim.Blocks() - used; got != 8 {
		t.Errorf("with a page of two lines it is %d", got)
	}
	bot.patch("/v1/pages/"+a.text("id"), `{"in_trash":true}`).ok()
	bot.post("/_sim/pages/"+a.text("id")+"/delete", nil).ok()
	if got := sim.Blocks() - used; got != 8 {
		t.Errorf("deleting gave back %d", 8-got)
	}

	bot.post("/_sim/options", `{"block_limit":1000}`).ok()
	if got := bot.post("/_sim/blocks", `{"used":999}`).ok(); got.at("used") != 999.0 || got.at("limit") != 1000.0 {
		t.Errorf("filled: %s", got.raw)
	}
	last := bot.createIn(source, map[string]any{"Name": title("The last")})
	before, err := sim.Pages(sim.Databases()["projects"])
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, body string }{
		"a page":        {"/v1/pages", `{"parent":{"data_source_id":"` + source + `"}}`},
		"a database":    {"/v1/databases", `{"parent":{"page_id":"` + home + `"}}`},
		"a data source": {"/v1/data_sources", `{"parent":{"database_id":"` + sim.Databases()["projects"] + `"},"properties":{"Name":{"title":{}}}}`},
	} {
		if a := bot.post(c.path, c.body); a.status != http.StatusBadRequest || a.text("code") != "row_limit_exceeded" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if after, err := sim.Pages(sim.Databases()["projects"]); err != nil || len(after) != len(before) {
		t.Errorf("%d pages, and were %d, %v", len(after), len(before), err)
	}
	bot.patch("/v1/pages/"+last, properties(map[string]any{"Budget": number(1)})).ok()
	bot.patch("/v1/pages/"+last, `{"in_trash":true}`).ok()
	controlRefused(bot.post("/_sim/blocks", `{"used":-1}`), "may not be negative")

	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := notionsim.New(notionsim.Config{Demo: true, Now: noon, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := again.Blocks(); got != 1000 {
		t.Errorf("kept as %d blocks", got)
	}
}

// What a person does in the app and the API has no request for.
func TestChangesInTheApp(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	page := bot.createIn(source, map[string]any{"Name": title("Changing"), "Lead": richText("Ada"), "Area": map[string]any{"select": map[string]any{"name": "Art"}}})
	before := bot.get("/v1/data_sources/" + source).ok()
	control := func(method, path, body string) answer {
		return bot.do(method, "/_sim/databases/projects/properties"+path, body)
	}
	shown := func(name string) map[string]any {
		t.Helper()
		p, _ := bot.get("/v1/pages/"+page).ok().at("properties", name).(map[string]any)
		return p
	}

	option := compact(shown("Area")["select"].(map[string]any)["id"])
	control("PATCH", "/Area/options/Art", `{"name":"The arts"}`).ok()
	if got := shown("Area")["select"].(map[string]any); compact(got["id"]) != option || got["name"] != "The arts" {
		t.Errorf("the option is %v", got)
	}
	control("PATCH", "/Lead", `{"name":"Led by"}`).ok()
	if got := shown("Led by"); got["id"] != before.at("properties", "Lead", "id") || got["rich_text"].([]any)[0].(map[string]any)["plain_text"] != "Ada" {
		t.Errorf("the renamed property is %v", got)
	}
	control("DELETE", "/Led%20by", ``).ok()
	control("POST", "", `{"name":"Led by","type":"rich_text"}`).ok()
	if got := shown("Led by"); got["id"] == before.at("properties", "Lead", "id") || len(got["rich_text"].([]any)) != 0 {
		t.Errorf("the property made anew is %v", got)
	}
	control("POST", "", `{"name":"Kind","type":"select","config":{"options":[{"name":"A"},{"name":"B"}]}}`).ok()
	bot.patch("/v1/pages/"+page, `{"properties":{"Kind":{"select":{"name":"A"}}}}`).ok()
	control("POST", "", `{"name":"Twice","type":"formula","config":{"expression":"prop(\"Budget\") * 2"}}`).ok()
	control("PATCH", "/Twice", `{"unsupported":true}`).ok()
	if got := compact(shown("Twice")["formula"]); got != `{"type":"unsupported","unsupported":{}}` {
		t.Errorf("the formula is %s", got)
	}
	control("PATCH", "/Twice", `{"unsupported":false}`).ok()
	if got := compact(shown("Twice")["formula"]); got != `{"number":0,"type":"number"}` {
		t.Errorf("the formula is %s", got)
	}
	if got := bot.get("/v1/pages/" + page).ok().text("last_edited_time"); got != "2026-11-23T12:00:00.000Z" {
		t.Errorf("changing the schema edited the page at %s", got)
	}

	for name, c := range map[string]struct{ method, path, body, part string }{
		"no such option":                   {"PATCH", "/Area/options/None", `{"name":"x"}`, `Area has no option "None"`},
		"an option that is there":          {"PATCH", "/Area/options/The%20arts", `{"name":"Technology"}`, `has an option "Technology" already`},
		"a comma":                          {"PATCH", "/Area/options/The%20arts", `{"name":"a,b"}`, "may be neither empty nor have a comma"},
		"no such property":                 {"PATCH", "/None", `{"name":"x"}`, `there is no property "None"`},
		"a name that is taken":             {"PATCH", "/Budget", `{"name":"Area"}`, `there is a property "Area" already`},
		"a name of nothing":                {"PATCH", "/Budget", `{"name":""}`, "a property needs a name"},
		"a number that is unsupported":     {"PATCH", "/Budget", `{"unsupported":true}`, "Budget is a number"},
		"the title":                        {"DELETE", "/Name", ``, "the title cannot be removed"},
		"a relation that leads to nowhere": {"POST", "", `{"name":"x","type":"relation"}`, "should be"},
	} {
		t.Run(name, func(t *testing.T) {
			controlRefused(bot.on(t).do(c.method, "/_sim/databases/projects/properties"+c.path, c.body), c.part)
		})
	}
}
