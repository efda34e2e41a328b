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

	"github.com/act-platform/enhanced-integration/shared/breaker"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

const (
	// lookEvery is how long what is known of a shared breaker stands.
	lookEvery = time.Second
	// lookLimit is how long asking may take; who cannot ask goes by what it knew.
	lookLimit = 300 * time.Millisecond
	// restAfter is how long Postgres is left in peace after it did not answer.
	restAfter = 5 * time.Second
	// probeTime is how long a probe may take before another process may try.
	probeTime = 40 * time.Second
)

// SharedBreaker is what processes tell each other of a service that does not answer. How long it is left in peace goes by the database's
// clock, so that a process whose own is wrong keeps nobody from it. It satisfies breaker.Shared.
type SharedBreaker struct {
	ConnectionID string
	Service      string
	// Pool gives the database; nil while there is none.
	Pool func() *pgxpool.Pool
	Now  func() time.Time

	mu      sync.Mutex
	lookAt  time.Time
	until   time.Time
	resetAt time.Time
}

// Look gives what is known, at most a second old.
func (s *SharedBreaker) Look() (openUntil, resetAt time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if now.Before(s.lookAt) && s.lookAt.Sub(now) <= restAfter {
		return s.until, s.resetAt
	}
	s.lookAt = now.Add(lookEvery)
	var left *float64
	var reset *time.Time
	err := s.do(func(ctx context.Context, pool *pgxpool.Pool) error {
		return pool.QueryRow(ctx, `select extract(epoch from until - clock_timestamp())::float8, reset_at from breakers where connection_id = $1 and service = $2`,
			s.ConnectionID, s.Service).Scan(&left, &reset)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		s.until = time.Time{}
	case err != nil:
		s.lookAt = now.Add(restAfter)
	default:
		s.until = time.Time{}
		if left != nil {
			s.until = now.Add(time.Duration(*left * float64(time.Second)))
		}
		s.resetAt = timeOf(reset)
	}
	return s.until, s.resetAt
}

// Opened tells the others.
func (s *SharedBreaker) Opened(until time.Time) {
	s.know(until)
	_ = s.do(func(ctx context.Context, pool *pgxpool.Pool) error { // the others find out for themselves
		_, err := pool.Exec(ctx, `
			insert into breakers as b (connection_id, service, status, opened_at, until, last_opened_at, openings)
			select $1, $2, 'open', now, now + $3::interval, now, 1 from clock_timestamp() now
			on conflict (connection_id, service) do update set status = 'open', until = greatest(b.until, excluded.until), probe_until = null,
				opened_at = coalesce(b.opened_at, excluded.opened_at), last_opened_at = excluded.last_opened_at,
				openings = b.openings + case when b.until > clock_timestamp() then 0 else 1 end -- calls that were under way when it opened`,
			s.ConnectionID, s.Service, max(until.Sub(s.Now()), 0))
		return err
	})
}

// Probe asks whether this process may be the one that tries.
func (s *SharedBreaker) Probe() bool {
	mine := false
	err := s.do(func(ctx context.Context, pool *pgxpool.Pool) error {
		tag, err := pool.Exec(ctx, `
			update breakers set probe_until = clock_timestamp() + $3::interval
			where connection_id = $1 and service = $2 and status = 'open' and (probe_until is null or probe_until < clock_timestamp())`,
			s.ConnectionID, s.Service, probeTime)
		mine = tag.RowsAffected() == 1
		if err == nil && !mine { // closed meanwhile, or never shared
			return pool.QueryRow(ctx, `select not exists (select from breakers where connection_id = $1 and service = $2 and status = 'open')`,
				s.ConnectionID, s.Service).Scan(&mine)
		}
		return err
	})
	return err != nil || mine
}

// Closed tells the others.
func (s *SharedBreaker) Closed() {
	s.know(time.Time{})
	_ = s.do(func(ctx context.Context, pool *pgxpool.Pool) error { // the others find out for themselves
		_, err := pool.Exec(ctx, `
			update breakers set status = 'closed', until = null, probe_until = null, opened_at = null where connection_id = $1 and service = $2`,
			s.ConnectionID, s.Service)
		return err
	})
}

func (s *SharedBreaker) know(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = until
}

func (s *SharedBreaker) do(f func(context.Context, *pgxpool.Pool) error) error {
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

// Breakers lists and resets the breakers.
type Breakers struct {
	Pool         *pgxpool.Pool
	ConnectionID string
	Always       []string // the services that are listed whether or not their breaker ever opened
}

// List gives those that are always listed and those that ever opened, by service.
func (b Breakers) List(ctx context.Context) ([]breaker.State, error) {
	rows, err := b.Pool.Query(ctx, `
		select service, case when coalesce(status, 'closed') = 'closed' then 'closed' when until > clock_timestamp() then 'open' else 'half_open' end,
			opened_at, until, last_opened_at, coalesce(openings, 0)
		from (select * from breakers where connection_id = $1) b full join unnest($2::text[]) as always (service) using (service)
		order by service limit 500`, b.ConnectionID, b.Always)
	if err != nil {
		return nil, Fault(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s breaker.State, err error) {
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
		update breakers set status = 'closed', until = null, probe_until = null, opened_at = null, reset_at = clock_timestamp()
		where connection_id = $1 and service = $2`, b.ConnectionID, service)
	if err == nil && tag.RowsAffected() == 0 && !slices.Contains(b.Always, service) {
		return fault.New(fault.NotFound, "No breaker of that service has ever opened. GET /breakers lists those that have.")
	}
	return Fault(err)
}
