package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/auth/auditlog"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

// connector notes what it was asked.
type connector struct {
	started  []string
	finished []oauth.Callback
	err      error
}

func (c *connector) Start(_ context.Context, client, state string) (oauth.Start, error) {
	c.started = append(c.started, client+" "+state)
	return oauth.Start{URL: "https://api.notion.com/v1/oauth/authorize?x", State: "random"}, c.err
}

func (c *connector) Finish(_ context.Context, back oauth.Callback) (oauth.Connected, error) {
	c.finished = append(c.finished, back)
	return oauth.Connected{Workspace: grant.Workspace{ID: "w", Name: "<b>W</b>", BotID: "b"}, ClientState: "testing", Client: "desk"}, c.err
}

// memory is a trail in memory.
type memory struct {
	entries  []auditlog.Entry
	outcomes []auditlog.Outcome
	err      error
}

func (m *memory) Begin(_ context.Context, e auditlog.Entry) error {
	m.entries = append(m.entries, e)
	return m.err
}

func (m *memory) End(_ context.Context, _ string, o auditlog.Outcome) error {
	m.outcomes = append(m.outcomes, o)
	return m.err
}

var configurer = access.Principal{Client: "desk", KeyID: "k1", Scopes: []access.Scope{access.Config, access.Read}}

func TestOAuthURL(t *testing.T) {
	t.Parallel()
	c := &connector{}
	status, _, answer := call(t, newAPI().OAuthURL(c), &configurer, "GET", "/?state=testing", "")
	if status != 200 || answer["authorization_url"] != "https://api.notion.com/v1/oauth/authorize?x" || answer["state"] != "random" || answer["provider"] != "notion" || c.started[0] != "desk testing" {
		t.Errorf("%d %v %v", status, answer, c.started)
	}
	for name, target := range map[string]string{
		"twice": "/?state=a&state=b", "very long": "/?state=" + strings.Repeat("x", 501), "a line break": "/?state=a%0d%0ab", "no text": "/?state=%ff%00", "another": "/?redirect_uri=x",
	} {
		if status, _, answer := call(t, newAPI().OAuthURL(c), &configurer, "GET", target, ""); status != 400 {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	byNone := func(context.Context) (oauth.Method, error) { return oauth.ByNone, nil }
	byToken := func(context.Context) (oauth.Method, error) { return oauth.ByToken, nil }
	status, _, answer = call(t, newAPI().OAuthUnconfigured(byToken), &configurer, "GET", "/?state=testing", "")
	if status != 400 || answer["error"] != "OAuth not configured" || answer["current_auth_method"] != "token-based" || answer["has_notion_token"] != true ||
		answer["message"] != "Notion OAuth credentials not configured. Currently using token-based authentication." ||
		at(answer, "setup_instructions", "oauth_client_id") != "Set NOTION_OAUTH_CLIENT_ID environment variable" {
		t.Errorf("%d %v", status, answer)
	}
	if _, _, answer := call(t, newAPI().OAuthUnconfigured(byNone), &configurer, "GET", "/", ""); answer["has_notion_token"] != false || answer["current_auth_method"] != "none" {
		t.Errorf("%v", answer)
	}
}

func TestOAuthCallback(t *testing.T) {
	t.Parallel()
	c := &connector{}
	h := newAPI().OAuthCallback(c)
	for name, given := range map[string]struct{ method, target, body string }{
		"Notion":         {"GET", "/?code=c&state=s&new=1", ""},
		"an application": {"POST", "/", `{"code":"c","state":"s","redirect_uri":"r"}`},
	} {
		status, _, answer := call(t, h, nil, given.method, given.target, given.body)
		if status != 200 || answer["workspace_id"] != "w" || answer["bot_id"] != "b" || answer["state"] != "testing" || answer["provider"] != "notion" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
		if last := c.finished[len(c.finished)-1]; last.Code != "c" || last.State != "s" || last.Client != "" || (last.RedirectURI == "r") != (given.method == "POST") {
			t.Errorf("%s: %+v", name, last)
		}
	}
	seen := len(c.finished)
	for name, given := range map[string]struct {
		method, target, body string
		status               int
	}{
		"two codes":           {"GET", "/?code=c&code=d&state=s", "", 400},
		"a very long code":    {"GET", "/?state=s&code=" + strings.Repeat("x", 2001), "", 400},
		"a look":              {"HEAD", "/?code=c&state=s", "", 405},
		"a number":            {"POST", "/", `{"code":1}`, 400},
		"one field more":      {"POST", "/", `{"code":"c","state":"s","scope":"x"}`, 400},
		"a query of a person": {"POST", "/?code=c", `{"code":"c","state":"s"}`, 400},
	} {
		if status, _, answer := call(t, h, nil, given.method, given.target, given.body); status != given.status {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if len(c.finished) != seen {
		t.Error("what is refused was finished")
	}
}

// browse sends a request as a browser does, or with a key.
func browse(t *testing.T, h http.Handler, header, value string, as map[string]any) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/?code=c&state=s", nil)
	r.Header.Set(header, value)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(invocation.WithCall(r.Context(), invocation.Call{RequestID: "req-1", Authorization: as})))
	kept(t, h, r, w.Code, w.Header(), w.Body.String())
	return w
}

func TestCallbackPage(t *testing.T) {
	t.Parallel()
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	c := &connector{}
	w := browse(t, newAPI().OAuthCallback(c), "Accept", browser, nil)
	page := w.Body.String()
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(page, "Notion is connected") || !strings.Contains(page, "&lt;b&gt;W&lt;/b&gt;") || strings.Contains(page, "<b>W") {
		t.Errorf("%d %s", w.Code, page)
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
	c.err = fault.New(fault.Invalid, "Access was <not> allowed in Notion.")
	w = browse(t, newAPI().OAuthCallback(c), "Accept", browser, nil)
	if page := w.Body.String(); w.Code != 400 || !strings.Contains(page, "was not connected") || !strings.Contains(page, "&lt;not&gt;") || !strings.Contains(page, "req-1") {
		t.Errorf("%d %s", w.Code, page)
	}
	for name, accept := range map[string]string{"an application": "application/json", "one that takes both": "application/json, text/html", "curl": "*/*"} {
		if w := browse(t, newAPI().OAuthCallback(c), "Accept", accept, nil); w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s sees a page", name)
		}
	}
}

// Who says who they are on a public path has to be known; who calls too often is refused there too.
func TestCallbackCaller(t *testing.T) {
	t.Parallel()
	c := &connector{}
	h := newAPI().OAuthCallback(c)
	if w := browse(t, h, "X-Api-Key", "x", access.Context(configurer, nil)); w.Code != 200 || c.finished[0].Client != "desk" {
		t.Errorf("%d %+v", w.Code, c.finished)
	}
	if w := browse(t, h, "Authorization", "Bearer x", access.Context(access.Principal{}, access.Unknown())); w.Code != 401 {
		t.Errorf("%d", w.Code)
	}
	often := access.Context(access.Principal{}, fault.New(fault.RateLimited, "Slow."))
	often["retry_after"] = 7.0
	if w := browse(t, h, "Accept", "*/*", often); w.Code != 429 || w.Header().Get("Retry-After") != "7" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if len(c.finished) != 1 {
		t.Errorf("%d", len(c.finished))
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.Handler{"an answer": newAPI().Events(&store{}), "an error": newAPI().NotFound()} {
		_, header, _ := call(t, h, &everybody, "GET", "/", "")
		for field, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Strict-Transport-Security": "max-age=63072000", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if header.Get(field) != want {
				t.Errorf("%s: %s is %q", name, field, header.Get(field))
			}
		}
	}
}

func TestChangesLeaveATrail(t *testing.T) {
	t.Parallel()
	m := &memory{}
	a := newAPI()
	a.Trail, a.NewID = m, func() string { return "e1" }
	s := &store{run: journal.Run{ID: "run-1", Type: journal.Full}}
	if status, _, _ := call(t, a.SyncTrigger(s.start), &everybody, "POST", "/sync/trigger", `{"type":"full"}`); status != 202 {
		t.Fatal(status)
	}
	e, o := m.entries[0], m.outcomes[0]
	if e.Client != "desk" || e.Action != "POST /sync/trigger" || e.RequestID != "req-1" || !e.At.Equal(now) || o.Status != 202 || o.Detail["type"] == nil {
		t.Errorf("%+v %+v", e, o)
	}
	call(t, a.SyncTrigger(s.start), &everybody, "POST", "/", `{}`)
	if len(m.outcomes) != 2 || m.outcomes[1].Status != 400 {
		t.Errorf("a refused change: %+v", m.outcomes)
	}
	call(t, a.SyncTrigger(s.start), nil, "POST", "/", `{"type":"full"}`)
	call(t, a.Events(s), &everybody, "GET", "/", "")
	if len(m.entries) != 2 {
		t.Errorf("what nobody may ask, or what changes nothing, leaves a trail: %+v", m.entries)
	}
	call(t, a.OAuthCallback(&connector{}), nil, "GET", "/?code=hidden&state=hidden", "")
	if last := m.entries[2]; last.Client != "" || strings.Contains(last.Action, "hidden") || m.outcomes[2].Detail["asked_for_by"] != "desk" {
		t.Errorf("%+v %+v", last, m.outcomes[2])
	}
	m.err = fault.Wrap(errors.New("x"), fault.Unavailable, "Away.")
	asked := len(s.asked)
	if status, _, _ := call(t, a.SyncTrigger(s.start), &everybody, "POST", "/", `{"type":"full"}`); status != 503 || len(s.asked) != asked {
		t.Errorf("%d: a change that cannot be written down is made", status)
	}
}

// keptSettings keeps one connection's.
type keptSettings struct{ kept settings.Settings }

func (s *keptSettings) Read(_ context.Context, id string) (settings.Settings, error) {
	if id != s.kept.ConnectionID {
		return settings.Settings{}, fault.New(fault.NotFound, "There is no such connection.")
	}
	return s.kept, nil
}

func (s *keptSettings) List(context.Context) ([]settings.Settings, error) {
	return []settings.Settings{s.kept}, nil
}

func (s *keptSettings) Save(_ context.Context, is settings.Settings, by string) error {
	s.kept, s.kept.Name = is, "saved by "+by
	return nil
}

func TestConfig(t *testing.T) {
	t.Parallel()
	s := &keptSettings{settings.Settings{ConnectionID: "c1", Policy: merge.Newest}}
	well := func(context.Context) error { return nil }
	configured := api.Configured{
		Notion: well, Supabase: well, Auth: byToken, First: "c1", Connection: "c1", Kinds: []string{"partners"}, Databases: map[string]string{"partners": "p1"},
		Grants: func(context.Context) ([]grant.Grant, error) {
			return []grant.Grant{{ConnectionID: "c1", Status: grant.Connected}}, nil
		},
		Synced: func(context.Context) (map[string]time.Time, error) {
			return map[string]time.Time{"c1": time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}, nil
		},
		Set:     func(_ context.Context, name string) (bool, error) { return name == "NOTION_TOKEN", nil },
		Secrets: []string{"NOTION_TOKEN", "DATABASE_URL"}, Schedule: "rate(5 minutes)", BatchSize: 100, Attempts: 6, Plan: settings.Standard, Realtime: true,
	}
	slow := configured
	slow.Auth = func(context.Context) api.NotionAuth { return api.NotionAuth{} }
	if status, _, answer := call(t, newAPI().Config(s, slow), &everybody, "GET", "/", ""); status != 200 || at(answer, "configuration", "notion", "auth_method") != nil {
		t.Errorf("it says how Notion is told who we are, which it does not know: %d %v", status, answer)
	}
	h := newAPI().Config(s, configured)
	status, _, answer := call(t, h, &everybody, "GET", "/", "")
	for _, want := range []struct {
		path  string
		value any
	}{
		{"notion.oauth_configured", false},
		{"notion.authenticated", true},
		{"notion.status", "healthy"},
		{"notion.auth_method", "token-based"},
		{"supabase.authenticated", true},
		{"sync.realtime_enabled", true},
		{"sync.interval_ms", 300000.0},
		{"sync.batch_size", 100.0},
		{"sync.retry_attempts", 6.0},
		{"sync.conflict_policy", "newest"},
		{"secrets.NOTION_TOKEN", "set"},
		{"secrets.DATABASE_URL", "not set"},
		{"features.realtime_sync", true},
	} {
		if got := at(answer, append([]string{"configuration"}, strings.Split(want.path, ".")...)...); got != want.value {
			t.Errorf("%s is %v", want.path, got)
		}
	}
	if status != 200 {
		t.Errorf("%d %v", status, answer)
	}
	if status, _, answer := call(t, h, &configurer, "POST", "/", `{"conflict_policy":"notion","sync_interval_minutes":30}`); status != 200 ||
		at(answer, "configuration", "sync", "interval_ms") != 1800000.0 || s.kept.Policy != merge.NotionWins || s.kept.Name != "saved by desk" {
		t.Errorf("%d %v", status, answer)
	}
	for name, c := range map[string]struct {
		as     *access.Principal
		body   string
		status int
	}{
		"without the scope":  {&everybody, `{"conflict_policy":"supabase"}`, 403},
		"nothing":            {&configurer, `{}`, 400},
		"what it is already": {&configurer, `{"conflict_policy":"notion"}`, 400},
		"no policy":          {&configurer, `{"conflict_policy":"x"}`, 400},
		"a secret":           {&configurer, `{"notion_token":"x"}`, 400},
	} {
		if status, _, answer := call(t, h, c.as, "POST", "/", c.body); status != c.status {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
}
