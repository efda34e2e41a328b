package syncrun

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/journal"
)

// lostAfter is how long a part may be queued or running with nobody at work on it before it is queued again.
const lostAfter = 2 * time.Minute

// Starter starts runs.
type Starter struct {
	ConnectionID string
	Kinds        []string // those that may be synced
	Ledger       Ledger
	Queue        Queue
	Now          func() time.Time
	NewID        func() string
	Log          *slog.Logger
}

// Request asks for a run.
type Request struct {
	Type        journal.Type
	Kinds       []string // none: all
	DryRun      bool
	RequestedBy string
}

// Start stores a run and hands its parts to the workers. fault.Invalid: a kind is not one of ours, or none is set up.
// fault.Conflict, beside the run that is under way: there is one of that type, and of the same databases. Where the queue cannot be reached the run is
// stored all the same, and Requeue hands it over.
func (s Starter) Start(ctx context.Context, req Request) (journal.Run, error) {
	kinds := s.Kinds
	if len(s.Kinds) == 0 {
		return journal.Run{}, fault.New(fault.Invalid, "No Notion database is set up: name databases with POST /config, or set NOTION_PARTNERS_DATABASE_ID and its siblings.")
	}
	if len(req.Kinds) > 0 {
		kinds = slices.Compact(slices.Sorted(slices.Values(req.Kinds)))
		for _, k := range kinds {
			if !slices.Contains(s.Kinds, k) {
				return journal.Run{}, fault.New(fault.Invalid, "There is no database %q; there are %s.", k, strings.Join(s.Kinds, ", "))
			}
		}
	}
	run := journal.Run{ID: s.NewID(), ConnectionID: s.ConnectionID, Type: req.Type, DryRun: req.DryRun, RequestedBy: req.RequestedBy, CreatedAt: s.Now()}
	if len(req.Kinds) > 0 {
		run.Scope = strings.Join(kinds, ",")
	}
	underWay, err := s.Ledger.Create(ctx, run, kinds)
	if err != nil {
		return journal.Run{ID: underWay, Type: req.Type}, err
	}
	for _, k := range kinds {
		s.send(ctx, journal.Message{RunID: run.ID, Kind: k})
	}
	return run, nil
}

// Requeue hands over again what was queued or being worked on and has nobody at work on it. Handing over twice does no harm.
func (s Starter) Requeue(ctx context.Context) error {
	lost, err := s.Ledger.Lost(ctx, s.ConnectionID, s.Now().Add(-lostAfter))
	for _, m := range lost {
		s.send(ctx, m)
	}
	return err
}

func (s Starter) send(ctx context.Context, m journal.Message) {
	if err := s.Queue.Send(ctx, s.ConnectionID, m); err != nil {
		s.Log.WarnContext(ctx, "the queue cannot be reached; the schedule hands the sync over", "sync_id", m.RunID, "kind", m.Kind, "error", err)
	}
}
