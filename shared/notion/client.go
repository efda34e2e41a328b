// Package notion is the client of Notion's API: every request goes through one transport, which spends the budget,
// repeats what may be repeated, and turns every answer that is not a success into a fault.Error with an Error as cause.
package notion

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// What a Config that says nothing means.
const (
	DefaultBaseURL        = "https://api.notion.com"
	DefaultVersion        = "2026-03-11"
	DefaultBudget         = 180
	BudgetPeriod          = time.Minute
	DefaultAttempts       = 6
	defaultAttemptTimeout = 30 * time.Second
)

// maxRequest is what Notion takes in one request, in bytes.
//
// https://developers.notion.com/reference/request-limits
const maxRequest = 500_000

// TokenSource returns the token of the connection. Invalidate says that Notion refused a token, so that the next Token is
// read anew.
type TokenSource interface {
	Token(ctx context.Context) (secret.Text, error)
	Invalidate(token secret.Text)
}

// Budget spends requests. Take waits until n requests may be sent; it gives a fault.RateLimited error with the wait, and
// spends nothing, when the wait would outlast the context.
type Budget interface {
	Take(ctx context.Context, n int) error
}

// Config says what a Client works with. Only Tokens is required.
type Config struct {
	BaseURL        string // scheme and host
	Version        string // Notion-Version
	Tokens         TokenSource
	Transport      http.RoundTripper
	Budget         Budget
	Breaker        *breaker.Breaker
	Attempts       int           // of one call, the first included
	AttemptTimeout time.Duration // of one attempt, its answer read
	Now            func() time.Time
	Wait           func(ctx context.Context, d time.Duration) error
	Jitter         func() float64                    // in [0, 1)
	Observe        func(ctx context.Context, c Call) // called after each attempt, from the goroutine of the call
}

// Call is one attempt at a request, for metrics.
type Call struct {
	Method   string
	Route    string // the path with ids taken out: /v1/pages/{id}
	Attempt  int    // from 1
	Status   int    // 0 when there was no answer
	Duration time.Duration
	Kind     string // of the error, as fault.Kind names it; "" for a success
}

// Client calls Notion's API. It is safe for concurrent use.
//
// Its methods give fault.Error values: Invalid, NotFound (or not shared with the connection), Unauthorized, Forbidden,
// Conflict (somebody else is changing the same page), TooLarge, RateLimited and Unavailable, the last two with the wait
// when it is known. errors.AsType[*Error] gives what Notion said.
type Client struct {
	transport *transport
	base      string
}

// New makes a client.
func New(c Config) *Client {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if c.Version == "" {
		c.Version = DefaultVersion
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = Wait
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	if c.Budget == nil {
		c.Budget = NewWindow(WindowConfig{Requests: DefaultBudget, Period: BudgetPeriod, Now: c.Now, Wait: c.Wait})
	}
	if c.Breaker == nil {
		c.Breaker = breaker.New(breaker.Config{Service: "Notion", Now: c.Now})
	}
	if c.Attempts == 0 {
		c.Attempts = DefaultAttempts
	}
	if c.AttemptTimeout == 0 {
		c.AttemptTimeout = defaultAttemptTimeout
	}
	if c.Observe == nil {
		c.Observe = func(context.Context, Call) {}
	}
	return &Client{transport: &transport{c}, base: strings.TrimSuffix(c.BaseURL, "/")}
}

// newTransport returns a transport with limits on each step that does not depend on what is asked.
func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     90 * time.Second,
	}
}

// Wait waits for d or until the context ends, whose error it gives.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outlasts reports whether a wait would be longer than the context. Deadlines are of the runtime's clock, whatever clock
// the client was given.
func outlasts(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < wait
}

// call sends a request with a JSON body, or none, and decodes the answer.
func (c *Client) call(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "a request to Notion cannot be written as JSON")
		}
		if len(encoded) > maxRequest {
			return nil, fault.New(fault.Invalid, "Notion takes at most %d bytes in one request, and this record needs %d: shorten its texts.", maxRequest, len(encoded))
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, errBaseURL()
	}
	answer, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "Notion answered in a shape that we do not know")
	}
	return answer.Header, nil
}

// pathID returns an id as a segment of a path.
func pathID(id string) (string, error) {
	dashed, ok := property.DashedID(id)
	if !ok {
		return "", fault.New(fault.Invalid, "%.60q is not a Notion id: copy the 32 digits from the page's address.", id)
	}
	return dashed, nil
}

// errBaseURL has no cause: that would print the address.
func errBaseURL() error {
	return fault.New(fault.Invalid, "The address of Notion's API is not one: correct NOTION_API_URL.")
}
