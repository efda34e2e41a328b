package notionsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// samples returns requests that a simulator accepts: routes, and for each a body.
func samples(t tester, sim *notionsim.Sim) (routes, bodies []string) {
	t.Helper()
	bot := inProcess(t, sim)
	source := bot.source(sim, "projects")
	page := bot.post("/v1/data_sources/"+source+"/query", `{"page_size":1}`).ok().text("results", 0, "id")
	routes = []string{
		"PATCH /v1/pages/" + page, "POST /v1/pages", "POST /v1/data_sources/" + source + "/query", "PATCH /v1/data_sources/" + source, "POST /v1/search",
		"PATCH /v1/databases/" + sim.Databases()["projects"], "POST /v1/databases", "POST /v1/data_sources", "POST /v1/pages/" + page + "/move",
	}
	bodies = []string{
		`{"properties":{"Name":{"title":[{"text":{"content":"x"}}]},"Area":{"select":{"name":"Art"}},"Start Date":{"date":{"start":"2026-01-01"}}}}`,
		`{"parent":{"data_source_id":"` + source + `"},"properties":{"Tags":{"multi_select":[{"name":"a"}]},"Partners":{"relation":[]}}}`,
		`{"filter":{"and":[{"property":"Budget","number":{"greater_than":1}},{"timestamp":"created_time","created_time":{"past_week":{}}}]},"sorts":[{"property":"Name","direction":"ascending"}]}`,
		`{"properties":{"X":{"formula":{"expression":"prop(\"Budget\")"}},"Tags":null,"Y":{"rollup":{"relation_property_name":"Partners","rollup_property_name":"Name","function":"count"}}}}`,
		`{"query":"a","sort":{"timestamp":"last_edited_time","direction":"ascending"}}`,
		`{"title":[{"mention":{"page":{"id":"` + page + `"}}}],"icon":{"emoji":"x"}}`,
		`{"parent":{"type":"workspace","workspace":true},"initial_data_source":{"properties":{"A":{"title":{}},"B":{"relation":{"data_source_id":"` + source + `","dual_property":{}}}}}}`,
		`{"parent":{"database_id":"` + sim.Databases()["projects"] + `"},"title":[{"text":{"content":"Second","link":{"url":"https://example.org"}}}],"properties":{"S":{"status":{"options":[{"name":"a"}]}},"U":{"unique_id":{"prefix":"P"}}}}`,
		`{"parent":{"type":"data_source_id","data_source_id":"` + bot.source(sim, "partners") + `"}}`,
	}
	return routes, bodies
}

func unlimited(t tester) *notionsim.Sim {
	t.Helper()
	sim, err := notionsim.New(notionsim.Config{Demo: true, Now: noon})
	if err != nil {
		t.Fatalf("%v", err)
	}
	if err := sim.SetOptions(func(o *notionsim.Options) { o.Budget = 0 }); err != nil {
		t.Fatalf("%v", err)
	}
	return sim
}

// answerTo sends a request as a person and checks that the answer is one that Notion could give.
func answerTo(t tester, sim *notionsim.Sim, route, body string) {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+notionsim.PersonToken)
	r.Header.Set("Notion-Version", latest)
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusNotFound {
		t.Fatalf("%s %s: %d %s", route, body, w.Code, w.Body)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Fatalf("%s %s: no JSON: %s", route, body, w.Body)
	}
}

func FuzzRequests(f *testing.F) {
	sim := unlimited(f)
	f.Cleanup(func() { sim.Close() })
	routes, bodies := samples(f, sim)
	for i, body := range bodies {
		f.Add(i, body)
	}
	f.Fuzz(func(t *testing.T, n int, body string) { answerTo(t, sim, routes[uint(n)%uint(len(routes))], body) })
}

// A request of which any part is any other thing is refused or accepted, and nothing breaks: then or later.
func TestMutatedRequests(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sim := unlimited(t)
		defer sim.Close()
		routes, bodies := samples(t, sim)
		for range 15 {
			n := rapid.IntRange(0, len(routes)-1).Draw(t, "route")
			var body any
			if err := json.Unmarshal([]byte(bodies[n]), &body); err != nil {
				t.Fatalf("%s: %v", bodies[n], err)
			}
			for range rapid.IntRange(0, 2).Draw(t, "mutations") {
				body = mutate(t, body)
			}
			answerTo(t, sim, routes[n], compact(body))
		}
		for _, kind := range []string{"projects", "partners"} {
			bot := inProcess(t, sim).person()
			if d := bot.get("/v1/databases/" + sim.Databases()[kind]).ok(); len(d.list("data_sources")) > 0 {
				answerTo(t, sim, "POST /v1/data_sources/"+d.text("data_sources", 0, "id")+"/query", `{}`)
			}
		}
	})
}

// mutate replaces, removes or adds one part of a JSON value.
func mutate(t *rapid.T, v any) any {
	switch v := v.(type) {
	case map[string]any:
		k := rapid.SampledFrom(append(keys(v), "type", "name", "")).Draw(t, "member")
		switch rapid.IntRange(0, 4).Draw(t, "how") {
		case 0:
			v[k] = anything(t)
		case 1:
			delete(v, k)
		default:
			if inner, ok := v[k]; ok {
				v[k] = mutate(t, inner)
			}
		}
		return v
	case []any:
		if len(v) > 0 && rapid.Bool().Draw(t, "inside") {
			i := rapid.IntRange(0, len(v)-1).Draw(t, "element")
			v[i] = mutate(t, v[i])
			return v
		}
		return append(v, anything(t))
	default:
		return anything(t)
	}
}

func anything(t *rapid.T) any {
	return rapid.SampledFrom([]any{
		nil, true, 0.0, -1.5, 1e300, "", "x", "2026-02-30", "00000000-0000-4000-8000-000000000000", strings.Repeat("x", 2001),
		[]any{},
		[]any{nil},
		[]any{map[string]any{}},
		map[string]any{},
		map[string]any{"id": "x"},
		map[string]any{"name": "x"},
		map[string]any{"title": map[string]any{}},
		map[string]any{"number": 1.0},
	}).Draw(t, "anything")
}
