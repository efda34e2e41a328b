package notionsim_test

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	page := bot.createIn(source, map[string]any{"Name": title("Changing"), "Budget": number(42), "Lead": richText("Ada"), "Area": map[string]any{"select": map[string]any{"name": "Art"}}})
	sim.Clock().Advance(time.Hour)
	alter := func(body string) answer { t.Helper(); return bot.patch("/v1/data_sources/"+source, body).ok() }
	shown := func(property, kind string) any {
		t.Helper()
		a := bot.get("/v1/pages/" + page).ok()
		if got := a.text("properties", property, "type"); got != kind {
			t.Errorf("%s is a %s, want %s", property, got, kind)
		}
		return a.at("properties", property, kind)
	}

	a := alter(`{"properties":{"Lead":{"name":"Led by","description":"Who leads"}}}`)
	if a.text("properties", "Led by", "description") != "Who leads" || shown("Led by", "rich_text").([]any)[0].(map[string]any)["plain_text"] != "Ada" {
		t.Errorf("renamed: %s", a.raw)
	}
	id := a.text("properties", "Led by", "id")
	if b := alter(`{"properties":{"` + id + `":{"name":"Lead"}}}`); b.text("properties", "Lead", "id") != id {
		t.Error("renaming by id gave another id")
	}
	alter(`{"properties":{"Budget":{"rich_text":{}}}}`)
	if got := shown("Budget", "rich_text").([]any)[0].(map[string]any)["plain_text"]; got != "42" {
		t.Errorf("a number became the text %v", got)
	}
	alter(`{"properties":{"Budget":{"number":{"format":"dollar"}}}}`)
	if got := shown("Budget", "number"); got != 42.0 {
		t.Errorf("the text became the number %v", got)
	}
	alter(`{"properties":{"Lead":{"checkbox":{}}}}`)
	if got := shown("Lead", "checkbox"); got != false {
		t.Errorf("a name became the checkbox %v", got)
	}
	alter(`{"properties":{"Lead":null}}`)
	if _, there := bot.get("/v1/pages/" + page).ok().at("properties").(map[string]any)["Lead"]; there {
		t.Error("a removed property still shows")
	}
	// An option that is left out goes, and from the pages that have it.
	alter(`{"properties":{"Area":{"select":{"options":[{"name":"Technology"},{"name":"New","color":"pink"}]}}}}`)
	if got := shown("Area", "select"); got != nil {
		t.Errorf("a removed option still shows: %v", got)
	}
	alter(`{"properties":{"State":{"status":{"options":[{"name":"Not started"},{"name":"In progress"},{"name":"Done"},{"name":"Stuck"}]}}}}`)
	if got := shown("State", "status").(map[string]any)["name"]; got != "Not started" {
		t.Errorf("a new status is %v", got)
	}
	alter(`{"properties":{"No":{"unique_id":{"prefix":"PR"}}}}`)
	if got := shown("No", "unique_id").(map[string]any)["number"]; got != 16.0 {
		t.Errorf("the newest page has the number %v", got)
	}
	alter(`{"properties":{"Twice":{"formula":{"expression":"prop(\"Budget\") * 2"}}}}`)
	alter(`{"properties":{"Budget":{"name":"Cost"}}}`)
	if got := shown("Twice", "formula").(map[string]any)["number"]; got != 84.0 {
		t.Errorf("after a renaming the formula is %v", got)
	}
	if got := bot.get("/v1/pages/" + page).ok().text("last_edited_time"); got != "2026-11-23T12:00:00.000Z" {
		t.Errorf("changing the schema edited the page at %s", got)
	}
}

// TestAPropertyThatIsMadeAnew: a property that is deleted, and another of the same name and type made, has an id that none had before.
func TestAPropertyThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	seen := map[string]bool{}
	for range 3 {
		id := bot.get("/v1/data_sources/"+source).ok().text("properties", "Lead", "id")
		if seen[id] {
			t.Fatalf("%s is the id of one that was deleted", id)
		}
		seen[id] = true
		bot.patch("/v1/data_sources/"+source, `{"properties":{"Lead":null}}`).ok()
		bot.patch("/v1/data_sources/"+source, `{"properties":{"Lead":{"rich_text":{}}}}`).ok()
	}
}

func TestSchemaChangesThatAreRefused(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	before := bot.get("/v1/data_sources/" + source).ok()
	for name, c := range map[string]struct{ body, part string }{
		"a name for nothing":            {`{"Nothing":{"name":"Something"}}`, "Could not find property with name or id: Nothing"},
		"removing nothing":              {`{"Nothing":null}`, "Could not find property"},
		"removing the title":            {`{"Name":null}`, "Cannot delete a title property"},
		"another title":                 {`{"More":{"title":{}}}`, "more than one title"},
		"a title that is a text":        {`{"Name":{"rich_text":{}}}`, "Cannot change the type of a title"},
		"a name that is taken":          {`{"Lead":{"name":"Name"}}`, "Cannot have two properties with the same name: Name"},
		"two types at once":             {`{"New":{"number":{},"url":{}}}`, "should be not present"},
		"a type that cannot be made":    {`{"New":{"button":{}}}`, "button should be not present"},
		"a type that nobody knows":      {`{"New":{"aura":{}}}`, "aura should be not present"},
		"an unknown setting":            {`{"New":{"url":{"long":true}}}`, "url.long should be not present"},
		"an option twice":               {`{"New":{"select":{"options":[{"name":"A"},{"name":"A"}]}}}`, "must be unique"},
		"a comma in an option":          {`{"New":{"select":{"options":[{"name":"A,B"}]}}}`, "commas not allowed"},
		"another color":                 {`{"Area":{"select":{"options":[{"name":"Art","color":"red"},{"name":"Technology"}]}}}`, "Cannot update color"},
		"a color that is not":           {`{"New":{"select":{"options":[{"name":"A","color":"beige"}]}}}`, "color should be"},
		"a relation to nothing":         {`{"New":{"relation":{"data_source_id":"00000000-0000-4000-8000-000000000000","single_property":{}}}}`, "Could not find data source"},
		"a relation of no kind":         {`{"New":{"relation":{"data_source_id":"` + source + `"}}}`, "single_property should be defined"},
		"a rollup along a text":         {`{"New":{"rollup":{"relation_property_name":"Lead","rollup_property_name":"Name","function":"count"}}}`, "Lead is not a relation"},
		"a rollup of nothing":           {`{"New":{"rollup":{"relation_property_name":"Partners","rollup_property_name":"Nothing","function":"count"}}}`, "Could not find property"},
		"a rollup that does nothing":    {`{"New":{"rollup":{"relation_property_name":"Partners","rollup_property_name":"Name","function":"dance"}}}`, "function should be"},
		"a formula that cannot be read": {`{"New":{"formula":{"expression":"1 +"}}}`, "Type error with formula in property New"},
		"a formula about nothing":       {`{"New":{"formula":{"expression":"prop(\"Nothing\")"}}}`, `there is no property "Nothing"`},
		"half a change":                 {`{"Lead":{"name":"Leader"},"Nothing":null}`, "Could not find property"},
	} {
		t.Run(name, func(t *testing.T) {
			a := bot.on(t).patch("/v1/data_sources/"+source, `{"properties":`+c.body+`}`)
			if name == "a relation to nothing" {
				a.refused(http.StatusNotFound, "object_not_found", c.part)
				return
			}
			a.refused(http.StatusBadRequest, "validation_error", c.part)
		})
	}
	after := bot.get("/v1/data_sources/" + source).ok()
	if compact(before.at("properties")) != compact(after.at("properties")) {
		t.Error("a refused request changed the schema")
	}
}

func TestRelationsInTheSchema(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	projects, people := bot.source(sim, "projects"), bot.source(sim, "organizations")
	a := bot.patch("/v1/data_sources/"+projects, map[string]any{"properties": map[string]any{
		"Owner": map[string]any{"relation": map[string]any{"data_source_id": people, "dual_property": map[string]any{}}},
	}}).ok()
	other := bot.get("/v1/data_sources/" + people).ok()
	const name = "Related to Projects (Owner)"
	if a.text("properties", "Owner", "relation", "dual_property", "synced_property_name") != name ||
		other.text("properties", name, "relation", "dual_property", "synced_property_name") != "Owner" {
		t.Errorf("the other end is %v", keys(other.at("properties").(map[string]any)))
	}
	organization := bot.post("/v1/data_sources/"+people+"/query", `{"page_size":1}`).ok().text("results", 0, "id")
	page := bot.createIn(projects, map[string]any{"Owner": relation(organization)})
	if got := refs(bot.get("/v1/pages/"+organization).ok(), name); !slices.Equal(got, []string{page}) {
		t.Errorf("related to %v", got)
	}
	bot.patch("/v1/data_sources/"+projects, `{"properties":{"Owner":null}}`).ok()
	if _, there := bot.get("/v1/data_sources/" + people).ok().at("properties").(map[string]any)[name]; there {
		t.Error("the other end stays when one end goes")
	}
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	db := sim.Databases()["projects"]
	if a := bot.patch("/v1/databases/"+db, map[string]any{"title": words("Works"), "is_locked": true}).ok(); a.text("title", 0, "plain_text") != "Works" || a.at("is_locked") != true {
		t.Errorf("changed to %s", a.raw)
	}
	home := bot.get("/v1/databases/"+db).ok().text("parent", "page_id")
	made := bot.post("/v1/databases", map[string]any{"parent": map[string]any{"type": "page_id", "page_id": home}, "title": words("New")}).ok()
	source := bot.get("/v1/data_sources/" + made.text("data_sources", 0, "id")).ok()
	if got := keys(source.at("properties").(map[string]any)); !slices.Equal(got, []string{"Name"}) {
		t.Errorf("a new data source has %v", got)
	}
	second := bot.post("/v1/data_sources", map[string]any{"parent": map[string]any{"database_id": made.text("id")}, "title": words("Second"), "properties": map[string]any{"Title": map[string]any{"title": map[string]any{}}}}).ok()
	if got := bot.get("/v1/databases/" + made.text("id")).ok(); len(got.list("data_sources")) != 2 || got.text("data_sources", 1, "id") != second.text("id") {
		t.Errorf("data sources %s", got.raw)
	}
	bot.post("/v1/pages", map[string]any{"parent": map[string]any{"database_id": made.text("id")}}).refused(http.StatusBadRequest, "validation_error", "multiple data sources")
	bot.patch("/v1/data_sources/"+second.text("id"), `{"in_trash":true}`).ok()
	bot.post("/v1/pages", map[string]any{"parent": map[string]any{"data_source_id": second.text("id")}}).refused(http.StatusBadRequest, "validation_error", "in the trash")
	bot.post("/v1/databases", map[string]any{"title": words("Nowhere")}).refused(http.StatusBadRequest, "validation_error", "body.parent should be defined")
}

func TestSearchIsLate(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	bot.post("/_sim/options", `{"search_lag_ms":60000}`).ok()
	page := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Zephyr")})
	find := func() int { return len(bot.post("/v1/search", `{"query":"zephyr"}`).ok().list("results")) }
	if n := find(); n != 0 {
		t.Errorf("found %d at once", n)
	}
	sim.Clock().Advance(time.Minute)
	if n := find(); n != 1 {
		t.Errorf("found %d a minute later", n)
	}
	bot.patch("/v1/pages/"+page, `{"in_trash":true}`).ok()
	if n := find(); n != 0 {
		t.Errorf("found %d in the trash", n)
	}
	var ids []string
	body := map[string]any{"page_size": 40, "sort": map[string]any{"timestamp": "last_edited_time", "direction": "ascending"}}
	for {
		a := bot.post("/v1/search", body).ok()
		for i := range a.list("results") {
			ids = append(ids, a.text("results", i, "id"))
		}
		if a.at("has_more") != true {
			break
		}
		body["start_cursor"] = a.text("next_cursor")
	}
	slices.Sort(ids)
	if len(ids) != 95 || len(slices.Compact(ids)) != 95 { // 90 records, a home, four data sources
		t.Errorf("search pages through %d things", len(ids))
	}
}
