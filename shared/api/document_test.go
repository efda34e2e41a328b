package api_test

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/infra/contract"
	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/internal/openapi"
)

var (
	update = flag.Bool("update", false, "write openapi.json and the tables of docs/API.md")
	root   = filepath.Join("..", "..")
)

// TestDocuments: the OpenAPI document and the tables of endpoints in docs/API.md are what the routes say.
func TestDocuments(t *testing.T) {
	t.Parallel()
	document, err := openapi.Document(root, api.Routes())
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(root, "docs", "API.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := openapi.Tables(string(text), api.Routes())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{filepath.Join("openapi", "openapi.json"): string(document), page: tables} {
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is stale; make api writes it: %s", name, diff)
		}
	}
}

// TestRoutesAreWhole: every route of the package is listed, once, and says what it does.
func TestRoutesAreWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		declared += strings.Count(string(text), "() Route {\n")
	}
	seen := map[string]bool{}
	for _, route := range api.Routes() {
		seen[route.Path] = true
		for _, m := range route.Methods {
			if !strings.HasSuffix(m.Does, ".") || len(m.Answers) == 0 {
				t.Errorf("%s %s does not say what it does, or what it answers", m.Verb, route.Path)
			}
			if m.Scope == "" && !route.Public && route.Path != "/oauth/notion/callback" {
				t.Errorf("%s %s needs no scope and is not public", m.Verb, route.Path)
			}
		}
	}
	if len(seen) != declared || len(seen) != len(api.Routes()) {
		t.Errorf("%d routes are declared, and Routes lists %d", declared, len(seen))
	}
}

// promised is the document, against which every answer of this package's tests is checked.
var promised = func() *contract.Contract {
	c, err := contract.Load()
	if err != nil {
		panic(err)
	}
	return c
}()

// kept fails the test when an answer is not in the document.
func kept(t *testing.T, h http.Handler, r *http.Request, status int, header http.Header, body string) {
	t.Helper()
	path := r.URL.Path
	if served, ok := h.(api.Served); ok && path == "/" {
		path = served.Route.Path
	}
	if path == "/" && status < http.StatusBadRequest { // of a handler that is none of a route's
		return
	}
	if err := promised.Check(r.Method, path, status, header.Get("Content-Type"), []byte(body)); err != nil {
		t.Error(err)
	}
}

// TestUndocumentedFieldsFail: an answer that has more than the document says, or less, is found.
func TestUndocumentedFieldsFail(t *testing.T) {
	t.Parallel()
	const whole = `{"success":true,"timestamp":"2026-11-23T10:00:00.250Z","breakers":[]}`
	for name, c := range map[string]struct {
		path   string
		status int
		body   string
		wrong  bool
	}{
		"as documented":        {"/breakers", 200, whole, false},
		"a field more":         {"/breakers", 200, strings.Replace(whole, `[]`, `[],"more":1`, 1), true},
		"a field less":         {"/breakers", 200, strings.Replace(whole, `,"breakers":[]`, "", 1), true},
		"null for a list":      {"/breakers", 200, strings.Replace(whole, "[]", "null", 1), true},
		"a status of its own":  {"/breakers", 202, whole, true},
		"a path of its own":    {"/breaker", 200, whole, true},
		"an error of no shape": {"/breakers", 404, `{"success":false}`, true},
	} {
		err := promised.Check(http.MethodGet, api.Base+c.path, c.status, "application/json", []byte(c.body))
		if (err != nil) != c.wrong {
			t.Errorf("%s: %v", name, err)
		}
	}
	if reflect.TypeOf(api.Problem()).NumField() < 4 {
		t.Error("an error has too little to say")
	}
}
