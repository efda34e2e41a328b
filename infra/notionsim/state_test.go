package notionsim_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// state returns everything that can be seen of a simulator's content.
func state(t *testing.T, sim *notionsim.Sim) []string {
	t.Helper()
	bot := inProcess(t, sim)
	var all []string
	for _, path := range []string{"/v1/users"} {
		a := bot.get(path).ok()
		delete(a.body, "request_id")
		all = append(all, compact(a.body))
	}
	for _, kind := range []string{"partners", "projects", "opportunities", "organizations"} {
		db := bot.get("/v1/databases/" + sim.Databases()[kind]).ok()
		source := bot.get("/v1/data_sources/" + db.text("data_sources", 0, "id")).ok()
		delete(db.body, "request_id")
		delete(source.body, "request_id")
		all = append(all, compact(db.body), compact(source.body))
		rows, err := sim.Pages(sim.Databases()[kind])
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range rows {
			all = append(all, string(raw))
		}
	}
	return all
}

// edit does a bit of everything.
func editAll(t *testing.T, sim *notionsim.Sim) {
	t.Helper()
	bot := inProcess(t, sim)
	projects, partners := bot.source(sim, "projects"), bot.source(sim, "partners")
	bot.patch("/v1/data_sources/"+projects, `{"properties":{
		"Stage":{"status":{}}, "Number":{"unique_id":{"prefix":"P"}}, "Double":{"formula":{"expression":"prop(\"Budget\") * 2"}}, "Lead":{"name":"Led by"}, "Funding":null,
		"People":{"people":{}}, "Files":{"files":{}}}}`).ok()
	partner := bot.createIn(partners, map[string]any{"Name": title("Partner")})
	page := bot.createIn(projects, map[string]any{
		"Name": title("Project"), "Partners": relation(partner), "Tags": map[string]any{"multi_select": []any{map[string]any{"name": "new"}}},
		"Start Date": map[string]any{"date": map[string]any{"start": "2026-01-01", "end": "2026-02-01"}},
		"People":     map[string]any{"people": []any{map[string]any{"id": bot.get("/v1/users/me").ok().text("id")}}},
		"Files":      map[string]any{"files": []any{map[string]any{"name": "x", "external": map[string]any{"url": "https://example.org"}}}},
		"Description": map[string]any{"rich_text": []any{map[string]any{
			"text": map[string]any{"content": "x", "link": map[string]any{"url": "https://example.org"}}, "annotations": map[string]any{"italic": true, "color": "red"},
		}, map[string]any{"mention": map[string]any{"page": map[string]any{"id": partner}}}}},
	})
	rows, _ := walk(t, bot, partners, map[string]any{"page_size": 3})
	bot.patch("/v1/pages/"+rows[0], `{"in_trash":true,"icon":{"type":"emoji","emoji":"🎈"}}`).ok()
	bot.post("/_sim/pages/"+rows[1]+"/delete", nil).ok()
	bot.post("/_sim/databases/"+sim.Databases()["organizations"]+"/properties", `{"name":"Aura","type":"aura"}`).ok()
	organization := bot.post("/v1/data_sources/"+bot.source(sim, "organizations")+"/query", `{"page_size":1}`).ok().text("results", 0, "id")
	bot.post("/_sim/pages/"+organization+"/values", `{"Aura":{"glow":1}}`).ok()
	bot.post("/v1/pages/"+page+"/move", map[string]any{"parent": map[string]any{"data_source_id": bot.source(sim, "opportunities")}}).ok()
}

func TestStateSurvives(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	open := func(path string) *notionsim.Sim {
		sim, err := notionsim.New(notionsim.Config{Path: path, Demo: true, Now: noon})
		if err != nil {
			t.Fatal(err)
		}
		return sim
	}
	sim := open(path)
	editAll(t, sim)
	before := state(t, sim)
	bot := inProcess(t, sim)
	source := bot.source(sim, "opportunities")
	half := bot.post("/v1/data_sources/"+source+"/query", `{"page_size":10}`).ok()

	// What a killed process leaves behind is the file as it is at any moment.
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(t.TempDir(), "killed")
	if err := os.WriteFile(killed, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"closed": path, "killed": killed} {
		t.Run(name, func(t *testing.T) {
			sim := open(path)
			defer sim.Close()
			if after := state(t, sim); !slices.Equal(before, after) {
				for i := range before {
					if i < len(after) && before[i] != after[i] {
						t.Fatalf("before\n%s\nafter\n%s", before[i], after[i])
					}
				}
				t.Fatalf("%d things before, %d after", len(before), len(after))
			}
			bot := inProcess(t, sim)
			rest, _ := walk(t, bot, source, map[string]any{"page_size": 10, "start_cursor": half.text("next_cursor")})
			if len(rest) != 31-10 {
				t.Errorf("a cursor from before gives %d rows more", len(rest))
			}
			// New ids are new.
			a, b := bot.createIn(source, map[string]any{"Name": title("A")}), bot.createIn(source, map[string]any{"Name": title("B")})
			for _, old := range before {
				if a == b || slices.Contains([]string{old}, a) {
					t.Fatal("an id was given twice")
				}
			}
			if rows, err := sim.Pages(sim.Databases()["opportunities"]); err != nil || len(rows) != 33 {
				t.Errorf("%d rows, %v", len(rows), err)
			}
		})
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	sim, err := notionsim.New(notionsim.Config{Path: path, Demo: true, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	before := state(t, sim)
	editAll(t, sim)
	bot := inProcess(t, sim)
	bot.post("/_sim/options", `{"budget":1,"truncation":1}`).ok()
	bot.post("/_sim/clock", `{"set":"2030-01-01T00:00:00Z"}`).ok()
	bot.post("/_sim/faults", `{"rules":[{"status":503}]}`).ok()
	if got := bot.post("/_sim/reset", nil).ok().text("databases", "projects"); got != sim.Databases()["projects"] {
		t.Errorf("the database of projects is %q", got)
	}
	if after := state(t, sim); !slices.Equal(before, after) {
		t.Error("the demo workspace is not what it was")
	}
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := notionsim.New(notionsim.Config{Path: path, Demo: true, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if after := state(t, again); !slices.Equal(before, after) {
		t.Error("the demo workspace that was kept is not what it was")
	}
}

// The same seed and the same requests give the same answers, byte by byte, whenever that is; another seed gives other ids.
func TestSameSeedSameAnswers(t *testing.T) {
	t.Parallel()
	run := func(seed int64) (out []string, databases map[string]string) {
		sim := ticking(t, seed)
		defer sim.Close()
		bot := inProcess(t, sim)
		record := func(a answer) answer {
			out = append(out, fmt.Sprint(a.status, a.header, string(a.raw)))
			return a
		}
		record(bot.post("/_sim/seed", `{"records":{"partners":60,"projects":40},"seed":7}`).ok())
		record(bot.post("/_sim/faults", `{"rules":[{"status":503,"probability":0.4,"route":"/v1/users/me"}],"seed":3}`))
		for range 20 {
			record(bot.get("/v1/users/me"))
		}
		bot.do("DELETE", "/_sim/faults", nil).ok()
		source := bot.source(sim, "partners")
		body := map[string]any{"page_size": 20}
		for {
			a := record(bot.post("/v1/data_sources/"+source+"/query", body).ok())
			if a.at("has_more") != true {
				break
			}
			body["start_cursor"] = a.text("next_cursor")
		}
		editAll(t, sim)
		out = append(out, state(t, sim)...)
		return out, sim.Databases()
	}
	a, ids := run(5)
	b, same := run(5)
	if !slices.Equal(a, b) || ids["projects"] != same["projects"] {
		for i := range a {
			if i < len(b) && a[i] != b[i] {
				t.Fatalf("first\n%s\nthen\n%s", a[i], b[i])
			}
		}
		t.Fatal("the same seed gave other answers")
	}
	if _, others := run(6); others["projects"] == ids["projects"] {
		t.Error("another seed gave the same ids")
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	if got := compact(bot.post("/_sim/seed", `{"records":{"partners":1500,"projects":10},"seed":1}`).ok().at("added")); got != `{"partners":1475}` {
		t.Errorf("added %s", got)
	}
	if got := compact(bot.post("/_sim/seed", `{"records":{"partners":1500},"seed":1}`).ok().at("added")); got != `{}` {
		t.Errorf("added again %s", got)
	}
	rows, err := sim.Pages(sim.Databases()["partners"])
	if err != nil || len(rows) != 1500 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	// Rows of one minute must fit into one query, or nobody can read them all.
	minutes := make(map[string]int)
	names := make(map[string]bool)
	for _, raw := range rows {
		a := answer{t: t, raw: raw}
		if err := jsonInto(raw, &a.body); err != nil {
			t.Fatal(err)
		}
		minutes[a.text("created_time")]++
		names[a.text("properties", "Name", "title", 0, "plain_text")] = true
		if a.text("last_edited_time") < a.text("created_time") || a.text("last_edited_time") > "2026-01-01" {
			t.Errorf("created %s, edited %s", a.text("created_time"), a.text("last_edited_time"))
		}
	}
	if len(minutes) < 1400 || len(names) != 1500 {
		t.Errorf("%d minutes, %d names", len(minutes), len(names))
	}
	for body, part := range map[string]string{
		`{"records":{"dogs":1}}`:           `there is no kind of record "dogs"`,
		`{"records":{"partners":-1}}`:      "may be from 0",
		`{"records":{"partners":2000000}}`: "may be from 0 to",
		`{"recrods":{"partners":1}}`:       `unknown field "recrods"`,
		`{"records":{"partners":"25"}}`:    "cannot unmarshal",
		`{`:                                "unexpected EOF",
		`{} {}`:                            "more follows",
	} {
		controlRefused(bot.post("/_sim/seed", body), part)
	}
}

func controlRefused(a answer, part string) {
	a.t.Helper()
	if got := a.text("error"); a.status != http.StatusBadRequest || !contains(got, part) {
		a.t.Errorf("got %d %s, want an error with %q", a.status, a.raw, part)
	}
}
