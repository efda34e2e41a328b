package notionsim_test

import (
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// consent walks through the page on which a person allows access, and gives where it leads.
func consent(t *testing.T, c client, decision string) url.Values {
	t.Helper()
	app := notionsim.OAuthClient()
	q := url.Values{"client_id": {app.ID}, "redirect_uri": app.RedirectURIs, "response_type": {"code"}, "owner": {"user"}, "state": {"state<>&\"1"}}
	page := c.get("/v1/oauth/authorize?" + q.Encode())
	if page.status != http.StatusOK || !strings.Contains(string(page.raw), "Allow access") || !strings.Contains(string(page.raw), html.EscapeString("state<>&")) {
		t.Fatalf("%d %s", page.status, page.raw)
	}
	browser := *c.http
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := browser.PostForm(c.url+"/v1/oauth/authorize", url.Values{
		"client_id": {app.ID}, "redirect_uri": app.RedirectURIs, "state": {"state<>&\"1"}, "decision": {decision},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	to, err := res.Location()
	if err != nil || !strings.HasPrefix(to.String(), app.RedirectURIs[0]+"?") {
		t.Fatalf("sent to %v, %v", to, err)
	}
	return to.Query()
}

// app sends a request as the application.
func (c client) app(path string, body any) answer {
	c.t.Helper()
	a := notionsim.OAuthClient()
	return c.basic(a.ID, a.Secret).post("/v1/oauth/"+path, body)
}

func (c client) basic(id, secret string) client {
	next := *c.http
	next.Transport = basic{c.http.Transport, base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))}
	c.http, c.token = &next, ""
	return c
}

type basic struct {
	http.RoundTripper
	credentials string
}

func (b basic) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Basic "+b.credentials)
	return b.RoundTripper.RoundTrip(r)
}

func exchange(code string) map[string]any {
	return map[string]any{"grant_type": "authorization_code", "code": code, "redirect_uri": notionsim.OAuthClient().RedirectURIs[0]}
}

func refresh(token string) map[string]any {
	return map[string]any{"grant_type": "refresh_token", "refresh_token": token}
}

func TestOAuth(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	if q := consent(t, c, "deny"); q.Get("error") != "access_denied" || q.Get("state") != "state<>&\"1" || q.Has("code") {
		t.Errorf("denied: %v", q)
	}
	code := consent(t, c, "allow").Get("code")
	pair := c.app("token", exchange(code)).ok()
	if _, expires := pair.body["expires_in"]; expires || pair.text("token_type") != "bearer" || pair.text("owner", "user", "type") != "person" {
		t.Errorf("tokens: %s", pair.raw)
	}
	connected := c
	connected.token = pair.text("access_token")
	if me := connected.get("/v1/users/me").ok(); me.text("id") != pair.text("bot_id") || me.text("id") != c.get("/v1/users/me").ok().text("id") {
		t.Errorf("connected as %s", me.raw)
	}
	c.app("token", exchange(code)).refused(http.StatusBadRequest, "invalid_grant", "Invalid code")

	// Rotation: the new pair works, the old one is dead, and using it again ends the connection.
	next := c.app("token", refresh(pair.text("refresh_token"))).ok()
	if next.text("access_token") == pair.text("access_token") || next.text("refresh_token") == pair.text("refresh_token") {
		t.Errorf("the pair did not rotate: %s", next.raw)
	}
	connected.get("/v1/users/me").refused(http.StatusUnauthorized, "unauthorized", "API token is invalid.")
	connected.token = next.text("access_token")
	connected.get("/v1/users/me").ok()
	if a := c.app("introspect", map[string]any{"token": next.text("access_token")}).ok(); a.at("active") != true || a.at("iat") != float64(noon().Unix()) {
		t.Errorf("introspected %s", a.raw)
	}
	c.app("token", refresh(pair.text("refresh_token"))).refused(http.StatusBadRequest, "invalid_grant", "used before")
	connected.get("/v1/users/me").refused(http.StatusUnauthorized, "unauthorized", "")
	c.app("token", refresh(next.text("refresh_token"))).refused(http.StatusBadRequest, "invalid_grant", "")
	if a := c.app("introspect", map[string]any{"token": next.text("access_token")}).ok(); a.at("active") != false {
		t.Errorf("introspected %s", a.raw)
	}
}

func TestOAuthRevocation(t *testing.T) {
	t.Parallel()
	sim, c := start(t)
	pair := c.app("token", exchange(consent(t, c, "allow").Get("code"))).ok()
	other := c.app("token", exchange(consent(t, c, "allow").Get("code"))).ok()
	c.app("revoke", map[string]any{"token": pair.text("access_token")}).ok()
	c.app("revoke", map[string]any{"token": "nobody's"}).ok()
	for token, status := range map[string]int{pair.text("access_token"): 401, other.text("access_token"): 200} {
		c.token = token
		if a := c.get("/v1/users/me"); a.status != status {
			t.Errorf("%d %s", a.status, a.raw)
		}
	}
	c.app("token", refresh(pair.text("refresh_token"))).refused(http.StatusBadRequest, "invalid_grant", "")
	c.token = notionsim.IntegrationToken
	if err := sim.SetOptions(func(o *notionsim.Options) { o.IntegrationRevoked = true }); err != nil {
		t.Fatal(err)
	}
	c.get("/v1/users/me").refused(http.StatusUnauthorized, "unauthorized", "")
}

// TestOAuthLife: an access token ends by the simulator's clock where it is told to, and a refresh makes it good.
func TestOAuthLife(t *testing.T) {
	t.Parallel()
	sim, c := start(t)
	if err := sim.SetOptions(func(o *notionsim.Options) { o.OAuthLifeSeconds = 3600 }); err != nil {
		t.Fatal(err)
	}
	pair := c.app("token", exchange(consent(t, c, "allow").Get("code"))).ok()
	good := func(pair answer, want bool) {
		t.Helper()
		as := c
		as.token = pair.text("access_token")
		if a := as.get("/v1/users/me"); (a.status == http.StatusOK) != want {
			t.Errorf("%d %s", a.status, a.raw)
		}
		if a := c.app("introspect", map[string]any{"token": as.token}).ok(); a.at("active") != want {
			t.Errorf("introspected %s", a.raw)
		}
	}
	good(pair, true)
	sim.Clock().Advance(time.Hour)
	good(pair, false)
	next := c.app("token", refresh(pair.text("refresh_token"))).ok()
	good(next, true)
}

func TestOAuthIsParticular(t *testing.T) {
	t.Parallel()
	sim, c := start(t)
	app := notionsim.OAuthClient()
	for name, change := range map[string]func(url.Values){
		"another client":      func(q url.Values) { q.Set("client_id", "x") },
		"another place":       func(q url.Values) { q.Set("redirect_uri", "https://evil.example") },
		"a place like it":     func(q url.Values) { q.Set("redirect_uri", app.RedirectURIs[0]+"/../x") },
		"another flow":        func(q url.Values) { q.Set("response_type", "token") },
		"an owner of no kind": func(q url.Values) { q.Del("owner") },
	} {
		q := url.Values{"client_id": {app.ID}, "redirect_uri": app.RedirectURIs, "response_type": {"code"}, "owner": {"user"}}
		change(q)
		if a := c.get("/v1/oauth/authorize?" + q.Encode()); a.status != http.StatusBadRequest || strings.Contains(string(a.raw), "<form") {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if res, err := c.http.PostForm(c.url+"/v1/oauth/authorize", url.Values{"client_id": {app.ID}, "redirect_uri": {"https://evil.example"}, "decision": {"allow"}}); err != nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("sent to a stranger: %v, %v", res.StatusCode, err)
	} else {
		res.Body.Close()
	}
	code := func() string { return consent(t, c, "allow").Get("code") }
	for name, body := range map[string]any{
		"no grant":        map[string]any{},
		"no code":         map[string]any{"grant_type": "authorization_code"},
		"a made-up code":  exchange("x"),
		"no redirect_uri": map[string]any{"grant_type": "authorization_code", "code": code()},
		"another flow":    map[string]any{"grant_type": "password"},
		"a made-up token": refresh("x"),
		"an access token": refresh(c.app("token", exchange(code())).ok().text("access_token")),
		"a list":          []any{},
	} {
		if a := c.app("token", body); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	c.basic(app.ID, "wrong").post("/v1/oauth/token", exchange(code())).refused(http.StatusUnauthorized, "invalid_client", "")
	c.post("/v1/oauth/token", exchange(code())).refused(http.StatusUnauthorized, "invalid_client", "")
	late := code()
	sim.Clock().Advance(11 * time.Minute)
	c.app("token", exchange(late)).refused(http.StatusBadRequest, "invalid_grant", "expired")

	if err := sim.SetOptions(func(o *notionsim.Options) { o.OAuthErrors = "short" }); err != nil {
		t.Fatal(err)
	}
	bare := inProcess(t, sim).basic(app.ID, app.Secret)
	if a := bare.post("/v1/oauth/token", refresh("x")); a.status != http.StatusBadRequest || string(a.raw) != `{"error":"invalid_grant"}` {
		t.Errorf("in short: %s", a.raw)
	}
}

// An application of one address need not name it.
func TestOAuthWithoutRedirectURI(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	app := notionsim.OAuthClient()
	browser := *c.http
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := browser.PostForm(c.url+"/v1/oauth/authorize", url.Values{"client_id": {app.ID}, "decision": {"allow"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	to, err := res.Location()
	if err != nil || !strings.HasPrefix(to.String(), app.RedirectURIs[0]) {
		t.Fatalf("sent to %v, %v", to, err)
	}
	c.app("token", map[string]any{"grant_type": "authorization_code", "code": to.Query().Get("code")}).ok()
}

func TestOAuthTakesForms(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	app := notionsim.OAuthClient()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {consent(t, c, "allow").Get("code")}, "redirect_uri": app.RedirectURIs}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+"/v1/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(app.ID, app.Secret)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("a form got %d", res.StatusCode)
	}
}

func TestConnectionsSurvive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	open := func() (*notionsim.Sim, client) {
		sim, err := notionsim.New(notionsim.Config{Path: path, Now: noon})
		if err != nil {
			t.Fatal(err)
		}
		return sim, inProcess(t, sim)
	}
	sim, c := open()
	pair := c.app("token", exchange(consent(t, c, "allow").Get("code"))).ok()
	next := c.app("token", refresh(pair.text("refresh_token"))).ok()
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	sim, c = open()
	defer sim.Close()
	c.token = next.text("access_token")
	c.get("/v1/users/me").ok()
	c.token = pair.text("access_token")
	c.get("/v1/users/me").refused(http.StatusUnauthorized, "unauthorized", "")
	c.app("token", refresh(pair.text("refresh_token"))).refused(http.StatusBadRequest, "invalid_grant", "used before")
	if again := c.app("token", exchange(consent(t, c, "allow").Get("code"))).ok(); again.text("access_token") == pair.text("access_token") {
		t.Error("a token was given twice")
	}
}
