package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/infra/contract"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	httpapi "github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
)

// changesNothing is a body that every endpoint refuses.
const changesNothing = `{"no_such_field":1}`

// base is what the API's paths begin with.
const base = httpapi.Base

// nothing is the id of nothing.
const nothing = "00000000-0000-7000-8000-000000000000"

// filled returns a route's path with ids of nothing for its parameters.
func filled(route string) string { return parameter.ReplaceAllString(route, nothing) }

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// supabaseProject is a Supabase project: its keys' address, and tokens of people of it.
type supabaseProject struct {
	*httptest.Server
	key *ecdsa.PrivateKey
}

func startProject(t *testing.T) supabaseProject {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"k1","x":%q,"y":%q}]}`, b64(point[1:33]), b64(point[33:]))
	}))
	t.Cleanup(server.Close)
	return supabaseProject{server, key}
}

func (p supabaseProject) token(t *testing.T, method jwt.SigningMethod, key any, change func(jwt.MapClaims)) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": p.URL + "/auth/v1", "aud": "authenticated", "sub": "u1", "exp": time.Now().Add(time.Hour).Unix()}
	change(claims)
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = "k1"
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// caller is somebody who calls: what is sent, and what they may do; nil scopes is somebody who is refused.
type caller struct {
	header, value string
	scopes        []access.Scope
}

func callers(t *testing.T, s settings, p supabaseProject) map[string]caller {
	t.Helper()
	newKey := func(arguments ...string) string {
		var out strings.Builder
		if err := manageKeys(t.Context(), s, append([]string{"create"}, arguments...), &out); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out.String())
	}
	revoked := newKey("former", "admin")
	id, _ := access.KeyID(revoked)
	if err := manageKeys(t.Context(), s, []string{"revoke", id}, io.Discard); err != nil {
		t.Fatal(err)
	}
	publicKey, err := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	as := func(name string, value any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[name] = value } }
	unchanged := func(jwt.MapClaims) {}
	es, bearer := jwt.SigningMethodES256, "Authorization"
	result := map[string]caller{
		"nobody":                    {"X-Nothing", "x", nil},
		"a key of nobody's":         {"X-API-Key", "act_0000000000000000_" + strings.Repeat("x", 43), nil},
		"no key at all":             {"X-API-Key", "hello", nil},
		"a revoked key":             {"X-API-Key", revoked, nil},
		"a person":                  {bearer, "Bearer " + p.token(t, es, p.key, unchanged), []access.Scope{access.Read}},
		"a person with scopes":      {bearer, "Bearer " + p.token(t, es, p.key, as("app_metadata", map[string]any{"integration_scopes": []string{"sync"}})), []access.Scope{access.Read, access.Sync}},
		"a token that is over":      {bearer, "Bearer " + p.token(t, es, p.key, as("exp", time.Now().Add(-time.Second).Unix())), nil},
		"of another project":        {bearer, "Bearer " + p.token(t, es, p.key, as("iss", "https://other.supabase.co/auth/v1")), nil},
		"for others":                {bearer, "Bearer " + p.token(t, es, p.key, as("aud", "anon")), nil},
		"alg none":                  {bearer, "Bearer " + p.token(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, unchanged), nil},
		"a token without an end":    {bearer, "Bearer " + p.token(t, es, p.key, func(c jwt.MapClaims) { delete(c, "exp") }), nil},
		"thousands of dots":         {bearer, "Bearer " + strings.Repeat(".", 4000), nil},
		"dots after a key":          {"X-API-Key", newKey("dotted", "admin") + strings.Repeat(".", 4000), nil},
		"HS256 with the public key": {bearer, "Bearer " + p.token(t, jwt.SigningMethodHS256, publicKey, unchanged), nil},
	}
	for _, scope := range access.Scopes() {
		header, value := "X-API-Key", newKey("with-"+string(scope), string(scope))
		if scope == access.Data {
			header, value = bearer, "Bearer "+value
		}
		result["a key for "+string(scope)] = caller{header, value, []access.Scope{scope}}
	}
	return result
}

// TestWhoMayCall goes through every route with every kind of caller.
func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	const limit = 10_000 // more than are sent here in a minute
	p := startProject(t)
	state := filepath.Join(t.TempDir(), "state")
	r := startSystem(t, state, "SUPABASE_URL="+p.URL, fmt.Sprint("CALLER_LIMIT=", limit))
	s, err := load("../..", state, anyPort())
	if err != nil {
		t.Fatal(err)
	}
	all := callers(t, s, p)
	var answers output
	t.Run("as", func(t *testing.T) {
		for name, c := range all {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for _, route := range httpapi.Routes() {
					r.tryRoute(t, route, c, &answers)
				}
			})
		}
	})
	r.namesConnections(t, all)
	r.leftTrails(t)
	r.fitsOrigins(t)
	var list strings.Builder
	if err := manageKeys(t.Context(), s, []string{"list"}, &list); err != nil {
		t.Error(err)
	}
	for _, want := range []string{`with-sync +sync +\d{4}-.* -\n`, `former +admin +.* \d\d:\d\d\n`} {
		if !regexp.MustCompile(want).MatchString(list.String()) {
			t.Errorf("%s is not listed in\n%s", want, &list)
		}
	}
	// A caller who asks too often is told how long to wait, and nobody else is.
	r.count(t, "client:with-events", limit-1)
	for _, want := range []int{http.StatusOK, http.StatusTooManyRequests, http.StatusTooManyRequests} {
		status, answer := r.send(t, http.MethodGet, "/events/subscriptions", "", all["a key for events"])
		if status != want || strings.Contains(answer, fmt.Sprintf("More than %d requests", limit)) != (want == http.StatusTooManyRequests) {
			t.Errorf("%d, want %d: %s", status, want, answer)
		}
	}
	if status, answer := r.send(t, http.MethodGet, "/events", "", all["a key for read"]); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	secret := r.connect(t, &answers)
	for _, c := range all {
		if c.header != "X-Nothing" && c.value != "hello" {
			secret = append(secret, strings.TrimPrefix(c.value, "Bearer "))
		}
	}
	r.searchFor(t, secret, map[string]string{"the answers": answers.String()})
	r.stop(t)
	removeDatabase(t, state)
}

// leftTrails looks whether every change that was asked for, of any route, is in the audit log.
func (r *running) leftTrails(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `select distinct action from integration.audit_log l where exists (select from integration.audit_outcomes o where o.id = l.id)`)
	if err != nil {
		t.Fatal(err)
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	changes := 0
	for _, route := range httpapi.Routes() {
		for _, m := range route.Methods {
			if m.Verb == http.MethodGet {
				continue
			}
			changes++
			if action := m.Verb + " " + base + filled(m.Path(route)); !slices.Contains(left, action) {
				t.Errorf("%s left no trail", action)
			}
		}
	}
	if changes < 15 || !slices.Contains(left, "GET "+base+"/oauth/notion/callback") {
		t.Errorf("%d changes, %q", changes, left)
	}
}

// fitsOrigins looks whether pages of the origins that are set may call, and no others.
func (r *running) fitsOrigins(t *testing.T) {
	t.Helper()
	for origin, allowed := range map[string]string{
		"http://localhost:3000": "http://localhost:3000", "https://evil.example": "", "http://localhost:3000.evil.example": "", "null": "",
	} {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			request, err := http.NewRequestWithContext(t.Context(), method, r.env["API_URL"]+base+"/config", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Origin", origin)
			request.Header.Set("Access-Control-Request-Method", http.MethodPost)
			answer, err := testClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if got := answer.Header.Get("Access-Control-Allow-Origin"); got != allowed {
				t.Errorf("%s of %s: %q is allowed", method, origin, got)
			}
		}
	}
}

// tryRoute sends a route's requests as a caller, and keeps the answers.
func (r *running) tryRoute(t *testing.T, route httpapi.Route, c caller, answers *output) {
	t.Helper()
	for _, m := range route.Methods {
		status, answer := r.send(t, m.Verb, filled(m.Path(route)), bodyOf(m), c)
		_, _ = answers.Write([]byte(answer))
		var want []int
		switch {
		case route.Signed: // no caller here has the signature
			want = []int{400, 401, 403, 503}
		case route.Public:
			want = []int{200}
		case c.scopes == nil && (m.Scope != "" || c.header != "X-Nothing"):
			want = []int{401}
		case slices.Contains(c.scopes, access.Admin), !slices.ContainsFunc(m.Scopes(), func(s access.Scope) bool { return !slices.Contains(c.scopes, s) }):
			want = []int{200, 400, 404}
		default:
			want = []int{403}
		}
		if !slices.Contains(want, status) {
			t.Errorf("%s %s: %d, want %d\n%s", m.Verb, route.Path, status, want, answer)
		}
	}
}

// bodyOf returns a body for an endpoint that changes nothing.
func bodyOf(m httpapi.Method) string {
	switch {
	case m.Verb == http.MethodGet:
		return ""
	case m.Scope == "": // who calls is looked at after the body
		return "{}"
	}
	return changesNothing
}

// namesConnections asks every path for a connection that there is none of, and for one that is no id. Who may not ask is told nothing of it.
func (r *running) namesConnections(t *testing.T, all map[string]caller) {
	t.Helper()
	for _, route := range httpapi.Routes() {
		if route.Alone != "" {
			continue
		}
		for _, m := range route.Methods {
			for _, c := range []struct {
				who, id string
				status  int
				says    string
			}{
				{"a key for admin", nothing, http.StatusNotFound, "There is no such connection"},
				{"a key for admin", "second", http.StatusBadRequest, "GET /config lists the connections"},
				{"a key for data", nothing, http.StatusForbidden, "scope"},
				{"nobody", nothing, http.StatusUnauthorized, ""},
			} {
				status, answer := r.send(t, m.Verb, filled(m.Path(route))+"?connection_id="+c.id, bodyOf(m), all[c.who])
				if status != c.status || !strings.Contains(answer, c.says) {
					t.Errorf("%s %s, %s, for the connection %s: %d, want %d\n%s", m.Verb, route.Path, c.who, c.id, status, c.status, answer)
				}
			}
		}
	}
}

// count has somebody have sent so many requests in this minute, which does not end at once.
func (r *running) count(t *testing.T, who string, requests int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{
		`select pg_sleep(60.1 - s) from extract(second from now()) s where s > 55`,
		fmt.Sprintf(`update integration.caller_windows set started_at = date_trunc('minute', now()), requests = %d where caller = '%s'`, requests, who),
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

// send sends a request as a caller and gives status and answer.
func (r *running) send(t *testing.T, method, path, body string, c caller) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.env["API_URL"]+base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(c.header, c.value)
	answer, err := testClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode == http.StatusTooManyRequests && answer.Header.Get("Retry-After") == "" {
		t.Error("a caller is not told how long to wait")
	}
	return answer.StatusCode, string(content)
}

// promised sends requests, and checks every answer of the API against its OpenAPI document.
var promised = func() contract.Transport {
	c, err := contract.Load()
	if err != nil {
		panic(err)
	}
	return contract.Transport{Contract: c, Next: &http.Transport{}}
}()

// testClient keeps no connections, which tests look for, and follows nobody.
var testClient = &http.Client{
	Timeout: time.Minute, Transport: contract.Transport{Contract: promised.Contract, Next: &http.Transport{DisableKeepAlives: true}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// connect goes the whole OAuth round, and gives the secrets that there are then.
func (r *running) connect(t *testing.T, answers *output) []string {
	t.Helper()
	admin := caller{"X-API-Key", r.env["API_KEY"], nil}
	back := r.consent(t, "allow")
	status, text := r.send(t, http.MethodGet, "/oauth/notion/callback?"+back.Encode(), "", caller{"Accept", "text/html", nil})
	if status != http.StatusOK || !strings.Contains(text, "Notion is connected") {
		t.Fatalf("%d %s", status, text)
	}
	for path, want := range map[string]string{"/health": `"auth_method":"oauth"`, "/config": `"auth_method":"oauth"`, "/audit": `"asked_for_by":"local-`} {
		_, text := r.send(t, http.MethodGet, path, "", admin)
		_, _ = answers.Write([]byte(text))
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %s: %s", path, want, text)
		}
	}
	r.syncWhole(t, admin)
	app := notionsim.OAuthClient()
	secrets := []string{back.Get("code"), back.Get("state"), app.Secret, r.env["NOTION_TOKEN"], r.env["API_KEY"], "ntn_sim_", "nrt_sim_"}
	if database, err := url.Parse(r.env["DATABASE_URL"]); err == nil {
		password, _ := database.User.Password()
		secrets = append(secrets, password)
	}
	return secrets
}

// consent has a person decide on Notion's page, and gives what Notion sends the browser back with.
func (r *running) consent(t *testing.T, decision string) url.Values {
	t.Helper()
	_, text := r.send(t, http.MethodGet, "/oauth/notion/url?state=mine", "", caller{"X-API-Key", r.env["API_KEY"], nil})
	var start struct {
		URL string `json:"authorization_url"`
	}
	if err := json.Unmarshal([]byte(text), &start); err != nil {
		t.Fatal(err)
	}
	page, err := url.Parse(start.URL)
	if err != nil {
		t.Fatal(err)
	}
	form := page.Query()
	form.Set("decision", decision)
	sent, err := testClient.PostForm(r.env["NOTION_URL"]+"/v1/oauth/authorize", form)
	if err != nil {
		t.Fatal(err)
	}
	sent.Body.Close()
	back, err := sent.Location()
	if err != nil {
		t.Fatalf("%d %v %s", sent.StatusCode, err, text)
	}
	return back.Query()
}

// syncWhole syncs everything, and waits for the end.
func (r *running) syncWhole(t *testing.T, as caller) {
	t.Helper()
	if status, text := r.send(t, http.MethodPost, "/sync/trigger", `{"type":"full"}`, as); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(time.Minute); ; {
		_, text := r.send(t, http.MethodGet, "/sync/status", "", as)
		if strings.Contains(text, `"totalSynced":90`) && strings.Contains(text, `"isRunning":false`) {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("the sync does not end: %s", text)
		}
	}
}

// searchFor looks for secrets in all that the system printed, keeps in its database, and what else there is.
func (r *running) searchFor(t *testing.T, secrets []string, places map[string]string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `select format('%I.%I', table_schema, table_name) from information_schema.tables where table_schema in ('public', 'integration')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	log := strings.Replace(r.out.String(), r.env["DATABASE_URL"], "", 1) // which the banner shows on purpose
	log = strings.Replace(log, r.env["API_KEY"], "", 1)
	places["the log"] = log
	for _, table := range tables {
		var content string
		if err := conn.QueryRow(t.Context(), `select coalesce(json_agg(t)::text, '') from `+table+` t`).Scan(&content); err != nil {
			t.Fatal(err)
		}
		places["table "+table] = content
	}
	if len(places) < 15 || places["table integration.audit_log"] == "" || places["table integration.events"] == "" {
		t.Errorf("there is little to look through: %d places", len(places))
	}
	for _, secret := range secrets {
		if len(secret) < 8 {
			t.Errorf("%q is no secret", secret)
		}
		for place, content := range places {
			if at := strings.Index(content, secret); at >= 0 {
				t.Errorf("a secret (%.8s…) is in %s, after %q", secret, place, content[max(at-80, 0):at])
			}
		}
	}
}
