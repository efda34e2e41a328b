package notionoauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/notionoauth"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

const (
	appSecret = "hidden-secret"
	refresh   = "hidden-refresh"
	good      = `{"access_token":"hidden-access","token_type":"bearer","refresh_token":null,"bot_id":"b","workspace_id":"w","workspace_name":"W","owner":{"type":"workspace","workspace":true}}`
)

func client(url string) *notionoauth.Client {
	return notionoauth.New(notionoauth.Config{
		BaseURL: url, ID: "id", RedirectURI: "http://localhost/callback", Timeout: 2 * time.Second,
		Secret: func(context.Context) (secret.Text, error) { return secret.Of(appSecret), nil },
	})
}

func TestAuthorizationURL(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(client("").AuthorizationURL("s&<"))
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"client_id": {"id"}, "owner": {"user"}, "redirect_uri": {"http://localhost/callback"}, "response_type": {"code"}, "state": {"s&<"}}
	if u.Host != "api.notion.com" || u.Path != "/v1/oauth/authorize" || u.Query().Encode() != want.Encode() {
		t.Error(u)
	}
}

// Notion documents a JSON body and the application's id and appSecret in the header, and nowhere else.
func TestRequest(t *testing.T) {
	t.Parallel()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		body, _ := io.ReadAll(r.Body)
		var fields map[string]string
		id, password, _ := r.BasicAuth()
		if err := json.Unmarshal(body, &fields); err != nil || id != "id" || password != appSecret || strings.Contains(string(body), appSecret) {
			t.Errorf("%s as %s", body, id)
		}
		if fields["grant_type"] != "authorization_code" || fields["code"] != "c" || fields["redirect_uri"] != "http://localhost/callback" {
			t.Errorf("%s", body)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, good)
	}))
	defer server.Close()
	answer, err := client(server.URL).Exchange(t.Context(), "c")
	if err != nil || answer.Access.Reveal() != "hidden-access" || !answer.Refresh.Empty() || answer.ID != "w" || answer.Name != "W" || answer.BotID != "b" || !answer.ExpiresAt.IsZero() {
		t.Errorf("%+v, %v", answer, err)
	}
	if string(answer.Owner) != `{"type":"workspace","workspace":true}` || requests != 1 {
		t.Errorf("%s, %d requests", answer.Owner, requests)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	big := `{"access_token":"` + strings.Repeat("x", 10<<20) + `"}`
	for name, c := range map[string]struct {
		status      int
		kind, body  string
		invalid     bool
		says, hides string
	}{
		"no token":               {200, "application/json", `{"token_type":"bearer","refresh_token":"hidden"}`, false, "does not answer as it should", "hidden"},
		"a null for a token":     {200, "application/json", `{"access_token":null,"x":"hidden"}`, false, "does not answer as it should", "hidden"},
		"no JSON":                {200, "application/json", `{"access_token":"hid`, false, "does not answer as it should", "hid"},
		"a page":                 {200, "text/html", `<html>hidden</html>`, false, "does not answer as it should", "hidden"},
		"nothing":                {200, "application/json", ``, false, "does not answer as it should", "hidden"},
		"ten megabytes":          {200, "application/json", big, false, "does not answer as it should", "xxx"},
		"a gateway's page":       {502, "text/html", `<html>hidden</html>`, false, "does not answer as it should", "hidden"},
		"somewhere else":         {302, "text/html", ``, false, "does not answer as it should", "elsewhere"},
		"an error as success":    {200, "application/json", `{"error":"invalid_grant"}`, true, "Connect the workspace again", "hidden"},
		"invalid_grant":          {400, "application/json", `{"error":"invalid_grant","error_description":"hidden"}`, true, "Connect the workspace again", "hidden"},
		"invalid_grant, in full": {400, "application/json", `{"object":"error","code":"invalid_grant","message":"hidden"}`, true, "Connect the workspace again", "hidden"},
		"invalid_client":         {401, "application/json", `{"error":"invalid_client"}`, false, "NOTION_OAUTH_CLIENT_SECRET", "hidden"},
		"unauthorized":           {401, "application/json", `{"code":"unauthorized","message":"hidden"}`, false, "NOTION_OAUTH_CLIENT_SECRET", "hidden"},
		"too many":               {429, "application/json", `{"code":"rate_limited"}`, false, "does not answer as it should", "hidden"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests++
				w.Header().Set("Content-Type", c.kind)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			_, errRefresh := client(server.URL).Refresh(t.Context(), secret.Of(refresh))
			_, errExchange := client(server.URL).Exchange(t.Context(), "hidden-code")
			want := fault.Unavailable
			if c.invalid {
				want = fault.Unauthorized
			}
			for _, err := range []error{errRefresh, errExchange} {
				if fault.KindOf(err) != want || errors.Is(err, grant.ErrInvalidGrant) != c.invalid || !strings.Contains(fault.Message(err), c.says) {
					t.Fatalf("%v", err)
				}
				for _, hidden := range []string{c.hides, appSecret, refresh, "hidden-code"} {
					if strings.Contains(err.Error(), hidden) {
						t.Errorf("%q shows in %v", hidden, err)
					}
				}
			}
			if requests != 2 {
				t.Errorf("asked %d times", requests)
			}
		})
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)               // or the server does not notice that the client has gone
		if strings.HasSuffix(r.URL.Path, "introspect") { // which begins, and does not end
			_, _ = io.WriteString(w, `{"active":`)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	c := client(server.URL)
	_, errToken := c.Exchange(t.Context(), "hidden-code")
	_, errIntrospect := c.Introspect(t.Context(), secret.Of("hidden-access"))
	for _, err := range []error{errToken, errIntrospect, c.Revoke(t.Context(), secret.Of("hidden-access"))} {
		if fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%v", err)
		}
	}
}

func TestIntrospect(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		`{"active":true,"iat":1795428000}`: "", `{"active":false}`: "", `{}`: "answer", `[]`: "answer", `{"active":"yes"}`: "answer",
	}
	for body, trouble := range answers {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		said, err := client(server.URL).Introspect(t.Context(), secret.Of("x"))
		if (err != nil) != (trouble != "") || err == nil && said.Active != strings.Contains(body, "true") || said.Active && said.IssuedAt.Unix() != 1795428000 {
			t.Errorf("%s: %+v, %v", body, said, err)
		}
		server.Close()
	}
}
