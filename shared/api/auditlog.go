package api

import (
	"context"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/auth/auditlog"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

// AuditLog keeps what callers change.
type AuditLog interface {
	// Begin writes down a change before it is made.
	Begin(ctx context.Context, e auditlog.Entry) error
	// End writes down what came of it.
	End(ctx context.Context, id string, o auditlog.Outcome) error
}

type notesKey struct{}

// note adds to what the trail says of the change that a request is: never a secret.
func note(r *http.Request, name string, value any) {
	if notes, ok := r.Context().Value(notesKey{}).(map[string]any); ok {
		notes[name] = value
	}
}

// recorded makes an endpoint that leaves a trail. What cannot be written down beforehand is not done; that what came of it cannot be
// written down is logged, for by then it is done.
func (a API) recorded(do endpoint) endpoint {
	if a.Trail == nil {
		return do
	}
	return func(r *http.Request) (int, any, error) {
		ctx := r.Context()
		caller, _ := callerOf(r) // nobody, on a public path
		e := auditlog.Entry{
			ID: a.NewID(), At: a.Now(), Client: caller.Client, KeyID: caller.KeyID, SourceIP: invocation.SourceIP(ctx),
			RequestID: invocation.RequestID(ctx), Action: r.Method + " " + r.URL.Path,
		}
		if err := a.Trail.Begin(ctx, e); err != nil {
			return 0, nil, err
		}
		notes := map[string]any{}
		status, body, err := do(r.WithContext(context.WithValue(ctx, notesKey{}, notes)))
		ended := auditlog.Outcome{Status: status, Detail: notes, At: a.Now()}
		if err != nil {
			ended.Status, _, _ = StatusOf(fault.KindOf(err))
		}
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := a.Trail.End(late, e.ID, ended); err != nil {
			a.Log.ErrorContext(ctx, "what came of a change cannot be written down", "entry", e.ID, "action", e.Action, "client", e.Client, "status", ended.Status, "error", err)
		}
		return status, body, err
	}
}

// AuditLister lists what callers changed.
type AuditLister interface {
	List(ctx context.Context, f auditlog.Filter) (auditlog.Page, error)
}

type entryShown struct {
	ID        string         `json:"id"`
	At        string         `json:"timestamp"`
	Client    string         `json:"client"`
	KeyID     string         `json:"key_id,omitempty"`
	SourceIP  string         `json:"source_ip"`
	RequestID string         `json:"request_id"`
	Action    string         `json:"action"`
	Status    *int           `json:"status"` // of the answer; null where the work broke off
	Detail    map[string]any `json:"detail,omitempty"`
}

type entryList struct {
	Envelope
	Entries []entryShown `json:"entries"`
	Next    *string      `json:"next_cursor"`
}

func auditRoute() Route {
	return Route{Path: "/audit", Function: "audit", Group: Workspaces, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Admin, Does: "The audit log: what callers changed.",
		Query: []Parameter{
			{"client", "", "Only of this client."}, sinceParameter(), limitParameter(), cursorParameter(),
		},
		Answers: []Answer{{http.StatusOK, entryList{}}},
	}}}
}

// Audit answers GET /audit: what callers changed, newest first.
func (a API) Audit(entries AuditLister) http.Handler {
	return a.serve(auditRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		values := r.URL.Query()
		var f auditlog.Filter
		var err error
		if f.Limit, err = limitOf(values, eventsUsual); err != nil {
			return 0, nil, err
		}
		if f.Client, err = one(values, "client"); err != nil {
			return 0, nil, err
		}
		if f.Since, err = since(values); err != nil {
			return 0, nil, err
		}
		if f.Before, err = before(values); err != nil {
			return 0, nil, err
		}
		page, err := entries.List(r.Context(), f)
		if err != nil {
			return 0, nil, err
		}
		shown := make([]entryShown, len(page.Entries))
		for i, e := range page.Entries {
			shown[i] = entryShown{ID: e.ID, At: stamp(e.At), Client: e.Client, KeyID: e.KeyID, SourceIP: e.SourceIP, RequestID: e.RequestID, Action: e.Action}
			if e.Outcome != nil {
				shown[i].Status, shown[i].Detail = &e.Outcome.Status, e.Outcome.Detail
			}
		}
		var next *string
		if page.Next > 0 {
			cursor := cursorOf(page.Next)
			next = &cursor
		}
		return http.StatusOK, entryList{a.ok(), shown, next}, nil
	}})
}
