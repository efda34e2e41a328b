package notion_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	pageID       = "c01166c6-13ae-45cb-b968-18b4ef2f5a77"
	dataSourceID = "4f93db51-4e1d-4015-b07f-876e34c3b0b1"
	pageAnswer   = `{"object":"page","id":"` + pageID + `","properties":{}}`
	emptyList    = `{"object":"list","results":[],"next_cursor":null,"has_more":false}`
	secretToken  = "ntn_fixture_token_that_must_not_be_seen"
)

// fixture is a server in Notion's place, a client of it, and a clock that only waits move.
type fixture struct {
	client *notion.Client
	server *httptest.Server

	mu       sync.Mutex
	now      time.Time
	waits    []time.Duration
	calls    []notion.Call
	requests []request
}

type request struct {
	method, target, token, version, body string
}

// serve starts a server that answers each request, by its number from 0, as handle does.
func serve(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, n int), with ...func(*notion.Config)) *fixture {
	t.Helper()
	f := &fixture{now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		n := len(f.requests)
		f.requests = append(f.requests, request{
			r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Notion-Version"), string(body),
		})
		f.mu.Unlock()
		handle(w, r, n)
	}))
	t.Cleanup(f.server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	config := notion.Config{
		BaseURL: f.server.URL, Transport: transport, Tokens: &tokens{list: []string{secretToken}},
		Now: f.clock, Wait: f.wait, Jitter: func() float64 { return 0.5 }, Observe: f.observe,
	}
	for _, change := range with {
		change(&config)
	}
	f.client = notion.New(config)
	return f
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) wait(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waits = append(f.waits, d)
	f.now = f.now.Add(d)
	return ctx.Err()
}

func (f *fixture) observe(_ context.Context, c notion.Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, c)
}

// tokens is a source whose token is the next of the list once one was refused.
type tokens struct {
	mu      sync.Mutex
	list    []string
	refused []string
}

func (s *tokens) Token(context.Context) (secret.Text, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return secret.Of(s.list[0]), nil
}

func (s *tokens) Invalidate(token secret.Text) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, token.Reveal())
	if len(s.list) > 1 && s.list[0] == token.Reveal() {
		s.list = s.list[1:]
	}
}

// reply is one answer of a script.
type reply struct {
	status int
	header map[string]string
	body   string
	drop   bool // close the connection in place of an answer
}

// script answers by the list; the last answer stays.
func script(t *testing.T, replies ...reply) func(http.ResponseWriter, *http.Request, int) {
	t.Helper()
	return func(w http.ResponseWriter, _ *http.Request, n int) {
		reply := replies[min(n, len(replies)-1)]
		if reply.drop {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			connection.Close()
			return
		}
		for key, value := range reply.header {
			w.Header().Set(key, value)
		}
		if reply.status != 0 {
			w.WriteHeader(reply.status)
		}
		_, _ = io.WriteString(w, reply.body)
	}
}

// refusal is an error in Notion's shape.
func refusal(status int, code, more string) reply {
	return reply{status: status, body: `{"object":"error","code":"` + code + `","message":"Said by Notion.","request_id":"r-1"` + more + `}`}
}

func retryAfter(r reply, value string) reply {
	r.header = map[string]string{"Retry-After": value}
	return r
}

// The calls of the client, one of each way to be repeated.

func get(ctx context.Context, c *notion.Client) error {
	_, err := c.Page(ctx, pageID)
	return err
}

func query(ctx context.Context, c *notion.Client) error {
	_, err := c.Query(ctx, dataSourceID, notion.Query{})
	return err
}

func update(ctx context.Context, c *notion.Client) error {
	_, err := c.UpdatePage(ctx, pageID, notion.PagePatch{Properties: properties()})
	return err
}

func create(ctx context.Context, c *notion.Client) error {
	_, err := c.CreatePage(ctx, dataSourceID, properties())
	return err
}

func properties() map[string]json.RawMessage {
	return map[string]json.RawMessage{"aBcD": json.RawMessage(`{"number":3}`)}
}
