package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/infra/contract"
	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

// route is one method of a path that is a connection's.
type route struct {
	method, path string // with {members} of what was seeded
	body         string
	answer       func(deps, *postgres.Pool) http.Handler
	status       int
	// others is the status when path and body name what is another connection's; 0 where they name nothing.
	others int
	// shows says that the answer has something of the connection's own.
	shows bool
}

func routes() []route {
	return []route{
		{"GET", "/sync/status", "", deps.answerSyncStatus, 200, 0, true},
		{"GET", "/sync/runs/{run}", "", deps.answerSyncRun, 200, 404, true},
		{"GET", "/sync/conflicts", "", deps.answerConflictsList, 200, 0, true},
		{"GET", "/sync/conflicts/{conflict}", "", deps.answerConflictSettle, 200, 404, true},
		{"GET", "/sync/errors", "", deps.answerErrorsList, 200, 0, true},
		{"GET", "/sync/held", "", deps.answerHeldList, 200, 0, true},
		{"GET", "/sync/held/{hold}", "", deps.answerHeldDecide, 200, 404, true},
		{"GET", "/sync/matches", "", deps.answerMatchesList, 200, 0, true},
		{"GET", "/events", "", deps.answerEventsList, 200, 0, true},
		{"GET", "/events/subscriptions", "", deps.answerEventsSubscriptions, 200, 0, true},
		{"GET", "/events/subscriptions/{subscription}", "", deps.answerEventsSubscription, 200, 404, true},
		{"GET", "/events/subscriptions/{subscription}/deliveries", "", deps.answerEventsDeliveries, 200, 404, true},
		{"GET", "/events/subscriptions/{subscription}/deliveries/{delivery}", "", deps.answerEventsDelivery, 200, 404, true},
		{"GET", "/analytics/dashboard", "", deps.answerAnalyticsDashboard, 200, 0, true},
		{"GET", "/alerts", "", deps.answerAlerts, 200, 0, true},
		{"GET", "/breakers", "", deps.answerBreakers, 200, 0, true},
		{"GET", "/data-consistency", "", deps.answerDataConsistency, 200, 0, true},
		{"GET", "/audit", "", deps.answerAudit, 200, 0, true},
		{"GET", "/config", "", deps.answerConfig, 200, 0, true},

		{"POST", "/sync/conflicts/{conflict}", `{"keep":"notion"}`, deps.answerConflictSettle, 200, 404, true},
		{"POST", "/sync/matches/{page}", `{"row_id":"{row}"}`, deps.answerMatchesSettle, 200, 404, true},
		{"POST", "/sync/held/{hold}", `{"decision":"refuse"}`, deps.answerHeldDecide, 200, 404, true},
		{"POST", "/alerts", `{"id":"{alert}","action":"acknowledge"}`, deps.answerAlerts, 200, 404, true},
		{"POST", "/breakers", `{"service":"{mark}"}`, deps.answerBreakers, 200, 404, false},
		{"PATCH", "/events/subscriptions/{subscription}", `{"description":"changed"}`, deps.answerEventsSubscription, 200, 404, true},
		{"POST", "/events/subscriptions/{subscription}/rotate-secret", "", deps.answerEventsSubscriptionAction, 200, 404, true},
		{"POST", "/events/subscriptions/{subscription}/pause", "", deps.answerEventsSubscriptionAction, 200, 404, true},
		{"POST", "/events/subscriptions/{subscription}/resume", "", deps.answerEventsSubscriptionAction, 200, 404, true},
		{"POST", "/events/subscriptions/{subscription}/test", "", deps.answerEventsSubscriptionAction, 202, 404, false},
		{"POST", "/events/subscriptions/{subscription}/replay", `{"since":"2026-01-01T00:00:00Z"}`, deps.answerEventsSubscriptionAction, 202, 404, false},
		{"POST", "/events/subscriptions/{subscription}/deliveries/{delivery}/replay", "", deps.answerEventsDeliveryReplay, 202, 404, true},
		// What another's record is asked to do is told to have nothing to do.
		{"POST", "/sync/errors/retry", `{"record_ids":["{row}"]}`, deps.answerErrorsRetry, 202, 202, false},
		{"POST", "/data-consistency/repair", `{"records":[{"database":"partners","record_id":"{gone}"}]}`, deps.answerDataConsistencyRepair, 202, 202, true},
		{"POST", "/sync/trigger", `{"type":"full"}`, deps.answerSyncTrigger, 202, 0, false},
		{"POST", "/cache/invalidate", `{"cache_type":"all"}`, deps.answerCacheInvalidate, 200, 0, false},
		{"POST", "/config", `{"conflict_policy":"supabase"}`, deps.answerConfig, 200, 0, false},
		{"POST", "/events/subscribe", `{"callback_url":"https://192.0.2.1/{mark}","event_types":["*"]}`, deps.answerEventsSubscribe, 400, 0, false},
		{"DELETE", "/events/subscriptions/{subscription}", "", deps.answerEventsSubscription, 200, 404, true},
	}
}

// seeded is what a connection has, by what it is.
type seeded map[string]string

// seed returns a connection one of everything.
func (c connected) seed(t *testing.T, mark string) seeded {
	t.Helper()
	s := seeded{"mark": mark, "connection": c.id()}
	for _, name := range []string{"run", "conflict", "row", "gone", "page", "gonepage", "hold", "event", "subscription", "delivery", "alert", "entry", "check", "bot"} {
		s[name] = newID()
	}
	//nolint:dupword // a moment may come twice
	for _, statement := range strings.Split(`
		insert into partners (id, connection_id, name) values ('{row}', '{connection}', '{mark}');
		insert into notion_partners (id, connection_id, notion_id, name, data, row_data) values ('{gone}', '{connection}', '{gonepage}', '{mark}', '{"properties":{}}', '{"name":"{mark}","featured":false}');
		insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at, dry_run)
			values ('{run}', '{connection}', 'full', 'succeeded', '{mark}', now(), now(), now(), true);
		insert into integration.sync_run_databases (run_id, kind, status, queued_at, finished_at) values ('{run}', 'partners', 'succeeded', now(), now());
		insert into integration.sync_previews (connection_id, run_id, kind, row_id, notion_id, title, notion) values ('{connection}', '{run}', 'partners', '{row}', '{page}', '{mark}', '{"op":"create"}');
		insert into integration.sync_conflicts (id, connection_id, kind, row_id, notion_id, field, rule, winner, notion_value, supabase_value, detected_at, status)
			values ('{conflict}', '{connection}', 'partners', '{row}', '{page}', 'location', 'manual', '', '"{mark}"', '"x"', now(), 'waiting');
		insert into integration.sync_errors (connection_id, kind, row_id, notion_id, side, reason, first_at, last_at, next_attempt_at)
			values ('{connection}', 'partners', '{row}', '{page}', 'notion', '{mark}', now(), now(), now() + interval '1 hour');
		insert into integration.sync_holds (id, connection_id, kind, side, records, total, created_at) values ('{hold}', '{connection}', 'partners', 'notion', 1, 2, now());
		insert into integration.sync_held_records (connection_id, kind, row_id, notion_id, hold_id) values ('{connection}', 'partners', '{gone}', '{gonepage}', '{hold}');
		insert into integration.sync_match_pages (connection_id, kind, notion_id, title, state, matched_by, matched_value) values ('{connection}', 'partners', '{page}', '{mark}', 'doubtful', 'title', 'the same');
		insert into integration.sync_match_rows (connection_id, kind, row_id, state, matched_by, matched_value) values ('{connection}', 'partners', '{row}', 'doubtful', 'title', 'the same');
		insert into integration.events (id, connection_id, type, source_system, target_system, data, created_at)
			values ('{event}', '{connection}', 'record_created', 'notion', 'supabase', '{"record_id":"{row}","name":"{mark}"}', now());
		insert into integration.event_subscriptions (id, connection_id, callback_url, event_types, rate_limit, secret, created_by, created_at, updated_at)
			values ('{subscription}', '{connection}', 'https://192.0.2.1/{mark}', '{*}', 1, 'whsec_x', '{mark}', now(), now());
		insert into integration.event_deliveries (id, connection_id, subscription_id, event_id, event_type, status, created_at, finished_at)
			values ('{delivery}', '{connection}', '{subscription}', '{event}', 'record_created', 'dead', now(), now());
		insert into integration.event_attempts (delivery_id, number, started_at, duration_ms, answer) values ('{delivery}', 1, now(), 1, '{mark}');
		insert into integration.alerts (id, connection_id, condition, subject, message, raised_at, notified_at) values ('{alert}', '{connection}', 'stale_data', '{mark}', '{mark}', now(), now());
		insert into integration.breakers (connection_id, service, status, opened_at, retry_at) values ('{connection}', '{mark}', 'open', now(), now() + interval '1 hour');
		insert into integration.cache_entries (connection_id, kind, key, value, stored_at, fresh_until, keep_until)
			values ('{connection}', 'schema', '{mark}', '"{mark}"', now(), now() + interval '1 hour', now() + interval '1 hour');
		insert into integration.consistency_runs (id, connection_id, deep, status, requested_by, created_at) values ('{check}', '{connection}', true, 'queued', '{mark}', now());
		insert into integration.audit_log (id, connection_id, at, client, key_id, source_ip, request_id, action) values ('{entry}', '{connection}', now(), '{mark}', '', '', '', 'POST /x');
		insert into integration.notion_webhooks (connection_id, verification_token, bot_id, created_at) values ('{connection}', 'token-of-{mark}', '{bot}', now())`, ";\n") {
		if _, err := c.pool.Exec(t.Context(), s.fill(statement)); err != nil {
			t.Fatalf("%v\n%s", err, s.fill(statement))
		}
	}
	return s
}

// fill puts what was seeded into a text.
func (s seeded) fill(text string) string {
	return regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllStringFunc(text, func(name string) string {
		if value, ok := s[name[1:len(name)-1]]; ok {
			return value
		}
		return name
	})
}

// whose returns the tables that say whose their rows are.
func whose(t *testing.T, pool *postgres.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `select format('%I.%I', table_schema, table_name) from information_schema.columns
		where table_schema in ('public', 'integration') and column_name = 'connection_id' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 30 {
		t.Fatal(tables, err)
	}
	return tables
}

// everything returns all rows of each connection, as a text, by table.
func everything(t *testing.T, pool *postgres.Pool, tables []string) map[string]map[string]string {
	t.Helper()
	each := make([]string, len(tables))
	for i, table := range tables {
		each[i] = fmt.Sprintf(`select '%s', connection_id::text, string_agg(to_jsonb(t)::text, E'\n' order by to_jsonb(t)::text) from %[1]s t group by connection_id`, table)
	}
	rows, err := pool.Query(t.Context(), strings.Join(each, " union all "))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	var table, connection, content string
	if _, err := pgx.ForEachRow(rows, []any{&table, &connection, &content}, func() error {
		if all[connection] == nil {
			all[connection] = map[string]string{}
		}
		all[connection][table] = content
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

var anID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// only returns every id that stands in some row of one, and in none of the other.
func only(one, other map[string]string) []string {
	found := map[string]bool{}
	for _, content := range one {
		for _, id := range anID.FindAllString(content, -1) {
			found[id] = true
		}
	}
	for _, content := range other {
		for _, id := range anID.FindAllString(content, -1) {
			delete(found, id)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// promised returns the OpenAPI document, against which answers are checked.
var promised = sync.OnceValue(func() *contract.Contract {
	c, err := contract.Load()
	if err != nil {
		panic(err)
	}
	return c
})

// ask sends a request of a route for a connection, about what one has.
func (r route) ask(t *testing.T, h http.Handler, connection string, about seeded, inBody bool) (int, string) {
	t.Helper()
	path, body := about.fill(r.path), about.fill(r.body)
	switch {
	case connection == "":
	case inBody && body == "":
		body = `{"connection_id":"` + connection + `"}`
	case inBody:
		body = `{"connection_id":"` + connection + `",` + body[1:]
	default:
		path += "?connection_id=" + connection
	}
	ctx := invocation.WithCall(t.Context(), invocation.Call{Authorization: access.Context(access.Principal{Client: "tester", Scopes: access.Scopes()}, nil)})
	w := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(ctx, r.method, api.Base+path, strings.NewReader(body))
	h.ServeHTTP(w, request)
	if w.Code == http.StatusTeapot { // a handler of the test's own
		return w.Code, w.Body.String()
	}
	if err := promised().Check(r.method, request.URL.Path, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); err != nil {
		t.Error(err)
	}
	return w.Code, w.Body.String()
}

// TestNothingCrossesConnections drives every endpoint for two connections that have one of everything: an answer has nothing
// of the other's, what is the other's is not found, and a change leaves every row of the other's as it was.
func TestNothingCrossesConnections(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	marks := [2]seeded{two[0].seed(t, "mark-of-first"), two[1].seed(t, "mark-of-second")}
	tables := whose(t, two[0].pool)
	now := everything(t, two[0].pool, tables)
	for _, r := range routes() {
		h := two[0].perConnection(two[0].pool, r.answer)
		for i, own := range two {
			other, name := two[1-i], fmt.Sprintf("%s %s for connection %d", r.method, r.path, i)
			was := now[other.id()]
			foreign := only(was, now[own.id()])
			if len(foreign) < 12 {
				t.Fatalf("there is little to find: %q", foreign)
			}
			if r.others != 0 {
				status, text := r.ask(t, h, own.id(), marks[1-i], r.method != http.MethodGet)
				if status != r.others || strings.Contains(text, marks[1-i]["mark"]) {
					t.Errorf("%s, about the other's: %d, want %d: %s", name, status, r.others, text)
				}
			}
			named := own.id()
			if i == 0 && r.method == http.MethodGet {
				named = "" // the first needs no name
			}
			status, text := r.ask(t, h, named, marks[i], r.method != http.MethodGet)
			if status != r.status {
				t.Errorf("%s: %d, want %d: %s", name, status, r.status, text)
			}
			if i == 0 && r.method == http.MethodGet {
				if again, _ := r.ask(t, h, own.id(), marks[i], false); again != r.status {
					t.Errorf("%s, by its name: %d", name, again)
				}
			}
			if r.path != "/config" { // which lists connections
				crossed(t, name, text, append(foreign, marks[1-i]["mark"]))
			}
			if r.shows && !slices.ContainsFunc(slices.Collect(maps.Values(marks[i])), func(value string) bool { return strings.Contains(text, value) }) && r.path != "/analytics/dashboard" {
				t.Errorf("%s: nothing of its own is in the answer: %s", name, text)
			}
			now = everything(t, two[0].pool, tables)
			for _, table := range tables {
				if is := now[other.id()][table]; is != was[table] {
					t.Errorf("%s changed the other's %s:\n%s\n%s", name, table, was[table], is)
				}
			}
		}
	}
	every(t)
	asked := 0
	for _, r := range routes() {
		if r.method != http.MethodGet {
			asked++
			if r.others != 0 {
				asked++
			}
		}
	}
	for i, c := range two { // what was asked of a connection stands in its trail
		if n := strings.Count(now[c.id()]["integration.audit_log"], `"tester"`); n != asked {
			t.Errorf("connection %d was asked for %d changes, and has %d entries in its trail", i, asked, n)
		}
	}
}

// crossed reports what is the other's in an answer.
func crossed(t *testing.T, name, text string, foreign []string) {
	t.Helper()
	for _, id := range foreign {
		if strings.Contains(text, id) {
			t.Errorf("%s has the other's %s: %s", name, id, text)
			return
		}
	}
}

// every checks that each endpoint of a connection is tried, with an answer that it declares.
func every(t *testing.T) {
	t.Helper()
	variable := regexp.MustCompile(`\{[^}]*\}`)
	tried := map[string]int{}
	for _, r := range routes() {
		tried[r.method+" "+variable.ReplaceAllString(r.path, "{}")] = r.status
	}
	declared := 0
	for _, route := range api.Routes() {
		if route.Alone != "" {
			continue
		}
		for _, m := range route.Methods {
			declared++
			name := m.Verb + " " + m.Path(route)
			status, ok := tried[variable.ReplaceAllString(name, "{}")]
			if !ok {
				t.Errorf("%s is not tried with two connections", name)
			}
			if usual := m.Answers[0].Status; status != usual && status < http.StatusBadRequest {
				t.Errorf("%s answers %d and declares %d", name, status, usual)
			}
		}
	}
	if declared != len(tried) {
		t.Errorf("%d endpoints are tried, and %d are declared", len(tried), declared)
	}
}

// TestConfigListsConnections: GET /config lists all connections, and shows Notion and policy of the one that is named.
func TestConfigListsConnections(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	change := route{"POST", "/config", `{"conflict_policy":"manual","notion_plan":"business"}`, deps.answerConfig, 200, 0, true}
	if status, text := change.ask(t, two[0].perConnection(two[0].pool, change.answer), two[1].id(), nil, true); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	for i, policy := range []string{"newest", "manual"} {
		shown := route{"GET", "/config", "", deps.answerConfig, 200, 0, true}
		status, text := shown.ask(t, two[i].perConnection(two[i].pool, shown.answer), two[i].id(), nil, false)
		var answer struct {
			Configuration struct {
				Notion struct {
					Authenticated bool `json:"authenticated"`
				} `json:"notion"`
				Sync struct {
					Policy string `json:"conflict_policy"`
				} `json:"sync"`
				Connections []struct {
					ID    string  `json:"connection_id"`
					First bool    `json:"first"`
					Plan  string  `json:"notion_plan"`
					Last  *string `json:"last_sync"`
					OAuth struct {
						Name string `json:"workspace_name"`
					} `json:"oauth"`
				} `json:"connections"`
			} `json:"configuration"`
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
			t.Fatal(status, err, text)
		}
		c := answer.Configuration
		if !c.Notion.Authenticated || c.Sync.Policy != policy || len(c.Connections) != 2 {
			t.Fatalf("connection %d: %s", i, text)
		}
		for j, one := range c.Connections {
			if one.ID != two[j].id() || one.First != (j == 0) || one.Plan != []string{"standard", "business"}[j] || one.Last != nil || one.OAuth.Name == "" {
				t.Errorf("connection %d shows %d as %+v", i, j, one)
			}
		}
	}
}
