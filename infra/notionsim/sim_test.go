package notionsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/openapitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	latest = "2026-03-11"
	older  = "2025-09-03"
)

// noon is when tests take place unless they say otherwise.
func noon() time.Time { return time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC) }

// start returns a simulator of the demo workspace on a server, every answer of which is judged by the OpenAPI document, and its
// integration as a client.
func start(t testing.TB, change ...func(*notionsim.Config)) (*notionsim.Sim, client) {
	t.Helper()
	config := notionsim.Config{Demo: true, Now: noon}
	for _, c := range change {
		c(&config)
	}
	sim, err := notionsim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(openapitest.Judge(t, sim))
	t.Cleanup(server.Close)
	return sim, client{t: t, http: server.Client(), url: server.URL, token: notionsim.IntegrationToken, version: latest}
}

// ticking returns a simulator whose clock is a second further each time it is looked at.
func ticking(t tester, seed int64) *notionsim.Sim {
	t.Helper()
	var looks atomic.Int64
	sim, err := notionsim.New(notionsim.Config{Demo: true, Seed: seed, Now: func() time.Time {
		return noon().Add(time.Duration(looks.Add(1)) * time.Second)
	}})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return sim
}

// tester is what a test and a check of rapid have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// inProcess returns the integration as a client of a simulator without a server between.
func inProcess(t tester, sim *notionsim.Sim) client {
	return client{t: t, http: &http.Client{Transport: direct{sim}}, url: "http://simulator", token: notionsim.IntegrationToken, version: latest}
}

type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

func idOf(t tester, page json.RawMessage) string {
	t.Helper()
	var p struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(page, &p); err != nil {
		t.Fatalf("%v", err)
	}
	return p.ID
}

// client sends requests as one who has a token, in one version of the API.
type client struct {
	t       tester
	http    *http.Client
	url     string
	token   string
	version string
}

func (c client) person() client { c.token = notionsim.PersonToken; return c }

// on returns the client for a part of a test.
func (c client) on(t tester) client { c.t = t; return c }

func (c client) in(version string) client { c.version = version; return c }

// answer is what came back.
type answer struct {
	t      tester
	status int
	header http.Header
	raw    []byte
	body   map[string]any
}

func (c client) do(method, path string, body any) answer {
	c.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			c.t.Fatalf("%v", err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, reader)
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.version != "" {
		r.Header.Set("Notion-Version", c.version)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	defer res.Body.Close()
	a := answer{t: c.t, status: res.StatusCode, header: res.Header}
	if a.raw, err = io.ReadAll(res.Body); err != nil {
		c.t.Fatalf("%v", err)
	}
	_ = json.Unmarshal(a.raw, &a.body) // what is no JSON object has no members
	return a
}

func (c client) get(path string) answer { c.t.Helper(); return c.do(http.MethodGet, path, nil) }

func (c client) post(path string, body any) answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, body)
}

func (c client) patch(path string, body any) answer {
	c.t.Helper()
	return c.do(http.MethodPatch, path, body)
}

// ok ends the test unless the request succeeded.
func (a answer) ok() answer {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("status %d: %s", a.status, a.raw)
	}
	return a
}

// refused ends the test unless the request got an error of a status and a code whose message has a part.
func (a answer) refused(status int, code, part string) answer {
	a.t.Helper()
	if a.status != status || a.text("code") != code || !strings.Contains(a.text("message"), part) {
		a.t.Fatalf("got %d %s, want %d %s %q", a.status, a.raw, status, code, part)
	}
	return a
}

// at returns a member of a member: at("parent", "database_id"). An index is written as a number.
func (a answer) at(path ...any) any {
	a.t.Helper()
	var v any = a.body
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				a.t.Fatalf("%v: no object at %q in %s", path, step, a.raw)
			}
			v = m[step]
		case int:
			l, ok := v.([]any)
			if !ok || step >= len(l) {
				a.t.Fatalf("%v: no element %d in %s", path, step, a.raw)
			}
			v = l[step]
		}
	}
	return v
}

func (a answer) text(path ...any) string {
	a.t.Helper()
	s, _ := a.at(path...).(string)
	return s
}

func (a answer) list(path ...any) []any {
	a.t.Helper()
	l, ok := a.at(path...).([]any)
	if !ok {
		a.t.Fatalf("%v: no list in %s", path, a.raw)
	}
	return l
}

// source returns the id of the data source of a kind.
func (c client) source(sim *notionsim.Sim, kind string) string {
	c.t.Helper()
	return c.get("/v1/databases/"+sim.Databases()[kind]).ok().text("data_sources", 0, "id")
}

// createIn makes a page with properties in a data source and gives its id.
func (c client) createIn(sourceID string, properties map[string]any) string {
	c.t.Helper()
	return c.post("/v1/pages", map[string]any{"parent": map[string]any{"data_source_id": sourceID}, "properties": properties}).ok().text("id")
}

// The shapes of properties in requests.
func title(s string) any    { return map[string]any{"title": words(s)} }
func richText(s string) any { return map[string]any{"rich_text": words(s)} }
func number(n float64) any  { return map[string]any{"number": n} }
func words(s string) []any {
	return []any{map[string]any{"text": map[string]any{"content": s}}}
}

func relation(ids ...string) any {
	refs := make([]any, len(ids))
	for i, id := range ids {
		refs[i] = map[string]any{"id": id}
	}
	return map[string]any{"relation": refs}
}

func properties(p map[string]any) any { return map[string]any{"properties": p} }
