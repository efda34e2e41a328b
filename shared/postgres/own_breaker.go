package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
)

// OwnBreaker is how a process's breaker of Postgres itself went. What is away cannot be asked, so each process finds out for itself, and
// tells the others when it is back. It satisfies breaker.Shared.
type OwnBreaker struct {
	ConnectionID string
	Service      string
	Now          func() time.Time

	mu       sync.Mutex
	state    breaker.State
	resetAt  time.Time
	openings int // that nobody was told of
	last     time.Time
}

// State returns what this process knows.
func (b *OwnBreaker) State() (state breaker.State, resetAt time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state, b.resetAt
}

// Change keeps what decide makes of the state, and counts how often the breaker opens.
func (b *OwnBreaker) Change(decide func(breaker.State) breaker.State) breaker.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	had := b.state.Status
	b.state = decide(b.state)
	if b.state.Status == breaker.Open && had != breaker.Open {
		b.openings++
		b.last = b.Now()
	}
	return b.state
}

// Tell stores how often it opened since it was last told, over a pool that answers; until then it is kept.
func (b *OwnBreaker) Tell(ctx context.Context, pool *Pool) {
	b.mu.Lock()
	n, last := b.openings, b.last
	b.openings = 0
	b.mu.Unlock()
	if n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(unmeasured(context.WithoutCancel(ctx)), lookLimit)
	defer cancel()
	var reset *time.Time
	err := pool.QueryRow(ctx, `
		insert into integration.breakers as b (connection_id, service, status, last_opened_at, openings) values ($1, $2, 'closed', least($3, clock_timestamp()), $4)
		on conflict (connection_id, service) do update set last_opened_at = greatest(b.last_opened_at, excluded.last_opened_at), openings = b.openings + $4
		returning reset_at`, b.ConnectionID, b.Service, last, n).Scan(&reset)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.openings += n
		return
	}
	if at := timeOf(reset); at.After(b.resetAt) {
		b.resetAt, b.state = at, breaker.State{}
	}
}
