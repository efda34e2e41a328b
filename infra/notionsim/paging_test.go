package notionsim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// walk follows a query to its end and gives the ids that it gave, page by page, and the last answer.
func walk(t tester, c client, source string, body map[string]any) (ids []string, last answer) {
	t.Helper()
	for {
		last = c.post("/v1/data_sources/"+source+"/query", body).ok()
		for i := range last.list("results") {
			ids = append(ids, last.text("results", i, "id"))
		}
		if last.at("has_more") != true {
			if last.at("next_cursor") != nil {
				t.Fatalf("a cursor without more: %v", last.at("next_cursor"))
			}
			return ids, last
		}
		body["start_cursor"] = last.text("next_cursor")
	}
}

func TestPagingGivesEveryRowOnce(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "opportunities")
	for name, sorts := range map[string][]any{
		"without sorts":       nil,
		"oldest first":        {map[string]any{"timestamp": "created_time", "direction": "ascending"}},
		"newest first":        {map[string]any{"timestamp": "created_time", "direction": "descending"}},
		"edited last first":   {map[string]any{"timestamp": "last_edited_time", "direction": "descending"}},
		"by name":             {map[string]any{"property": "Name", "direction": "ascending"}},
		"by type and amount":  {map[string]any{"property": "Type", "direction": "descending"}, map[string]any{"property": "Amount", "direction": "ascending"}},
		"by what is the same": {map[string]any{"property": "Tags", "direction": "ascending"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bot, body := bot.on(t), map[string]any{"page_size": 7}
			if sorts != nil {
				body["sorts"] = sorts
			}
			ids, _ := walk(t, bot, source, body)
			whole := bot.post("/v1/data_sources/"+source+"/query", map[string]any{"sorts": slices.Clip(append([]any{}, sorts...))}).ok()
			var want []string
			for i := range whole.list("results") {
				want = append(want, whole.text("results", i, "id"))
			}
			if !slices.Equal(ids, want) {
				t.Errorf("in pages of 7:\n%v\nat once:\n%v", ids, want)
			}
			if slices.Sort(ids); len(slices.Compact(ids)) != 30 {
				t.Errorf("%d different rows", len(slices.Compact(ids)))
			}
		})
	}
}

func TestSortsAreInOrder(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	rows := bot.post("/v1/data_sources/"+bot.source(sim, "projects")+"/query",
		`{"sorts":[{"property":"Area","direction":"ascending"},{"property":"Budget","direction":"descending"}]}`).ok()
	order := []string{"Technology", "Justice Reform", "Indigenous Rights", "Economic Freedom", "Art", "Global community"}
	lastArea, lastBudget := 0, 1e18
	for i := range rows.list("results") {
		area := slices.Index(order, rows.text("results", i, "properties", "Area", "select", "name"))
		budget := rows.at("results", i, "properties", "Budget", "number").(float64)
		if area < lastArea || (area == lastArea && budget > lastBudget) {
			t.Errorf("row %d: %s with %v comes too late", i, order[area], budget)
		}
		lastArea, lastBudget = area, budget
	}
}

func TestCursorsAreGoodForTheirQueryOnly(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "partners")
	query := "/v1/data_sources/" + source + "/query"
	cursor := bot.post(query, `{"page_size":5}`).ok().text("next_cursor")
	other := bot.source(sim, "projects")
	for name, c := range map[string]struct{ path, body string }{
		"another data source": {"/v1/data_sources/" + other + "/query", `{"start_cursor":"` + cursor + `"}`},
		"another filter":      {query, `{"start_cursor":"` + cursor + `","filter":{"property":"Featured","checkbox":{"equals":true}}}`},
		"another sort":        {query, `{"start_cursor":"` + cursor + `","sorts":[{"timestamp":"created_time","direction":"ascending"}]}`},
		"the trash":           {query, `{"start_cursor":"` + cursor + `","in_trash":true}`},
		"one digit off":       {query, `{"start_cursor":"` + strings.Replace(cursor, cursor[:1], "g", 1) + `"}`},
		"a search":            {"/v1/search", `{"start_cursor":"` + cursor + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bot.on(t).post(c.path, c.body).refused(http.StatusBadRequest, "validation_error", "start_cursor")
		})
	}
	bot.post(query, `{"start_cursor":"`+cursor+`","page_size":50}`).ok() // the size of pages may change
}

func TestRowCap(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "partners")
	if err := sim.SetOptions(func(o *notionsim.Options) { o.RowCap = 12 }); err != nil {
		t.Fatal(err)
	}
	ids, last := walk(t, bot, source, map[string]any{"page_size": 5})
	if len(ids) != 12 || last.text("request_status", "type") != "incomplete" || last.text("request_status", "incomplete_reason") != "query_result_limit_reached" {
		t.Errorf("%d rows, then %s", len(ids), last.raw)
	}
	for most, incomplete := range map[int]bool{24: true, 25: false, 26: false, 0: false} {
		if err := sim.SetOptions(func(o *notionsim.Options) { o.RowCap = most }); err != nil {
			t.Fatal(err)
		}
		ids, last := walk(t, bot, source, map[string]any{"page_size": 10})
		if _, is := last.body["request_status"]; is != incomplete {
			t.Errorf("a cap of %d: %d rows, incomplete %v", most, len(ids), is)
		}
	}
	// What one query does not give, another does: what was created since its last row.
	if err := sim.SetOptions(func(o *notionsim.Options) { o.RowCap = 10 }); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	since := "2000-01-01T00:00:00.000Z"
	for range 10 {
		ids, last := walk(t, bot, source, map[string]any{
			"sorts":  []any{map[string]any{"timestamp": "created_time", "direction": "ascending"}},
			"filter": map[string]any{"timestamp": "created_time", "created_time": map[string]any{"on_or_after": since}},
		})
		for _, id := range ids {
			seen[id] = true
		}
		since = last.text("results", len(last.list("results"))-1, "created_time")
		if _, incomplete := last.body["request_status"]; !incomplete {
			break
		}
	}
	if len(seen) != 25 {
		t.Errorf("windows of created_time gave %d rows of 25", len(seen))
	}
}

func TestTrashIsLeftOut(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	ids, _ := walk(t, bot, source, map[string]any{})
	bot.patch("/v1/pages/"+ids[0], `{"in_trash":true}`).ok()
	left, _ := walk(t, bot, source, map[string]any{})
	if len(left) != 14 || slices.Contains(left, ids[0]) {
		t.Errorf("%d rows are left", len(left))
	}
	if trashed, _ := walk(t, bot, source, map[string]any{"in_trash": true}); !slices.Equal(trashed, ids[:1]) {
		t.Errorf("in the trash are %v", trashed)
	}
	bot.patch("/v1/pages/"+ids[0], `{"in_trash":false}`).ok()
	if back, _ := walk(t, bot, source, map[string]any{}); len(back) != 15 {
		t.Errorf("%d rows after the page came back", len(back))
	}
	bot.post("/_sim/pages/"+ids[0]+"/delete", nil).ok()
	bot.get("/v1/pages/"+ids[0]).refused(http.StatusNotFound, "object_not_found", "")
	if gone, _ := walk(t, bot, source, map[string]any{}); len(gone) != 14 {
		t.Errorf("%d rows after the page was deleted", len(gone))
	}
}

func TestFilteredProperties(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	schema := bot.get("/v1/data_sources/" + source).ok()
	id := schema.text("properties", "Budget", "id")
	row := bot.post("/v1/data_sources/"+source+"/query?filter_properties=title&filter_properties="+id, `{"page_size":1}`).ok()
	if got := keys(row.at("results", 0, "properties").(map[string]any)); !slices.Equal(got, []string{"Budget", "Name"}) {
		t.Errorf("properties %v", got)
	}
}

// Rows that nobody touches are seen exactly once, whatever is created, edited, trashed and deleted around them while a query is
// paged through.
func TestPagingAmidEdits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sim := ticking(t, 1)
		defer sim.Close()
		bot := inProcess(t, sim)
		source := bot.source(sim, "opportunities")
		rows, err := sim.Pages(sim.Databases()["opportunities"])
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, raw := range rows {
			all = append(all, idOf(t, raw))
		}
		slices.Sort(all)
		touched := make(map[string]bool)
		body := map[string]any{"page_size": rapid.IntRange(1, 9).Draw(t, "page_size")}
		if sorts := rapid.SampledFrom([]string{"", "created_time", "last_edited_time", "Name", "Amount"}).Draw(t, "sort"); sorts != "" {
			by := "timestamp"
			if sorts == "Name" || sorts == "Amount" {
				by = "property"
			}
			body["sorts"] = []any{map[string]any{by: sorts, "direction": rapid.SampledFrom([]string{"ascending", "descending"}).Draw(t, "direction")}}
		}
		seen := make(map[string]int)
		for {
			page := bot.post("/v1/data_sources/"+source+"/query", body).ok()
			for i := range page.list("results") {
				seen[page.text("results", i, "id")]++
			}
			if page.at("has_more") != true {
				break
			}
			body["start_cursor"] = page.text("next_cursor")
			for range rapid.IntRange(0, 3).Draw(t, "edits") {
				id := rapid.SampledFrom(all).Draw(t, "row")
				if touched[id] {
					continue
				}
				touched[id] = true
				switch rapid.SampledFrom([]string{"edit", "trash", "delete", "create"}).Draw(t, "what") {
				case "edit":
					bot.patch("/v1/pages/"+id, properties(map[string]any{"Name": title(fmt.Sprint("Edited ", len(touched))), "Amount": number(float64(len(touched)))})).ok()
				case "trash":
					bot.patch("/v1/pages/"+id, `{"in_trash":true}`).ok()
				case "delete":
					bot.post("/_sim/pages/"+id+"/delete", nil).ok()
				case "create":
					bot.createIn(source, map[string]any{"Name": title("New")})
				}
			}
		}
		for _, id := range all {
			if seen[id] != 1 && !touched[id] {
				t.Errorf("%s was seen %d times", id, seen[id])
			}
		}
	})
}
