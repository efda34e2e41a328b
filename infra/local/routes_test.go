package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/template"
	httpapi "github.com/act-platform/enhanced-integration/shared/api"
)

// call is one request of the script that every route is driven with.
type call struct {
	what, method, path, key, body string
}

// script returns the requests to drive a template's routes with: to each path the same ones, whatever it does, so that a route that is
// added is driven as well; and then some that work, in an order in which they mean something.
func script(functions []template.Function, key string) (calls []call) {
	for _, f := range functions {
		for _, r := range f.Routes {
			path := filled(r.Path)
			if path == "" {
				path = "/no/such/path"
			}
			calls = append(calls,
				call{"without a key", "GET", path, "", ""},
				call{"with a forged key", "GET", path, "act_abcdefgh_forged", ""},
				call{"with a key", "GET", path, key, ""},
				call{"an unknown parameter", "GET", path + "?no_such_parameter=1", key, ""},
				call{"no JSON", "POST", path, key, "{"},
				call{"no object", "POST", path, key, "[1]"},
				call{"an unknown field", "POST", path, key, `{"no_such_field":1}`},
				call{"without a key, changing", "POST", path, "", "{}"},
				call{"PUT", "PUT", path, key, "{}"},
				call{"PATCH", "PATCH", path, key, "{}"},
				call{"DELETE", "DELETE", path, key, ""},
			)
		}
	}
	return append(calls,
		call{"a sync", "POST", base + "/sync/trigger", key, `{"type":"full"}`},
		call{"its end", "GET", base + "/sync/status", key, ""},
		call{"health after it", "GET", base + "/health", "", ""},
		call{"events of a type", "GET", base + "/events?event_type=sync_*&limit=2", key, ""},
		call{"events since a time", "GET", base + "/events?since=2026-01-01T00:00:00Z&limit=1", key, ""},
		call{"a percent sign", "GET", base + "/events?event_type=%25", key, ""},
		call{"a large body", "POST", base + "/sync/trigger", key, strings.Repeat("a", 2<<20)},
	)
}

// answer is what came back, and how long it took.
type answer struct {
	status      int
	contentType string
	body        []byte
	took        time.Duration
}

// drive sends the script's requests to an API, one after the other, and waits for the end of a sync that it began.
func drive(t *testing.T, api string, calls []call, settle func()) []answer {
	t.Helper()
	client := http.Client{Timeout: time.Minute, Transport: promised, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	answers := make([]answer, len(calls))
	for i, c := range calls {
		request, err := http.NewRequestWithContext(t.Context(), c.method, api+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.key != "" {
			request.Header.Set("X-API-Key", c.key)
		}
		if c.body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		begun := time.Now()
		response, err := client.Do(request)
		if err != nil {
			t.Fatalf("%s %s, %s: %v", c.method, c.path, c.what, err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		answers[i] = answer{response.StatusCode, response.Header.Get("Content-Type"), body, time.Since(begun)}
		if response.StatusCode == http.StatusAccepted {
			settle()
		}
	}
	return answers
}

// fault says what is wrong with an answer, whoever gave it; "" when nothing is.
func (a answer) fault() string {
	if a.status >= 500 {
		return fmt.Sprintf("answers %d %s", a.status, a.body)
	}
	if !strings.HasPrefix(a.contentType, "application/json") {
		if a.status >= 400 {
			return fmt.Sprintf("an error that is no JSON: %d %s %s", a.status, a.contentType, a.body)
		}
		return ""
	}
	var shape struct {
		Success   *bool
		Timestamp time.Time
		Error     string
		Message   string
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(a.body, &shape); err != nil {
		return fmt.Sprintf("%s: %v", a.body, err)
	}
	failed := a.status >= 400
	switch {
	case shape.Success == nil || *shape.Success == failed || shape.Timestamp.IsZero():
		return fmt.Sprintf("%d without success and timestamp: %s", a.status, a.body)
	case failed && (shape.Error == "" || shape.Message == "" || shape.RequestID == ""):
		return fmt.Sprintf("%d without error, message and request_id: %s", a.status, a.body)
	}
	return ""
}

// TestRoutes drives every route of the template: each answer has the contract's shape, and what needs a key refuses without.
func TestRoutes(t *testing.T) {
	t.Parallel()
	u := arrive(t)
	tpl := projectTemplate(t, u.env, "127.0.0.1")
	calls := script(tpl.Functions, u.env["API_KEY"])
	for i, a := range drive(t, u.env["API_URL"], calls, func() { u.settle(t) }) {
		c := calls[i]
		if trouble := a.fault(); trouble != "" {
			t.Errorf("%s %.80s, %s: %s", c.method, c.path, c.what, trouble)
		}
		if strings.HasPrefix(c.what, "without a key") && needsKey(c.path) && a.status != http.StatusUnauthorized && a.status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s answers %d without a key", c.method, c.path, a.status)
		}
	}
}

// needsKey reports whether a path answers only who has a key: it is no page, and no door for Notion's or Supabase's own requests.
func needsKey(path string) bool {
	for _, route := range httpapi.Routes() {
		if base+filled(route.Path) == path {
			return !route.Public && route.Methods[0].Scope != ""
		}
	}
	return false // there is no such path
}

// What differs between two runs of the same script: times, ids, figures, addresses, and secrets that are shown once.
var varies = []struct {
	pattern *regexp.Regexp
	mask    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z`), "<time>"},
	{regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`), "<id>"},
	{regexp.MustCompile(`^[0-9a-f]{16}$`), "<key>"},
	{regexp.MustCompile(`^local-[a-z0-9]{12}$`), "<folder>"},
	{regexp.MustCompile(`http(://|%3A%2F%2F)[\w.]+(:|%3A)\d+`), "<address>"},
	{regexp.MustCompile(`[A-Za-z0-9_\-+/=]{24,}`), "<token>"},
}

// masked returns an answer without what differs between two runs. Of a list, what its elements look like.
func (a answer) masked() string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	if decoder.Decode(&value) != nil {
		value = string(a.body)
	}
	text, _ := json.Marshal(mask(value)) // what was JSON
	return fmt.Sprintf("%d %s %s", a.status, a.contentType, text)
}

func mask(value any) any {
	switch value := value.(type) {
	case float64:
		return 0
	case string:
		for _, v := range varies {
			value = v.pattern.ReplaceAllString(value, v.mask)
		}
		return value
	case []any:
		forms := map[string]any{}
		for _, item := range value {
			form := mask(item)
			text, _ := json.Marshal(form)
			forms[string(text)] = form
		}
		result := []any{}
		for _, form := range slices.Sorted(maps.Keys(forms)) {
			result = append(result, forms[form])
		}
		return result
	case map[string]any:
		for key := range value {
			value[key] = mask(value[key])
		}
		for key, why := range map[string]string{
			"lastSync":            "<as of some seconds ago>", // health is kept that long
			"lastSyncDuration":    "<as of some seconds ago>",
			"recent_events":       "<the last of many, in no order>",
			"performance_metrics": "<what had been measured>",
			"uptime_percentage":   "<what had been measured>",
		} {
			if _, ok := value[key]; ok {
				value[key] = why
			}
		}
		return value
	default:
		return value
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	one := answer{200, "application/json", []byte(`{"id":"01a20a01-1319-7628-91f5-ac32158e360f","at":"2026-11-23T20:02:52.241Z","n":[1,2],"to":"http://127.0.0.1:40/x","yes":true}`), 0}
	other := answer{200, "application/json", []byte(`{"at":"2026-11-24T00:00:00Z","id":"01a20a01-1319-7628-91f5-ac32158e3600","n":[3],"to":"http://172.17.0.1:1/x","yes":true}`), 0}
	if one.masked() != other.masked() {
		t.Errorf("%s is not %s", one.masked(), other.masked())
	}
	other.body = bytes.Replace(other.body, []byte("true"), []byte("false"), 1)
	if one.masked() == other.masked() {
		t.Error("true is false")
	}
}
