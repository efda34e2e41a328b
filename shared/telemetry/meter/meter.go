// Package meter counts a function's calls in memory and stores them in batches, so that measuring costs a call no round trip.
package meter

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

const (
	// every is how long what was counted may wait for the end of an invocation that stores it.
	every = time.Second
	// after a store that failed, the next is not tried for this long: the database is away, and requests are not to wait for it.
	afterFailure = 10 * time.Second
	// limit is how long storing may take: whoever asked waits for it.
	limit = 500 * time.Millisecond
	// most is how many rows wait at the most; samples that would make more are not counted.
	most = 2000
)

// Store adds rows to what is stored.
type Store interface {
	Add(ctx context.Context, rows []metric.Row) error
}

// Meter counts calls. It is safe for concurrent use; its zero value is not usable.
type Meter struct {
	now      func() time.Time
	log      *slog.Logger
	embedded Embedded

	mu      sync.Mutex
	tally   metric.Tally // since the last flush
	waiting metric.Tally // written to the log, and not stored yet
	lost    int64
	nextAt  time.Time
	storing bool
}

// New makes a meter that says on log how many samples it had to give up, and writes what it counts as embedded metrics.
func New(now func() time.Time, log *slog.Logger, embedded Embedded) *Meter {
	return &Meter{now: now, log: log, embedded: embedded}
}

// Observe counts a sample, at the time that it has, or now.
func (m *Meter) Observe(s metric.Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.At.IsZero() {
		s.At = m.now()
	}
	if m.tally.Len()+m.waiting.Len() >= most {
		m.lost++
		return
	}
	m.tally.Add(s)
}

// Flush writes what was counted to the log and stores it, when it is time; with a nil store it waits for the next flush. It is called at
// the end of each invocation. What could not be stored waits for the next, its place in time unchanged.
func (m *Meter) Flush(ctx context.Context, store Store) {
	fresh, rows, lost := m.take()
	if lost > 0 {
		m.log.WarnContext(ctx, "calls were not measured: too much was waiting to be stored", "calls", lost)
	}
	if len(rows) == 0 {
		return
	}
	m.embedded.Write(ctx, fresh)
	wait := every
	if store != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		err := store.Add(ctx, rows)
		if err == nil {
			rows = nil
		} else {
			wait = afterFailure
			m.log.WarnContext(ctx, "measurements wait to be stored", "rows", len(rows), "error", err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.storing = false
	m.waiting.Merge(rows)
	m.nextAt = m.now().Add(wait)
}

// take returns what is new and what is to be stored now; none while it is not time.
func (m *Meter) take() (fresh, rows []metric.Row, lost int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	tooSoon := now.Before(m.nextAt) && m.nextAt.Sub(now) <= afterFailure // a clock set back does not stop the meter
	if m.storing || tooSoon || m.tally.Len()+m.waiting.Len() == 0 {
		return nil, nil, 0
	}
	fresh, lost = m.tally.Rows(), m.lost
	m.waiting.Merge(fresh)
	rows = m.waiting.Rows()
	m.tally, m.waiting, m.lost, m.storing = metric.Tally{}, metric.Tally{}, 0, true
	return fresh, rows, lost
}
