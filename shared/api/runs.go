package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// Runs tells of runs, and of what dry runs would do.
type Runs interface {
	Run(ctx context.Context, id string) (journal.RunReport, error)
	Preview(ctx context.Context, f journal.PreviewFilter) (journal.PreviewPage, error)
}

type runShown struct {
	SyncID      string               `json:"sync_id"`
	SyncType    journal.Type         `json:"sync_type"`
	DryRun      bool                 `json:"dry_run"`
	Status      string               `json:"status"`
	RequestedBy string               `json:"requested_by"`
	CreatedAt   string               `json:"created_at"`
	StartedAt   *string              `json:"started_at"`
	FinishedAt  *string              `json:"finished_at"`
	Databases   map[string]partShown `json:"databases"`
}

type partShown struct {
	Status string         `json:"status"`
	Phase  journal.Phase  `json:"phase,omitempty"`
	Error  string         `json:"error,omitempty"`
	Counts journal.Counts `json:"counts"` // of a dry run, what would be done
}

func showRun(t journal.RunReport) runShown {
	run := runShown{
		SyncID: t.ID, SyncType: t.Type, DryRun: t.DryRun, Status: t.Status, RequestedBy: t.RequestedBy, CreatedAt: stamp(t.CreatedAt),
		StartedAt: stampOrNull(t.StartedAt), FinishedAt: stampOrNull(t.FinishedAt), Databases: map[string]partShown{},
	}
	for kind, p := range t.Parts {
		run.Databases[kind] = partShown(p)
	}
	return run
}

type previewShown struct {
	Database  string            `json:"database"`
	RecordID  string            `json:"record_id,omitempty"`
	NotionID  string            `json:"notion_id,omitempty"`
	Title     string            `json:"title"`
	MatchedBy journal.Criterion `json:"matched_by,omitempty"`
	Doubtful  bool              `json:"doubtful,omitempty"`
	Held      bool              `json:"held,omitempty"`
	Notion    *journal.Effect   `json:"notion"`
	Supabase  *journal.Effect   `json:"supabase"`
	Conflicts []conflictAhead   `json:"conflicts,omitempty"`
	Refusal   *journal.Foreseen `json:"refusal,omitempty"`
}

// conflictAhead is a conflict that would be logged.
type conflictAhead struct {
	Field    string          `json:"field"`
	Rule     merge.Rule      `json:"rule"`
	Winner   *merge.Side     `json:"winner"` // null where a person would have to decide
	Notion   json.RawMessage `json:"notion_value"`
	Supabase json.RawMessage `json:"supabase_value"`
}

func showPreview(p journal.Preview) previewShown {
	return previewShown{
		Database: p.Kind, RecordID: p.Key.RowID, NotionID: p.Key.PageID, Title: p.Title, MatchedBy: p.Match, Doubtful: p.Doubtful, Held: p.Held,
		Notion: showEffect(p.Notion), Supabase: showEffect(p.Supabase), Refusal: p.Refusal,
		Conflicts: each(p.Conflicts, func(c journal.Overruled) conflictAhead {
			ahead := conflictAhead{Field: c.Field, Rule: c.Rule, Notion: c.Notion, Supabase: c.Supabase}
			if c.Winner != "" {
				ahead.Winner = &c.Winner
			}
			return ahead
		}),
	}
}

type previewList struct {
	Records    []previewShown `json:"records"`
	Total      int            `json:"total"`
	NextCursor *string        `json:"next_cursor"`
}

type runAnswer struct {
	Envelope
	Run     runShown     `json:"run"`
	Preview *previewList `json:"preview,omitempty"`
}

func runRoute() Route {
	return Route{Path: "/sync/runs/{id}", Function: "sync-run", Group: Syncs, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Read, Does: "Shows what a sync did. For a dry run, shows what a sync would write, by record and field.",
		Query: []Parameter{databaseParameter(), limitParameter(), cursorParameter()}, Answers: []Answer{{http.StatusOK, runAnswer{}}},
	}}}
}

// showEffect shows a list where no field is written.
func showEffect(e *journal.Effect) *journal.Effect {
	if e == nil || e.Fields != nil {
		return e
	}
	return &journal.Effect{Op: e.Op, Fields: []journal.Field{}}
}

// Run answers GET /sync/runs/{id}: the run, and of a dry run what it would do with each record.
func (a API) Run(runs Runs) http.Handler {
	return a.serve(runRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		id, err := lastID(r)
		if err != nil {
			return 0, nil, err
		}
		filter := journal.PreviewFilter{RunID: id}
		if filter.Kind, filter.Limit, filter.After, err = a.placed(r.URL.Query()); err != nil {
			return 0, nil, err
		}
		told, err := runs.Run(r.Context(), id)
		if err != nil {
			return 0, nil, err
		}
		answer := runAnswer{Envelope: a.ok(), Run: showRun(told)}
		if told.DryRun {
			page, err := runs.Preview(r.Context(), filter)
			if err != nil {
				return 0, nil, err
			}
			answer.Preview = &previewList{each(page.Records, showPreview), page.Total, placeOrNull(page.Next)}
		}
		return http.StatusOK, answer, nil
	}})
}

// Doubts keeps the pages of which somebody has to say which row they are.
type Doubts interface {
	List(ctx context.Context, f journal.FindDoubts) (journal.Doubts, error)
	Settle(ctx context.Context, s journal.Settling) (journal.Settlement, error)
}

type doubtShown struct {
	Database   string            `json:"database"`
	PageID     string            `json:"page_id"`
	Title      string            `json:"title"`
	By         journal.Criterion `json:"by"`
	Value      string            `json:"value"`
	Pages      int               `json:"pages"` // that have the value, this one too
	Rows       int               `json:"rows"`
	Candidates []candidateShown  `json:"candidates"` // the first of the rows
}

type candidateShown struct {
	RowID  string                     `json:"row_id"`
	Fields map[string]json.RawMessage `json:"fields"`
}

func showDoubt(d journal.Doubt) doubtShown {
	return doubtShown{d.Kind, d.PageID, d.Title, d.By, d.Value, d.Pages, d.Rows, each(d.Candidates, func(c journal.Candidate) candidateShown {
		return candidateShown{c.RowID, c.Columns}
	})}
}

type matchList struct {
	Envelope
	Matches    []doubtShown `json:"matches"`
	Total      int          `json:"total"`
	NextCursor *string      `json:"next_cursor"`
}

func matchesRoute() Route {
	return Route{Path: "/sync/matches", Function: "matches-list", Group: Syncs, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Read, Does: "Lists pages and rows that may be the same record. They wait for a decision.",
		Query: []Parameter{databaseParameter(), limitParameter(), cursorParameter()}, Answers: []Answer{{http.StatusOK, matchList{}}},
	}}}
}

// Matches answers GET /sync/matches: the pages of which it is not clear which row they are.
func (a API) Matches(doubts Doubts) http.Handler {
	return a.serve(matchesRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		var f journal.FindDoubts
		var err error
		if f.Kind, f.Limit, f.After, err = a.placed(r.URL.Query()); err != nil {
			return 0, nil, err
		}
		found, err := doubts.List(r.Context(), f)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, matchList{a.ok(), each(found.Items, showDoubt), found.Total, placeOrNull(found.Next)}, nil
	}})
}

type matchDecision struct {
	RowID string `json:"row_id"`
	New   bool   `json:"new"`
}

type matchDecided struct {
	Envelope
	Database string `json:"database"`
	PageID   string `json:"page_id"`
	RowID    string `json:"row_id,omitempty"`
	NewPages int    `json:"other_pages_new"` // what nothing was left for: other pages, and rows, that are records of their own
	NewRows  int    `json:"rows_new"`
}

func matchRoute() Route {
	return Route{Path: "/sync/matches/{page_id}", Function: "matches-settle", Group: Syncs, Methods: []Method{{
		Verb: http.MethodPost, Scope: access.Sync, Does: "Decides which row a page is, or that it is a new record.",
		Body: matchDecision{}, Examples: []string{`{"row_id":"…"}`, `{"new":true}`},
		Answers: []Answer{{http.StatusOK, matchDecided{}}}, Fails: []fault.Kind{fault.Conflict},
	}}}
}

// MatchSettle answers POST /sync/matches/{page_id}. Its key is the page: what has been decided is not decided again.
func (a API) MatchSettle(doubts Doubts, carry Carry) http.Handler {
	return a.serve(matchRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		pageID, err := lastID(r)
		if err != nil {
			return 0, nil, err
		}
		var in matchDecision
		if err := decodeBody(r, &in); err != nil {
			return 0, nil, err
		}
		if (in.RowID == "") != in.New {
			return 0, nil, fault.New(fault.Invalid, `Send {"row_id":"…"} when the page is that row, or {"new":true} when it is none of them.`)
		}
		if _, err := uuid.Parse(in.RowID); err != nil && in.RowID != "" {
			return 0, nil, fault.New(fault.Invalid, "row_id must be one that GET /sync/matches gave.")
		}
		caller, err := callerOf(r)
		if err != nil {
			return 0, nil, err
		}
		note(r, "row_id", in.RowID)
		note(r, "new", in.New)
		done, err := doubts.Settle(r.Context(), journal.Settling{PageID: pageID, RowID: in.RowID, By: caller.Client, At: a.Now()})
		if err == nil {
			err = carry(r.Context(), done.Kind, journal.Incremental, caller.Client)
		}
		return http.StatusOK, matchDecided{a.ok(), done.Kind, pageID, in.RowID, done.NewPages, done.NewRows}, err
	}})
}
