package notionsim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// everything makes a database with a property of each type that can be written, and gives its data source and a page in it.
func everything(t *testing.T, sim *notionsim.Sim, c client) (source, page string) {
	t.Helper()
	home := c.get("/v1/databases/"+sim.Databases()["projects"]).ok().text("parent", "page_id")
	db := c.post("/v1/databases", map[string]any{
		"parent": map[string]any{"type": "page_id", "page_id": home},
		"title":  words("Everything"),
		"initial_data_source": map[string]any{"properties": map[string]any{
			"Title": map[string]any{"title": map[string]any{}}, "Text": map[string]any{"rich_text": map[string]any{}},
			"Number": map[string]any{"number": map[string]any{"format": "dollar"}}, "Check": map[string]any{"checkbox": map[string]any{}},
			"Select": map[string]any{"select": map[string]any{"options": []any{map[string]any{"name": "One", "color": "red"}, map[string]any{"name": "Two"}}}},
			"Multi":  map[string]any{"multi_select": map[string]any{"options": []any{map[string]any{"name": "A"}, map[string]any{"name": "B"}}}},
			"Status": map[string]any{"status": map[string]any{}}, "Date": map[string]any{"date": map[string]any{}},
			"URL": map[string]any{"url": map[string]any{}}, "Email": map[string]any{"email": map[string]any{}}, "Phone": map[string]any{"phone_number": map[string]any{}},
			"People": map[string]any{"people": map[string]any{}}, "Files": map[string]any{"files": map[string]any{}}, "Place": map[string]any{"place": map[string]any{}},
			"ID": map[string]any{"unique_id": map[string]any{"prefix": "ALL"}}, "Made": map[string]any{"created_time": map[string]any{}},
			"Maker": map[string]any{"created_by": map[string]any{}}, "Edited": map[string]any{"last_edited_time": map[string]any{}},
			"Editor": map[string]any{"last_edited_by": map[string]any{}}, "Double": map[string]any{"formula": map[string]any{"expression": `prop("Number") * 2`}},
		}},
	}).ok()
	source = db.text("data_sources", 0, "id")
	c.patch("/v1/data_sources/"+source, properties(map[string]any{
		"Next": map[string]any{"relation": map[string]any{"data_source_id": source, "dual_property": map[string]any{"synced_property_name": "Previous"}}},
	})).ok()
	c.patch("/v1/data_sources/"+source, properties(map[string]any{
		"Sum": map[string]any{"rollup": map[string]any{"relation_property_name": "Next", "rollup_property_name": "Number", "function": "sum"}},
	})).ok()
	return source, c.createIn(source, map[string]any{"Title": title("A page")})
}

func TestValuesThatAreRefused(t *testing.T) {
	t.Parallel()
	sim, bot := start(t, func(c *notionsim.Config) { c.Demo = true })
	if err := sim.SetOptions(func(o *notionsim.Options) { o.Budget = 0 }); err != nil {
		t.Fatal(err)
	}
	_, page := everything(t, sim, bot)
	before, _ := sim.Page(page)
	many := func(n int, item string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = strings.ReplaceAll(item, "#", fmt.Sprint(i))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	text := func(s string) string { return `[{"text":{"content":"` + s + `"}}]` }
	for name, c := range map[string]struct{ body, part string }{
		"2001 characters":                  {`{"Text":{"rich_text":` + text(strings.Repeat("x", 2001)) + `}}`, "body.properties.Text.rich_text[0].text.content.length should be ≤ `2000`, instead was `2001`"},
		"2001 UTF-16 units":                {`{"Text":{"rich_text":` + text(strings.Repeat("🎈", 1000)+"x") + `}}`, "instead was `2001`"},
		"a title of 2001 characters":       {`{"Title":{"title":` + text(strings.Repeat("x", 2001)) + `}}`, "body.properties.Title.title[0].text.content.length"},
		"101 elements":                     {`{"Text":{"rich_text":` + many(101, `{"text":{"content":"#"}}`) + `}}`, "body.properties.Text.rich_text.length should be ≤ `100`, instead was `101`"},
		"101 options":                      {`{"Multi":{"multi_select":` + many(101, `{"name":"o#"}`) + `}}`, "multi_select.length should be ≤ `100`"},
		"101 people":                       {`{"People":{"people":` + many(101, `{"id":"x"}`) + `}}`, "people.length should be ≤ `100`"},
		"101 related pages":                {`{"Next":{"relation":` + many(101, `{"id":"x"}`) + `}}`, "relation.length should be ≤ `100`"},
		"a text that is a string":          {`{"Text":{"rich_text":"x"}}`, "body.properties.Text.rich_text should be an array, instead was `\"x\"`"},
		"a text element of no kind":        {`{"Text":{"rich_text":[{}]}}`, "rich_text[0].text should be defined, instead was `undefined`"},
		"a text without content":           {`{"Text":{"rich_text":[{"text":{}}]}}`, "text.content should be defined"},
		"a color that does not exist":      {`{"Text":{"rich_text":[{"text":{"content":"x"},"annotations":{"color":"beige"}}]}}`, "annotations.color should be `\"default\"`"},
		"bold that is a string":            {`{"Text":{"rich_text":[{"text":{"content":"x"},"annotations":{"bold":"yes"}}]}}`, "annotations.bold should be a boolean"},
		"a link that is no address":        {`{"Text":{"rich_text":[{"text":{"content":"x","link":{"url":"nowhere"}}}]}}`, "Invalid URL for link"},
		"a link of 2001 characters":        {`{"Text":{"rich_text":[{"text":{"content":"x","link":{"url":"https://` + strings.Repeat("x", 1993) + `"}}}]}}`, "link.url.length should be ≤ `2000`"},
		"an equation of 1001 characters":   {`{"Text":{"rich_text":[{"equation":{"expression":"` + strings.Repeat("x", 1001) + `"}}]}}`, "expression.length should be ≤ `1000`"},
		"a mention of nobody":              {`{"Text":{"rich_text":[{"mention":{"user":{"id":"00000000-0000-4000-8000-000000000000"}}}]}}`, "Could not find user"},
		"a mention of no page":             {`{"Text":{"rich_text":[{"mention":{"page":{"id":"00000000-0000-4000-8000-000000000000"}}}]}}`, "Could not find page"},
		"a mention that cannot be written": {`{"Text":{"rich_text":[{"mention":{"link_preview":{"url":"https://x"}}}]}}`, "should be a mention that can be written"},
		"a number that is a string":        {`{"Number":{"number":"1"}}`, "body.properties.Number.number should be a number, instead was `\"1\"`"},
		"a number beyond all":              {`{"Number":{"number":1e999}}`, "should be a number"},
		"a checkbox that is null":          {`{"Check":{"checkbox":null}}`, "checkbox should be a boolean"},
		"a select that is a string":        {`{"Select":{"select":"One"}}`, "select should be an object"},
		"a select without a name":          {`{"Select":{"select":{}}}`, "select.name should be defined"},
		"a select with an empty name":      {`{"Select":{"select":{"name":""}}}`, "select.name.length should be ≥ `1`"},
		"a comma in an option":             {`{"Select":{"select":{"name":"One, two"}}}`, "commas not allowed: One, two"},
		"a comma in a multi_select":        {`{"Multi":{"multi_select":[{"name":"A,B"}]}}`, "commas not allowed"},
		"an option of 101 characters":      {`{"Select":{"select":{"name":"` + strings.Repeat("x", 101) + `"}}}`, "name.length should be ≤ `100`"},
		"an option id that does not exist": {`{"Select":{"select":{"id":"nope"}}}`, "does not have a select option with id"},
		"a status that does not exist":     {`{"Status":{"status":{"name":"Almost"}}}`, `Invalid status option. Status option "Almost" does not exist`},
		"a date that is a string":          {`{"Date":{"date":"2026-11-23"}}`, "date should be an object"},
		"a date without start":             {`{"Date":{"date":{}}}`, "date.start should be defined"},
		"a day that does not exist":        {`{"Date":{"date":{"start":"2026-02-30"}}}`, "date.start should be a valid ISO 8601 date string"},
		"a date in words":                  {`{"Date":{"date":{"start":"tomorrow"}}}`, "valid ISO 8601"},
		"an end before the start":          {`{"Date":{"date":{"start":"2026-02-02","end":"2026-02-01"}}}`, "date.end should be on or after start"},
		"a day that ends in a time":        {`{"Date":{"date":{"start":"2026-02-02","end":"2026-02-03T10:00:00Z"}}}`, "both with or both without a time"},
		"a time zone that does not exist":  {`{"Date":{"date":{"start":"2026-02-02T10:00:00","time_zone":"Mars/Olympus"}}}`, "should be a valid time zone"},
		"a time zone of a day":             {`{"Date":{"date":{"start":"2026-02-02","time_zone":"Australia/Sydney"}}}`, "should be not present"},
		"an empty url":                     {`{"URL":{"url":""}}`, "url.length should be ≥ `1`"},
		"a url of 2001 characters":         {`{"URL":{"url":"` + strings.Repeat("x", 2001) + `"}}`, "url.length should be ≤ `2000`"},
		"an empty email":                   {`{"Email":{"email":""}}`, "email.length should be ≥ `1`"},
		"an email of 201 characters":       {`{"Email":{"email":"` + strings.Repeat("x", 201) + `"}}`, "email.length should be ≤ `200`"},
		"a phone number of 201 characters": {`{"Phone":{"phone_number":"` + strings.Repeat("1", 201) + `"}}`, "phone_number.length should be ≤ `200`"},
		"a person who does not exist":      {`{"People":{"people":[{"id":"00000000-0000-4000-8000-000000000000"}]}}`, "Could not find user"},
		"a person without id":              {`{"People":{"people":[{}]}}`, "people[0].id should be a valid uuid"},
		"a related page elsewhere":         {`{"Next":{"relation":[{"id":"` + bot.get("/v1/databases/"+sim.Databases()["projects"]).ok().text("parent", "page_id") + `"}]}}`, "is not in the data source"},
		"a file of no kind":                {`{"Files":{"files":[{"name":"x"}]}}`, "external should be defined"},
		"a file that Notion does not host": {`{"Files":{"files":[{"name":"x","file":{"url":"https://example.org/x"}}]}}`, "a file that Notion hosts"},
		"a place without longitude":        {`{"Place":{"place":{"lat":1}}}`, "place.lon should be defined"},
		"a property that does not exist":   {`{"Nothing":{"number":1}}`, "Nothing is not a property that exists."},
		"a property twice":                 {`{"Title":{"title":[]},"title":{"title":[]}}`, "Title is named twice"},
		"a value of another type":          {`{"Number":{"rich_text":[]}}`, "Number is expected to be number."},
		"a value of two types":             {`{"Number":{"number":1,"rich_text":[]}}`, "should be not present"},
		"a type that is another":           {`{"Number":{"type":"url","number":1}}`, "type should be `\"number\"`"},
		"a value that is no object":        {`{"Number":1}`, "body.properties.Number should be an object"},
		"a formula":                        {`{"Double":{"formula":{"number":1}}}`, "Double is a read-only property"},
		"a rollup":                         {`{"Sum":{"rollup":{"number":1}}}`, "read-only"},
		"a created_time":                   {`{"Made":{"created_time":"2026-01-01T00:00:00Z"}}`, "read-only"},
		"a unique_id":                      {`{"ID":{"unique_id":{"number":1}}}`, "read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			a := bot.on(t).patch("/v1/pages/"+page, `{"properties":`+c.body+`}`)
			if strings.Contains(c.part, "Could not find") {
				a.refused(http.StatusNotFound, "object_not_found", c.part)
				return
			}
			a.refused(http.StatusBadRequest, "validation_error", c.part)
		})
	}
	if after, _ := sim.Page(page); string(after) != string(before) {
		t.Errorf("a refused request changed the page\n%s\n%s", before, after)
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	page := bot.createIn(source, map[string]any{"Name": title("A page")})
	parent := `"parent":{"data_source_id":"` + source + `"}`
	for name, c := range map[string]struct{ method, path, body, code, part string }{
		"no JSON":                       {"PATCH", "/v1/pages/" + page, `{`, "invalid_json", "Error parsing JSON body."},
		"two JSON values":               {"PATCH", "/v1/pages/" + page, `{}{}`, "invalid_json", "Error parsing JSON body."},
		"bytes that are no text":        {"PATCH", "/v1/pages/" + page, "{\"properties\":{\"Name\":{\"title\":[{\"text\":{\"content\":\"\xff\"}}]}}}", "invalid_json", "Error parsing"},
		"a list":                        {"PATCH", "/v1/pages/" + page, `[]`, "validation_error", "body should be an object"},
		"more than 500 KB":              {"PATCH", "/v1/pages/" + page, `{"x":"` + strings.Repeat("x", 500_000) + `"}`, "validation_error", "500 KB"},
		"a member that does not exist":  {"PATCH", "/v1/pages/" + page, `{"tilte":1}`, "validation_error", "body.tilte should be not present, instead was `1`"},
		"a trash that is a string":      {"PATCH", "/v1/pages/" + page, `{"in_trash":"yes"}`, "validation_error", "body.in_trash should be a boolean"},
		"an icon of no kind":            {"PATCH", "/v1/pages/" + page, `{"icon":{"type":"dream"}}`, "validation_error", "body.icon.external.url should be defined"},
		"no parent":                     {"POST", "/v1/pages", `{"properties":{}}`, "validation_error", "body.parent should be defined, instead was `undefined`"},
		"an empty parent":               {"POST", "/v1/pages", `{"parent":{}}`, "validation_error", "body.parent.page_id should be defined"},
		"a parent that is no id":        {"POST", "/v1/pages", `{"parent":{"data_source_id":"x"}}`, "validation_error", "body.parent.data_source_id should be a valid uuid"},
		"a title under another name":    {"POST", "/v1/pages", `{` + parent + `,"properties":{"Title":{"title":[]}}}`, "validation_error", "Title is not a property that exists"},
		"a page size of 0":              {"POST", "/v1/data_sources/" + source + "/query", `{"page_size":0}`, "validation_error", "body.page_size should be a whole number from 1 to 100"},
		"a page size of 101":            {"POST", "/v1/data_sources/" + source + "/query", `{"page_size":101}`, "validation_error", "body.page_size"},
		"half a row":                    {"POST", "/v1/data_sources/" + source + "/query", `{"page_size":1.5}`, "validation_error", "body.page_size"},
		"a cursor of nobody":            {"POST", "/v1/data_sources/" + source + "/query", `{"start_cursor":"` + page + `"}`, "validation_error", "The start_cursor provided is invalid"},
		"a filter on nothing":           {"POST", "/v1/data_sources/" + source + "/query", `{"filter":{"property":"Nothing","number":{"equals":1}}}`, "validation_error", "Could not find property with name or id: Nothing"},
		"a filter of another type":      {"POST", "/v1/data_sources/" + source + "/query", `{"filter":{"property":"Budget","rich_text":{"equals":"1"}}}`, "validation_error", "database property number does not match filter rich_text"},
		"a filter without condition":    {"POST", "/v1/data_sources/" + source + "/query", `{"filter":{"property":"Featured","checkbox":{}}}`, "validation_error", "an object with one condition"},
		"a filter with a false one":     {"POST", "/v1/data_sources/" + source + "/query", `{"filter":{"property":"Budget","number":{"about":1}}}`, "validation_error", "about should be not present"},
		"a filter on an unknown time":   {"POST", "/v1/data_sources/" + source + "/query", `{"filter":{"timestamp":"read_time","read_time":{}}}`, "validation_error", "body.filter.timestamp should be"},
		"a filter nested too deep":      {"POST", "/v1/data_sources/" + source + "/query", `{"filter":{"and":[{"or":[{"and":[]}]}]}}`, "validation_error", "nested only two levels"},
		"a since that is no time":       {"POST", "/v1/data_sources/" + source + "/query", `{"filter":{"timestamp":"created_time","created_time":{"after":"soon"}}}`, "validation_error", "valid ISO 8601"},
		"a sort on nothing":             {"POST", "/v1/data_sources/" + source + "/query", `{"sorts":[{"property":"Nothing","direction":"ascending"}]}`, "validation_error", "Could not find sort property"},
		"a sort sideways":               {"POST", "/v1/data_sources/" + source + "/query", `{"sorts":[{"property":"Name","direction":"sideways"}]}`, "validation_error", "direction should be"},
		"a property filter for nothing": {"POST", "/v1/data_sources/" + source + "/query?filter_properties=Nothing", `{}`, "validation_error", "Could not find property"},
		"a search for databases":        {"POST", "/v1/search", `{"filter":{"property":"object","value":"database"}}`, "validation_error", "body.filter.value should be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bot.on(t).do(c.method, c.path, c.body).refused(http.StatusBadRequest, c.code, c.part)
		})
	}
}

func TestTrashedPagesCannotBeEdited(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	page := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("A page")})
	bot.patch("/v1/pages/"+page, `{"in_trash":true}`).ok()
	edit := properties(map[string]any{"Name": title("Another name")})
	bot.patch("/v1/pages/"+page, edit).refused(http.StatusBadRequest, "validation_error", "Can't edit block that is archived")
	bot.patch("/v1/pages/"+page, map[string]any{"in_trash": false, "properties": map[string]any{"Name": title("Another name")}}).ok()
	if got := bot.get("/v1/pages/" + page).ok(); got.text("properties", "Name", "title", 0, "plain_text") != "Another name" || got.at("in_trash") != false {
		t.Errorf("restored and edited at once: %s", got.raw)
	}
}
