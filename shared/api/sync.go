package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// recentEvents is how many events the status shows.
const recentEvents = 50

// StatusReader tells how the sync is doing.
type StatusReader interface {
	Read(ctx context.Context) (journal.Status, error)
}

// EventLister lists what happened.
type EventLister interface {
	List(ctx context.Context, f event.Filter) (event.Page, error)
}

// SyncSettings are the settings that the status shows.
type SyncSettings struct {
	Interval  string `json:"sync_interval"` // an EventBridge schedule expression
	BatchSize int    `json:"batch_size"`
	Realtime  bool   `json:"realtime_enabled"`
}

// syncState is a status as answers show it.
type syncState struct {
	IsRunning  *bool             `json:"isRunning"` // null, as the figures are: the database was not read
	LastSync   *string           `json:"lastSync"`
	Errors     []syncProblem     `json:"errors"`
	Statistics syncStatistics    `json:"statistics"`
	Progress   []runningProgress `json:"progress,omitempty"`
	Held       []holdShown       `json:"held,omitempty"`
	Locked     []syncProblem     `json:"locked,omitempty"` // records that wait for a lock of another transaction's to go
	OutOfStep  []fieldOutOfStep  `json:"out_of_step,omitempty"`
}

// fieldOutOfStep is a field of which neither side is read or written, and why.
type fieldOutOfStep struct {
	Database string         `json:"database"`
	Field    string         `json:"field"`
	Change   mapping.Change `json:"change"`
	Message  string         `json:"message"`
}

type syncStatistics struct {
	TotalSynced       *int   `json:"totalSynced"`       // records that are in step now
	ConflictsResolved *int   `json:"conflictsResolved"` // conflicts settled so far
	ConflictsWaiting  *int   `json:"conflictsWaiting"`  // conflicts that a person has to settle
	MatchesWaiting    *int   `json:"matchesWaiting"`    // pages of which a person has to say which row they are
	LastSyncDuration  *int64 `json:"lastSyncDuration"`  // of the last run that succeeded, in milliseconds; null: none did
}

type syncProblem struct {
	Database string `json:"database"`
	RecordID string `json:"record_id,omitempty"`
	Message  string `json:"message"`
	At       string `json:"at"`
}

type runningProgress struct {
	SyncID    string                      `json:"sync_id"`
	SyncType  journal.Type                `json:"sync_type"`
	DryRun    bool                        `json:"dry_run,omitempty"`
	StartedAt string                      `json:"started_at"`
	Databases map[string]databaseProgress `json:"databases"`
}

type databaseProgress struct {
	Status string         `json:"status"`
	Phase  journal.Phase  `json:"phase,omitempty"`
	Counts journal.Counts `json:"counts"`
	journal.Pace
	SecondsLeft *float64 `json:"seconds_left,omitempty"`
}

func progressOf(p journal.PartProgress, now time.Time) databaseProgress {
	shown := databaseProgress{Status: p.Status, Phase: p.At.Phase, Counts: p.Counts, Pace: p.Pace(now)}
	if shown.Left > 0 {
		shown.SecondsLeft = new(shown.Left.Seconds())
	}
	return shown
}

func stateOf(s journal.Status, now time.Time) syncState {
	state := syncState{
		IsRunning: new(slices.ContainsFunc(s.Running, func(p journal.Progress) bool { return !p.DryRun })),
		LastSync:  stampOrNull(s.LastSuccess), Errors: []syncProblem{},
		Statistics: syncStatistics{&s.Synced, &s.Conflicts, &s.Waiting, &s.Doubtful, nil},
	}
	if !s.LastSuccess.IsZero() {
		state.Statistics.LastSyncDuration = new(s.LastDuration.Milliseconds())
	}
	for _, p := range s.Problems {
		state.Errors = append(state.Errors, syncProblem{p.Kind, p.RecordID, p.Message, stamp(p.At)})
	}
	for _, st := range s.Stalled {
		state.Errors = append(state.Errors, syncProblem{st.Kind, "", "Nobody works on its sync. It is handed over again every minute.", stamp(st.Since)})
	}
	for _, l := range s.Locked {
		state.Locked = append(state.Locked, syncProblem{l.Kind, l.RecordID, l.Message, stamp(l.At)})
	}
	for _, h := range s.Held {
		state.Held = append(state.Held, showHold(h))
	}
	for _, f := range s.OutOfStep {
		state.OutOfStep = append(state.OutOfStep, fieldOutOfStep{f.Kind, f.Field, f.Change, f.Message()})
	}
	for _, run := range s.Running {
		progress := runningProgress{run.RunID, run.Type, run.DryRun, stamp(run.StartedAt), map[string]databaseProgress{}}
		for kind, p := range run.Databases {
			progress.Databases[kind] = progressOf(p, now)
		}
		state.Progress = append(state.Progress, progress)
	}
	return state
}

// known returns the state, without its figures where they were not read.
func (s syncState) known(read bool) syncState {
	if !read {
		s.IsRunning, s.Statistics = nil, syncStatistics{}
	}
	return s
}

type syncStatistic struct {
	Status        syncState    `json:"status"`
	RecentEvents  []eventShown `json:"recent_events"`
	Configuration SyncSettings `json:"configuration"`
}

type syncStatusAnswer struct {
	Envelope
	Statistics syncStatistic `json:"sync_statistics"`
}

func syncStatusRoute() Route {
	return Route{Path: "/sync/status", Function: "sync-status", Group: Overview, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Read, Answers: []Answer{{http.StatusOK, syncStatusAnswer{}}},
		Does: "Lists running syncs with progress, recent events, held deletions, fields that are not synced, and the settings.",
	}}}
}

// SyncStatus answers GET /sync/status.
func (a API) SyncStatus(status StatusReader, events EventLister, settings SyncSettings) http.Handler {
	return a.serve(syncStatusRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		now, err := status.Read(r.Context())
		if err != nil {
			return 0, nil, err
		}
		recent, err := events.List(r.Context(), event.Filter{Limit: recentEvents})
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, syncStatusAnswer{a.ok(), syncStatistic{stateOf(now, a.Now()), shown(recent.Events), settings}}, nil
	}})
}

// Trigger starts a run.
type Trigger func(ctx context.Context, t journal.Type, kinds []string, dryRun bool, requestedBy string) (journal.Run, error)

// syncType is a type of sync that may be asked for.
type syncType string

// The types.
const (
	fullSync         syncType = "full"
	notionToSupabase syncType = "notion_to_supabase"
	supabaseToNotion syncType = "supabase_to_notion"
)

type syncRequest struct {
	Type      syncType `json:"type" api:"required"`
	Databases []string `json:"databases"`
	DryRun    bool     `json:"dry_run"`
}

type syncQueued struct {
	Envelope
	SyncID   string       `json:"sync_id"`
	SyncType journal.Type `json:"sync_type"`
	DryRun   bool         `json:"dry_run,omitempty"`
	Message  string       `json:"message"`
}

type syncRunning struct {
	problem
	SyncID   string       `json:"sync_id"`
	SyncType journal.Type `json:"sync_type"`
}

func syncTriggerRoute() Route {
	return Route{Path: "/sync/trigger", Function: "sync-trigger", Group: Syncs, Methods: []Method{{
		Verb: http.MethodPost, Scope: access.Sync,
		Does: "Queues a sync and answers 202 with its `sync_id`. `type` is `full`, `notion_to_supabase` or `supabase_to_notion`; the other fields " +
			"are optional. Answers 409 with the running sync's id when one is already running. A dry run writes nothing.",
		Body: syncRequest{}, Examples: []string{`{"type":"full","databases":["partners"],"dry_run":true}`},
		Answers: []Answer{{http.StatusAccepted, syncQueued{}}, {http.StatusConflict, syncRunning{}}},
	}}}
}

// SyncTrigger answers POST /sync/trigger. It may be repeated: while a run of the type is under way, the answer is 409 with its
// sync_id.
func (a API) SyncTrigger(start Trigger) http.Handler {
	return a.serve(syncTriggerRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		var in syncRequest
		if err := decodeBody(r, &in); err != nil {
			return 0, nil, err
		}
		if !slices.Contains([]syncType{fullSync, notionToSupabase, supabaseToNotion}, in.Type) {
			return 0, nil, fault.New(fault.Invalid, "type must be full, notion_to_supabase or supabase_to_notion.")
		}
		caller, err := callerOf(r)
		if err != nil {
			return 0, nil, err
		}
		note(r, "type", in.Type)
		note(r, "databases", in.Databases)
		note(r, "dry_run", in.DryRun)
		run, err := start(r.Context(), journal.Type(in.Type), in.Databases, in.DryRun, caller.Client)
		if fault.KindOf(err) == fault.Conflict && run.ID != "" {
			return http.StatusConflict, syncRunning{a.problem(r, "Sync already running", CodeAlreadyRunning, fault.Message(err)), run.ID, run.Type}, nil
		}
		if err != nil {
			return 0, nil, err
		}
		message := "The sync has been queued. GET /sync/status shows how far it is."
		if in.DryRun {
			message = "The dry run has been queued. GET /sync/runs/" + run.ID + " shows what a sync would do."
		}
		return http.StatusAccepted, syncQueued{a.ok(), run.ID, run.Type, in.DryRun, message}, nil
	}})
}
