package engine

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

const (
	// deletionWindow is over how long deletions count together where they come one by one: a look has no run to count them in.
	deletionWindow = time.Hour
	// heed is how often a worker that waits for its place in the line for Notion sees whether somebody waits for it.
	heed = time.Second
	// few is how many records a look takes at a time, each with a request of its own.
	few = 10
)

// Watcher keeps what somebody said has changed.
type Watcher interface {
	// Awaited reports whether there was a notice since a worker looked; Awake notes that one looks now.
	Awaited(ctx context.Context) (bool, error)
	Awake(ctx context.Context) error
	// Looks returns the next pages that are to be looked at; Looked notes that they were.
	Looks(ctx context.Context, limit int) ([]journal.Look, error)
	Looked(ctx context.Context, looks []journal.Look) error
	// Deleted returns how many records were deleted on each side since a time.
	Deleted(ctx context.Context, since time.Time) (map[merge.Side]int, error)
}

// look takes in what somebody said has changed: the pages that Notion's webhooks named, and the rows that people changed. It is no
// run: it lists nothing as a whole, and what it cannot take in the next run finds by itself. So its message never comes again: it
// would hold up the database's others. One that runs out of time, or of requests, goes on in another invocation, as a run does. A run that is
// under way does it between its batches.
func (s *Syncer) look(ctx context.Context, m journal.Message, kind mapping.Kind) {
	log := s.Log.With("kind", kind.Name)
	stored, err := s.tryLook(ctx, kind, log)
	if next, more := onward(journal.Message{ConnectionID: s.Connection.ID, Kind: kind.Name, Look: true, Idle: m.Idle}, stored); more && errors.Is(err, errDeadline) {
		err = s.Queue.Send(ctx, s.Connection.ID, next)
	}
	if err != nil {
		log.WarnContext(ctx, "what was noticed was not taken in; the next sync does it", "error", err)
	}
}

// tryLook reports whether anything was stored. errDeadline: the rest is for another invocation.
func (s *Syncer) tryLook(ctx context.Context, kind mapping.Kind, log *slog.Logger) (stored bool, err error) {
	tables := s.Tables(kind)
	if err := tables.Awake(ctx); err != nil {
		return false, err
	}
	err = s.alone(ctx, kind.Name, func(working context.Context, lease journal.Lease, limit clock) error {
		w := s.looker(kind, tables, lease, limit, log)
		err := w.look(working, math.MaxInt)
		stored = w.stored
		if limit.ranOut(working, err) {
			return errDeadline
		}
		return err
	})
	return stored, err
}

// looker is a worker that looks, for somebody who waits.
func (s *Syncer) looker(kind mapping.Kind, tables Tables, lease journal.Lease, limit clock, log *slog.Logger) *worker {
	return &worker{
		Syncer: s, lease: lease, notion: s.Interactive(kind), tables: tables, erred: map[string]bool{},
		planner: s.planner(kind, journal.Part{
			Run:  journal.Run{ID: uuid.Nil.String(), ConnectionID: s.Connection.ID, Type: journal.Incremental},
			Kind: kind.Name, Checkpoint: journal.Checkpoint{Phase: journal.Pushing},
		}),
		hasty:   true,
		retried: true, // which is a run's task
		time:    limit,
		log:     log,
	}
}

// look takes in the pages, and the rows if they are at most so many; more are left to the run that is under way.
func (w *worker) look(ctx context.Context, most int) error {
	if err := w.locate(ctx); err != nil {
		return err
	}
	if w.database.NotionThrough.IsZero() {
		return nil // the first sync goes first
	}
	var err error
	if w.deleted, err = w.tables.Deleted(ctx, w.Now().Add(-deletionWindow)); err != nil {
		return err
	}
	if err := w.resume(ctx); err != nil {
		return err
	}
	for {
		looks, err := w.tables.Looks(ctx, BatchSize)
		if err != nil {
			return err
		}
		if len(looks) == 0 {
			break
		}
		if err := w.lookAt(ctx, looks); err != nil {
			return err
		}
	}
	waiting, err := w.tables.Waiting(ctx, few)
	if err != nil {
		return err
	}
	if err := w.tryAgain(ctx, waiting); err != nil {
		return err
	}
	changed, _, err := w.tables.Changed(ctx, 0, few+1)
	if err != nil || len(changed) > most {
		return err
	}
	if len(changed) > few { // nobody waits for so many
		w.hasty, w.notion = false, w.Notion(w.lens.Kind)
	}
	return w.through(ctx)
}

// giveWay waits until Notion may be asked for the next batch. People go first: what they have just edited is looked at, before and meanwhile.
func (w *worker) giveWay(ctx context.Context) error {
	requests := 1
	switch w.part.Checkpoint.Phase {
	case journal.Missing:
		requests = few
	case journal.Pushing:
		requests = atOnce + 1
	case journal.Matching, journal.Renaming, journal.Pulling, journal.Finished:
	}
	return w.givingWay(ctx, func(ctx context.Context) error { return w.turn(ctx, requests) })
}

// givingWay does something, and again from its beginning after each look for somebody who waited.
func (w *worker) givingWay(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(ctx)
		if w.hide(ctx, err) {
			continue
		}
		if !errors.Is(err, errAwaited) {
			return err
		}
		if err := w.lookMeanwhile(ctx); err != nil {
			return err
		}
	}
}

// turn waits until Notion may be asked so often. errDeadline: the time is up; errAwaited: somebody waits for a look.
func (w *worker) turn(ctx context.Context, requests int) error {
	for {
		if w.time.late() {
			return errDeadline
		}
		if w.hasty {
			return nil
		}
		awaited, err := w.awaited(ctx)
		if err != nil {
			return err
		}
		if awaited {
			return errAwaited
		}
		if w.Ready == nil {
			return nil
		}
		wait, err := w.Ready(ctx, requests)
		if err != nil || wait <= 0 {
			return err
		}
		if pause(ctx, min(wait, heed)); ctx.Err() != nil {
			return fault.Wrap(context.Cause(ctx), fault.Unavailable, "The wait for Notion's limit on requests was cut short")
		}
	}
}

// awaited reports whether somebody waits for a look at the database. Before its first listing is stored nobody is looked for: a look would
// leave everything to that.
func (w *worker) awaited(ctx context.Context) (bool, error) {
	if w.deaf || w.part.Run.DryRun || w.began.through.IsZero() {
		return false, nil
	}
	return w.tables.Awaited(ctx)
}

// lookMeanwhile looks for those who wait, between two batches. Where that fails the run goes on, and finds by itself what is left.
func (w *worker) lookMeanwhile(ctx context.Context) error {
	if err := w.tables.Awake(ctx); err != nil {
		return err
	}
	most := few
	if w.part.Checkpoint.Phase == journal.Pushing {
		most = 0 // the run is at them
	}
	failed := w.looker(w.lens.Kind, w.tables, w.lease, w.time, w.log).look(ctx, most)
	if errors.Is(failed, errDeadline) || ctx.Err() != nil {
		return failed
	}
	if err := w.locate(ctx); err != nil || failed == nil {
		return err
	}
	w.log.WarnContext(ctx, "what was noticed was not taken in; the run does it", "error", failed)
	w.deaf = true
	return w.resume(ctx) // of a write that the look began it may not be known whether it was made
}

// lookAt looks at pages, a few at a time so that little is asked for again when the time is up.
func (w *worker) lookAt(ctx context.Context, looks []journal.Look) error {
	for len(looks) > 0 {
		if w.time.late() {
			return errDeadline
		}
		next := looks[:min(few, len(looks))]
		keys := make([]journal.Key, len(next))
		for i, l := range next {
			keys[i].PageID = l.PageID
		}
		done, err := w.verify(ctx, keys)
		if err != nil {
			return err
		}
		if err := w.tables.Looked(ctx, next[:len(done)]); err != nil {
			return err
		}
		looks = looks[len(done):]
	}
	return nil
}
