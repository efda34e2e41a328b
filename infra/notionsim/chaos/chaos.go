// Package chaos makes requests fail on purpose, the same way each time for the same seed.
package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The moments at which a fault strikes.
const (
	Before = "before" // nothing was done
	After  = "after"  // it was done and saved, but the answer does not say so
)

// Fault is what happens to a request instead of, or before, its answer.
type Fault struct {
	// Status and Code are those of the error, such as 503 and service_unavailable. A Status of 0 lets the request go on, after
	// Latency.
	Status  int    `json:"status,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Body replaces the error's body: "html" is a page of the gateway or of a proxy, "garbage" no JSON, "huge" ten megabytes, anything else itself.
	Body string `json:"body,omitempty"`
	// Drop breaks the connection without an answer.
	Drop bool `json:"drop,omitempty"`
	// LatencyMS is how many milliseconds pass first.
	LatencyMS int `json:"latency_ms,omitempty"`
	// RetryAfter is the header of that name, in seconds, when above zero.
	RetryAfter int `json:"retry_after,omitempty"`
	// Reason is additional_data.rate_limit_reason.
	Reason string `json:"rate_limit_reason,omitempty"`
}

// Latency is how long to wait first.
func (f Fault) Latency() time.Duration { return time.Duration(f.LatencyMS) * time.Millisecond }

// Ends reports whether the request gets no proper answer.
func (f Fault) Ends() bool { return f.Status != 0 || f.Drop }

// Replacement returns the body that stands in for the error's, and its type; false where there is none.
func (f Fault) Replacement() (body []byte, kind string, replaced bool) {
	const jsonType = "application/json; charset=utf-8"
	switch f.Body {
	case "":
		return nil, "", false
	case "html":
		said := http.StatusText(f.Status)
		return []byte("<html><head><title>" + said + "</title></head><body><h1>" + said + "</h1></body></html>"), "text/html", true
	case "huge":
		return []byte(`{"object":"error","message":"` + strings.Repeat("x", 10<<20) + `"}`), jsonType, true
	case "garbage":
		return []byte(`{"object":"err`), jsonType, true
	default:
		return []byte(f.Body), jsonType, true
	}
}

// Rule says which requests a fault strikes. Of the rules that fit a request at one moment, the first that strikes counts.
type Rule struct {
	Fault
	Method string `json:"method,omitempty"` // "" is any
	Route  string `json:"route,omitempty"`  // like /v1/pages/{id}; "" is any
	When   string `json:"when,omitempty"`   // before, the default, or after
	Who    string `json:"who,omitempty"`    // bot, the default, person or any
	// Probability is the share of the fitting requests that are struck; 0 means all.
	Probability float64 `json:"probability,omitempty"`
	// Times is how often the rule strikes at most; 0 means without end. Skip is how many fitting requests it lets go first.
	Times int `json:"times,omitempty"`
	Skip  int `json:"after,omitempty"`
}

// Check reports what is wrong with a rule.
func (r Rule) Check() error {
	switch {
	case r.When != "" && r.When != Before && r.When != After:
		return fmt.Errorf(`when is %q, and may be "before" or "after"`, r.When)
	case r.Who != "" && r.Who != "bot" && r.Who != "person" && r.Who != "any":
		return fmt.Errorf(`who is %q, and may be "bot", "person" or "any"`, r.Who)
	case r.Probability < 0 || r.Probability > 1:
		return fmt.Errorf("probability is %v, and may be from 0 to 1", r.Probability)
	case r.Times < 0 || r.Skip < 0 || r.LatencyMS < 0 || r.RetryAfter < 0:
		return errors.New("times, after, latency_ms and retry_after may not be negative")
	case r.LatencyMS > 300_000:
		return fmt.Errorf("latency_ms is %d, and may be at most 300000", r.LatencyMS)
	case r.Status != 0 && (r.Status < 200 || r.Status > 599):
		return fmt.Errorf("status is %d, and may be from 200 to 599", r.Status)
	case r.Status != 0 && r.Status < 400 && r.Body == "":
		return fmt.Errorf("status is %d, which needs a body", r.Status)
	case r.Route != "" && !strings.HasPrefix(r.Route, "/v1/"):
		return fmt.Errorf("route is %q, and must begin with /v1/", r.Route)
	case r.Status == 0 && !r.Drop && r.LatencyMS == 0:
		return errors.New("the rule does nothing: give it a status, drop or latency_ms")
	}
	return nil
}

// Injector decides about requests. It is safe for concurrent use.
type Injector struct {
	mu      sync.Mutex
	rules   []Rule
	seen    []int
	struck  []int
	random  *rand.Rand
	strikes int
}

// Set replaces the rules, their counts and the seed.
func (i *Injector) Set(rules []Rule, seed uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rules, i.seen, i.struck = rules, make([]int, len(rules)), make([]int, len(rules))
	i.random = rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // faults must come again, not surprise
}

// Rules returns the rules.
func (i *Injector) Rules() []Rule {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]Rule{}, i.rules...)
}

// Strikes returns how many faults struck in all.
func (i *Injector) Strikes() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.strikes
}

// Pick returns the fault that strikes a request at a moment, and nil where none does.
func (i *Injector) Pick(method, route, who, when string) *Fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n, r := range i.rules {
		if !r.fits(method, route, who, when) {
			continue
		}
		i.seen[n]++
		if i.seen[n] <= r.Skip || (r.Times > 0 && i.struck[n] >= r.Times) {
			continue
		}
		if r.Probability > 0 && i.random.Float64() >= r.Probability {
			continue
		}
		i.struck[n]++
		i.strikes++
		return &r.Fault
	}
	return nil
}

func (r Rule) fits(method, route, who, when string) bool {
	at, victim := r.When, r.Who
	if at == "" {
		at = Before
	}
	if victim == "" {
		victim = "bot"
	}
	return at == when && (victim == "any" || victim == who) && (r.Method == "" || strings.EqualFold(r.Method, method)) && (r.Route == "" || r.Route == route)
}

// Default returns the code and the message that Notion uses for a status.
//
// https://developers.notion.com/reference/status-codes
func Default(status int) (code, message string) {
	switch status {
	case http.StatusBadRequest:
		return "validation_error", "body failed validation."
	case http.StatusUnauthorized:
		return "unauthorized", "API token is invalid."
	case http.StatusForbidden:
		return "restricted_resource", "Insufficient permissions for this endpoint."
	case http.StatusNotFound:
		return "object_not_found", "Could not find the object."
	case http.StatusConflict:
		return "conflict_error", "Conflict occurred while saving. Please try again."
	case http.StatusTooManyRequests:
		return "rate_limited", "You have been rate limited. Please try again in a few minutes."
	case http.StatusServiceUnavailable:
		return "service_unavailable", "Public API service is temporarily unavailable, please try again later."
	case http.StatusGatewayTimeout:
		return "gateway_timeout", "The request timed out."
	case 529:
		return "service_overload", "Notion is temporarily overloaded. Please try again later."
	default:
		return "internal_server_error", "Unexpected error occurred."
	}
}
