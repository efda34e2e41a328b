package postgres

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
)

const (
	// lookEvery is how long what is known of a shared breaker stands.
	lookEvery = time.Second
	// lookLimit is how long asking may take; who cannot ask goes by what it knew.
	lookLimit = 300 * time.Millisecond
	// restAfter is how long Postgres is left in peace after it did not answer.
	restAfter = 5 * time.Second
)

// SharedBreaker is the state of a breaker that all processes have in common, a row of breakers. Waits go by the database's clock, so that a
// process whose own is wrong keeps nobody from the service. It satisfies breaker.Shared.
type SharedBreaker struct {
	ConnectionID string
	Service      string
	// Pool returns the database; nil while there is none.
	Pool func() *Pool
	Now  func() time.Time

	mu      sync.Mutex
	lookAt  time.Time
	state   breaker.State
	resetAt time.Time
}

// State returns what is known, at most a second old.
func (s *SharedBreaker) State() (state breaker.State, resetAt time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if now.Before(s.lookAt) && s.lookAt.Sub(now) <= restAfter {
		return s.state, s.resetAt
	}
	s.lookAt = now.Add(lookEvery)
	err := s.do(func(ctx context.Context, pool *Pool) error {
		stored, reset, err := s.read(ctx, pool, "")
		if err == nil {
			s.state, s.resetAt = stored, reset
		}
		return err
	})
	if err != nil {
		s.lookAt = now.Add(restAfter)
	}
	return s.state, s.resetAt
}

// Change has a decision made on the stored state and stores its outcome. While the database does not answer, it is made on what was known,
// and the others find out for themselves.
func (s *SharedBreaker) Change(decide func(breaker.State) breaker.State) breaker.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed breaker.State
	err := s.do(func(ctx context.Context, pool *Pool) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `insert into integration.breakers (connection_id, service, status) values ($1, $2, 'closed') on conflict do nothing`, s.ConnectionID, s.Service)
			if err != nil {
				return err
			}
			stored, reset, err := s.read(ctx, tx, "for update")
			if err != nil {
				return err
			}
			changed = decide(stored)
			s.resetAt = reset
			if changed == stored {
				return nil
			}
			return s.write(ctx, tx, changed)
		})
	})
	if err != nil {
		changed = decide(s.state)
	}
	s.state, s.lookAt = changed, s.Now().Add(lookEvery)
	return changed
}

// read returns the stored state, with times by this process's clock; a closed one where no row is.
func (s *SharedBreaker) read(ctx context.Context, db querier, lock string) (state breaker.State, resetAt time.Time, err error) {
	var left *float64
	var reset *time.Time
	err = db.QueryRow(ctx, `
		select status, extract(epoch from retry_at - clock_timestamp())::float8, cooldown, step, turn, granted, good, bad, reset_at
		from integration.breakers where connection_id = $1 and service = $2 `+lock, s.ConnectionID, s.Service).
		Scan(&state.Status, &left, &state.Cooldown, &state.Step, &state.Turn, &state.Granted, &state.Good, &state.Bad, &reset)
	if errors.Is(err, pgx.ErrNoRows) {
		return breaker.State{}, s.resetAt, nil
	}
	if left != nil {
		state.Until = s.Now().Add(time.Duration(*left * float64(time.Second)))
	}
	return state, timeOf(reset), err
}

// write stores a state. Whenever the breaker opens, also again, that is counted.
func (s *SharedBreaker) write(ctx context.Context, tx pgx.Tx, state breaker.State) error {
	var left *time.Duration
	if state.Status != breaker.Closed {
		wait := max(state.Until.Sub(s.Now()), 0)
		left = &wait
	}
	_, err := tx.Exec(ctx, `
		update integration.breakers set status = $3, retry_at = clock_timestamp() + $4::interval, cooldown = $5, step = $6, turn = $7, granted = $8, good = $9, bad = $10,
			opened_at = case when $3 <> 'closed' then coalesce(opened_at, clock_timestamp()) end,
			openings = openings + case when $3 = 'open' and status <> 'open' then 1 else 0 end,
			last_opened_at = case when $3 = 'open' and status <> 'open' then clock_timestamp() else last_opened_at end
		where connection_id = $1 and service = $2`,
		s.ConnectionID, s.Service, state.Status, left, state.Cooldown, state.Step, state.Turn, state.Granted, state.Good, state.Bad)
	return err
}

func (s *SharedBreaker) do(f func(context.Context, *Pool) error) error {
	pool := s.Pool()
	if pool == nil {
		return fault.New(fault.Unavailable, "There is no database yet.")
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookLimit)
	defer cancel()
	return f(unmeasured(ctx), pool)
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Guarded has a breaker keep from connecting to a database that does not answer. This breaker is a process's own: it cannot be shared
// through what is away.
func Guarded(b *breaker.Breaker) Option {
	return func(c *pgxpool.Config) {
		dial := c.ConnConfig.DialFunc
		c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			report, err := b.Allow()
			if err != nil {
				return nil, err
			}
			conn, err := dial(ctx, network, address)
			switch {
			case err == nil:
				report(breaker.Healthy)
			case errors.Is(ctx.Err(), context.Canceled):
				report(breaker.Unknown)
			default:
				report(breaker.Failed)
			}
			return conn, err
		}
	}
}

// HostService names the breaker of a subscriber's host.
func HostService(host string) string { return "subscriber:" + host }

// EndpointService names the breaker of a subscription's endpoint. Its address may hold a secret, so it is not in the name.
func EndpointService(subscriptionID string) string { return "subscription:" + subscriptionID }

// Breakers lists and resets the breakers.
type Breakers struct {
	Pool         *Pool
	ConnectionID string
	Always       []string // the services that are listed whether or not their breaker ever opened
}

// List returns those that are always listed and those that ever opened, by service.
func (b Breakers) List(ctx context.Context) ([]breaker.Summary, error) {
	rows, err := b.Pool.Query(ctx, `
		select service, case when coalesce(status, 'closed') = 'closed' then 'closed' when status = 'open' and retry_at > clock_timestamp() then 'open' else 'half_open' end,
			opened_at, case when status = 'open' then retry_at end, last_opened_at, coalesce(openings, 0)
		from (select * from integration.breakers where connection_id = $1) b full join unnest($2::text[]) as always (service) using (service)
		order by service limit 500`, b.ConnectionID, b.Always)
	if err != nil {
		return nil, Fault(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s breaker.Summary, err error) {
		var opened, until, last *time.Time
		err = row.Scan(&s.Service, &s.Status, &opened, &until, &last, &s.Openings)
		s.OpenedAt, s.Until, s.LastOpenedAt = timeOf(opened), timeOf(until), timeOf(last)
		return s, err
	})
	return list, Fault(err)
}

// Reset closes a breaker by hand: every function lets calls through again within a second. fault.NotFound when it is not always listed and
// never opened.
func (b Breakers) Reset(ctx context.Context, service string) error {
	tag, err := b.Pool.Exec(ctx, `
		update integration.breakers set status = 'closed', retry_at = null, opened_at = null, cooldown = '0', step = 0, granted = 0, good = 0, bad = 0, reset_at = clock_timestamp()
		where connection_id = $1 and service = $2`, b.ConnectionID, service)
	if err == nil && tag.RowsAffected() == 0 && !slices.Contains(b.Always, service) {
		return fault.New(fault.NotFound, "No breaker of that service has ever opened. GET /breakers lists those that have.")
	}
	return Fault(err)
}
