package notionsim_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/openapitest"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	_, bot := start(t)
	me := bot.get("/v1/users/me").ok()
	if me.text("type") != "bot" || me.text("bot", "workspace_name") != "ACT Placemat" {
		t.Errorf("the integration's token is %s", me.raw)
	}
	if person := bot.person().get("/v1/users/me").ok(); person.text("type") != "person" {
		t.Errorf("the person's token is %s", person.raw)
	}
	var seen []string
	for cursor := ""; ; {
		page := bot.get("/v1/users?page_size=2" + cursor).ok()
		for i := range page.list("results") {
			seen = append(seen, page.text("results", i, "id"))
		}
		if page.at("has_more") == false {
			break
		}
		cursor = "&start_cursor=" + page.text("next_cursor")
	}
	if len(seen) != 7 || !slices.Contains(seen, me.text("id")) {
		t.Errorf("paged through %d users: %v", len(seen), seen)
	}
	if got := bot.get("/v1/users/" + seen[1]).ok(); got.text("id") != seen[1] {
		t.Errorf("got %s", got.raw)
	}
	bot.get("/v1/users/00000000-0000-4000-8000-000000000000").refused(http.StatusNotFound, "object_not_found", "Could not find user")
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	sim.Clock().Set(noon().Add(90 * 60 * 1e9))
	a := bot.get("/v1/users/me").ok()
	if got := a.header.Get("Date"); got != "Mon, 23 Nov 2026 13:30:00 GMT" {
		t.Errorf("Date is %q, not the simulator's time", got)
	}
	if id := a.header.Get("X-Request-Id"); id == "" || id != a.text("request_id") || id != a.header.Get("X-Notion-Request-Id") {
		t.Errorf("request ids %q and %q", id, a.text("request_id"))
	}
}

func TestDemoWorkspace(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	want := map[string]int{"partners": 25, "projects": 15, "opportunities": 30, "organizations": 20}
	for kind, n := range want {
		rows := bot.post("/v1/data_sources/"+bot.source(sim, kind)+"/query", `{}`).ok()
		if got := len(rows.list("results")); got != n || rows.at("has_more") != false {
			t.Errorf("%d %s, want %d", got, kind, n)
		}
	}
	found := bot.post("/v1/search", `{"filter":{"property":"object","value":"data_source"}}`).ok()
	if n := len(found.list("results")); n != 4 {
		t.Errorf("search finds %d data sources", n)
	}
	if hits := bot.post("/v1/search", `{"query":"justicehub","filter":{"property":"object","value":"page"}}`).ok(); len(hits.list("results")) != 1 {
		t.Errorf("search finds %s", hits.raw)
	}
}

// The members of each kind of object are those that others recorded of the real API in the same version.
func TestShapesAreThoseRecorded(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	db := sim.Databases()["partners"]
	source := bot.source(sim, "partners")
	page := bot.post("/v1/data_sources/"+source+"/query", `{"page_size":1}`).ok().text("results", 0, "id")
	for _, c := range []struct{ name, version, path, file string }{
		{"page", latest, "/v1/pages/" + page, "page-14-ultimate.json"},
		{"page with a date", latest, "/v1/pages/" + page, "page-61-ultimate.json"},
		{"page of a later recording", latest, "/v1/pages/" + page, "page-62-ultimate.json"},
		{"page of the version before", older, "/v1/pages/" + page, "page-13-ultimate.json"},
		{"page of the version before, later", older, "/v1/pages/" + page, "page-64-ramnes.json"},
		{"database", latest, "/v1/databases/" + db, "database-04-ultimate.json"},
		{"database without a title", latest, "/v1/databases/" + db, "database-61-ultimate.json"},
		{"data source", latest, "/v1/data_sources/" + source, "data-source-04-ultimate.json"},
		{"data source with relations", latest, "/v1/data_sources/" + source, "data-source-62-ultimate.json"},
		{"data source of the version before", older, "/v1/data_sources/" + source, "data-source-63-ramnes.json"},
		{"property item", latest, "/v1/pages/" + page + "/properties/title", "property-item-12-ramnes.json"},
		{"users", latest, "/v1/users", "user-01-ramnes.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := keys(recorded(t, c.file))
			if got := keys(bot.on(t).in(c.version).get(c.path).ok().body); !slices.Equal(got, want) {
				t.Errorf("members\n%v, recorded\n%v", got, want)
			}
		})
	}
	for _, file := range []string{"query-04-ultimate.json", "query-61-ultimate.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			want := recorded(t, file)
			got := bot.on(t).post("/v1/data_sources/"+source+"/query", `{}`).ok()
			if !slices.Equal(keys(got.body), keys(want)) {
				t.Errorf("members %v, recorded %v", keys(got.body), keys(want))
			}
			row := want["results"].([]any)[0].(map[string]any)
			if !slices.Equal(keys(got.at("results", 0).(map[string]any)), keys(row)) {
				t.Errorf("members of a row %v, recorded %v", keys(got.at("results", 0).(map[string]any)), keys(row))
			}
		})
	}
	for _, c := range []struct{ name, file, token, method, path, body string }{
		{"a token that is not valid", "error-04-ramnes.json", "nobody", "GET", "/v1/users", ""},
		{"an address that is not", "error-05-ramnes.json", bot.token, "GET", "/v1/nothing", ""},
		{"a page that is not", "error-62-ramnes.json", bot.token, "GET", "/v1/pages/00000000-0000-0000-0000-000000000000", ""},
		{"a body that is no JSON", "error-32-mgmarlow.json", bot.token, "PATCH", "/v1/pages/" + page, "{"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := recorded(t, c.file)
			anybody := bot.on(t)
			anybody.token = c.token
			got := anybody.do(c.method, c.path, c.body).body
			for _, own := range []string{"request_id", "additional_data"} { // the one is new each time, the other names the integration
				delete(got, own)
				delete(want, own)
			}
			for _, body := range []map[string]any{got, want} {
				message, _ := body["message"].(string)
				body["message"], _, _ = strings.Cut(message, " with your integration ")
			}
			if !maps.Equal(got, want) {
				t.Errorf("got %v, recorded %v", got, want)
			}
		})
	}
}

func keys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// recorded reads an answer of the real API.
func recorded(t *testing.T, file string) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(openapitest.Recording(t, file), &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestVersions(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	id := bot.createIn(source, map[string]any{"Name": title("Versioned")})
	bot.in("").get("/v1/pages/"+id).refused(http.StatusBadRequest, "missing_version", "should be defined")
	bot.in("2099-01-01").get("/v1/pages/"+id).refused(http.StatusBadRequest, "validation_error", "Notion-Version header failed validation")
	bot.in("2022-06-28").get("/v1/data_sources/"+source).refused(http.StatusBadRequest, "invalid_request_url", "Invalid request URL.")
	old := bot.in("2022-06-28").get("/v1/databases/"+sim.Databases()["projects"]).refused(http.StatusBadRequest, "validation_error", "multiple data sources")
	if got := old.text("additional_data", "error_type"); got != "multiple_data_sources_for_database" {
		t.Errorf("error_type is %q", got)
	}
	bot.in("2022-06-28").get("/v1/users/me").ok()

	bot.patch("/v1/pages/"+id, `{"archived":true}`).refused(http.StatusBadRequest, "validation_error", "body.archived should be not present")
	if a := bot.in(older).patch("/v1/pages/"+id, `{"archived":true}`).ok(); a.at("archived") != true || a.at("in_trash") != true {
		t.Errorf("archived is not the trash: %s", a.raw)
	}
	if a := bot.get("/v1/pages/" + id).ok(); a.at("in_trash") != true {
		t.Errorf("not in the trash: %s", a.raw)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	page := bot.post("/v1/search", `{"page_size":1,"filter":{"property":"object","value":"page"}}`).ok().text("results", 0, "id")
	for name, c := range map[string]struct {
		method, path, code, part string
		status                   int
	}{
		"no such path":        {http.MethodGet, "/v1/nothing", "invalid_request_url", "Invalid request URL.", 400},
		"two slashes":         {http.MethodGet, "//v1/users/me", "invalid_request_url", "Invalid request URL.", 400},
		"no such method":      {http.MethodDelete, "/v1/pages/" + page, "invalid_request_url", "Invalid request URL.", 400},
		"no id":               {http.MethodGet, "/v1/pages/JusticeHub", "validation_error", "path.page_id should be a valid uuid", 400},
		"half an id":          {http.MethodGet, "/v1/pages/" + page[:20], "validation_error", "path.page_id", 400},
		"nobody's page":       {http.MethodGet, "/v1/pages/00000000-0000-0000-0000-000000000000", "object_not_found", "Could not find page with ID", 404},
		"a database's page":   {http.MethodGet, "/v1/pages/" + sim.Databases()["projects"], "object_not_found", "Could not find page", 404},
		"nobody's database":   {http.MethodGet, "/v1/databases/" + page, "object_not_found", "Could not find database", 404},
		"nobody's data":       {http.MethodPost, "/v1/data_sources/" + page + "/query", "object_not_found", "Could not find data source", 404},
		"nobody's property":   {http.MethodGet, "/v1/pages/" + page + "/properties/none", "object_not_found", "Could not find property", 404},
		"a page size of 0":    {http.MethodGet, "/v1/users?page_size=0", "validation_error", "page_size", 400},
		"a page size of 1e9":  {http.MethodGet, "/v1/users?page_size=1000000000", "validation_error", "page_size", 400},
		"somebody's cursor":   {http.MethodGet, "/v1/users?start_cursor=x", "validation_error", "start_cursor", 400},
		"a cursor in an item": {http.MethodGet, "/v1/pages/" + page + "/properties/title?start_cursor=x", "validation_error", "start_cursor", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bot.on(t).do(c.method, c.path, nil).refused(c.status, c.code, c.part)
		})
	}
	for name, id := range map[string]string{"dashed": page, "bare": strings.ReplaceAll(page, "-", ""), "upper case": strings.ToUpper(page)} {
		if got := bot.get("/v1/pages/" + id).ok().text("id"); got != page {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestSharing(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	db := sim.Databases()["partners"]
	source := bot.source(sim, "partners")
	page := bot.post("/v1/data_sources/"+source+"/query", `{"page_size":1}`).ok().text("results", 0, "id")
	project := bot.post("/v1/data_sources/"+bot.source(sim, "projects")+"/query", `{"page_size":1}`).ok().text("results", 0, "id")
	bot.post("/_sim/databases/"+db+"/unshare", nil).ok()
	for _, path := range []string{"/v1/databases/" + db, "/v1/data_sources/" + source, "/v1/pages/" + page} {
		bot.get(path).refused(http.StatusNotFound, "object_not_found", "shared with your integration")
		bot.person().get(path).ok()
	}
	bot.post("/v1/data_sources/"+source+"/query", `{}`).refused(http.StatusNotFound, "object_not_found", "")
	bot.patch("/v1/pages/"+project, properties(map[string]any{"Partners": relation(page)})).refused(http.StatusNotFound, "object_not_found", page)
	if hits := bot.post("/v1/search", `{"filter":{"property":"object","value":"data_source"}}`).ok(); len(hits.list("results")) != 3 {
		t.Errorf("search shows what is not shared: %d", len(hits.list("results")))
	}
	bot.post("/_sim/databases/"+db+"/share", nil).ok()
	bot.get("/v1/pages/" + page).ok()
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]notionsim.Config{
		"one token for two":      {IntegrationToken: "x", PersonToken: "x"},
		"a file in no folder":    {Path: filepath.Join(t.TempDir(), "none", "state")},
		"a folder for the state": {Path: t.TempDir()},
	} {
		if sim, err := notionsim.New(config); err == nil {
			t.Errorf("%s: no error", name)
			sim.Close()
		}
	}
	path := filepath.Join(t.TempDir(), "state")
	first, err := notionsim.New(notionsim.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if second, err := notionsim.New(notionsim.Config{Path: path}); err == nil {
		second.Close()
		t.Error("two simulators share a state file")
	}
	own, err := notionsim.New(notionsim.Config{IntegrationToken: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	for token, status := range map[string]int{"mine": 200, notionsim.IntegrationToken: 401, "": 401} {
		r := httptest.NewRequest(http.MethodGet, "/v1/users/me", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Notion-Version", latest)
		w := httptest.NewRecorder()
		own.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("token %q: %d", token, w.Code)
		}
	}
}
