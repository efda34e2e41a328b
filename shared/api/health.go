package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// healthLimit is how long GET /health waits for what it looks at, unless it is told otherwise. It answers within two seconds, and what was
// measured is stored before.
const healthLimit = 1200 * time.Millisecond

// breakersLimit is how long it waits for how the breakers stand, which others may know better.
const breakersLimit = 50 * time.Millisecond

// Check asks a service whether it is well; its error says what is wrong, fault.Unauthorized that it does not know us.
type Check func(ctx context.Context) error

// NotionAuth is how Notion is told who we are.
type NotionAuth struct {
	OAuthConfigured bool
	Method          oauth.Method
}

// HealthSettings are the settings that the health shows.
type HealthSettings struct {
	Notion   func(ctx context.Context) NotionAuth
	Supabase bool // a database is configured
	Realtime bool
	// Breakers say how the circuit breakers of a service stand; nil: there are none.
	Breakers func(service string) string
	// Limit is how long it waits for what it looks at; 0: 1.2 seconds.
	Limit time.Duration
}

// The states of a service and of the whole.
const (
	healthy   = "healthy"
	degraded  = "degraded"
	unhealthy = "unhealthy"
	unknown   = "unknown" // it was not asked
)

type serviceHealth struct {
	Status        string       `json:"status"`
	Authenticated *bool        `json:"authenticated"` // null: nobody asked, or it did not say
	Method        oauth.Method `json:"auth_method,omitempty"`
	Message       string       `json:"message,omitempty"`
	Breaker       string       `json:"breaker,omitempty"`
}

type healthShown struct {
	Overall  string                   `json:"overall"`
	Services map[string]serviceHealth `json:"services"`
	Sync     syncState                `json:"sync"`
	OAuth    map[string]bool          `json:"oauth"`
	Realtime bool                     `json:"realtime_enabled"`
}

type healthAnswer struct {
	Envelope
	Health healthShown `json:"health"`
}

func healthRoute() Route {
	return Route{Path: "/health", Function: "health", Group: Overview, Public: true, Alone: "It covers all connections.", Methods: []Method{{
		Verb: http.MethodGet, Lenient: true, Answers: []Answer{{http.StatusOK, healthAnswer{}}, {http.StatusServiceUnavailable, healthAnswer{}}},
		Does: "Reports whether Notion and the database answer, and how the last syncs ended, across all connections. 503 when unhealthy.",
	}}}
}

// Health answers GET /health: public, so it says no more than whether things work. The database away is unhealthy, and 503;
// Notion away, or a last sync that failed, is degraded: what people write is kept and follows later.
func (a API) Health(notion, supabase Check, status StatusReader, settings HealthSettings) http.Handler {
	return a.serve(healthRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(settings.Limit, healthLimit))
		defer cancel()
		asked, read, told, stood := make(chan error, 1), make(chan looked, 1), make(chan NotionAuth, 1), make(chan map[string]string, 1)
		go func() { asked <- notion(ctx) }()
		go func() { read <- look(ctx, supabase, status) }()
		go func() { told <- settings.Notion(ctx) }()
		notionErr, database := tooLate("Notion"), looked{err: tooLate("The database")}
		var auth NotionAuth
		for range 3 {
			select {
			case notionErr = <-asked:
			case database = <-read:
			case auth = <-told:
			case <-ctx.Done():
			}
		}
		now, supabaseErr := database.status, database.err
		if supabaseErr != nil && (errors.Is(notionErr, errTooLate) || errors.Is(notionErr, context.DeadlineExceeded)) { // it has the token, and the budget
			notionErr = fault.NotAsked(supabaseErr)
		}
		go func() { stood <- settings.breakers() }() // after the checks: they may have opened one
		var breakers map[string]string
		select {
		case breakers = <-stood:
		case <-time.After(breakersLimit):
		}
		h := healthShown{
			Overall: overall(notionErr, supabaseErr, now.LastFailed || len(now.Stalled) > 0),
			Services: map[string]serviceHealth{
				"notion": serviceOf(notionErr, auth.Method, breakers["notion"]), "supabase": serviceOf(supabaseErr, "", breakers["supabase"]),
			},
			Sync:     stateOf(inShort(now), a.Now()).known(supabaseErr == nil),
			OAuth:    map[string]bool{"notion_configured": auth.OAuthConfigured, "supabase_configured": settings.Supabase},
			Realtime: settings.Realtime,
		}
		code := http.StatusOK
		if h.Overall == unhealthy {
			code = http.StatusServiceUnavailable
		}
		h.Sync.Progress = nil
		answer := healthAnswer{a.ok(), h}
		answer.Success = h.Overall != unhealthy
		return code, answer, nil
	}})
}

// inShort leaves out what is for callers who are known: single records, and how far runs are.
func inShort(s journal.Status) journal.Status {
	s.Problems = slices.DeleteFunc(slices.Clone(s.Problems), func(p journal.Problem) bool { return p.RecordID != "" })
	s.Locked = nil
	return s
}

func overall(notion, supabase error, syncIll bool) string {
	switch {
	case supabase != nil:
		return unhealthy
	case reached(notion) == unhealthy || reached(notion) == unknown && fault.KindOf(notion) != fault.RateLimited || syncIll:
		return degraded
	}
	return healthy
}

// serviceOf shows a service.
func serviceOf(err error, method oauth.Method, breaker string) serviceHealth {
	s := serviceHealth{Status: reached(err), Authenticated: knowsUs(err), Method: method, Breaker: breaker}
	if err != nil {
		s.Message = fault.Message(err)
	}
	if s.Status == unknown {
		s.Message = "It was not asked. " + s.Message
	}
	return s
}

// breakers returns how the breakers stand, by service.
func (h HealthSettings) breakers() map[string]string {
	if h.Breakers == nil {
		return nil
	}
	return map[string]string{"notion": h.Breakers("notion"), "supabase": h.Breakers("supabase")}
}

// reached tells how a service is that answered so. One that is busy is not ill.
func reached(err error) string {
	switch {
	case errors.Is(err, fault.ErrNotAsked):
		return unknown
	case err == nil || fault.KindOf(err) == fault.RateLimited:
		return healthy
	}
	return unhealthy
}

// knowsUs tells whether a service that answered so knows who we are; nil where it did not say.
func knowsUs(err error) *bool {
	switch {
	case err == nil:
		return new(true)
	case fault.KindOf(err) == fault.Unauthorized && !errors.Is(err, fault.ErrNotAsked):
		return new(false)
	}
	return nil
}

// looked is what the database answered.
type looked struct {
	status journal.Status
	err    error
}

func look(ctx context.Context, supabase Check, status StatusReader) looked {
	if err := supabase(ctx); err != nil {
		return looked{err: err}
	}
	now, err := status.Read(ctx)
	return looked{now, err}
}

// errTooLate is the cause where a service was not waited for any longer.
var errTooLate = errors.New("too late")

func tooLate(service string) error {
	return fault.Wrap(errTooLate, fault.Unavailable, "%s does not answer in time.", service)
}
