package notion_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jomei/notionapi"
)

// TestNotionAPILoses shows why pages, schemas and retries are our own (docs/adr/0002). A case that fails says that
// notionapi was mended, and that part of the decision may be taken anew.
func TestNotionAPILoses(t *testing.T) {
	t.Parallel()
	page := func(property string) string {
		return `{"object":"page","id":"` + pageID + `","in_trash":true,"parent":{"type":"data_source_id","data_source_id":"x"},"properties":{"P":` + property + `}}`
	}
	reread := func(t *testing.T, property string) string {
		t.Helper()
		api, _ := notionAPI(t, reply{body: page(property)})
		got, err := api.Page.Get(t.Context(), pageID)
		if err != nil {
			return err.Error()
		}
		again, err := json.Marshal(got.Properties["P"])
		if err != nil {
			t.Fatal(err)
		}
		return string(again)
	}
	t.Run("a whole page for one property of a new type", func(t *testing.T) {
		t.Parallel()
		expect(t, reread(t, `{"id":"x","type":"place","place":null}`), "unsupported property type")
	})
	t.Run("its head over a property without a type", func(t *testing.T) {
		t.Parallel()
		var panicked any
		func() {
			defer func() { panicked = recover() }()
			reread(t, `{"id":"x"}`)
		}()
		if panicked == nil {
			t.Error("it reads the property now")
		}
	})
	t.Run("that there is nothing", func(t *testing.T) {
		t.Parallel()
		expect(t, reread(t, `{"id":"x","type":"number","number":null}`), `"number":0`)
		expect(t, reread(t, `{"id":"x","type":"url","url":null}`), `"url":""`)
		expect(t, reread(t, `{"id":"x","type":"select","select":null}`), `"select":{"name":""}`)
	})
	t.Run("the shape of a day", func(t *testing.T) {
		t.Parallel()
		expect(t, reread(t, `{"id":"x","type":"date","date":{"start":"2026-11-23","end":null,"time_zone":null}}`), `"start":"2026-11-23T00:00:00Z"`)
	})
	t.Run("that there is more of a relation", func(t *testing.T) {
		t.Parallel()
		if got := reread(t, `{"id":"x","type":"relation","relation":[],"has_more":true}`); strings.Contains(got, "has_more") {
			t.Errorf("it is kept now: %s", got)
		}
	})
	t.Run("what it was to leave alone", func(t *testing.T) {
		t.Parallel()
		api, sent := notionAPI(t, reply{body: page(`{"id":"x","type":"url","url":null}`)})
		_, err := api.Page.Update(t.Context(), pageID, &notionapi.PageUpdateRequest{Properties: notionapi.Properties{"P": notionapi.NumberProperty{}}})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, sent()[0], `"archived":false`)
		expect(t, sent()[0], `"number":0`)
	})
	t.Run("the body of what it sends again", func(t *testing.T) {
		t.Parallel()
		api, sent := notionAPI(t, retryAfter(refusal(429, "rate_limited", ""), "0"))
		_, _ = api.Page.Update(t.Context(), pageID, &notionapi.PageUpdateRequest{Properties: notionapi.Properties{}})
		if bodies := sent(); slices.ContainsFunc(bodies[1:], func(body string) bool { return body == bodies[0] }) {
			t.Errorf("it is sent again now: %q", bodies)
		}
	})
	t.Run("who must be asked, and when", func(t *testing.T) {
		t.Parallel()
		api, sent := notionAPI(t, refusal(503, "service_unavailable", `,"additional_data":{"committed_resource_id":"a"}`))
		_, err := api.Page.Get(t.Context(), pageID)
		if len(sent()) != 1 || strings.Contains(err.Error(), "r-1") {
			t.Errorf("%d requests, %v", len(sent()), err)
		}
	})
	t.Run("a filter for what is not checked", func(t *testing.T) {
		t.Parallel()
		filter, err := json.Marshal(notionapi.PropertyFilter{Property: "P", Checkbox: &notionapi.CheckboxFilterCondition{Equals: false}})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, string(filter), `"checkbox":{}`)
	})
	t.Run("the refresh token", func(t *testing.T) {
		t.Parallel()
		api, _ := notionAPI(t, reply{body: `{"access_token":"a","refresh_token":"b"}`})
		token, err := api.Authentication.CreateToken(t.Context(), &notionapi.TokenCreateRequest{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(token)
		if err != nil || strings.Contains(string(again), "refresh_token") {
			t.Errorf("it is kept now: %s, %v", again, err)
		}
	})
}

func expect(t *testing.T, got, part string) {
	t.Helper()
	if !strings.Contains(got, part) {
		t.Errorf("got %s, without %s", got, part)
	}
}

// notionAPI returns notionapi's own client of a server that answers by a script, and the bodies that it sent.
func notionAPI(t *testing.T, replies ...reply) (api *notionapi.Client, sent func() []string) {
	t.Helper()
	var mu sync.Mutex
	var bodies []string
	answer := script(t, replies...)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		n := len(bodies)
		bodies = append(bodies, string(body))
		mu.Unlock()
		answer(w, r, n)
	}))
	t.Cleanup(server.Close)
	transport := &http.Transport{DisableKeepAlives: true} // as it is with bodies left open: no connection is used twice
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		local := r.Clone(r.Context())
		local.URL.Scheme, local.URL.Host = base.Scheme, base.Host
		answer, err := transport.RoundTrip(local)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close() // notionapi leaves the body of an error open
		body, err := io.ReadAll(answer.Body)
		answer.Body = io.NopCloser(bytes.NewReader(body))
		return answer, err
	})}
	return notionapi.NewClient("token", notionapi.WithHTTPClient(client)), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(bodies)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
