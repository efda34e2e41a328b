package engine

import (
	"context"
	"errors"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// errDeadline ends a part that has to go on in another invocation; errAwaited ends a batch, with what was done of it, because somebody
// waits for a look at the database.
var (
	errDeadline = errors.New("the function's time is nearly up")
	errAwaited  = errors.New("somebody waits")
)

// idleSegments is how many invocations in a row may end without anything stored before a part counts as failed, and a look is given up.
const idleSegments = 30

// onward returns the message with which another invocation goes on, and reports whether one may: stored says whether this one stored anything.
func onward(m journal.Message, stored bool) (next journal.Message, more bool) {
	if stored {
		m.Idle = 0
		return m, true
	}
	more = m.Idle < idleSegments
	m.Idle++
	return m, more
}

// clock is the time that an invocation has.
type clock struct {
	now     func() time.Time
	reserve time.Duration
	stop    time.Time // nothing new is begun after it; zero: there is no limit
	end     time.Time // calls are cut short at it, so that what they did can still be stored
}

// clockOf divides the time that is left. Of a short one, a third at the most is kept in reserve.
func clockOf(ctx context.Context, reserve time.Duration, now func() time.Time) clock {
	limit, ok := ctx.Deadline()
	if !ok {
		return clock{}
	}
	reserve = min(reserve, limit.Sub(now())/3)
	return clock{now: now, reserve: reserve, stop: limit.Add(-reserve), end: limit.Add(-reserve / 2)}
}

func (c clock) late() bool { return !c.stop.IsZero() && !c.now().Before(c.stop) }

// within returns a context that ends when calls are to be cut short.
func (c clock) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.end.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, c.end)
}

// after returns a context for storing what was done before a call was cut short.
func (c clock) after(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.end.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), c.end.Add(c.reserve/4))
}

// ranOut reports whether a part ended for want of time, or of requests, and not because something is wrong. Where Notion's limit is spent
// it waits, as long as the invocation may: so the next one does not come too soon.
func (c clock) ranOut(working context.Context, err error) bool {
	if errors.Is(err, errDeadline) {
		return true
	}
	if c.stop.IsZero() || err == nil {
		return false
	}
	if fault.KindOf(err) == fault.RateLimited {
		pause(working, min(fault.RetryAfter(err), c.stop.Sub(c.now())))
		return true
	}
	return errors.Is(context.Cause(working), context.DeadlineExceeded)
}

// mark is where a part was before a step.
type mark struct {
	checkpoint      journal.Checkpoint
	read            int
	through, listed time.Time
	learning        []string
	renames         []mapping.Rename
}

func (w *worker) mark() {
	w.began = mark{w.part.Checkpoint, w.part.Counts.Read, w.database.NotionThrough, w.database.ListedAt, w.database.Learning, w.database.Renames}
	w.completed.Store(false)
}

// rewind has the step's batch looked at again: only a part of it was worked on. What was done is seen to be.
func (w *worker) rewind() {
	w.part.Checkpoint, w.part.Counts.Read = w.began.checkpoint, w.began.read
	w.database.NotionThrough, w.database.ListedAt, w.database.Learning = w.began.through, w.began.listed, w.began.learning
	w.database.Renames = w.began.renames
}

// pause waits, and ends with the context.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
