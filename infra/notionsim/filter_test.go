package notionsim_test

import (
	"slices"
	"strings"
	"testing"
)

// Three pages, one full, one with other values, one empty, and the conditions of each type that find them.
func TestFilters(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	bot.post("/_sim/options", `{"budget":0}`).ok()
	source, empty := everything(t, sim, bot)
	bot.patch("/v1/pages/"+empty, properties(map[string]any{"Title": title("")})).ok()
	me := bot.get("/v1/users/me").ok().text("id")
	person := bot.person().get("/v1/users/me").ok().text("id")
	full := bot.person().createIn(source, map[string]any{
		"Title": title("Full moon"), "Text": richText("Light over Water"), "Number": number(10), "Check": map[string]any{"checkbox": true},
		"Select": map[string]any{"select": map[string]any{"name": "One"}}, "Multi": map[string]any{"multi_select": []any{map[string]any{"name": "A"}, map[string]any{"name": "B"}}},
		"Status": map[string]any{"status": map[string]any{"name": "Done"}}, "Date": map[string]any{"date": map[string]any{"start": "2026-11-20"}},
		"URL": map[string]any{"url": "https://example.org/full"}, "Email": map[string]any{"email": "full@example.org"}, "Phone": map[string]any{"phone_number": "+61 1"},
		"People": map[string]any{"people": []any{map[string]any{"id": person}}}, "Files": map[string]any{"files": []any{map[string]any{"name": "x", "external": map[string]any{"url": "https://x"}}}},
		"Next": relation(empty),
	})
	other := bot.createIn(source, map[string]any{
		"Title": title("Other moon"), "Text": richText("Shade"), "Number": number(20), "Select": map[string]any{"select": map[string]any{"name": "Two"}},
		"Multi": map[string]any{"multi_select": []any{map[string]any{"name": "B"}}}, "Date": map[string]any{"date": map[string]any{"start": "2026-11-25T10:00:00+11:00"}},
		"URL": map[string]any{"url": "https://example.net"}, "Next": relation(full),
	})
	names := map[string]string{full: "full", other: "other", empty: "empty"}
	for filter, want := range map[string]string{
		`"property":"Title","title":{"equals":"Full moon"}`:                                                          "full",
		`"property":"Title","title":{"does_not_equal":"Full moon"}`:                                                  "empty other",
		`"property":"Title","title":{"contains":"MOON"}`:                                                             "full other",
		`"property":"Title","title":{"does_not_contain":"moon"}`:                                                     "empty",
		`"property":"title","title":{"starts_with":"full"}`:                                                          "full",
		`"property":"Title","title":{"ends_with":"moon"}`:                                                            "full other",
		`"property":"Title","title":{"is_empty":true}`:                                                               "empty",
		`"property":"Title","rich_text":{"is_not_empty":true}`:                                                       "full other",
		`"property":"Text","rich_text":{"contains":"water"}`:                                                         "full",
		`"property":"Number","number":{"equals":10}`:                                                                 "full",
		`"property":"Number","number":{"does_not_equal":10}`:                                                         "empty other",
		`"property":"Number","number":{"greater_than":10}`:                                                           "other",
		`"property":"Number","number":{"less_than":20}`:                                                              "full",
		`"property":"Number","number":{"greater_than_or_equal_to":10}`:                                               "full other",
		`"property":"Number","number":{"less_than_or_equal_to":10}`:                                                  "full",
		`"property":"Number","number":{"is_empty":true}`:                                                             "empty",
		`"property":"Check","checkbox":{"equals":true}`:                                                              "full",
		`"property":"Check","checkbox":{"equals":false}`:                                                             "empty other",
		`"property":"Check","checkbox":{"does_not_equal":true}`:                                                      "empty other",
		`"property":"Select","select":{"equals":"One"}`:                                                              "full",
		`"property":"Select","select":{"does_not_equal":"One"}`:                                                      "empty other",
		`"property":"Select","select":{"is_empty":true}`:                                                             "empty",
		`"property":"Multi","multi_select":{"contains":"A"}`:                                                         "full",
		`"property":"Multi","multi_select":{"does_not_contain":"A"}`:                                                 "empty other",
		`"property":"Status","status":{"equals":"Done"}`:                                                             "full",
		`"property":"Date","date":{"before":"2026-11-25"}`:                                                           "full other",
		`"property":"Date","date":{"on_or_before":"2026-11-20"}`:                                                     "full",
		`"property":"Date","date":{"equals":"2026-11-24"}`:                                                           "other", // 10:00 in Sydney is the day before in UTC
		`"property":"Date","date":{"past_week":{}}`:                                                                  "full",
		`"property":"Date","date":{"is_empty":true}`:                                                                 "empty",
		`"property":"URL","url":{"contains":"example.org"}`:                                                          "full",
		`"property":"Email","email":{"equals":"full@example.org"}`:                                                   "full",
		`"property":"Phone","phone_number":{"is_not_empty":true}`:                                                    "full",
		`"property":"People","people":{"contains":"` + person + `"}`:                                                 "full",
		`"property":"People","people":{"does_not_contain":"` + person + `"}`:                                         "empty other",
		`"property":"Files","files":{"is_not_empty":true}`:                                                           "full",
		`"property":"Next","relation":{"contains":"` + empty + `"}`:                                                  "full",
		`"property":"Previous","relation":{"contains":"` + full + `"}`:                                               "empty",
		`"property":"Next","relation":{"is_empty":true}`:                                                             "empty",
		`"property":"ID","unique_id":{"greater_than":1}`:                                                             "full other",
		`"property":"Maker","created_by":{"contains":"` + me + `"}`:                                                  "empty other",
		`"property":"Maker","people":{"contains":"me"}`:                                                              "empty other",
		`"property":"Made","created_time":{"equals":"2026-11-23"}`:                                                   "empty full other",
		`"property":"Edited","date":{"after":"2026-11-23"}`:                                                          "",
		`"property":"Double","formula":{"number":{"equals":20}}`:                                                     "full",
		`"property":"Sum","rollup":{"number":{"equals":10}}`:                                                         "other",
		`"and":[{"property":"Number","number":{"greater_than":5}},{"property":"Check","checkbox":{"equals":false}}]`: "other",
		`"or":[{"property":"Number","number":{"is_empty":true}},{"property":"Number","number":{"equals":10}}]`:       "empty full",
		`"and":[{"or":[{"property":"Select","select":{"equals":"One"}},{"property":"Select","select":{"equals":"Two"}}]},{"property":"URL","url":{"contains":"net"}}]`: "other",
		`"and":[]`: "empty full other",
		`"or":[]`:  "empty full other",
	} {
		a := bot.post("/v1/data_sources/"+source+"/query", `{"filter":{`+filter+`}}`).ok()
		var got []string
		for i := range a.list("results") {
			got = append(got, names[a.text("results", i, "id")])
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s finds %q, want %q", filter, strings.Join(got, " "), want)
		}
	}
}

func TestRollups(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	bot.post("/_sim/options", `{"budget":0}`).ok()
	source, page := everything(t, sim, bot)
	var ids []string
	for _, p := range []map[string]any{
		{"Number": number(1), "Check": map[string]any{"checkbox": true}, "Date": map[string]any{"date": map[string]any{"start": "2026-01-01"}}, "Select": map[string]any{"select": map[string]any{"name": "One"}}},
		{"Number": number(4), "Date": map[string]any{"date": map[string]any{"start": "2026-01-31"}}, "Select": map[string]any{"select": map[string]any{"name": "One"}}},
		{"Number": number(10)},
		{},
	} {
		ids = append(ids, bot.createIn(source, p))
	}
	trashed := bot.createIn(source, map[string]any{"Number": number(1000)})
	bot.patch("/v1/pages/"+page, properties(map[string]any{"Next": relation(append(ids, trashed)...)})).ok()
	bot.patch("/v1/pages/"+trashed, `{"in_trash":true}`).ok()
	for _, c := range []struct{ function, of, want string }{
		{"count", "Number", `{"function":"count","number":4,"type":"number"}`},
		{"count_values", "Number", `{"function":"count_values","number":3,"type":"number"}`},
		{"empty", "Number", `{"function":"empty","number":1,"type":"number"}`},
		{"not_empty", "Number", `{"function":"not_empty","number":3,"type":"number"}`},
		{"percent_empty", "Number", `{"function":"percent_empty","number":0.25,"type":"number"}`},
		{"sum", "Number", `{"function":"sum","number":15,"type":"number"}`},
		{"average", "Number", `{"function":"average","number":5,"type":"number"}`},
		{"median", "Number", `{"function":"median","number":4,"type":"number"}`},
		{"min", "Number", `{"function":"min","number":1,"type":"number"}`},
		{"max", "Number", `{"function":"max","number":10,"type":"number"}`},
		{"range", "Number", `{"function":"range","number":9,"type":"number"}`},
		{"sum", "Double", `{"function":"sum","number":30,"type":"number"}`},
		{"checked", "Check", `{"function":"checked","number":1,"type":"number"}`},
		{"unchecked", "Check", `{"function":"unchecked","number":3,"type":"number"}`},
		{"percent_checked", "Check", `{"function":"percent_checked","number":0.25,"type":"number"}`},
		{"unique", "Select", `{"function":"unique","number":1,"type":"number"}`},
		{"earliest_date", "Date", `{"date":{"end":null,"start":"2026-01-01","time_zone":null},"function":"earliest_date","type":"date"}`},
		{"latest_date", "Date", `{"date":{"end":null,"start":"2026-01-31","time_zone":null},"function":"latest_date","type":"date"}`},
		{"date_range", "Date", `{"function":"date_range","number":30,"type":"number"}`},
		{"show_original", "Number", `{"array":[{"number":1,"type":"number"},{"number":4,"type":"number"},{"number":10,"type":"number"},{"number":null,"type":"number"}],"function":"show_original","type":"array"}`},
	} {
		bot.patch("/v1/data_sources/"+source, map[string]any{"properties": map[string]any{"Sum": map[string]any{"rollup": map[string]any{
			"relation_property_name": "Next", "rollup_property_name": c.of, "function": c.function,
		}}}}).ok()
		if got := compact(bot.get("/v1/pages/"+page).ok().at("properties", "Sum", "rollup")); got != c.want {
			t.Errorf("%s of %s is %s, want %s", c.function, c.of, got, c.want)
		}
	}
	// Filters look at each of the values.
	for filter, found := range map[string]bool{
		`{"any":{"number":{"greater_than":9}}}`:     true,
		`{"any":{"number":{"greater_than":99}}}`:    false,
		`{"every":{"number":{"greater_than":0}}}`:   false, // one is empty
		`{"none":{"number":{"equals":2}}}`:          true,
		`{"none":{"number":{"is_empty":true}}}`:     false,
		`{"every":{"number":{"does_not_equal":7}}}`: true,
	} {
		a := bot.post("/v1/data_sources/"+source+"/query", `{"filter":{"and":[{"property":"Title","title":{"equals":"A page"}},{"property":"Sum","rollup":`+filter+`}]}}`).ok()
		if got := len(a.list("results")) == 1; got != found {
			t.Errorf("%s finds the page: %v", filter, got)
		}
	}
	// Of nothing, most of it is nothing.
	none := bot.get("/v1/pages/" + ids[3]).ok()
	if got := compact(none.at("properties", "Sum", "rollup")); got != `{"array":[],"function":"show_original","type":"array"}` {
		t.Errorf("of no page the rollup is %s", got)
	}
	item := bot.get("/v1/pages/" + page + "/properties/" + none.text("properties", "Sum", "id") + "?page_size=3").ok()
	if len(item.list("results")) != 3 || item.at("has_more") != true || compact(item.at("property_item", "rollup")) != `{"array":[],"function":"show_original","type":"array"}` {
		t.Errorf("item %s", item.raw)
	}
}

// Rows can be sorted by a property of any type; those that are empty come last.
func TestSortsByEveryType(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	bot.post("/_sim/options", `{"budget":0}`).ok()
	source, empty := everything(t, sim, bot)
	person := bot.person().get("/v1/users/me").ok().text("id")
	first := bot.createIn(source, map[string]any{
		"Title": title("A title"), "Text": richText("a"), "Number": number(1), "Select": map[string]any{"select": map[string]any{"name": "One"}},
		"Multi": map[string]any{"multi_select": []any{map[string]any{"name": "A"}}}, "Date": map[string]any{"date": map[string]any{"start": "2026-01-01"}},
		"URL": map[string]any{"url": "a"}, "Email": map[string]any{"email": "a"}, "Phone": map[string]any{"phone_number": "1"},
	})
	second := bot.createIn(source, map[string]any{
		"Title": title("B title"), "Text": richText("b"), "Number": number(2), "Select": map[string]any{"select": map[string]any{"name": "Two"}},
		"Multi": map[string]any{"multi_select": []any{map[string]any{"name": "B"}}}, "Date": map[string]any{"date": map[string]any{"start": "2026-01-02"}},
		"URL": map[string]any{"url": "b"}, "Email": map[string]any{"email": "b"}, "Phone": map[string]any{"phone_number": "2"}, "Check": map[string]any{"checkbox": true},
		"Status": map[string]any{"status": map[string]any{"name": "Done"}}, "People": map[string]any{"people": []any{map[string]any{"id": person}}}, "Next": relation(empty, first),
	})
	bot.patch("/v1/pages/"+empty, properties(map[string]any{"Title": title("")})).ok()
	schema := bot.get("/v1/data_sources/" + source).ok()
	for name, property := range schema.at("properties").(map[string]any) {
		kind := property.(map[string]any)["type"].(string)
		for _, direction := range []string{"ascending", "descending"} {
			ids, _ := walk(t, bot, source, map[string]any{"page_size": 1, "sorts": []any{map[string]any{"property": name, "direction": direction}}})
			if len(ids) != 3 {
				t.Fatalf("%s %s: %v", name, direction, ids)
			}
			switch kind {
			case "title", "rich_text", "number", "select", "multi_select", "date", "url", "email", "phone_number":
				want := []string{first, second, empty}
				if direction == "descending" {
					want = []string{second, first, empty}
				}
				if !slices.Equal(ids, want) {
					t.Errorf("%s %s: %v, want %v", name, direction, ids, want)
				}
			}
		}
	}
}
