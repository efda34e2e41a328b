package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

const (
	firstConnection  = "00000000-0000-0000-0000-000000000001"
	secondConnection = "0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6c"
)

// TestConnectionOfARequest says which connection a request is of, and what its handler then sees.
func TestConnectionOfARequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, target, body string
		as                   *access.Principal
		status               int
		of, sees, says       string
	}{
		"none named":                {"GET", "/?a=1", "", &everybody, 200, "", "?a=1 ", ""},
		"in the query":              {"GET", "/?b=2&connection_id=" + secondConnection + "&a=1", "", &everybody, 200, secondConnection, "?a=1&b=2 ", ""},
		"in capitals":               {"GET", "/?connection_id=" + strings.ToUpper(secondConnection), "", &everybody, 200, secondConnection, "? ", ""},
		"the first by its name":     {"GET", "/?connection_id=" + firstConnection, "", &everybody, 200, firstConnection, "? ", ""},
		"in the body":               {"POST", "/", `{"x":1,"connection_id":"` + secondConnection + `"}`, &everybody, 200, secondConnection, `? {"x":1}`, ""},
		"in query and body":         {"POST", "/?connection_id=" + secondConnection, `{"connection_id":"` + secondConnection + `"}`, &everybody, 200, secondConnection, `? {}`, ""},
		"a query without a body":    {"POST", "/?connection_id=" + secondConnection, "", &everybody, 200, secondConnection, `? `, ""},
		"none in the body":          {"POST", "/", "{\"x\":1} \n", &everybody, 200, "", "? {\"x\":1} \n", ""},
		"a second value stays":      {"POST", "/", `{"connection_id":"` + secondConnection + `"}{}`, &everybody, 200, secondConnection, `? {}{}`, ""},
		"no object":                 {"POST", "/", `["connection_id"]`, &everybody, 200, "", `? ["connection_id"]`, ""},
		"malformed JSON":            {"POST", "/", `{"connection_id"`, &everybody, 200, "", `? {"connection_id"`, ""},
		"a body of a GET":           {"GET", "/", `{"connection_id":"x"}`, &everybody, 200, "", `? {"connection_id":"x"}`, ""},
		"two in query and body":     {"POST", "/?connection_id=" + firstConnection, `{"connection_id":"` + secondConnection + `"}`, &everybody, 400, "", "", "two connections"},
		"twice":                     {"GET", "/?connection_id=" + secondConnection + "&connection_id=" + secondConnection, "", &everybody, 400, "", "", "give it once"},
		"malformed":                 {"GET", "/?connection_id=second", "", &everybody, 400, "", "", "GET /config lists"},
		"empty":                     {"GET", "/?connection_id=", "", &everybody, 400, "", "", "GET /config lists"},
		"empty in the body":         {"POST", "/", `{"connection_id":""}`, &everybody, 400, "", "", "GET /config lists"},
		"null":                      {"POST", "/", `{"connection_id":null}`, &everybody, 400, "", "", "GET /config lists"},
		"a number":                  {"POST", "/", `{"connection_id":1}`, &everybody, 400, "", "", "GET /config lists"},
		"a URN":                     {"GET", "/?connection_id=urn:uuid:" + secondConnection, "", &everybody, 400, "", "", "GET /config lists"},
		"an injection":              {"GET", "/?connection_id='%20or%201=1--", "", &everybody, 400, "", "", "GET /config lists"},
		"unknown":                   {"GET", "/?connection_id=" + uuid.Nil.String(), "", &everybody, 404, "", "", "GET /config lists"},
		"unknown in the body":       {"DELETE", "/", `{"connection_id":"` + uuid.Nil.String() + `"}`, &everybody, 404, "", "", "GET /config lists"},
		"too large":                 {"POST", "/", `{"x":"` + strings.Repeat("x", 300<<10) + `"}`, &everybody, 413, "", "", "larger"},
		"nobody, an unknown one":    {"GET", "/?connection_id=" + uuid.Nil.String(), "", nil, 401, "", "", ""},
		"no scope, an unknown one":  {"GET", "/?connection_id=" + uuid.Nil.String(), "", &access.Principal{Client: "x"}, 403, "", "", ""},
		"no scope, one that exists": {"GET", "/?connection_id=" + secondConnection, "", &access.Principal{Client: "x"}, 403, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var of, sees string
			served := 0
			h := newAPI().PerConnection(func(_ context.Context, id string) (http.Handler, error) {
				if id == uuid.Nil.String() {
					return nil, fault.New(fault.NotFound, "There is no such connection; GET /config lists them.")
				}
				// The status needs the scope read, as any endpoint; what it sees is looked at on the way.
				status := newAPI().SyncStatus(journalStatus(func() { served++ }), &store{}, api.SyncSettings{})
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Context().Err() == nil {
						body, _ := io.ReadAll(r.Body)
						of, sees = id, "?"+r.URL.RawQuery+" "+string(body)
					}
					r.Method, r.URL.RawQuery = http.MethodGet, ""
					status.ServeHTTP(w, r)
				}), nil
			})
			status, _, answer := call(t, h, c.as, c.method, c.target, c.body)
			message, _ := answer["message"].(string)
			if status != c.status || !strings.Contains(message, c.says) {
				t.Fatalf("%d %v", status, answer)
			}
			if status == http.StatusOK && (of != c.of || sees != c.sees || served != 1) {
				t.Errorf("answered %d times for %q, which saw %q", served, of, sees)
			}
			if status != http.StatusOK && served != 0 {
				t.Error("a connection answered all the same")
			}
		})
	}
}

// TestUnknownParameterNamesConnectionID: an error lists what there is.
func TestUnknownParameterNamesConnectionID(t *testing.T) {
	t.Parallel()
	h := newAPI().PerConnection(func(context.Context, string) (http.Handler, error) { return newAPI().Events(&store{}), nil })
	if status, _, answer := call(t, h, &everybody, "GET", "/?x=1", ""); status != 400 || !strings.Contains(answer["message"].(string), "cursor, connection_id.") {
		text, _ := json.Marshal(answer)
		t.Errorf("%d %s", status, text)
	}
}

// journalStatus is a status that tells when it is read.
type journalStatus func()

func (s journalStatus) Read(context.Context) (journal.Status, error) {
	s()
	return journal.Status{}, nil
}
