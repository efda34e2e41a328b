// Package httpapi answers the HTTP API: each handler decodes a request, calls what does the work, and answers in the contract's
// shape.
package httpapi

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
)

// API is what all handlers share.
type API struct {
	Now func() time.Time
	Log *slog.Logger
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

// serve makes a handler of a path's methods. scope is what a caller needs; "" lets everybody in.
func (a API) serve(scope access.Scope, m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		answer, ok := m[method]
		if !ok {
			allowed := make([]string, 0, len(m))
			for name := range m {
				allowed = append(allowed, name)
			}
			slices.Sort(allowed)
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			a.write(w, http.StatusMethodNotAllowed, a.problem(r, "Method not allowed", "Use "+strings.Join(allowed, " or ")+" here."))
			return
		}
		if err := permitted(r, scope); err != nil {
			a.fail(w, r, err)
			return
		}
		status, body, err := answer(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		a.write(w, status, body)
	})
}

// permitted says whether the caller may use what needs that scope.
func permitted(r *http.Request, scope access.Scope) error {
	if scope == "" {
		return nil
	}
	caller, err := callerOf(r)
	if err != nil {
		return err
	}
	if !caller.May(scope) {
		return fault.New(fault.Forbidden, "The key of %s may not do this: it needs the scope %q.", caller.Client, scope)
	}
	return nil
}

func callerOf(r *http.Request) (access.Principal, error) {
	return access.FromContext(lambdaio.Authorization(r.Context()))
}

// fail answers an error: what may be shown goes to the caller, the cause to the log.
func (a API) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, name := statusOf(fault.KindOf(err))
	if status >= http.StatusInternalServerError {
		a.Log.ErrorContext(r.Context(), "request failed", "request_id", lambdaio.RequestID(r.Context()), "status", status, "error", err)
	}
	if wait := fault.RetryAfter(err); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(max(wait.Round(time.Second), time.Second)/time.Second)))
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	a.write(w, status, a.problem(r, name, fault.Message(err)))
}

// Failure answers every request with an error.
func (a API) Failure(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.fail(w, r, err) })
}

// NotFound answers paths that there are none of.
func (a API) NotFound() http.Handler {
	return a.Failure(fault.New(fault.NotFound, "There is no such path. GET /api/enhanced-integration/health is one; the README lists all."))
}

func (a API) problem(r *http.Request, name, message string) problem {
	return problem{
		Envelope: Envelope{Timestamp: stamp(a.Now())}, Error: name, Message: message,
		RequestID: lambdaio.RequestID(r.Context()),
	}
}

func (a API) ok() Envelope { return Envelope{Success: true, Timestamp: stamp(a.Now())} }

func (a API) write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	data, err := json.Marshal(body)
	if err != nil {
		a.Log.Error("an answer cannot be written", "error", err)
		status, data = http.StatusInternalServerError, []byte(`{"success":false,"error":"Internal error","message":"The answer cannot be written."}`)
	}
	w.WriteHeader(status)
	_, _ = w.Write(data) // a caller who went away cannot be told
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
