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
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

// API is what all handlers share.
type API struct {
	Now   func() time.Time
	Log   *slog.Logger
	Trail AuditLog // nil: what callers change leaves no trail
	NewID func() string
	Kinds []string // that there are; nil: whichever is named
}

// knows refuses the name of a database that there is not, for which there would never be an answer; "" is none.
func (a API) knows(kind string) error {
	if kind == "" || a.Kinds == nil || slices.Contains(a.Kinds, kind) {
		return nil
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
	Error     string `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

// endpoint answers one method of a path: with a status and a body, or with an error.
type endpoint func(r *http.Request) (status int, body any, err error)

// methods are the endpoints of a path.
type methods map[string]endpoint

// reply is an answer before it is written.
type reply struct {
	status int
	header http.Header
	body   any
}

// serve makes a handler of a path's methods. scope is what a caller needs; "" lets everybody in.
func (a API) serve(scope access.Scope, m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.write(w, a.answer(r, scope, m)) })
}

// answer returns the answer to a request of a path.
func (a API) answer(r *http.Request, scope access.Scope, m methods) reply {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	do, ok := m[method]
	if !ok {
		return a.notAllowed(r, slices.Sorted(maps.Keys(m)))
	}
	if err := permitted(r, scope); err != nil {
		return a.failure(r, err)
	}
	if err := refusedConnection(r); err != nil {
		return a.failure(r, err)
	}
	if method != http.MethodGet {
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
		a.problem(r, "Method not allowed", "Use "+strings.Join(allowed, " or ")+" here."),
	}
}

// ReadOnly has next answer who reads, and refuses every other method.
func (a API) ReadOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			a.write(w, a.notAllowed(r, []string{http.MethodGet}))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// permitted says whether the caller may use what needs that scope. A caller who asks too often is refused everywhere.
func permitted(r *http.Request, scope access.Scope) error {
	caller, err := callerOf(r)
	switch {
	case fault.KindOf(err) == fault.RateLimited:
		return err
	case scope == "":
		return nil
	case err != nil:
		return err
	case !caller.May(scope):
		return fault.New(fault.Forbidden, "%s may not do this: it needs the scope %q.", caller.Client, scope)
	}
	return nil
}

func callerOf(r *http.Request) (access.Principal, error) {
	return access.FromContext(invocation.Authorization(r.Context()))
}

// failure returns the answer to an error: what may be shown goes to the caller, the cause to the log.
func (a API) failure(r *http.Request, err error) reply {
	status, name := statusOf(fault.KindOf(err))
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
	return reply{status, header, a.problem(r, name, fault.Message(err))}
}

// Failure answers every request with an error.
func (a API) Failure(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.write(w, a.failure(r, err)) })
}

// NotFound answers paths that there are none of.
func (a API) NotFound() http.Handler {
	return a.Failure(fault.New(fault.NotFound, "There is no such path. GET /api/enhanced-integration/health is one; docs/API.md lists all."))
}

func (a API) problem(r *http.Request, name, message string) problem {
	return problem{
		Envelope: Envelope{Timestamp: stamp(a.Now())}, Error: name, Message: message,
		RequestID: invocation.RequestID(r.Context()),
	}
}

func (a API) ok() Envelope { return Envelope{Success: true, Timestamp: stamp(a.Now())} }

// write answers in JSON.
func (a API) write(w http.ResponseWriter, given reply) {
	data, err := json.Marshal(given.body)
	if err != nil {
		a.Log.Error("an answer cannot be written", "error", err)
		given.status, data = http.StatusInternalServerError, []byte(`{"success":false,"error":"Internal error","message":"The answer cannot be written."}`)
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

// statusOf is the one table from kinds of error to HTTP.
func statusOf(k fault.Kind) (status int, name string) {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest, "Invalid request"
	case fault.NotFound:
		return http.StatusNotFound, "Not found"
	case fault.Conflict:
		return http.StatusConflict, "Conflict"
	case fault.Unauthorized:
		return http.StatusUnauthorized, "Unauthorized"
	case fault.Forbidden:
		return http.StatusForbidden, "Forbidden"
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge, "Too large"
	case fault.Full:
		return http.StatusInsufficientStorage, "No room"
	case fault.RateLimited:
		return http.StatusTooManyRequests, "Too many requests"
	case fault.Unavailable:
		return http.StatusServiceUnavailable, "Unavailable"
	case fault.Internal:
	}
	return http.StatusInternalServerError, "Internal error"
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
