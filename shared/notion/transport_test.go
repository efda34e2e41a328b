package notion_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
)

// TestRepeats shows for each way of failing which calls are sent again, after which waits, and what comes out.
func TestRepeats(t *testing.T) {
	t.Parallel()
	const jitter = 250 * time.Millisecond // half of the first backoff
	ok := reply{body: pageAnswer}
	listed := reply{body: emptyList}
	limited := refusal(429, "rate_limited", `,"additional_data":{"rate_limit_reason":"connection"}`)
	overloaded := refusal(529, "service_overload", "")
	away := refusal(503, "service_unavailable", "")
	half := reply{header: map[string]string{"Content-Length": "500"}, body: `{"object":"page"`}
	html := reply{status: 502, header: map[string]string{"Content-Type": "text/html"}, body: "<html>Bad gateway</html>"}
	tests := []struct {
		name    string
		call    func(context.Context, *notion.Client) error
		replies []reply
		waits   []time.Duration
		kind    string // of the error; "" for a success
	}{
		{"429 and a GET", get, []reply{retryAfter(limited, "7"), ok}, []time.Duration{7*time.Second + jitter}, ""},
		{"429 and a creation", create, []reply{retryAfter(limited, "7"), ok}, []time.Duration{7*time.Second + jitter}, ""},
		{"429 until a date", get, []reply{retryAfter(limited, "Mon, 23 Nov 2026 10:00:20 GMT"), ok}, []time.Duration{20*time.Second + jitter}, ""},
		{"429 until a date gone by", get, []reply{retryAfter(limited, "Mon, 23 Nov 2026 09:00:00 GMT"), ok}, []time.Duration{jitter}, ""},
		{"429 for no while", get, []reply{limited, ok}, []time.Duration{jitter}, ""},
		{"429 for a while in words", get, []reply{retryAfter(limited, "soon"), ok}, []time.Duration{jitter}, ""},
		{"429 for longer than patience lasts", get, []reply{retryAfter(limited, "301"), ok}, nil, "rate_limited"},
		{"429 and a reason never to ask again", get, []reply{refusal(429, "rate_limited", `,"additional_data":{"rate_limit_reason":"public_api_request_blocked"}`), ok}, nil, "forbidden"},
		{"a code never to ask again", get, []reply{refusal(503, "public_api_request_blocked", ""), ok}, nil, "forbidden"},
		{"529 and a creation", create, []reply{overloaded, ok}, []time.Duration{jitter}, ""},
		{"503 and a GET", get, []reply{away, ok}, []time.Duration{jitter}, ""},
		{"503 and a query", query, []reply{away, listed}, []time.Duration{jitter}, ""},
		{"503 and an update", update, []reply{away, ok}, []time.Duration{jitter}, ""},
		{"503 and a creation", create, []reply{away, ok}, nil, "unavailable"},
		{"503 for a while", get, []reply{retryAfter(away, "9"), ok}, []time.Duration{9*time.Second + jitter}, ""},
		{"HTML and a GET", get, []reply{html, ok}, []time.Duration{jitter}, ""},
		{"HTML and a creation", create, []reply{html, ok}, nil, "unavailable"},
		{"HTML that claims success", get, []reply{{body: "<html>Hello</html>"}, ok}, []time.Duration{jitter}, ""},
		{"HTML that forbids a creation", create, []reply{{status: 403, body: "<html>Blocked</html>"}, ok}, nil, "forbidden"},
		{"HTML that forbids a GET, from a proxy", get, []reply{{status: 403, header: map[string]string{"Content-Type": "text/html"}, body: "<html>Blocked</html>"}, ok}, nil, "forbidden"},
		{"a workspace that is full", create, []reply{refusal(400, "row_limit_exceeded", ""), ok}, nil, "full"},
		{"half an answer and a GET", get, []reply{half, ok}, []time.Duration{jitter}, ""},
		{"half an answer and a creation", create, []reply{half, ok}, nil, "unavailable"},
		{"a lost connection and an update", update, []reply{{drop: true}, ok}, []time.Duration{jitter}, ""},
		{"a lost connection and a creation", create, []reply{{drop: true}, ok}, nil, "unavailable"},
		{"409", update, []reply{refusal(409, "conflict_error", ""), ok}, nil, "conflict"},
		{"400", update, []reply{refusal(400, "validation_error", ""), ok}, nil, "invalid"},
		{"400 with more than we know", update, []reply{refusal(400, "validation_error", `,"additional_data":{"error_type":["a"],"other":{}}`), ok}, nil, "invalid"},
		{"403", get, []reply{refusal(403, "restricted_resource", ""), ok}, nil, "forbidden"},
		{"404", get, []reply{refusal(404, "object_not_found", ""), ok}, nil, "not_found"},
		{"413", update, []reply{refusal(413, "too_large", ""), ok}, nil, "too_large"},
		{"a page without an id", get, []reply{{body: `{"object":"page"}`}, ok}, nil, "unavailable"},
		{"a list in a page's place", get, []reply{{body: `[]`}, ok}, nil, "unavailable"},
		{"a word in a list's place", query, []reply{{body: `"hello"`}, listed}, nil, "unavailable"},
		{
			"503 to the end", get,
			[]reply{away},
			[]time.Duration{jitter, 2 * jitter, 4 * jitter, 8 * jitter},
			"unavailable",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, script(t, test.replies...), func(c *notion.Config) { c.Attempts = 5 })
			err := test.call(t.Context(), f.client)
			kind := ""
			if err != nil {
				kind = fault.KindOf(err).String()
			}
			if kind != test.kind {
				t.Errorf("got %q, %v", kind, err)
			}
			if !slices.Equal(f.waits, test.waits) {
				t.Errorf("waited %v, not %v", f.waits, test.waits)
			}
			if len(f.requests) != len(test.waits)+1 || len(f.calls) != len(f.requests) {
				t.Errorf("%d requests, %d observed", len(f.requests), len(f.calls))
			}
			for _, r := range f.requests {
				if r != f.requests[0] {
					t.Errorf("sent %+v and then %+v", f.requests[0], r)
				}
				if r.token != "Bearer "+secretToken || r.version != notion.DefaultVersion {
					t.Errorf("sent with %q, version %q", r.token, r.version)
				}
			}
			if err != nil && (strings.Contains(err.Error(), secretToken) || strings.Contains(fault.Message(err), secretToken)) {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
}

// TestARefusalFromBetween: a 403 that is not Notion's says so, since the capabilities of the connection have nothing to do with it.
func TestARefusalFromBetween(t *testing.T) {
	t.Parallel()
	f := serve(t, script(t, reply{status: 403, header: map[string]string{"Content-Type": "text/html"}, body: "<html>Blocked</html>"}))
	err := get(t.Context(), f.client)
	if said := fault.Message(err); !strings.Contains(said, "between here and Notion") || strings.Contains(said, "capability") {
		t.Errorf("it says %q", said)
	}
}

func TestRefusedConnectionRepeatsEvenACreation(t *testing.T) {
	t.Parallel()
	var dialled atomic.Int32
	refuse := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dialled.Add(1) == 1 {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	t.Cleanup(refuse.CloseIdleConnections)
	f := serve(t, script(t, reply{body: pageAnswer}), func(c *notion.Config) { c.Transport = refuse })
	if err := create(t.Context(), f.client); err != nil || dialled.Load() != 2 {
		t.Errorf("%d connections, %v", dialled.Load(), err)
	}
}

func TestRotatedToken(t *testing.T) {
	t.Parallel()
	stale := refusal(401, "unauthorized", "")
	tests := []struct {
		name     string
		tokens   []string
		replies  []reply
		requests int
		refused  []string
		kind     string
	}{
		{"rotated", []string{"old", "new"}, []reply{stale, {body: pageAnswer}}, 2, []string{"old"}, ""},
		{"the same", []string{"old"}, []reply{stale}, 1, []string{"old"}, "unauthorized"},
		{"rotated and refused too", []string{"old", "new", "newer"}, []reply{stale}, 2, []string{"old"}, "unauthorized"},
		{"with a line break", []string{"old\n"}, []reply{{body: pageAnswer}}, 0, nil, "unauthorized"},
		{"none", []string{""}, []reply{{body: pageAnswer}}, 0, nil, "unauthorized"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := &tokens{list: test.tokens}
			f := serve(t, script(t, test.replies...), func(c *notion.Config) { c.Tokens = source })
			err := create(t.Context(), f.client)
			kind := ""
			if err != nil {
				kind = fault.KindOf(err).String()
			}
			if kind != test.kind || len(f.requests) != test.requests || !slices.Equal(source.refused, test.refused) || len(f.waits) != 0 {
				t.Errorf("%d requests, refused %v, waits %v, %v", len(f.requests), source.refused, f.waits, err)
			}
			if test.kind == "" && f.requests[1].token != "Bearer new" {
				t.Errorf("sent again with %q", f.requests[1].token)
			}
		})
	}
}

func TestWaitThatOutlastsTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	f := serve(t, script(t, retryAfter(refusal(429, "rate_limited", ""), "60")))
	err := get(ctx, f.client)
	if fault.KindOf(err) != fault.RateLimited || fault.RetryAfter(err) < time.Minute || len(f.waits) != 0 {
		t.Errorf("waits %v, asks for %v, %v", f.waits, fault.RetryAfter(err), err)
	}
	if said, ok := errors.AsType[*notion.Error](err); !ok || said.RetryAfter != time.Minute {
		t.Errorf("Notion's word is lost: %#v", said)
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	breaker := breaker.New(breaker.Config{Rule: breaker.Rule{Least: 1}})
	f := serve(t, func(_ http.ResponseWriter, r *http.Request, _ int) {
		cancel()
		<-r.Context().Done()
	}, func(c *notion.Config) { c.Breaker = breaker })
	err := get(ctx, f.client)
	if !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Unavailable || len(f.requests) != 1 {
		t.Errorf("%d requests, %v", len(f.requests), err)
	}
	if _, err := breaker.Allow(); err != nil {
		t.Errorf("a caller who gave up opened the breaker: %v", err)
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	f := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n%5 == 0 {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, pageAnswer)
	})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if err := get(t.Context(), f.client); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(f.requests) < 60 || len(f.requests) != len(f.calls) {
		t.Errorf("%d requests, %d observed", len(f.requests), len(f.calls))
	}
}

func TestSlowAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	f := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if n == 0 {
			_, _ = io.WriteString(w, `{"object":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, pageAnswer)
	}, func(c *notion.Config) { c.AttemptTimeout = 500 * time.Millisecond })
	if err := get(t.Context(), f.client); err != nil || len(f.requests) < 2 { // a busy machine may need more
		t.Errorf("%d requests, %v", len(f.requests), err)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		size int
		kind fault.Kind
	}{
		{"10 MB", 10 << 20, fault.Internal},
		{"17 MB", 17 << 20, fault.TooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			long := reply{body: `{"object":"page","id":"` + pageID + `","url":"` + strings.Repeat("a", test.size) + `"}`}
			f := serve(t, script(t, long))
			page, err := f.client.Page(t.Context(), pageID)
			if err == nil && len(page.URL) != test.size || fault.KindOf(err) != test.kind || len(f.requests) != 1 {
				t.Errorf("%d bytes, %d requests, %v", len(page.URL), len(f.requests), err)
			}
		})
	}
	t.Run("a request of more than Notion takes", func(t *testing.T) {
		t.Parallel()
		f := serve(t, script(t, reply{body: pageAnswer}))
		big := properties()
		big["aBcD"] = []byte(`"` + strings.Repeat("a", 500_000) + `"`)
		if _, err := f.client.UpdatePage(t.Context(), pageID, notion.PagePatch{Properties: big}); fault.KindOf(err) != fault.Invalid || len(f.requests) != 0 {
			t.Errorf("%d requests, %v", len(f.requests), err)
		}
	})
}

func TestErrorTellsWhatNotionSaid(t *testing.T) {
	t.Parallel()
	f := serve(t, script(t, retryAfter(refusal(503, "service_unavailable",
		`,"additional_data":{"committed_resource_id":"`+pageID+`","rate_limit_reason":"workspace","error_type":"some_type"}`), "3")))
	err := create(t.Context(), f.client)
	got, ok := errors.AsType[*notion.Error](err)
	want := notion.Error{
		Status: 503, Code: "service_unavailable", Message: "Said by Notion.", RequestID: "r-1", RetryAfter: 3 * time.Second,
		CommittedResourceID: pageID, RateLimitReason: "workspace", ErrorType: "some_type",
	}
	if !ok || *got != want {
		t.Errorf("got %+v of %v", got, err)
	}
	if fault.RetryAfter(err) != 3*time.Second || !strings.Contains(err.Error(), "r-1") {
		t.Errorf("got %v, %v", fault.RetryAfter(err), err)
	}
}

func TestErrorHoldsNoQuery(t *testing.T) {
	t.Parallel()
	f := serve(t, script(t, reply{body: `{"object":"list","results":[],"has_more":true,"next_cursor":"opaque-cursor","property_item":{"type":"title"}}`}, reply{drop: true}))
	_, err := f.client.PropertyItems(t.Context(), pageID, "title")
	if err == nil || strings.Contains(err.Error(), "opaque-cursor") {
		t.Errorf("got %v", err)
	}
	_, err = notion.New(notion.Config{BaseURL: "http://user:password@[::1", Tokens: &tokens{list: []string{secretToken}}}).Page(t.Context(), pageID)
	if fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), "password") {
		t.Errorf("got %v", err)
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	f := serve(t, script(t, refusal(500, "internal_server_error", ""), reply{body: `{"object":"property_item","id":"a%40b","type":"number","number":3}`}))
	if _, err := f.client.PropertyItems(t.Context(), pageID, "a@b"); err != nil {
		t.Fatal(err)
	}
	for i := range f.calls {
		f.calls[i].Duration = 0
	}
	want := []notion.Call{
		{Method: "GET", Route: "/v1/pages/{id}/properties/{id}", Attempt: 1, Status: 500, Kind: "unavailable"},
		{Method: "GET", Route: "/v1/pages/{id}/properties/{id}", Attempt: 2, Status: 200},
	}
	if !slices.Equal(f.calls, want) {
		t.Errorf("got %+v", f.calls)
	}
	if target := "/v1/pages/" + pageID + "/properties/a%40b?page_size=100"; f.requests[0].target != target {
		t.Errorf("asked for %s", f.requests[0].target)
	}
}

func TestSpentBudgetSaysNothingOfNotion(t *testing.T) {
	t.Parallel()
	breaker := breaker.New(breaker.Config{Rule: breaker.Rule{Least: 1}})
	f := serve(t, script(t, reply{body: pageAnswer}), func(c *notion.Config) { c.Budget, c.Breaker = spent{}, breaker })
	if err := get(t.Context(), f.client); fault.KindOf(err) != fault.RateLimited || len(f.requests) != 0 {
		t.Errorf("%d requests, %v", len(f.requests), err)
	}
	if _, err := breaker.Allow(); err != nil {
		t.Error(err)
	}
}

// spent is a budget of which nothing is left.
type spent struct{}

func (spent) Take(context.Context, int) error {
	return fault.New(fault.RateLimited, "Nothing is left.")
}

func TestBreakerKeepsCallsAway(t *testing.T) {
	t.Parallel()
	f := serve(t, script(t, reply{drop: true}, reply{status: 500}, reply{body: pageAnswer}), func(c *notion.Config) {
		c.Attempts = 1
		c.Breaker = breaker.New(breaker.Config{Rule: breaker.Rule{Least: 2, Cooldown: time.Minute}, Now: c.Now})
	})
	for range 3 {
		if err := get(t.Context(), f.client); fault.KindOf(err) != fault.Unavailable {
			t.Fatal(err)
		}
	}
	if len(f.requests) != 2 {
		t.Errorf("%d requests reached a Notion that does not answer", len(f.requests))
	}
	_ = f.wait(t.Context(), time.Minute)
	if err := get(t.Context(), f.client); err != nil {
		t.Error(err)
	}
}

// TestAnswerThatBreaksOff: whoever reads what happened is not told that Notion did not answer.
func TestAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]reply{
		"the connection ends":  {header: map[string]string{"Content-Length": "10000"}, body: `{"object":"page"`},
		"half of the JSON":     {body: `{"object":"page"`},
		"a page of a proxy's":  {body: "<html>Hello</html>"},
		"nothing but a status": {body: " "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, script(t, reply), func(c *notion.Config) { c.Attempts = 1 })
			_, err := f.client.Page(t.Context(), "27c974f3-b388-81e0-9676-eac0e4e6ae29")
			if said := fault.Message(err); fault.KindOf(err) != fault.Unavailable || !strings.Contains(said, "answered with 200") || !strings.Contains(said, "broke off") {
				t.Errorf("%v", err)
			}
		})
	}
}

// spoilt is a budget that cannot be read, for a reason of our own.
type spoilt struct{}

func (spoilt) Take(context.Context, int) error { return errSpoilt }

var errSpoilt = errors.New("the budget's table is gone")

// TestABudgetThatCannotBeRead is not told as an answer of Notion's.
func TestABudgetThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := serve(t, script(t), func(c *notion.Config) { c.Budget = spoilt{} })
	for name, call := range map[string]func() error{
		"Me":   func() error { _, err := f.client.Me(t.Context()); return err },
		"Page": func() error { return get(t.Context(), f.client) },
	} {
		if err := call(); !errors.Is(err, errSpoilt) || !errors.Is(err, fault.ErrNotAsked) || strings.Contains(fault.Message(err), "Notion answered") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
