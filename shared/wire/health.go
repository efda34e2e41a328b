package wire

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/httpapi"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// checkTTL is how long the answer of a check of Notion stands: asking costs a request of the budget.
const checkTTL = 30 * time.Second

// Health answers GET /health. It answers whatever is away, so nothing has to be reached to make it.
func Health() http.Handler {
	return handler("health", func(_ context.Context, p parts) (http.Handler, error) {
		get := onFirstUse(func(ctx context.Context) (*pgxpool.Pool, error) { return p.pool(context.WithoutCancel(ctx), 2) })
		client := p.notion(p.budget(get, true))
		asked := remember(checkTTL, func(ctx context.Context) error {
			_, err := client.Me(ctx)
			if fault.KindOf(err) == fault.RateLimited {
				return nil // busy, not ill
			}
			return err
		})
		return p.api().Health(asked, supabase(get), statusOf{p, get}, httpapi.HealthSettings{
			Supabase: p.cfg.SupabaseURL != "" || p.cfg.AppSecretARN != "", Realtime: p.cfg.RealTimeSync,
		}), nil
	})
}

// supabase checks the database.
func supabase(get func(context.Context) (*pgxpool.Pool, error)) httpapi.Check {
	return func(ctx context.Context) error {
		pool, err := get(ctx)
		if err != nil {
			return err
		}
		return postgres.Status{Pool: pool}.Ping(ctx)
	}
}

// statusOf reads the sync's status from a database that may be away.
type statusOf struct {
	parts
	get func(context.Context) (*pgxpool.Pool, error)
}

// Read gives the status.
func (s statusOf) Read(ctx context.Context) (journal.Status, error) {
	pool, err := s.get(ctx)
	if err != nil {
		return journal.Status{}, err
	}
	return postgres.Status{Pool: pool, ConnectionID: config.DefaultConnection, Mapping: s.cfg.Mapping}.Read(ctx)
}

// remember has a check's answer stand for a while. What was cut short by the caller's own haste is not remembered.
func remember(ttl time.Duration, check httpapi.Check) httpapi.Check {
	var mu sync.Mutex
	var last error
	var until time.Time
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if time.Now().Before(until) {
			return last
		}
		err := check(ctx)
		if ctx.Err() != nil {
			return fault.Wrap(ctx.Err(), fault.Unavailable, "Notion does not answer in time")
		}
		last, until = err, time.Now().Add(ttl)
		return err
	}
}
