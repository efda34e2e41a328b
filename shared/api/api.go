// Package api answers the HTTP API: each handler decodes a request, calls what does the work, and answers in the contract's
// shape.
package api

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

// API is what all handlers share.
type API struct {
	Now   func() time.Time
	Log   *slog.Logger
	Trail AuditLog // nil: what callers change leaves no trail
	NewID func() string
	Kinds []string // that there are; nil: whichever is named
	// SetAside are databases that there are, and that are not synced.
	SetAside []mapping.SetAside
}

// knows refuses the name of a database that there is not, for which there would never be an answer; "" is none.
func (a API) knows(kind string) error {
	if kind == "" || a.Kinds == nil || slices.Contains(a.Kinds, kind) {
		return nil
	}
	for _, s := range a.SetAside {
		if s.Kind == kind && s.Field == "" {
			return fault.New(fault.Conflict, "The database %s is not synced. %s", kind, s.Reason)
		}
	}
	return fault.New(fault.Invalid, "There is no database %.50q; there are %s.", kind, strings.Join(a.Kinds, ", "))
}

// Envelope is part of every answer.
type Envelope struct {
	Success   bool   `json:"success"`
	Timestamp string `json:"timestamp"`
}

// problem is the shape of every error.
type problem struct {
	Envelope
	Error     string `json:"error"`   // a short name, for people
	Code      Code   `json:"code"`    // the same for programs; it stays as it is
	Message   string `json:"message"` // what was wrong and what to do
	RequestID string `json:"request_id"`
}

// Problem returns the body of an error, for those who describe it.
func Problem() any { return problem{} }

// Code is what programs know an error by.
type Code string

// The codes.
const (
	CodeInvalid          Code = "invalid"
	CodeUnauthorized     Code = "unauthorized"
	CodeForbidden        Code = "forbidden"
	CodeNotFound         Code = "not_found"
	CodeMethodNotAllowed Code = "method_not_allowed"
	CodeConflict         Code = "conflict"
	CodeAlreadyRunning   Code = "already_running"
	CodeTooLarge         Code = "too_large"
	CodeRateLimited      Code = "rate_limited"
	CodeNotConfigured    Code = "not_configured"
	CodeInternal         Code = "internal"
	CodeUnavailable      Code = "unavailable"
	CodeFull             Code = "full"
)

// endpoint answers one method of a path: with a status and a body, or with an error.
type endpoint func(r *http.Request) (status int, body any, err error)

// endpoints are those of a path: by verb, or by verb and action.
type endpoints map[string]endpoint

// reply is an answer before it is written.
type reply struct {
	status int
	header http.Header
	body   any
}

// Served is the handler of a route.
type Served struct {
	http.Handler
	Route Route
}

// serve returns the handler of a route.
func (a API) serve(route Route, e endpoints) http.Handler {
	return Served{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.write(w, a.answer(r, route, e)) }), route}
}

// answer returns the answer to a request of a route.
func (a API) answer(r *http.Request, route Route, e endpoints) reply {
	method, ok := route.method(r)
	if !ok && !slices.Contains(route.verbs(), r.Method) {
		return a.notAllowed(r, route.verbs())
	}
	if err := permitted(r, method.Scopes()); err != nil {
		return a.failure(r, err)
	}
	if !ok {
		return a.failure(r, fault.New(fault.NotFound, "There is no such path. A path here ends in %s.", orNone(route.actions())))
	}
	if err := refusedConnection(r); err != nil {
		return a.failure(r, err)
	}
	do := func(r *http.Request) (int, any, error) {
		if err := method.checkQuery(r); err != nil {
			return 0, nil, err
		}
		return e[method.key()](r)
	}
	if method.Verb != http.MethodGet {
		do = a.recorded(do)
	}
	status, body, err := do(r)
	if err != nil {
		return a.failure(r, err)
	}
	return reply{status: status, body: body}
}

// notAllowed returns the answer to a request of a method that its path does not have.
func (a API) notAllowed(r *http.Request, allowed []string) reply {
	return reply{
		http.StatusMethodNotAllowed,
		http.Header{"Allow": {strings.Join(allowed, ", ")}},
		a.problem(r, "Method not allowed", CodeMethodNotAllowed, "Use "+strings.Join(allowed, " or ")+" here."),
	}
}

func pageRoute() Route {
	return Route{Path: "/dashboard", Function: "dashboard", Group: Overview, Public: true, Alone: "The page holds no data.", Methods: []Method{{
		Verb: http.MethodGet, Lenient: true, Does: "The dashboard, an HTML page. It asks for a key, whose scope must be read.", Answers: []Answer{{http.StatusOK, nil}}, Other: []string{"text/html"},
	}}}
}

// Page answers GET /dashboard with a page.
func (a API) Page(next http.Handler) http.Handler { return a.readOnly(pageRoute(), next) }

// readOnly has next answer who reads, and refuses every other method.
func (a API) readOnly(route Route, next http.Handler) http.Handler {
	return Served{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			a.write(w, a.notAllowed(r, route.verbs()))
			return
		}
		next.ServeHTTP(w, r)
	}), route}
}

// permitted returns an error where the caller may not use what needs those scopes. A caller who asks too often is refused everywhere.
func permitted(r *http.Request, scopes []access.Scope) error {
	caller, err := callerOf(r)
	if err != nil && (len(scopes) > 0 || fault.KindOf(err) == fault.RateLimited) {
		return err
	}
	for _, scope := range scopes {
		if !caller.May(scope) {
			return fault.New(fault.Forbidden, "%s may not do this: it needs the scope %q.", caller.Client, scope)
		}
	}
	return nil
}

func callerOf(r *http.Request) (access.Principal, error) {
	return access.FromContext(invocation.Authorization(r.Context()))
}

// failure returns the answer to an error: what may be shown goes to the caller, the cause to the log.
func (a API) failure(r *http.Request, err error) reply {
	status, name, code := StatusOf(fault.KindOf(err))
	if status >= http.StatusInternalServerError {
		a.Log.ErrorContext(r.Context(), "request failed", "request_id", invocation.RequestID(r.Context()), "status", status, "error", err)
	}
	header := http.Header{}
	if wait := fault.RetryAfter(err); wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(max(wait.Round(time.Second), time.Second)/time.Second)))
	}
	if status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	return reply{status, header, a.problem(r, name, code, fault.Message(err))}
}

// Failure answers every request with an error.
func (a API) Failure(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.write(w, a.failure(r, err)) })
}

// NotFound answers paths that there are none of.
func (a API) NotFound() http.Handler {
	return a.Failure(fault.New(fault.NotFound, "There is no such path. GET /api/enhanced-integration/health is one; docs/API.md lists all."))
}

func (a API) problem(r *http.Request, name string, code Code, message string) problem {
	return problem{
		Envelope: Envelope{Timestamp: stamp(a.Now())}, Error: name, Code: code, Message: message,
		RequestID: invocation.RequestID(r.Context()),
	}
}

func (a API) ok() Envelope { return Envelope{Success: true, Timestamp: stamp(a.Now())} }

// write answers in JSON.
func (a API) write(w http.ResponseWriter, given reply) {
	data, err := json.Marshal(given.body)
	if err != nil {
		a.Log.Error("an answer cannot be written", "error", err)
		given.status, data = http.StatusInternalServerError, []byte(`{"success":false,"error":"Internal error","code":"internal","message":"The answer cannot be written."}`)
	}
	maps.Copy(w.Header(), given.header)
	secure(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(given.status)
	_, _ = w.Write(data) // a caller who went away cannot be told
}

// secure has browsers treat an answer as what it is: nothing to keep, to frame, to guess the type of, or to tell others the address of.
//
// https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
func secure(header http.Header) {
	for name, value := range map[string]string{
		"Cache-Control":             "no-store",
		"Content-Security-Policy":   "default-src 'none'; frame-ancestors 'none'",
		"Referrer-Policy":           "no-referrer",
		"Strict-Transport-Security": "max-age=63072000",
		"X-Content-Type-Options":    "nosniff",
		"X-Frame-Options":           "DENY",
	} {
		header.Set(name, value)
	}
}

// StatusOf is the one table from kinds of error to HTTP, with a name for people and a code for programs.
func StatusOf(k fault.Kind) (status int, name string, code Code) {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest, "Invalid request", CodeInvalid
	case fault.NotFound:
		return http.StatusNotFound, "Not found", CodeNotFound
	case fault.Conflict:
		return http.StatusConflict, "Conflict", CodeConflict
	case fault.Unauthorized:
		return http.StatusUnauthorized, "Unauthorized", CodeUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden, "Forbidden", CodeForbidden
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge, "Too large", CodeTooLarge
	case fault.Full:
		return http.StatusInsufficientStorage, "No room", CodeFull
	case fault.RateLimited:
		return http.StatusTooManyRequests, "Too many requests", CodeRateLimited
	case fault.Unavailable:
		return http.StatusServiceUnavailable, "Unavailable", CodeUnavailable
	case fault.Internal:
	}
	return http.StatusInternalServerError, "Internal error", CodeInternal
}

// stamp writes a time as the contract does: RFC 3339 in UTC, with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// stampOrNull writes a time, nil for none.
func stampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}
