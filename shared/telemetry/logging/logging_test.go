package logging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
	"github.com/act-platform/enhanced-integration/shared/telemetry/logging"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// lineOf returns what a logger writes of attributes.
func lineOf(t *testing.T, ctx context.Context, args ...any) (map[string]any, string) { //nolint:revive // t goes first
	t.Helper()
	var log bytes.Buffer
	logging.NewLogger(&log, slog.LevelInfo, "f").InfoContext(ctx, "m", args...)
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	return line, log.String()
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// TestSecretsAreNotWritten: what a name, an address or its shape says is a secret stays out of the line, and the rest stays in it.
func TestSecretsAreNotWritten(t *testing.T) {
	t.Parallel()
	lost := &url.Error{Op: "Get", URL: "https://u:hidden@example.org/path?code=hidden&x=1", Err: errors.New("refused")}
	for name, c := range map[string]struct {
		key   string
		value any
		want  string // "": redacted as a whole
	}{
		"its type":                     {"a", secret.Of("hidden"), ""},
		"a token":                      {"token", "hidden", ""},
		"a token by its full name":     {"access_token", "hidden", ""},
		"a client's secret":            {"clientSecret", "hidden", ""},
		"a header":                     {"Authorization", "Bearer hidden", ""},
		"an API key":                   {"X-API-Key", "hidden", ""},
		"a password":                   {"db.password", "hidden", ""},
		"a code":                       {"code", "hidden", ""},
		"a state":                      {"state", "hidden", ""},
		"a cookie":                     {"Set-Cookie", "hidden", ""},
		"a signature":                  {"signature", []byte("hidden"), ""},
		"a service role's key":         {"SUPABASE_SERVICE_ROLE_KEY", "hidden", ""},
		"a struct by its name":         {"secret", struct{ A string }{"hidden"}, ""},
		"an error by its name":         {"token", errors.New("hidden"), ""},
		"an address with a password":   {"url", "postgres://u:hidden@db:5432/d?sslmode=require", "postgres://[redacted]@db:5432/d?[redacted]"},
		"a password that has a slash":  {"url", "postgres://u:hid/den#hid?den@db/d", "postgres://[redacted]@db/d"},
		"an address in an error":       {"error", lost, `Get "https://[redacted]@example.org/path?[redacted]": refused`},
		"wrapped":                      {"error", fmt.Errorf("x: %w", lost), `x: Get "https://[redacted]@example.org/path?[redacted]": refused`},
		"an address by its type":       {"at", &url.URL{Scheme: "https", Host: "h", User: url.UserPassword("u", "hidden"), RawQuery: "k=hidden"}, "https://[redacted]@h?[redacted]"},
		"an address without secrets":   {"at", "https://api.notion.com/v1/pages", "https://api.notion.com/v1/pages"},
		"settings of a database":       {"error", errors.New("cannot use host=db password=hidden user=u"), "cannot use host=db password=[redacted] user=u"},
		"advice":                       {"error", errors.New("Notion does not accept the token: connect the workspace again, or correct NOTION_TOKEN"), "Notion does not accept the token: connect the workspace again, or correct NOTION_TOKEN"},
		"advice, and a secret":         {"message", "check the password: it must be one of the user's; password: hidden", "check the password: it must be one of the user's; password: [redacted]"},
		"a secret in a sentence":       {"error", errors.New("the password: hidden, was refused"), "the password: [redacted], was refused"},
		"a secret before one":          {"error", errors.New("token: hidden0 is not known to us any more"), "token: [redacted] is not known to us any more"},
		"a form":                       {"error", errors.New("client_secret=hidden&grant_type=x"), "client_secret=[redacted]&grant_type=x"},
		"JSON":                         {"error", errors.New(`{"refresh_token": "hidden", "a": 1}`), `{"refresh_token": "[redacted]", "a": 1}`},
		"JSON in JSON":                 {"error", errors.New(`{\"api_key\":\"hidden\"}`), `{\"api_key\":\"[redacted]\"}`},
		"a bearer":                     {"error", errors.New("sent Authorization: Bearer hidden-0123"), "sent Authorization: [redacted]"},
		"a bearer without a name":      {"error", errors.New("sent bearer hidden-0123"), "sent [redacted]"},
		"a token of Notion's":          {"x", "it is ntn_hidden0123456789 here", "it is [redacted] here"},
		"a key of ours":                {"x", "act_0123456789abcdef_hidden0123456789", "[redacted]"},
		"a subscriber's secret":        {"x", "whsec_hidden0123456789+/=", "[redacted]"},
		"a token of somebody's":        {"x", "eyJhbGciOiJIUzI1NiJ9.hidden.hidden", "[redacted]"},
		"several":                      {"tokens", []string{"hidden"}, ""},
		"an error that has no text":    {"error", (*nilError)(nil), "an error without a text"},
		"the id of a key":              {"key_id", "0123456789abcdef", "0123456789abcdef"},
		"the name of a secret":         {"secret_id", "act/dev/oauth/1", "act/dev/oauth/1"},
		"a status":                     {"status_code", "ok", "ok"},
		"a sentence about a secret":    {"error", errors.New("set NOTION_OAUTH_CLIENT_SECRET in the app secret"), "set NOTION_OAUTH_CLIENT_SECRET in the app secret"},
		"an error of no secret at all": {"error", errors.New("the row 5 is held: try again"), "the row 5 is held: try again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line, all := lineOf(t, t.Context(), c.key, c.value, slog.Group("g", c.key, c.value))
			if strings.Contains(all, "hidden") || strings.Contains(all, "hid/den") {
				t.Errorf("it is written: %s", all)
			}
			for _, got := range []any{line[c.key], line["g"].(map[string]any)[c.key]} {
				if list, ok := got.([]any); ok && len(list) == 1 {
					got = list[0]
				}
				if want := c.want; want == "" && got != logging.Redacted || want != "" && got != want {
					t.Errorf("%q, want %q", got, want)
				}
			}
		})
	}
	line, all := lineOf(t, t.Context(), "header", http.Header{"X-Api-Key": {"hidden"}, "Accept": {"a/b"}}, "tokens", 5)
	if strings.Contains(all, "hidden") || line["tokens"] != 5.0 || !strings.Contains(all, "a/b") {
		t.Error(all)
	}
	var log bytes.Buffer
	logging.NewLogger(&log, slog.LevelInfo, "f").With("password", "hidden").Info("at https://u:hidden@h/?k=hidden")
	if strings.Contains(log.String(), "hidden") {
		t.Error(log.String())
	}
}

func TestWhereALineBelongs(t *testing.T) {
	t.Parallel()
	line, _ := lineOf(t, t.Context())
	for _, key := range []string{"request_id", "trace_id", "span_id", "sync_id"} {
		if _, there := line[key]; there {
			t.Errorf("outside of everything it has %s", key)
		}
	}
	ctx := invocation.WithCall(t.Context(), invocation.Call{RequestID: "r"})
	ctx = logging.OfSync(trace.Begin(ctx, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", bytes.NewReader(make([]byte, 7, 8))), "s")
	if line, _ = lineOf(t, ctx); line["trace_id"] != nil {
		t.Errorf("no id, and a place: %v", line)
	}
	ctx = trace.Begin(ctx, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", strings.NewReader("abcdefgh"))
	line, _ = lineOf(t, ctx)
	if line["request_id"] != "r" || line["trace_id"] != "4bf92f3577b34da6a3ce929d0e0e4736" || line["span_id"] != "6162636465666768" || line["sync_id"] != "s" {
		t.Errorf("%v", line)
	}
}
