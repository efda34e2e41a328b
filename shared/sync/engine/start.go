package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// lostAfter is how long a part may be queued or running with nobody at work on it before it is handed over again.
const lostAfter = 30 * time.Second

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

// Start stores a run and hands its parts to the workers. Where there is one of that type and of the same databases that nobody works on, that
// one is handed over again, and given. fault.Invalid: a kind is not one of ours, or none is set up. fault.Conflict, beside the run that is under
// way: somebody works on it. Where the queue cannot be reached the run is stored all the same, and Requeue hands it over.
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
	underWay, err := s.Ledger.Create(ctx, run, kinds, s.Now().Add(-lostAfter))
	if err != nil {
		return journal.Run{ID: underWay, Type: req.Type}, err
	}
	if underWay != "" {
		run.ID = underWay
	}
	for _, k := range kinds {
		s.send(ctx, journal.Message{RunID: run.ID, Kind: k})
	}
	return run, nil
}

// Schedule starts a run of a type: of all databases, or while some have not done their part of an earlier one, of the others, so that no database
// holds up another.
func (s Starter) Schedule(ctx context.Context, t journal.Type) error {
	busy, err := s.Ledger.Busy(ctx, s.ConnectionID, t)
	if err != nil {
		return err
	}
	req := Request{Type: t, RequestedBy: journal.BySchedule}
	if len(busy) > 0 {
		req.Kinds = slices.DeleteFunc(slices.Clone(s.Kinds), func(k string) bool { return slices.Contains(busy, k) })
		if len(req.Kinds) == 0 {
			return nil
		}
	}
	if _, err = s.Start(ctx, req); fault.KindOf(err) == fault.Conflict {
		err = nil
	}
	return err
}

// Requeue hands over again what was queued or being worked on and has nobody at work on it, and has somebody look at records that waited for a
// lock. Handing over twice does no harm.
func (s Starter) Requeue(ctx context.Context) error {
	lost, err := s.Ledger.Lost(ctx, s.ConnectionID, s.Now().Add(-lostAfter), s.Now())
	for _, m := range lost {
		s.send(ctx, m)
	}
	waiting, failed := s.Ledger.Waiting(ctx, s.ConnectionID)
	for _, k := range waiting {
		if slices.Contains(s.Kinds, k) {
			s.send(ctx, journal.Message{ConnectionID: s.ConnectionID, Kind: k, Look: true})
		}
	}
	return errors.Join(err, failed)
}

func (s Starter) send(ctx context.Context, m journal.Message) {
	if err := s.Queue.Send(ctx, s.ConnectionID, m); err != nil {
		s.Log.WarnContext(ctx, "the queue cannot be reached; the schedule hands the sync over", "sync_id", m.RunID, "kind", m.Kind, "error", err)
	}
}
