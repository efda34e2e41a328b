package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/telemetry/logging"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// BatchSize is how many records are worked on at a time: a page of Notion's results, and one round trip to Postgres.
const BatchSize = 100

// Work carries out the part of a run that m asks for. It may be given the same message again, at any time and any number of
// times: the key is the run and the kind, and a part that is done is not done again. The error is one to try the message
// again for; a sync that failed, and says so in its run, is none.
func (s *Syncer) Work(ctx context.Context, m journal.Message) error {
	kind, known := s.Connection.Mapping.Kind(m.Kind)
	if !known {
		return fault.New(fault.Invalid, "The mapping has no kind %q; the message cannot be worked on.", m.Kind)
	}
	ctx = logging.OfSync(ctx, m.RunID)
	ctx, span := trace.Start(ctx, "sync part", trace.Internal)
	span.Set(trace.Text("sync.id", m.RunID), trace.Text("sync.kind", m.Kind), trace.Number("sync.segment", int64(m.Segment)))
	err := s.work(ctx, m, kind)
	if fault.KindOf(err) == fault.Conflict && !m.Look {
		err = s.putBack(ctx, m, err)
	}
	span.End(failureOf(err))
	return err
}

// putBack notes that a part is to be handed over again, because another worker has its database. The message itself is done with: it would
// come back before the other one ends, and become a dead letter.
func (s *Syncer) putBack(ctx context.Context, m journal.Message, cause error) error {
	ctx = context.WithoutCancel(ctx)
	if err := s.Ledger.Queued(ctx, m.RunID, m.Kind, s.Now()); err != nil {
		return cause
	}
	s.Log.WarnContext(ctx, "another worker has the database; the schedule hands the sync over again", "kind", m.Kind, "error", cause)
	return nil
}

func (s *Syncer) work(ctx context.Context, m journal.Message, kind mapping.Kind) error {
	if m.Look {
		s.look(ctx, m, kind)
		return nil
	}
	part, err := s.Ledger.Begin(ctx, m.RunID, m.Kind, s.Now())
	if err != nil {
		return err
	}
	if part.Done {
		return nil
	}
	if m.Counts.Written() > part.Counts.Written() {
		part.Counts = m.Counts
	}
	return s.alone(ctx, kind.Name, func(working context.Context, lease journal.Lease, limit clock) error {
		return s.workOn(ctx, working, m, part, kind, lease, limit)
	})
}

// alone takes a database's lease, waiting for it where it must, and does something under it. working ends with the lease, and before the
// invocation's limit.
func (s *Syncer) alone(ctx context.Context, kind string, do func(working context.Context, lease journal.Lease, limit clock) error) error {
	limit := clockOf(ctx, s.Reserve, s.Now)
	lease, err := s.acquire(ctx, kind)
	if err != nil {
		return err
	}
	defer s.release(ctx, lease)
	within, cancel := limit.within(ctx)
	defer cancel()
	working, stop := s.hold(within, lease)
	defer stop()
	return do(working, lease, limit)
}

// workOn works on a part for as long as there is time, and then ends it or hands it on.
func (s *Syncer) workOn(ctx, working context.Context, m journal.Message, part journal.Part, kind mapping.Kind, lease journal.Lease, limit clock) error {
	tables := s.Tables(kind)
	if part.Run.DryRun {
		tables = s.Rehearsal(kind, m.RunID)
	}
	w := &worker{
		Syncer:  s,
		planner: s.planner(kind, part),
		lease:   lease,
		notion:  s.Notion(kind),
		tables:  tables,
		erred:   map[string]bool{},
		deleted: map[merge.Side]int{merge.Notion: part.Counts.PagesArchived, merge.Supabase: part.Counts.RowsArchived},
		time:    limit,
		log:     s.Log.With("kind", m.Kind),
	}
	err := w.run(working)
	next, more := onward(m, w.stored)
	switch {
	case more && limit.ranOut(working, err):
		next.Segment, next.Counts = m.Segment+1, w.part.Counts
		if err := s.Ledger.Queued(context.WithoutCancel(ctx), m.RunID, m.Kind, s.Now()); err != nil {
			return err
		}
		return s.Queue.Send(ctx, s.Connection.ID, next)
	case errors.Is(err, journal.ErrAway):
		return err // it goes on where it was once the database is back
	case err != nil:
		return s.fail(ctx, w, err)
	}
	return s.Ledger.Finish(ctx, lease, w.part, "", s.Now())
}

// fail ends the part and says why. What was committed stays; the next run goes on from there.
func (s *Syncer) fail(ctx context.Context, w *worker, cause error) error {
	w.log.ErrorContext(ctx, "sync failed", "error", cause)
	return s.Ledger.Finish(ctx, w.lease, w.part, fault.Message(cause), s.Now())
}

// acquire takes the lease. Where a worker died, its lease is still good for a little: that is waited for.
func (s *Syncer) acquire(ctx context.Context, kind string) (journal.Lease, error) {
	for {
		lease, err := s.Leases.Acquire(ctx, s.Connection.ID, kind, s.NewID())
		wait := fault.RetryAfter(err)
		if err == nil || wait == 0 {
			return lease, err
		}
		if pause(ctx, wait); ctx.Err() != nil {
			return journal.Lease{}, err
		}
	}
}

// hold renews the lease for as long as the work goes on; the context that it gives ends when the lease is lost.
func (s *Syncer) hold(ctx context.Context, lease journal.Lease) (context.Context, func()) {
	working, lost := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(lease.TTL / 3)
		defer tick.Stop()
		for {
			select {
			case <-working.Done():
				return
			case <-tick.C:
				if err := s.Leases.Renew(working, lease); fault.KindOf(err) == fault.Conflict {
					lost(err)
				}
			}
		}
	}()
	return working, func() { lost(nil); <-done }
}

func (s *Syncer) release(ctx context.Context, lease journal.Lease) {
	ctx = context.WithoutCancel(ctx)
	if err := s.Leases.Release(ctx, lease); err != nil {
		s.Log.WarnContext(ctx, "the lease was not given back; it ends by itself", "kind", lease.Kind, "error", err)
	}
}

// worker is one part being worked on.
type worker struct {
	*Syncer
	planner
	lease    journal.Lease
	notion   Notion
	tables   Tables
	database journal.Database
	size     int                       // live records in the base when the part began
	columns  map[string]journal.Column // that hold the fields
	fresh    bool                      // what is known of the database's fields is stored
	events   []event.Event             // for the next commit
	shown    []string                  // by the whole listing, where that was one answer
	deleted  map[merge.Side]int        // unasked, by this worker
	hasty    bool                      // somebody waits for what it does; it gives way to nobody
	deaf     bool                      // it looked for somebody, and could not
	retried  bool
	claimed  map[string]bool // pages that were made for intents that were left open
	erred    map[string]bool // rows of records that were counted among the errors
	asked    asked           // in this batch
	edits    edits           // that were taken in before a push
	room     room
	time     clock
	began    mark
	stored   bool      // something
	told     time.Time // when it last told how far it is
	// completed: the step has fetched a page whole
	completed atomic.Bool
	// unknown: of a write it is not known whether it was made. Nothing is planned until resume has looked into it.
	unknown atomic.Bool
	log     *slog.Logger
}

// run goes through the phases from where the part is.
func (w *worker) run(ctx context.Context) error {
	if err := w.locate(ctx); err != nil {
		return err
	}
	for _, first := range []func(context.Context) error{w.resume, w.lookAtDecided} {
		if err := w.givingWay(ctx, first); err != nil {
			return err
		}
	}
	if err := w.through(ctx); err != nil || !w.part.Run.Type.WritesPostgres() {
		return err
	}
	return w.tables.Link(ctx)
}

// through works on batches until there are no more.
func (w *worker) through(ctx context.Context) error {
	for w.part.Checkpoint.Phase != journal.Finished {
		if err := w.giveWay(ctx); err != nil {
			return err
		}
		if err := w.step(ctx); w.hide(ctx, err) {
			if err := w.givingWay(ctx, w.resume); err != nil { // of a write it may not be known whether it was made
				return err
			}
		} else if err != nil && !errors.Is(err, errAwaited) {
			return err
		}
	}
	return nil
}

// step works on one batch, and leaves the checkpoint where the next one begins.
func (w *worker) step(ctx context.Context) error {
	w.mark()
	w.progress()
	switch w.part.Checkpoint.Phase {
	case journal.Matching:
		return w.match(ctx)
	case journal.Renaming:
		return w.rename(ctx)
	case journal.Pulling:
		return w.pull(ctx)
	case journal.Missing:
		return w.lookForAbsent(ctx)
	case journal.Pushing:
		return w.push(ctx)
	default:
		return w.begin(ctx)
	}
}
