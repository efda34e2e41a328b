// Package meter counts a function's calls in memory and stores them in batches, so that measuring costs a call no round trip.
package meter

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/metric"
)

const (
	// every is how long what was counted may wait for the end of an invocation that stores it.
	every = time.Second
	// after a store that failed, the next is not tried for this long: the database is away, and requests are not to wait for it.
	afterFailure = 10 * time.Second
	// limit is how long storing may take.
	limit = time.Second
	// most is how many rows wait at the most; samples that would make more are not counted.
	most = 2000
)

// Store adds rows to what is stored.
type Store interface {
	Add(ctx context.Context, rows []metric.Row) error
}

// Meter counts calls. It is safe for concurrent use; its zero value is not usable.
type Meter struct {
	now func() time.Time
	log *slog.Logger

	mu      sync.Mutex
	tally   metric.Tally
	lost    int64
	nextAt  time.Time
	storing bool
}

// New makes a meter that says on log how many samples it had to give up.
func New(now func() time.Time, log *slog.Logger) *Meter { return &Meter{now: now, log: log} }

// Observe counts a sample, at the time that it has, or now.
func (m *Meter) Observe(s metric.Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.At.IsZero() {
		s.At = m.now()
	}
	if m.tally.Len() >= most {
		m.lost++
		return
	}
	m.tally.Add(s)
}

// Flush stores what was counted, when it is time. It is called at the end of each invocation; what it cannot store waits for the next.
// Rows that were sent and whose answer was lost count as stored: rather too few than twice.
func (m *Meter) Flush(ctx context.Context, store Store) {
	rows, lost := m.take()
	if len(rows) == 0 {
		return
	}
	if lost > 0 {
		m.log.WarnContext(ctx, "calls were not measured: too much was waiting to be stored", "calls", lost)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := store.Add(ctx, rows)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.storing = false
	if err != nil {
		m.log.WarnContext(ctx, "measurements wait to be stored", "rows", len(rows), "error", err)
		m.tally.Merge(rows)
		m.nextAt = m.now().Add(afterFailure)
	}
}

// take gives what is to be stored now; none while it is not time.
func (m *Meter) take() (rows []metric.Row, lost int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	tooSoon := now.Before(m.nextAt) && m.nextAt.Sub(now) <= afterFailure // a clock set back does not stop the meter
	if m.storing || tooSoon || m.tally.Len() == 0 {
		return nil, 0
	}
	rows, lost = m.tally.Rows(), m.lost
	m.tally, m.lost, m.storing, m.nextAt = metric.Tally{}, 0, true, now.Add(every)
	return rows, lost
}
