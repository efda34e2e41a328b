//go:build !race

// Package oracle holds the sync against a model of what people did on both sides, in histories that are drawn: edits, deletions and
// restores on either side, moves of the clock, syncs, and faults at every effect.
package oracle

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// trouble is what happens at an effect.
type trouble int

const (
	none        trouble = iota
	failBefore          // the effect does not happen, and the worker is told so
	failAfter           // the effect happens, and the worker is not told
	crashBefore         // the worker dies before it
	crashAfter          // the worker dies after it
	meanwhile           // a person does something just before it
	refuse              // Notion answers 503 to a call that it has carried out, or 429 to one that it has not
)

func (t trouble) String() string {
	return []string{"none", "failed before", "failed after", "crashed before", "crashed after", "a person meanwhile", "refused"}[t]
}

// endless is how many effects a sync of a few records never has.
const endless = 5000

// errCrashed is what a dead worker would not live to see.
var errCrashed = errors.New("the worker is dead")

// effects passes every effect of a worker on the world through one place, where trouble is made.
type effects struct {
	n       int // effects so far in this sync
	plan    map[int]trouble
	dead    bool
	person  func() // does something as a person
	made    map[trouble]int
	history int // effects so far in all
}

func (e *effects) begin(plan map[int]trouble, person func()) {
	e.n, e.plan, e.dead, e.person = 0, plan, false, person
}

// next returns the trouble at the next effect.
func (e *effects) next() trouble {
	t := e.plan[e.n]
	e.n++
	e.dead = e.dead || e.n == endless
	e.history++
	e.made[t]++
	if t == meanwhile {
		e.person()
	}
	return t
}

// run carries out an effect on Postgres or the queue, or what happens instead.
func (e *effects) run(do func() error) error {
	if e.dead {
		return errCrashed
	}
	switch e.next() {
	case failBefore, refuse:
		return fault.New(fault.Unavailable, "injected before")
	case crashBefore:
		e.dead = true
		return errCrashed
	case failAfter:
		return errors.Join(do(), fault.New(fault.Unavailable, "injected after"))
	case crashAfter:
		_ = do()
		e.dead = true
		return errCrashed
	case none, meanwhile:
	}
	return do()
}

// transport carries requests to the simulator without a network, as effects.
type transport struct {
	effects *effects
	notion  func() http.Handler
	sent    func(*http.Request) // told of each request before it is carried out
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.effects.dead {
		return nil, errCrashed
	}
	lost := errors.New("connection lost")
	what := t.effects.next()
	switch what {
	case failBefore:
		return nil, lost
	case crashBefore:
		t.effects.dead = true
		return nil, errCrashed
	case refuse:
		if t.effects.history%2 == 0 {
			return answer(r, http.StatusTooManyRequests, `{"object":"error","status":429,"code":"rate_limited","message":"slow down"}`), nil
		}
	case none, failAfter, crashAfter, meanwhile:
	}
	t.sent(r)
	w := httptest.NewRecorder()
	t.notion().ServeHTTP(w, r)
	switch what {
	case failAfter:
		return nil, lost
	case crashAfter:
		t.effects.dead = true
		return nil, errCrashed
	case refuse:
		return answer(r, http.StatusServiceUnavailable, `{"object":"error","status":503,"code":"service_unavailable","message":"try again"}`), nil
	case none, failBefore, crashBefore, meanwhile:
	}
	response := w.Result()
	response.Request = r
	return response, nil
}

func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}, "Retry-After": {"1"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}
}

// The Postgres side and the queue, each call an effect.

type leases struct {
	engine.Leases
	*effects
}

func (l leases) Acquire(ctx context.Context, connectionID, kind, owner string) (lease journal.Lease, err error) {
	err = l.run(func() (err error) { lease, err = l.Leases.Acquire(ctx, connectionID, kind, owner); return err })
	return lease, err
}

func (l leases) Release(ctx context.Context, lease journal.Lease) error {
	return l.run(func() error { return l.Leases.Release(ctx, lease) })
}

type ledger struct {
	engine.Ledger
	*effects
}

func (l ledger) Create(ctx context.Context, run journal.Run, kinds []string, idleSince time.Time) (underWay string, err error) {
	err = l.run(func() (err error) { underWay, err = l.Ledger.Create(ctx, run, kinds, idleSince); return err })
	return underWay, err
}

func (l ledger) Begin(ctx context.Context, runID, kind string, at time.Time) (part journal.Part, err error) {
	err = l.run(func() (err error) { part, err = l.Ledger.Begin(ctx, runID, kind, at); return err })
	return part, err
}

func (l ledger) Finish(ctx context.Context, lease journal.Lease, part journal.Part, reason string, at time.Time) error {
	return l.run(func() error { return l.Ledger.Finish(ctx, lease, part, reason, at) })
}

type tables struct {
	engine.Tables
	*effects
}

func (t tables) Database(ctx context.Context) (d *journal.Database, size int, err error) {
	err = t.run(func() (err error) { d, size, err = t.Tables.Database(ctx); return err })
	return d, size, err
}

func (t tables) Look(ctx context.Context, keys []journal.Key) (known []journal.Known, err error) {
	err = t.run(func() (err error) { known, err = t.Tables.Look(ctx, keys); return err })
	return known, err
}

func (t tables) Changed(ctx context.Context, after int64, limit int) (rowIDs []string, last int64, err error) {
	err = t.run(func() (err error) { rowIDs, last, err = t.Tables.Changed(ctx, after, limit); return err })
	return rowIDs, last, err
}

func (t tables) Left(ctx context.Context, after int64) (left int, err error) {
	err = t.run(func() (err error) { left, err = t.Tables.Left(ctx, after); return err })
	return left, err
}

func (t tables) Due(ctx context.Context, at time.Time, limit int) (keys []journal.Key, err error) {
	err = t.run(func() (err error) { keys, err = t.Tables.Due(ctx, at, limit); return err })
	return keys, err
}

func (t tables) Waiting(ctx context.Context, limit int) (keys []journal.Key, err error) {
	err = t.run(func() (err error) { keys, err = t.Tables.Waiting(ctx, limit); return err })
	return keys, err
}

func (t tables) Absent(ctx context.Context, runID string, shown []string, after string, limit int) (keys []journal.Key, err error) {
	err = t.run(func() (err error) { keys, err = t.Tables.Absent(ctx, runID, shown, after, limit); return err })
	return keys, err
}

func (t tables) Intended(ctx context.Context) (intents []journal.Intent, err error) {
	err = t.run(func() (err error) { intents, err = t.Tables.Intended(ctx); return err })
	return intents, err
}

func (t tables) Intend(ctx context.Context, lease journal.Lease, intents []journal.Intent) error {
	return t.run(func() error { return t.Tables.Intend(ctx, lease, intents) })
}

func (t tables) Commit(ctx context.Context, lease journal.Lease, batch journal.Batch) (outcomes []journal.Outcome, err error) {
	err = t.run(func() (err error) { outcomes, err = t.Tables.Commit(ctx, lease, batch); return err })
	return outcomes, err
}
