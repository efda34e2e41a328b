package notionsim_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func jsonInto(raw []byte, v any) error { return json.Unmarshal(raw, v) }

func TestControlsRefuseWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	db := sim.Databases()["projects"]
	for name, c := range map[string]struct{ method, path, body, part string }{
		"an unknown option":          {"POST", "/_sim/options", `{"bugdet":1}`, `unknown field "bugdet"`},
		"a negative budget":          {"POST", "/_sim/options", `{"budget":-1}`, "budget may not be negative"},
		"a window of nothing":        {"POST", "/_sim/options", `{"budget_window_seconds":0}`, "budget_window_seconds must be at least 1"},
		"rounding up":                {"POST", "/_sim/options", `{"rounding":"up"}`, `rounding is "up"`},
		"a cap beyond the cursors":   {"POST", "/_sim/options", `{"row_cap":70000}`, "row_cap may be at most 60000"},
		"half of more than all":      {"POST", "/_sim/options", `{"webhook_loss":1.5}`, "may be from 0 to 1"},
		"a random order":             {"POST", "/_sim/options", `{"webhook_order":"random"}`, `webhook_order is "random"`},
		"an unknown shape":           {"POST", "/_sim/options", `{"oauth_errors":"odd"}`, `oauth_errors is "odd"`},
		"a rule for nothing":         {"POST", "/_sim/faults", `{"rules":[{}]}`, "the rule does nothing"},
		"a rule for another time":    {"POST", "/_sim/faults", `{"rules":[{"status":500,"when":"later"}]}`, `when is "later"`},
		"a rule with a typo":         {"POST", "/_sim/faults", `{"rules":[{"staus":500}]}`, `unknown field "staus"`},
		"a rule for another place":   {"POST", "/_sim/faults", `[{"status":500,"route":"/_sim/seed"}]`, "must begin with /v1/"},
		"a status of 99":             {"POST", "/_sim/faults", `[{"status":99}]`, "status is 99"},
		"a success without a body":   {"POST", "/_sim/faults", `[{"status":200}]`, "needs a body"},
		"an hour of latency":         {"POST", "/_sim/faults", `[{"latency_ms":3600000}]`, "at most 300000"},
		"two times at once":          {"POST", "/_sim/clock", `{"set":"2026-01-01T00:00:00Z","real":true}`, "give one of"},
		"a time in words":            {"POST", "/_sim/clock", `{"set":"noon"}`, "parsing time"},
		"a step in words":            {"POST", "/_sim/clock", `{"advance":"a while"}`, "advance:"},
		"a property without a type":  {"POST", "/_sim/databases/" + db + "/properties", `{"name":"x"}`, "needs a name and a type"},
		"a property that is there":   {"POST", "/_sim/databases/" + db + "/properties", `{"name":"Name","type":"aura"}`, "already"},
		"a path that is not":         {"POST", "/_sim/sed", `{}`, "there is no POST /_sim/sed"},
		"a method that is not":       {"GET", "/_sim/seed", ``, "there is no GET /_sim/seed"},
		"a webhook to nowhere":       {"POST", "/_sim/webhooks", `{"url":"nowhere"}`, "must be an http or https address"},
		"a webhook that nobody took": {"POST", "/_sim/webhooks", `{"url":"http://127.0.0.1:1/x"}`, "the verification token was not taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			controlRefused(bot.on(t).do(c.method, c.path, c.body), c.part)
		})
	}
	if got := sim.Options(); got.Budget != 180 {
		t.Errorf("a refused option changed: %+v", got)
	}
	if a := bot.post("/_sim/pages/"+db+"/delete", nil); a.status != http.StatusNotFound {
		t.Errorf("deleting a page that is not: %d", a.status)
	}
}

func TestOptionsKeepWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	bot.post("/_sim/options", `{"budget":5,"truncation":3}`).ok()
	a := bot.post("/_sim/options", `{"truncation":4}`).ok()
	if a.at("budget") != 5.0 || a.at("truncation") != 4.0 || sim.Options().Budget != 5 || bot.get("/_sim/options").ok().at("row_cap") != 10000.0 {
		t.Errorf("options %s", a.raw)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	page := bot.createIn(source, map[string]any{"Name": title("Counted"), "Budget": number(1)})
	bot.post("/_sim/stats/reset", nil).ok()
	bot.post("/v1/data_sources/"+source+"/query", `{}`).ok()
	bot.post("/v1/data_sources/"+source+"/query", `{"nonsense":1}`)
	bot.get("/v1/pages/" + page).ok()
	bot.get("/v1/pages/" + page + "/properties/title").ok()
	bot.patch("/v1/pages/"+page, properties(map[string]any{"Budget": number(1), "Name": title("Counted")})).ok()
	bot.patch("/v1/pages/"+page, properties(map[string]any{"Budget": number(2)})).ok()
	bot.person().patch("/v1/pages/"+page, properties(map[string]any{"Budget": number(2)})).ok()
	bot.get("/v1/nothing")
	anonymous := bot
	anonymous.token = "nobody"
	anonymous.get("/v1/users/me").refused(http.StatusUnauthorized, "unauthorized", "API token is invalid.")
	a := bot.get("/_sim/stats").ok()
	want := `{"GET /v1/pages/{id}":1,"GET /v1/pages/{id}/properties/{property_id}":1,"PATCH /v1/pages/{id}":2,"POST /v1/data_sources/{id}/query":2}`
	if got := compact(a.at("requests")); got != want {
		t.Errorf("requests %s, want %s", got, want)
	}
	for name, n := range map[string]float64{"total": 6, "person_requests": 1, "unauthorized": 1, "rate_limited": 0, "unchanged_writes": 1, "faults": 0} {
		if a.at(name) != n {
			t.Errorf("%s is %v, want %v", name, a.at(name), n)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	count := func() int {
		rows, err := sim.Pages(sim.Databases()["projects"])
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	create := map[string]any{"parent": map[string]any{"data_source_id": source}, "properties": map[string]any{"Name": title("Faulty")}}

	bot.post("/_sim/faults", `{"rules":[{"method":"POST","route":"/v1/pages","status":503,"times":1}]}`).ok()
	before := bot.post("/v1/pages", create).refused(http.StatusServiceUnavailable, "service_unavailable", "temporarily unavailable")
	if _, named := before.body["additional_data"]; named || count() != 15 {
		t.Errorf("before it was saved: %s, %d rows", before.raw, count())
	}
	bot.post("/v1/pages", create).ok() // once is over

	bot.post("/_sim/faults", `{"rules":[{"method":"POST","route":"/v1/pages","status":503,"when":"after"}]}`).ok()
	after := bot.post("/v1/pages", create).refused(http.StatusServiceUnavailable, "service_unavailable", "")
	if id := after.text("additional_data", "committed_resource_id"); count() != 17 || bot.get("/v1/pages/"+id).ok().text("id") != id {
		t.Errorf("after it was saved: %s, %d rows", after.raw, count())
	}
	bot.post("/_sim/options", `{"committed_resource_id":false}`).ok()
	if silent := bot.post("/v1/pages", create); silent.body["additional_data"] != nil || count() != 18 {
		t.Errorf("after it was saved, silently: %s, %d rows", silent.raw, count())
	}
	bot.person().post("/v1/pages", create).ok() // persons are spared

	for name, c := range map[string]struct {
		rule         string
		status       int
		code, header string
	}{
		"a conflict":   {`{"status":409}`, 409, "conflict_error", ""},
		"a limit":      {`{"status":429,"retry_after":7,"rate_limit_reason":"public_api_request_blocked"}`, 429, "rate_limited", "7"},
		"an overload":  {`{"status":529,"retry_after":3}`, 529, "service_overload", "3"},
		"a name":       {`{"status":500,"code":"odd","message":"Odd."}`, 500, "odd", ""},
		"a gateway":    {`{"status":502,"body":"html"}`, 502, "", ""},
		"garbage":      {`{"status":500,"body":"garbage"}`, 500, "", ""},
		"ten million":  {`{"status":503,"body":"huge"}`, 503, "", ""},
		"a long no":    {`{"status":504,"latency_ms":20}`, 504, "gateway_timeout", ""},
		"a false yes":  {`{"status":200,"body":"[]"}`, 200, "", ""},
		"only latency": {`{"latency_ms":1}`, 200, "", ""},
	} {
		if err := bot.post("/_sim/faults", `{"rules":[`+c.rule+`]}`).ok(); err.status != http.StatusOK {
			t.Fatal(name)
		}
		r := httptest.NewRequest(http.MethodGet, "/v1/users/me", nil)
		r.Header.Set("Authorization", "Bearer "+notionsim.IntegrationToken)
		r.Header.Set("Notion-Version", latest)
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, r)
		var body struct{ Code string }
		if err := jsonInto(w.Body.Bytes(), &body); c.code != "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if w.Code != c.status || body.Code != c.code || w.Header().Get("Retry-After") != c.header {
			t.Errorf("%s: %d %q, Retry-After %q", name, w.Code, body.Code, w.Header().Get("Retry-After"))
		}
		if name == "ten million" && w.Body.Len() < 10<<20 {
			t.Errorf("%s: %d bytes", name, w.Body.Len())
		}
	}
	bot.do(http.MethodDelete, "/_sim/faults", nil).ok()
	bot.get("/v1/users/me").ok()
}

func TestDroppedConnections(t *testing.T) {
	t.Parallel()
	sim, err := notionsim.New(notionsim.Config{Demo: true, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	server := httptest.NewServer(sim)
	defer server.Close()
	bot := client{t: t, http: server.Client(), url: server.URL, token: notionsim.IntegrationToken, version: latest}
	source := bot.source(sim, "projects")
	for when, rows := range map[string]int{chaos.Before: 0, chaos.After: 1} {
		if err := sim.SetFaults(1, chaos.Rule{Fault: chaos.Fault{Drop: true}, When: when}); err != nil {
			t.Fatal(err)
		}
		was, _ := sim.Pages(sim.Databases()["projects"])
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/pages", strings.NewReader(`{"parent":{"data_source_id":"`+source+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+notionsim.IntegrationToken)
		r.Header.Set("Notion-Version", latest)
		if res, err := server.Client().Do(r); !errors.Is(err, io.EOF) {
			res.Body.Close()
			t.Errorf("%s: %v", when, err)
		}
		is, _ := sim.Pages(sim.Databases()["projects"])
		if len(is)-len(was) != rows {
			t.Errorf("%s: %d new rows", when, len(is)-len(was))
		}
	}
}

func TestRulesCountAndChance(t *testing.T) {
	t.Parallel()
	pattern := func(seed uint64, rules ...chaos.Rule) string {
		var i chaos.Injector
		i.Set(rules, seed)
		var out strings.Builder
		for range 12 {
			if i.Pick(http.MethodGet, "/v1/users/me", "bot", chaos.Before) != nil {
				out.WriteByte('x')
			} else {
				out.WriteByte('.')
			}
		}
		return out.String()
	}
	fault := chaos.Fault{Status: 500}
	for _, c := range []struct {
		rules []chaos.Rule
		want  string
	}{
		{[]chaos.Rule{{Fault: fault}}, "xxxxxxxxxxxx"},
		{[]chaos.Rule{{Fault: fault, Times: 2}}, "xx.........."},
		{[]chaos.Rule{{Fault: fault, Skip: 3, Times: 2}}, "...xx......."},
		{[]chaos.Rule{{Fault: fault, Times: 1}, {Fault: fault, Times: 1}}, "xx.........."},
		{[]chaos.Rule{{Fault: fault, Method: "POST"}}, "............"},
		{[]chaos.Rule{{Fault: fault, Method: "get", Route: "/v1/users/me"}}, "xxxxxxxxxxxx"},
		{[]chaos.Rule{{Fault: fault, Who: "person"}}, "............"},
		{[]chaos.Rule{{Fault: fault, Who: "any"}}, "xxxxxxxxxxxx"},
		{[]chaos.Rule{{Fault: fault, When: chaos.After}}, "............"},
	} {
		if got := pattern(1, c.rules...); got != c.want {
			t.Errorf("%+v: %s, want %s", c.rules, got, c.want)
		}
	}
	half := chaos.Rule{Fault: fault, Probability: 0.5}
	if a, b := pattern(1, half), pattern(1, half); a != b || a == pattern(2, half) || !contains(a, "x") || !contains(a, ".") {
		t.Errorf("chance: %s, %s, %s", a, b, pattern(2, half))
	}
}

func TestOnRequest(t *testing.T) {
	t.Parallel()
	var armed atomic.Pointer[bool] // points to the moment at which to strike
	_, bot := start(t, func(c *notionsim.Config) {
		c.OnRequest = func(r *http.Request, saved bool) *chaos.Fault {
			if at := armed.Load(); at != nil && *at == saved && r.Method == http.MethodPost {
				return &chaos.Fault{Status: http.StatusInternalServerError}
			}
			return nil
		}
	})
	page := map[string]any{"parent": map[string]any{"workspace": true}, "properties": map[string]any{"title": title("Hooked")}}
	for _, saved := range []bool{false, true} {
		armed.Store(&saved)
		a := bot.post("/v1/pages", page).refused(http.StatusInternalServerError, "internal_server_error", "")
		if _, named := a.body["additional_data"]; named != saved {
			t.Errorf("saved %v: %s", saved, a.raw)
		}
		bot.person().post("/v1/pages", page).ok()
	}
	armed.Store(nil)
	bot.post("/v1/pages", page).ok()
}

func TestClock(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	now := func() string { return bot.get("/_sim/clock").ok().text("now") }
	bot.post("/_sim/clock", `{"set":"2026-12-24T18:00:00Z"}`).ok()
	bot.post("/_sim/clock", `{"advance":"90s"}`).ok()
	if got := now(); got != "2026-12-24T18:01:30Z" || sim.Clock().Running() {
		t.Errorf("it is %s", got)
	}
	bot.post("/_sim/clock", `{"real":true}`).ok()
	bot.post("/_sim/clock", `{"advance":"1h"}`).ok()
	if got := now(); got != noon().Add(time.Hour).Format(time.RFC3339) || !sim.Clock().Running() {
		t.Errorf("it is %s", got)
	}
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	bot.post("/_sim/options", `{"budget":0,"webhook_delay_ms":1}`).ok()
	s := listen(t)
	bot.post("/_sim/webhooks", map[string]any{"url": s.server.URL}).ok()
	source := bot.source(sim, "projects")
	page := bot.createIn(source, map[string]any{"Name": title("Contended")})
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 25 {
				switch (worker + i) % 5 {
				case 0:
					bot.post("/v1/data_sources/"+source+"/query", `{"page_size":5,"sorts":[{"property":"Name","direction":"ascending"}]}`).ok()
				case 1:
					bot.patch("/v1/pages/"+page, properties(map[string]any{"Budget": number(float64(i))})).ok()
				case 2:
					bot.person().createIn(source, map[string]any{"Name": title("More"), "Area": map[string]any{"select": map[string]any{"name": "Area " + strconv.Itoa(i)}}})
				case 3:
					sim.Clock().Advance(time.Second)
					sim.DeliverWebhooks(t.Context())
				default:
					bot.post("/_sim/options", `{"truncation":`+strconv.Itoa(i)+`}`).ok()
					bot.get("/_sim/stats").ok()
				}
			}
		})
	}
	group.Wait()
	if rows, err := sim.Pages(sim.Databases()["projects"]); err != nil || len(rows) != 16+20 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
