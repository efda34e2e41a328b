package syncrun

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/mapping"
	"github.com/act-platform/enhanced-integration/shared/merge"
	"github.com/act-platform/enhanced-integration/shared/record"
)

// deletionWindow is over how long deletions count together where they come one by one: a look has no run to count them in.
const deletionWindow = time.Hour

// Watcher keeps what somebody said has changed.
type Watcher interface {
	// Awake notes that a worker looks now.
	Awake(ctx context.Context) error
	// Looks gives the next pages that are to be looked at; Looked notes that they were.
	Looks(ctx context.Context, limit int) ([]journal.Look, error)
	Looked(ctx context.Context, looks []journal.Look) error
	// Deleted gives how many records were deleted on each side since a time.
	Deleted(ctx context.Context, since time.Time) (map[merge.Side]int, error)
}

// look takes in what somebody said has changed: the pages that Notion's webhooks named, and the rows that people changed. It is no
// run: it lists nothing as a whole, and what it cannot take in the next run finds by itself. So its message never comes again: it
// would hold up the database's others.
func (s *Syncer) look(ctx context.Context, kind mapping.Kind) {
	log := s.Log.With("kind", kind.Name)
	err := s.tryLook(ctx, kind, log)
	if errors.Is(err, errDeadline) {
		err = s.Queue.Send(ctx, s.Connection.ID, journal.Message{ConnectionID: s.Connection.ID, Kind: kind.Name, Look: true})
	}
	if err != nil {
		log.WarnContext(ctx, "what was noticed was not taken in; the next sync does it", "error", err)
	}
}

func (s *Syncer) tryLook(ctx context.Context, kind mapping.Kind, log *slog.Logger) error {
	tables := s.Tables(kind)
	if err := tables.Awake(ctx); err != nil {
		return err
	}
	return s.alone(ctx, kind.Name, func(working context.Context, lease journal.Lease, limit clock) error {
		w := &worker{
			Syncer: s, lease: lease, notion: s.Notion(kind), tables: tables, lens: record.Lens{Kind: kind},
			part: journal.Part{
				Run:  journal.Run{ID: uuid.Nil.String(), ConnectionID: s.Connection.ID, Type: journal.Incremental},
				Kind: kind.Name, Checkpoint: journal.Checkpoint{Phase: journal.Pushing},
			},
			retried: true, // which is a run's task
			time:    limit,
			log:     log,
		}
		return w.look(working)
	})
}

func (w *worker) look(ctx context.Context) error {
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
	for w.part.Checkpoint.Phase != journal.Finished {
		if err := w.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lookAt looks at pages, a few at a time so that little is asked for again when the time is up.
func (w *worker) lookAt(ctx context.Context, looks []journal.Look) error {
	for len(looks) > 0 {
		if w.time.late() {
			return errDeadline
		}
		few := looks[:min(atOnce, len(looks))]
		keys := make([]journal.Key, len(few))
		for i, l := range few {
			keys[i].PageID = l.PageID
		}
		done, err := w.verify(ctx, keys)
		if err != nil {
			return err
		}
		if err := w.tables.Looked(ctx, few[:len(done)]); err != nil {
			return err
		}
		looks = looks[len(done):]
	}
	return nil
}
