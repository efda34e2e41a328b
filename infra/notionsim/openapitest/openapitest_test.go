//go:build conformance

package openapitest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim/openapitest"
)

const (
	latest = "2026-03-11"
	older  = "2025-09-03"
)

// What others recorded of the real API must pass; else it is the kit that errs.
func TestRecordingsPass(t *testing.T) {
	t.Parallel()
	d := openapitest.Load(t)
	for _, c := range []struct{ file, at, version string }{
		{"page-14-ultimate.json", "GET /v1/pages/x", latest},
		{"page-15-ultimate.json", "GET /v1/pages/x", latest},
		{"page-17-ultimate.json", "GET /v1/pages/x", latest},
		{"page-20-ultimate.json", "POST /v1/pages", latest},
		{"page-13-ultimate.json", "GET /v1/pages/x", older},
		{"page-16-ultimate.json", "GET /v1/pages/x", older},
		{"database-04-ultimate.json", "GET /v1/databases/x", latest},
		{"data-source-02-ultimate.json", "GET /v1/data_sources/x", latest},
		{"data-source-04-ultimate.json", "GET /v1/data_sources/x", latest},
		{"query-04-ultimate.json", "POST /v1/data_sources/x/query", latest},
		{"query-06-ultimate.json", "POST /v1/data_sources/x/query", older},
		{"search-03-ultimate.json", "POST /v1/search", older},
		{"property-item-04-ultimate.json", "GET /v1/pages/x/properties/y", latest},
		{"property-item-07-hkob.json", "GET /v1/pages/x/properties/y", latest},
		{"property-item-09-hkob.json", "GET /v1/pages/x/properties/y", latest},
		{"property-item-10-hkob.json", "GET /v1/pages/x/properties/y", latest},
		{"user-02-hkob.json", "GET /v1/users/me", latest},
		{"error-03-ramnes.json", "GET /v1/pages/x", latest},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			body := openapitest.Recording(t, c.file)
			status := http.StatusOK
			if strings.HasPrefix(c.file, "error") {
				status = http.StatusNotFound
			}
			if err := respond(d, c.at, c.version, status, string(body)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A judge that lets everything pass would be none.
func TestWrongAnswersFail(t *testing.T) {
	t.Parallel()
	d := openapitest.Load(t)
	page := func(properties string) string {
		return `{"object":"page","id":"1ea4fefb-ef8e-4980-b228-a6a263de7f4e","created_time":"2026-01-01T00:00:00.000Z","last_edited_time":"2026-01-01T00:00:00.000Z",` +
			`"in_trash":false,"is_archived":false,"is_locked":false,"url":"https://www.notion.so/x","public_url":null,"parent":{"type":"workspace","workspace":true},` +
			`"properties":{` + properties + `},"icon":null,"cover":null,"created_by":{"object":"user","id":"u"},"last_edited_by":{"object":"user","id":"u"}}`
	}
	const annotations = `"annotations":{"bold":false,"italic":false,"strikethrough":false,"underline":false,"code":false,"color":"default"}`
	for name, c := range map[string]struct {
		at   string
		body string
		ok   bool
	}{
		"a page":                           {"GET /v1/pages/x", page(""), true},
		"a number":                         {"GET /v1/pages/x", page(`"N":{"id":"n","type":"number","number":1}`), true},
		"a number that is a string":        {"GET /v1/pages/x", page(`"N":{"id":"n","type":"number","number":"1"}`), false},
		"a number with something more":     {"GET /v1/pages/x", page(`"N":{"id":"n","type":"number","number":1,"more":1}`), false},
		"a property without id":            {"GET /v1/pages/x", page(`"N":{"type":"number","number":1}`), false},
		"a property of an unknown type":    {"GET /v1/pages/x", page(`"A":{"id":"a","type":"aura","aura":1}`), true},
		"a text":                           {"GET /v1/pages/x", page(`"T":{"id":"t","type":"rich_text","rich_text":[{"type":"text","text":{"content":"a","link":null},` + annotations + `,"plain_text":"a","href":null}]}`), true},
		"a text without plain_text":        {"GET /v1/pages/x", page(`"T":{"id":"t","type":"rich_text","rich_text":[{"type":"text","text":{"content":"a","link":null},` + annotations + `,"href":null}]}`), false},
		"a page that is archived":          {"GET /v1/pages/x", strings.Replace(page(""), `"in_trash"`, `"archived":false,"in_trash"`, 1), false},
		"a list without results":           {"POST /v1/search", `{"object":"list","type":"page_or_data_source","page_or_data_source":{},"next_cursor":null,"has_more":false}`, false},
		"no JSON":                          {"GET /v1/pages/x", `<html>`, false},
		"a path that the document has not": {"GET /v1/nothing", `{}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := respond(d, c.at, latest, http.StatusOK, c.body); (err == nil) != c.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestStatusesAndRequests(t *testing.T) {
	t.Parallel()
	d := openapitest.Load(t)
	if err := respond(d, "GET /v1/pages/x", latest, http.StatusTeapot, `{}`); err == nil {
		t.Error("a status that the document does not describe passed")
	}
	if err := respond(d, "GET /v1/pages/x", latest, 529, `<html>`); err != nil {
		t.Errorf("an overloaded gateway did not pass: %v", err)
	}
	for body, ok := range map[string]bool{
		`{"properties":{"N":{"number":1}}}`:   true,
		`{"properties":{"N":{"number":"1"}}}`: false,
		`{"properties":{"U":{"url":""}}}`:     false,
		`{"archived":true}`:                   false,
	} {
		r := httptest.NewRequest(http.MethodPatch, "/v1/pages/1ea4fefb-ef8e-4980-b228-a6a263de7f4e", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Notion-Version", latest)
		r.Header.Set("Authorization", "Bearer x")
		if err := d.Request(r, []byte(body)); (err == nil) != ok {
			t.Errorf("request %s: %v", body, err)
		}
	}
}

func respond(d *openapitest.Document, at, version string, status int, body string) error {
	method, path, _ := strings.Cut(at, " ")
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Notion-Version", version)
	return d.Response(r, status, http.Header{"Content-Type": {"application/json"}}, []byte(body))
}
