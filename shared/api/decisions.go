package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/inspect"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// How many conflicts, errors or held records an answer gives, and how many records one request may name.
const (
	foundUsual = 50
)

// Decisions is where what people have to decide is kept.
type Decisions interface {
	Conflicts(ctx context.Context, f journal.Find) (journal.Found[journal.ConflictRecord], error)
	Conflict(ctx context.Context, id string) (journal.ConflictRecord, error)
	Settle(ctx context.Context, id string, d journal.Decision) (journal.ConflictRecord, error)
	Errors(ctx context.Context, f journal.Find) (journal.Found[journal.ErrorRecord], error)
	Retry(ctx context.Context, kind string, rowIDs []string, at time.Time) (int64, error)
	Hold(ctx context.Context, id string, f journal.Find) (journal.Hold, journal.Found[journal.HeldRecord], error)
	Decide(ctx context.Context, id string, verdict journal.Verdict, version, by string, at time.Time) (journal.Hold, error)
}

// Carry has a sync carry out what was decided for a database; "" is every database. That one is under way already is no error.
type Carry func(ctx context.Context, kind string, t journal.Type, by string) error

type conflictShown struct {
	ID         string                 `json:"id"`
	Database   string                 `json:"database"`
	RecordID   string                 `json:"record_id"`
	NotionID   string                 `json:"notion_id,omitempty"`
	Title      string                 `json:"title"`
	Field      string                 `json:"field"`
	Rule       merge.Rule             `json:"rule"`
	Winner     *merge.Side            `json:"winner"` // null while nobody has decided
	Notion     json.RawMessage        `json:"notion_value"`
	Supabase   json.RawMessage        `json:"supabase_value"`
	Base       json.RawMessage        `json:"base_value"`
	Status     journal.ConflictStatus `json:"status"`
	DetectedAt string                 `json:"detected_at"`
	DecidedAt  *string                `json:"decided_at"`
	DecidedBy  string                 `json:"decided_by,omitempty"`
	Decision   json.RawMessage        `json:"decision,omitempty"`
}

func showConflict(c journal.ConflictRecord) conflictShown {
	shown := conflictShown{
		ID: c.ID, Database: c.Kind, RecordID: c.RowID, NotionID: c.PageID, Title: c.Title, Field: c.Field, Rule: c.Rule,
		Notion: c.Notion, Supabase: c.Postgres, Base: c.Base, Status: c.Status,
		DetectedAt: stamp(c.DetectedAt), DecidedAt: stampOrNull(c.DecidedAt), DecidedBy: c.DecidedBy, Decision: c.Decision,
	}
	if c.Winner != "" {
		shown.Winner = &c.Winner
	}
	return shown
}

type conflictList struct {
	Envelope
	Conflicts  []conflictShown `json:"conflicts"`
	NextCursor *string         `json:"next_cursor"`
}

func conflictsRoute() Route {
	return Route{Path: "/sync/conflicts", Function: "conflicts-list", Group: Syncs, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Read, Does: "Lists conflicts with both full values. `status` filters them, see below.",
		Query: []Parameter{
			databaseParameter(),
			{"record_id", "", "Only of this record."},
			{"field", "", "Only of this field."},
			{"status", journal.ConflictStatus(""), "Only those of this status."},
			sinceParameter(), limitParameter(), cursorParameter(),
		},
		Answers: []Answer{{http.StatusOK, conflictList{}}},
	}}}
}

// Conflicts answers GET /sync/conflicts.
func (a API) Conflicts(decisions Decisions) http.Handler {
	return a.serve(conflictsRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		values := r.URL.Query()
		find, err := a.finding(values)
		if err != nil {
			return 0, nil, err
		}
		statuses := []string{"", "waiting", "resolved", "decided", "settled"}
		if find.Status = values.Get("status"); !slices.Contains(statuses, find.Status) {
			return 0, nil, fault.New(fault.Invalid, "status must be waiting, resolved, decided or settled.")
		}
		found, err := decisions.Conflicts(r.Context(), find)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, conflictList{a.ok(), each(found.Items, showConflict), orNull(found.Next)}, nil
	}})
}

// Beheld returns what Notion shows of a conflict's field now, nil where there is no page, and the names of the people in it.
type Beheld func(ctx context.Context, c journal.ConflictRecord) (*inspect.Now, map[string]string)

type conflictAnswer struct {
	Envelope
	Conflict conflictShown     `json:"conflict"`
	Now      *nowShown         `json:"notion_now,omitempty"`
	People   map[string]string `json:"people,omitempty"` // names by id
}

type conflictDecision struct {
	Keep  merge.Side      `json:"keep"`
	Value json.RawMessage `json:"value"`
}

func conflictRoute() Route {
	return Route{Path: "/sync/conflicts/{id}", Function: "conflict-settle", Group: Syncs, Methods: []Method{
		{
			Verb: http.MethodGet, Scope: access.Sync, Does: "One conflict, with Notion's current value and who last edited the page.",
			Answers: []Answer{{http.StatusOK, conflictAnswer{}}},
		},
		{
			Verb: http.MethodPost, Scope: access.Sync, Does: "Writes one side's value, or a third value, to both sides.",
			Body: conflictDecision{}, Examples: []string{`{"keep":"supabase"}`, `{"keep":"notion"}`, `{"value":…}`},
			Answers: []Answer{{http.StatusOK, conflictAnswer{}}}, Fails: []fault.Kind{fault.Conflict},
		},
	}}
}

// Conflict answers GET and POST /sync/conflicts/{id}: what it is, what Notion shows by now, and what a person decides.
func (a API) Conflict(decisions Decisions, carry Carry, beheld Beheld) http.Handler {
	return a.serve(conflictRoute(), endpoints{
		http.MethodGet: func(r *http.Request) (int, any, error) {
			id, err := lastID(r)
			if err != nil {
				return 0, nil, err
			}
			c, err := decisions.Conflict(r.Context(), id)
			if err != nil {
				return 0, nil, err
			}
			now, people := beheld(r.Context(), c)
			return http.StatusOK, conflictAnswer{a.ok(), showConflict(c), showNow(now, people), people}, nil
		},
		http.MethodPost: func(r *http.Request) (int, any, error) {
			id, err := lastID(r)
			if err != nil {
				return 0, nil, err
			}
			var in conflictDecision
			if err := decodeBody(r, &in); err != nil {
				return 0, nil, err
			}
			if (in.Keep == "") == (in.Value == nil) || in.Keep != "" && in.Keep != merge.Notion && in.Keep != merge.Supabase {
				return 0, nil, fault.New(fault.Invalid, `Send {"keep":"notion"}, {"keep":"supabase"} or {"value":…}.`)
			}
			caller, err := callerOf(r)
			if err != nil {
				return 0, nil, err
			}
			c, err := decisions.Settle(r.Context(), id, journal.Decision{Keep: in.Keep, Value: in.Value, By: caller.Client, At: a.Now()})
			if err == nil {
				err = carry(r.Context(), c.Kind, journal.Incremental, caller.Client)
			}
			return http.StatusOK, conflictAnswer{Envelope: a.ok(), Conflict: showConflict(c)}, err
		},
	})
}

// nowShown is what Notion shows now.
type nowShown struct {
	State    string          `json:"state,omitempty"` // live, archived or gone
	Value    json.RawMessage `json:"value"`
	Complete bool            `json:"complete"` // Notion left nothing of the value out
	EditedAt *string         `json:"edited_at"`
	EditedBy *person         `json:"edited_by"`
	ReadAt   *string         `json:"read_at"`
	Stale    bool            `json:"stale"`             // Notion is away: it is what it showed at read_at
	Message  string          `json:"message,omitempty"` // why it is not known
}

type person struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

func showNow(now *inspect.Now, people map[string]string) *nowShown {
	if now == nil {
		return nil
	}
	if now.Err != nil {
		return &nowShown{Value: json.RawMessage("null"), Message: fault.Message(now.Err)}
	}
	shown := &nowShown{
		State: string(now.State), Value: now.Value, Complete: !slices.Contains(now.Cut, now.Field), EditedAt: stampOrNull(now.EditedAt),
		ReadAt: stampOrNull(now.ReadAt), Stale: now.Stale,
	}
	if now.EditedBy != "" {
		shown.EditedBy = &person{now.EditedBy, people[now.EditedBy]}
	}
	return shown
}

type refusedField struct {
	Side   merge.Side `json:"side"` // that cannot hold the value
	Reason string     `json:"reason"`
}

type errorShown struct {
	Database string     `json:"database"`
	RecordID string     `json:"record_id"`
	NotionID string     `json:"notion_id,omitempty"`
	Title    string     `json:"title"`
	Side     merge.Side `json:"side"` // that refuses it
	Reason   string     `json:"reason"`
	Attempts int        `json:"attempts"`
	FirstAt  string     `json:"first_at"`
	LastAt   string     `json:"last_at"`
	NextAt   string     `json:"next_attempt_at"`
	// Fields are those that wait, with why; empty where the whole record does.
	Fields map[string]refusedField `json:"fields"`
}

type errorList struct {
	Envelope
	Errors     []errorShown `json:"errors"`
	NextCursor *string      `json:"next_cursor"`
}

func errorsRoute() Route {
	return Route{Path: "/sync/errors", Function: "errors-list", Group: Syncs, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Read, Does: "Lists records that one side refuses, with the reason. Other records keep syncing.",
		Query: []Parameter{databaseParameter(), limitParameter(), cursorParameter()}, Answers: []Answer{{http.StatusOK, errorList{}}},
	}}}
}

// Errors answers GET /sync/errors: the records that one side refused.
func (a API) Errors(decisions Decisions) http.Handler {
	return a.serve(errorsRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		find, err := a.finding(r.URL.Query())
		if err != nil {
			return 0, nil, err
		}
		found, err := decisions.Errors(r.Context(), find)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, errorList{a.ok(), each(found.Items, func(e journal.ErrorRecord) errorShown {
			fields := map[string]refusedField{}
			for name, f := range e.Fields {
				fields[name] = refusedField{f.Side, f.Reason}
			}
			return errorShown{e.Kind, e.RowID, e.PageID, e.Title, e.Side, e.Reason, e.Attempts, stamp(e.FirstAt), stamp(e.LastAt), stamp(e.NextAt), fields}
		}), orNull(found.Next)}, nil
	}})
}

type retryRequest struct {
	Database  string   `json:"database"`
	RecordIDs []string `json:"record_ids"`
}

type retryAnswer struct {
	Envelope
	Retried int64 `json:"retried"`
}

func errorsRetryRoute() Route {
	return Route{Path: "/sync/errors/retry", Function: "errors-retry", Group: Syncs, Methods: []Method{{
		Verb: http.MethodPost, Scope: access.Sync, Does: "Retries refused records now: the named ones, all of a database, or all with `{}`.",
		Body: retryRequest{}, Examples: []string{`{"database":"partners","record_ids":["…"]}`}, Answers: []Answer{{http.StatusAccepted, retryAnswer{}}},
	}}}
}

// ErrorsRetry answers POST /sync/errors/retry: all, those of a database, or those named.
func (a API) ErrorsRetry(decisions Decisions, carry Carry) http.Handler {
	return a.serve(errorsRetryRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		var in retryRequest
		if err := decodeBody(r, &in); err != nil {
			return 0, nil, err
		}
		if err := a.knows(in.Database); err != nil {
			return 0, nil, err
		}
		if len(in.RecordIDs) > limitMost {
			return 0, nil, fault.New(fault.Invalid, "Name at most %d records at once.", limitMost)
		}
		for _, id := range in.RecordIDs {
			if _, err := uuid.Parse(id); err != nil {
				return 0, nil, fault.New(fault.Invalid, "%.50q is no record_id; GET /sync/errors lists them.", id)
			}
		}
		caller, err := callerOf(r)
		if err != nil {
			return 0, nil, err
		}
		ids := in.RecordIDs
		if ids == nil {
			ids = []string{}
		}
		retried, err := decisions.Retry(r.Context(), in.Database, ids, a.Now())
		if err == nil && retried > 0 {
			err = carry(r.Context(), in.Database, journal.Incremental, caller.Client)
		}
		return http.StatusAccepted, retryAnswer{a.ok(), retried}, err
	}})
}

type holdShown struct {
	ID       string          `json:"id"`
	Database string          `json:"database"`
	Side     merge.Side      `json:"side"` // where records would be deleted
	Status   journal.Verdict `json:"status"`
	Records  int             `json:"records"`
	Total    int             `json:"total"`
	Since    string          `json:"since"`
}

func showHold(h journal.Hold) holdShown {
	return holdShown{h.ID, h.Kind, h.Side, h.Status, h.Records, h.Total, stamp(h.At)}
}

type holdList struct {
	Envelope
	Holds      []holdShown `json:"holds"`
	Total      int         `json:"total"`
	NextCursor *string     `json:"next_cursor"` // null: there are never many
}

func holdsRoute() Route {
	return Route{Path: "/sync/held", Function: "held-list", Group: Syncs, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Read, Does: "Lists batches of deletions that wait for a decision, oldest first.",
		Query: []Parameter{databaseParameter()}, Answers: []Answer{{http.StatusOK, holdList{}}},
	}}}
}

// Holds lists the deletions that wait.
type Holds func(ctx context.Context) ([]journal.Hold, error)

// HeldList answers GET /sync/held.
func (a API) HeldList(holds Holds) http.Handler {
	return a.serve(holdsRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		kind, err := one(r.URL.Query(), "database")
		if err == nil {
			err = a.knows(kind)
		}
		if err != nil {
			return 0, nil, err
		}
		waiting, err := holds(r.Context())
		if err != nil {
			return 0, nil, err
		}
		waiting = slices.DeleteFunc(waiting, func(h journal.Hold) bool { return kind != "" && h.Kind != kind })
		return http.StatusOK, holdList{a.ok(), each(waiting, showHold), len(waiting), nil}, nil
	}})
}

type heldRecord struct {
	RecordID string `json:"record_id"`
	NotionID string `json:"notion_id,omitempty"`
	Title    string `json:"title"`
}

type heldAnswer struct {
	Envelope
	Hold       holdShown    `json:"hold"`
	Version    string       `json:"version"` // of the batch: another one as soon as its records are others
	Records    []heldRecord `json:"records"`
	NextCursor *string      `json:"next_cursor"`
}

// heldVerdict is what may be decided of held deletions.
type heldVerdict string

// The verdicts on held deletions.
const (
	approve heldVerdict = "approve"
	refuse  heldVerdict = "refuse"
)

type heldDecision struct {
	Decision heldVerdict `json:"decision" api:"required"`
	Version  string      `json:"version"` // of the batch that the caller has seen; approving needs it
}

type heldDecided struct {
	Envelope
	Hold holdShown `json:"hold"`
}

func heldRoute() Route {
	return Route{Path: "/sync/held/{id}", Function: "held-decide", Group: Syncs, Methods: []Method{
		{
			Verb: http.MethodGet, Scope: access.Sync, Does: "Lists the records of a held batch of deletions.",
			Query: []Parameter{limitParameter(), cursorParameter()}, Answers: []Answer{{http.StatusOK, heldAnswer{}}},
		},
		{
			Verb: http.MethodPost, Scope: access.Sync, Does: "Approves the deletions, or restores the records on the side where they were deleted. `version` is the one that " +
				"`GET` returned with the list that you looked at. The API answers 409 if the batch has other records by now.",
			Body: heldDecision{}, Examples: []string{`{"decision":"approve","version":"…"}`, `{"decision":"refuse"}`},
			Answers: []Answer{{http.StatusOK, heldDecided{}}}, Fails: []fault.Kind{fault.Conflict},
		},
	}}
}

// Held answers GET and POST /sync/held/{id}: the deletions that wait, and what a person decides.
func (a API) Held(decisions Decisions, carry Carry) http.Handler {
	return a.serve(heldRoute(), endpoints{
		http.MethodGet: func(r *http.Request) (int, any, error) {
			id, err := lastID(r)
			if err != nil {
				return 0, nil, err
			}
			find, err := a.finding(r.URL.Query())
			if err != nil {
				return 0, nil, err
			}
			h, held, err := decisions.Hold(r.Context(), id, find)
			return http.StatusOK, heldAnswer{
				a.ok(), showHold(h), h.Version,
				each(held.Items, func(h journal.HeldRecord) heldRecord { return heldRecord{h.RowID, h.PageID, h.Title} }), orNull(held.Next),
			}, err
		},
		http.MethodPost: func(r *http.Request) (int, any, error) {
			id, err := lastID(r)
			if err != nil {
				return 0, nil, err
			}
			var in heldDecision
			if err := decodeBody(r, &in); err != nil {
				return 0, nil, err
			}
			verdict, ok := map[heldVerdict]journal.Verdict{approve: journal.Approved, refuse: journal.Refused}[in.Decision]
			if !ok {
				return 0, nil, fault.New(fault.Invalid, `decision must be approve (the records are deleted) or refuse (they return where they were deleted).`)
			}
			if verdict == journal.Approved && in.Version == "" {
				return 0, nil, fault.New(fault.Invalid, "Approving needs the version of the batch. GET /sync/held/%s returns it, with the records to look at.", id)
			}
			caller, err := callerOf(r)
			if err != nil {
				return 0, nil, err
			}
			h, err := decisions.Decide(r.Context(), id, verdict, in.Version, caller.Client, a.Now())
			if err == nil {
				err = carry(r.Context(), h.Kind, journal.Full, caller.Client)
			}
			return http.StatusOK, heldDecided{a.ok(), showHold(h)}, err
		},
	})
}

// finding reads what all lists are filtered by.
func (a API) finding(values url.Values) (journal.Find, error) {
	var f journal.Find
	var err error
	if f.Limit, err = limitOf(values, foundUsual); err != nil {
		return f, err
	}
	for name, to := range map[string]*string{"database": &f.Kind, "field": &f.Field} {
		if *to, err = one(values, name); err != nil {
			return f, err
		}
	}
	for name, to := range map[string]*string{"record_id": &f.RowID, "cursor": &f.Cursor} {
		if *to, err = one(values, name); err != nil {
			return f, err
		}
		if _, bad := uuid.Parse(*to); bad != nil && *to != "" {
			return f, fault.New(fault.Invalid, "%s must be one that an answer before gave.", name)
		}
	}
	if err := a.knows(f.Kind); err != nil {
		return f, err
	}
	f.Since, err = since(values)
	return f, err
}

// lastID returns the id with which the path ends.
func lastID(r *http.Request) (string, error) {
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if _, err := uuid.Parse(id); err != nil {
		return "", fault.New(fault.NotFound, "%.50q is no id.", id)
	}
	return id, nil
}

func each[A, B any](list []A, show func(A) B) []B {
	shown := make([]B, len(list))
	for i, v := range list {
		shown[i] = show(v)
	}
	return shown
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
