package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 250e6, time.UTC)

func newAPI() api.API {
	return api.API{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
}

// store is what the handlers ask; it remembers what it was asked for.
type store struct {
	status journal.Status
	page   event.Page
	err    error
	filter event.Filter
	run    journal.Run
	asked  []any
}

func (s *store) Read(context.Context) (journal.Status, error) { return s.status, s.err }

func (s *store) List(_ context.Context, f event.Filter) (event.Page, error) {
	s.filter = f
	return s.page, s.err
}

func (s *store) start(_ context.Context, t journal.Type, kinds []string, dryRun bool, by string) (journal.Run, error) {
	s.asked = append(s.asked, t, strings.Join(kinds, "+"), dryRun, by)
	return s.run, s.err
}

var everybody = access.Principal{Client: "desk", Scopes: []access.Scope{access.Read, access.Sync}}

// call sends a request as a caller and gives the status, the headers and the answer.
func call(t *testing.T, h http.Handler, as *access.Principal, method, target, body string) (int, http.Header, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	c := invocation.Call{RequestID: "req-1"}
	if as != nil {
		c.Authorization = access.Context(*as, nil)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(invocation.WithCall(r.Context(), c)))
	var answer map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	kept(t, h, r, w.Code, w.Header(), w.Body.String())
	return w.Code, w.Header(), answer
}

// at returns what stands at a path of names in an answer.
func at(answer map[string]any, path ...string) any {
	var v any = answer
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// TestErrorsHaveOneShape goes through every way to be refused.
func TestErrorsHaveOneShape(t *testing.T) {
	t.Parallel()
	s := &store{}
	trigger, events := newAPI().SyncTrigger(s.start), newAPI().Events(s)
	reader := access.Principal{Client: "reader", Scopes: []access.Scope{access.Read}}
	settler := access.Principal{Client: "settler", Scopes: []access.Scope{access.Read, access.Config, access.Events}}
	config, subscribe := newAPI().Config(&keptSettings{}, api.Configured{}), newAPI().Subscribe(nil, nil)
	ours := regexp.MustCompile(`\[".*"\]|\[[a-z_]+ |struct ?\{|\b[a-z]+\.[A-Z]\w+|\b(?:bool|int|float64|map\[)\b|%!`) // Go's words
	long := `{"type":"` + strings.Repeat("x", 300<<10) + `"}`
	cases := map[string]struct {
		handler              http.Handler
		as                   *access.Principal
		method, target, body string
		status               int
		says                 string
	}{
		"nobody":                     {trigger, nil, "POST", "/", `{"type":"full"}`, 401, "Say who you are"},
		"without the scope":          {trigger, &reader, "POST", "/", `{"type":"full"}`, 403, `"sync"`},
		"wrong method":               {trigger, &everybody, "GET", "/", "", 405, "Use POST here"},
		"no body":                    {trigger, &everybody, "POST", "/", "", 400, "empty"},
		"no JSON":                    {trigger, &everybody, "POST", "/", "{", 400, "malformed"},
		"two values":                 {trigger, &everybody, "POST", "/", `{"type":"full"}{}`, 400, "more than one"},
		"an array":                   {trigger, &everybody, "POST", "/", `[]`, 400, "expected: it is a list."},
		"a text":                     {trigger, &everybody, "POST", "/", `"full"`, 400, "expected: it is a text."},
		"a number":                   {trigger, &everybody, "POST", "/", `1.5`, 400, "expected: it is a number."},
		"true":                       {trigger, &everybody, "POST", "/", `true`, 400, "expected: it is true or false."},
		"unknown type":               {trigger, &everybody, "POST", "/", `{"type":"half"}`, 400, "type must be full"},
		"no type":                    {trigger, &everybody, "POST", "/", `{}`, 400, "type must be full"},
		"type is a number":           {trigger, &everybody, "POST", "/", `{"type":1}`, 400, `field "type" must be a text.`},
		"dry_run is a text":          {trigger, &everybody, "POST", "/", `{"type":"full","dry_run":"yes"}`, 400, `field "dry_run" must be true or false.`},
		"databases is a text":        {trigger, &everybody, "POST", "/", `{"type":"full","databases":"partners"}`, 400, `field "databases" must be a list, each of it a text.`},
		"a database is a number":     {trigger, &everybody, "POST", "/", `{"type":"full","databases":[1]}`, 400, `field "databases" must be a list, each of it a text.`},
		"settings are a list":        {config, &settler, "POST", "/", `[]`, 400, "expected: it is a list."},
		"half a minute":              {config, &settler, "POST", "/", `{"sync_interval_minutes":7.5}`, 400, `field "sync_interval_minutes" must be a whole number.`},
		"databases of settings":      {config, &settler, "POST", "/", `{"databases":["x"]}`, 400, `field "databases" must be an object.`},
		"a policy of one's own":      {config, &settler, "POST", "/", `{"conflict_policy":"mine"}`, 400, "conflict_policy must be newest, notion, supabase or manual."},
		"an address that is 7":       {subscribe, &settler, "POST", "/", `{"callback_url":7}`, 400, `field "callback_url" must be a text.`},
		"event types that are 7":     {subscribe, &settler, "POST", "/", `{"callback_url":"https://x.org","event_types":["*",7]}`, 400, `field "event_types" must be a list, each of it a text.`},
		"an event type of one's own": {subscribe, &settler, "POST", "/", `{"callback_url":"https://x.org","event_types":["sync_over"]}`, 400, "there are sync_started, sync_progress, "},
		"unknown field":              {trigger, &everybody, "POST", "/", `{"type":"full","force":true}`, 400, `no field "force"`},
		"unknown parameter":          {trigger, &everybody, "POST", "/?now=1", `{"type":"full"}`, 400, `no parameter "now"`},
		"too large":                  {trigger, &everybody, "POST", "/", long, 413, "256 KiB"},
		"limit 0":                    {events, &reader, "GET", "/?limit=0", "", 400, "from 1 to 500"},
		"limit -1":                   {events, &reader, "GET", "/?limit=-1", "", 400, "from 1 to 500"},
		"limit 1e9":                  {events, &reader, "GET", "/?limit=1e9", "", 400, "from 1 to 500"},
		"limit 501":                  {events, &reader, "GET", "/?limit=501", "", 400, "from 1 to 500"},
		"limit empty":                {events, &reader, "GET", "/?limit=", "", 400, "from 1 to 500"},
		"limit twice":                {events, &reader, "GET", "/?limit=1&limit=2", "", 400, "give it once"},
		"since no time":              {events, &reader, "GET", "/?since=yesterday", "", 400, "RFC 3339"},
		"since empty":                {events, &reader, "GET", "/?since=", "", 400, "RFC 3339"},
		"unknown event type":         {events, &reader, "GET", "/?event_type=sync_ended", "", 400, "no event type"},
		"empty event type":           {events, &reader, "GET", "/?event_type=", "", 400, "no event type"},
		"many event types":           {events, &reader, "GET", "/?event_type=" + strings.Repeat("error,", 60) + "error", "", 400, "50 filters"},
		"a star in the middle":       {events, &reader, "GET", "/?event_type=s*c_started", "", 400, "no event type"},
		"unknown source":             {events, &reader, "GET", "/?source_system=airtable", "", 400, "source_system must be notion, supabase or integration."},
		"a cursor of one's own":      {events, &reader, "GET", "/?cursor=abc", "", 400, "next_cursor"},
		"a cursor of nought":         {events, &reader, "GET", "/?cursor=MA", "", 400, "next_cursor"},
		"a broken query":             {events, &reader, "GET", "/?limit=%zz", "", 400, "malformed"},
		"a page to be read":          {newAPI().Page(http.NotFoundHandler()), nil, "POST", "/", "", 405, "Use GET here"},
		"no such path":               {newAPI().NotFound(), nil, "GET", "/x", "", 404, "no such path"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, header, answer := call(t, c.handler, c.as, c.method, c.target, c.body)
			message, _ := answer["message"].(string)
			if goes := ours.FindString(message); goes != "" {
				t.Errorf("%q is said in Go: %s", message, goes)
			}
			if status != c.status || !strings.Contains(message, c.says) {
				t.Errorf("%d %v", status, answer)
			}
			if answer["success"] != false || answer["request_id"] != "req-1" || answer["error"] == "" || answer["timestamp"] != "2026-11-23T10:00:00.250Z" {
				t.Errorf("not the contract's shape: %v", answer)
			}
			if header.Get("Content-Type") != "application/json" {
				t.Errorf("content type %q", header.Get("Content-Type"))
			}
		})
	}
	if len(s.asked) != 0 {
		t.Errorf("a refused request started a sync: %v", s.asked)
	}
}

func TestInternalCausesStayInside(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	a := api.API{Now: newAPI().Now, Log: slog.New(slog.NewTextHandler(&log, nil))}
	s := &store{err: errors.New("password authentication failed for user hidden")}
	status, _, answer := call(t, a.Events(s), &everybody, "GET", "/", "")
	if text, _ := json.Marshal(answer); status != 500 || strings.Contains(string(text), "hidden") {
		t.Errorf("%d %s", status, text)
	}
	if !strings.Contains(log.String(), "hidden") || !strings.Contains(log.String(), "req-1") {
		t.Errorf("the log does not tell: %s", log.String())
	}
	busy := fault.New(fault.RateLimited, "Slow down.")
	busy.RetryAfter = 1500 * time.Millisecond
	s.err = busy
	if status, header, _ := call(t, a.Events(s), &everybody, "GET", "/", ""); status != 429 || header.Get("Retry-After") != "2" {
		t.Errorf("%d, Retry-After %q", status, header.Get("Retry-After"))
	}
}

func TestPageLetsReadersThrough(t *testing.T) {
	t.Parallel()
	page := newAPI().Page(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/", http.NoBody))
		if w.Code != http.StatusTeapot {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := &store{page: event.Page{
		Events: []event.Event{{ID: "e1", Type: event.RecordCreated, Source: event.Notion, Target: event.Supabase, Data: json.RawMessage(`{"kind":"partners"}`), Timestamp: now}},
		Total:  7, Next: 42,
	}}
	status, _, answer := call(t, newAPI().Events(s), &everybody, "GET", "/?event_type=sync_*,error&event_type=record_created&limit=1&since=2026-11-23T20:00:00%2B10:00&source_system=notion", "")
	if status != 200 || answer["success"] != true || at(answer, "total_events") != 7.0 {
		t.Fatalf("%d %v", status, answer)
	}
	list, _ := answer["events"].([]any)
	if first, _ := list[0].(map[string]any); at(first, "id") != "e1" || at(first, "source_system") != "notion" || at(first, "data", "kind") != "partners" || at(first, "timestamp") != "2026-11-23T10:00:00.250Z" {
		t.Errorf("%v", list)
	}
	want := append(event.Match("sync_*"), event.Error, event.RecordCreated)
	slices.Sort(want)
	if !slices.Equal(s.filter.Types, want) || s.filter.Limit != 1 || s.filter.Source != event.Notion || !s.filter.Since.Equal(now.Truncate(time.Second)) {
		t.Errorf("asked for %+v", s.filter)
	}
	if at(answer, "filters", "limit") != 1.0 || at(answer, "filters", "source_system") != "notion" {
		t.Errorf("filters %v", answer["filters"])
	}
	cursor, _ := answer["next_cursor"].(string)
	if call(t, newAPI().Events(s), &everybody, "GET", "/?cursor="+cursor, ""); s.filter.Before != 42 || s.filter.Limit != 50 {
		t.Errorf("the next page asks for %+v", s.filter)
	}
	s.page = event.Page{}
	if _, _, answer := call(t, newAPI().Events(s), &everybody, "GET", "/", ""); at(answer, "events") == nil || answer["next_cursor"] != nil {
		t.Errorf("none: %v", answer)
	}
}

func TestSyncTrigger(t *testing.T) {
	t.Parallel()
	s := &store{run: journal.Run{ID: "run-1", Type: journal.Full}}
	status, _, answer := call(t, newAPI().SyncTrigger(s.start), &everybody, "POST", "/", `{"type":"full","databases":["partners","projects"]}`)
	if status != 202 || answer["sync_id"] != "run-1" || answer["sync_type"] != "full" || answer["message"] == "" {
		t.Errorf("%d %v", status, answer)
	}
	if want := []any{journal.Full, "partners+projects", false, "desk"}; !slices.Equal(s.asked, want) {
		t.Errorf("asked for %v", s.asked)
	}
	s.err = fault.New(fault.Conflict, "A full sync is already under way.")
	status, _, answer = call(t, newAPI().SyncTrigger(s.start), &everybody, "POST", "/", `{"type":"full"}`)
	if status != 409 || answer["sync_id"] != "run-1" || answer["success"] != false || answer["request_id"] != "req-1" {
		t.Errorf("%d %v", status, answer)
	}
}

func TestSyncStatus(t *testing.T) {
	t.Parallel()
	s := &store{status: journal.Status{
		Running: []journal.Progress{{RunID: "r", Type: journal.Full, StartedAt: now, Databases: map[string]journal.PartProgress{
			"partners": {Status: "running", At: journal.Checkpoint{Phase: journal.Pulling}, Counts: journal.Counts{Read: 25}},
		}}},
		LastSuccess: now, LastDuration: 1250 * time.Millisecond, Synced: 90, Conflicts: 3,
		Problems: []journal.Problem{{Kind: "projects", RecordID: "id", Message: "why", At: now}},
	}}
	status, _, answer := call(t, newAPI().SyncStatus(s, s, api.SyncSettings{Interval: "rate(5 minutes)", BatchSize: 100}), &everybody, "GET", "/", "")
	state := func(path ...string) any {
		return at(answer, append([]string{"sync_statistics", "status"}, path...)...)
	}
	if status != 200 || state("isRunning") != true || state("lastSync") != "2026-11-23T10:00:00.250Z" ||
		state("statistics", "totalSynced") != 90.0 || state("statistics", "conflictsResolved") != 3.0 || state("statistics", "lastSyncDuration") != 1250.0 {
		t.Errorf("%d %v", status, answer)
	}
	if text, _ := json.Marshal(state("progress")); !strings.Contains(string(text), `"read":25`) || !strings.Contains(string(text), `"phase":"pull"`) {
		t.Errorf("progress %s", text)
	}
	if s.filter.Limit != 50 || at(answer, "sync_statistics", "recent_events") == nil {
		t.Errorf("recent events: %+v", s.filter)
	}
	if at(answer, "sync_statistics", "configuration", "sync_interval") != "rate(5 minutes)" {
		t.Errorf("configuration: %v", answer)
	}
}

func byToken(context.Context) api.NotionAuth { return api.NotionAuth{Method: oauth.ByToken} }

func TestHealth(t *testing.T) {
	t.Parallel()
	well := func(context.Context) error { return nil }
	away := func(context.Context) error { return fault.New(fault.Unavailable, "It cannot be reached.") }
	hangs := func(context.Context) error { // longer than anybody waits
		<-t.Context().Done()
		return t.Context().Err()
	}
	stranger := func(context.Context) error { return fault.New(fault.Unauthorized, "Notion does not accept the token.") }
	busy := func(context.Context) error { return fault.New(fault.RateLimited, "Notion's limit is reached.") }
	vaultAway := func(context.Context) error {
		return fault.NotAsked(fault.New(fault.Unavailable, "Secrets Manager cannot be reached."))
	}
	spent := func(context.Context) error {
		return fault.NotAsked(fault.New(fault.RateLimited, "Our share is spent."))
	}
	waited := func(context.Context) error {
		return fault.Wrap(context.DeadlineExceeded, fault.Unavailable, "It took too long; try again.")
	}
	cases := map[string]struct {
		notion, supabase api.Check
		lastFailed       bool
		status           int
		overall          string
		service          string // how Notion is
		knows            any    // whether it knows us
	}{
		"well":                       {well, well, false, 200, "healthy", "healthy", true},
		"Notion away":                {away, well, false, 200, "degraded", "unhealthy", nil},
		"Notion hangs":               {hangs, well, false, 200, "degraded", "unhealthy", nil},
		"Notion does not know us":    {stranger, well, false, 200, "degraded", "unhealthy", false},
		"Notion is busy":             {busy, well, false, 200, "healthy", "healthy", nil},
		"nobody could ask Notion":    {vaultAway, well, false, 200, "degraded", "unknown", nil},
		"Notion's limit is all used": {spent, well, false, 200, "healthy", "unknown", nil},
		"the last sync failed":       {well, well, true, 200, "degraded", "healthy", true},
		"Postgres away":              {well, away, false, 503, "unhealthy", "healthy", true},
		"Postgres hangs, and Notion's token with it":   {hangs, hangs, false, 503, "unhealthy", "unknown", nil},
		"Postgres away, and Notion's token waited for": {waited, away, false, 503, "unhealthy", "unknown", nil},
		"all away": {away, away, false, 503, "unhealthy", "unhealthy", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{status: journal.Status{
				LastFailed: c.lastFailed, LastSuccess: now, Synced: 90,
				Problems: []journal.Problem{{Kind: "partners", Message: "all of it"}, {Kind: "partners", RecordID: "hidden", Message: "one record"}},
			}}
			status, _, answer := call(t, newAPI().Health(c.notion, c.supabase, s, api.HealthSettings{Notion: byToken, Supabase: true}), nil, "GET", "/", "")
			if status != c.status || at(answer, "health", "overall") != c.overall || answer["success"] != (c.status == 200) {
				t.Errorf("%d %v", status, answer)
			}
			for name, want := range map[string]any{
				"services notion status": c.service, "services notion authenticated": c.knows,
				"services supabase status":    map[bool]string{true: "healthy", false: "unhealthy"}[c.status == 200],
				"sync isRunning":              map[bool]any{true: false}[c.status == 200],
				"sync statistics totalSynced": map[bool]any{true: 90.0}[c.status == 200],
				"oauth notion_configured":     false, "realtime_enabled": false,
			} {
				path := strings.Fields("health " + name)
				parent, _ := at(answer, path[:len(path)-1]...).(map[string]any)
				if got, there := parent[path[len(path)-1]]; !there || got != want {
					t.Errorf("%s is %v, not %v, in %v", name, got, want, answer)
				}
			}
			if at(answer, "health", "sync", "errors") == nil {
				t.Errorf("no errors in %v", answer)
			}
			if text, _ := json.Marshal(answer); strings.Contains(string(text), "hidden") {
				t.Errorf("a record shows to the public: %s", text)
			}
		})
	}
}

func TestHeadIsGet(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodHead, "/", io.NopCloser(strings.NewReader("")))
	w := httptest.NewRecorder()
	well := func(context.Context) error { return nil }
	newAPI().Health(well, well, &store{}, api.HealthSettings{Notion: byToken}).ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
}
