package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// healthLimits are how long each part of a look at the health may take, so that GET /health answers in two seconds whatever is away.
type healthLimits struct {
	answer time.Duration // everything that is looked at; 0: as long as the API waits
	ask    time.Duration // a look at Notion
	method time.Duration // the database, to say how Notion is told who we are; without it, it is told in time
	budget time.Duration // the budget, to say whether it has a request for the look
}

func inTwoSeconds() healthLimits {
	return healthLimits{ask: 1100 * time.Millisecond, method: 900 * time.Millisecond, budget: 200 * time.Millisecond}
}

// Health answers GET /health. It answers whatever is away, so nothing has to be reached to make it.
func Health() http.Handler {
	return handler("health", func(_ context.Context, p deps) (http.Handler, error) { return p.health(), nil })
}

func (p deps) health() http.Handler {
	get := onFirstUse(func(ctx context.Context) (*postgres.Pool, error) { return p.pool(context.WithoutCancel(ctx), 2) })
	guard, remembered, source := p.notionBreaker(), p.cache(), p.source()
	return p.api().Health(p.rememberedCheck(remembered, guard, source), database(get), statusOf{p, get, remembered}, api.HealthSettings{
		Notion: p.notionAuth(source), Supabase: p.cfg.SupabaseURL != "" || p.cfg.AppSecretARN != "", Realtime: p.cfg.RealTimeSync,
		Breakers: func(service string) string {
			if service == string(metric.Supabase) {
				return p.gauge.supabase.Status()
			}
			return guard.Status()
		},
		Limit: p.limits.answer,
	})
}

// database checks the database.
func database(get func(context.Context) (*postgres.Pool, error)) api.Check {
	return func(ctx context.Context) error {
		pool, err := get(ctx)
		if err != nil {
			return err
		}
		err = postgres.Status{Pool: pool}.Ping(ctx)
		if postgres.Refused(err) {
			return fault.Wrap(err, fault.Unauthorized, "%s", fault.Message(err))
		}
		return err
	}
}

// statusOf reads the sync's status from a database that may be away.
type statusOf struct {
	deps
	get        func(context.Context) (*postgres.Pool, error)
	remembered *cache.Cache
}

// Read returns the status of the first connection, which failed last as well where any other did: the health is of the whole.
func (s statusOf) Read(ctx context.Context) (journal.Status, error) {
	pool, err := s.get(ctx)
	if err != nil {
		return journal.Status{}, err
	}
	status, _, err := cache.Get(ctx, s.remembered, statusCache(), "sync", func(ctx context.Context) (journal.Status, error) {
		is, err := postgres.Settings{Pool: pool}.Read(ctx, s.id()) // they may name databases that the environment does not
		if err != nil {
			return journal.Status{}, err
		}
		status, err := s.of(is).status(pool).Read(ctx)
		if err != nil || status.LastFailed {
			return status, err
		}
		status.LastFailed, err = postgres.Settings{Pool: pool}.Failing(ctx)
		return status, err
	})
	return status, err
}

// available reports whether a budget has a request at once; else its place in the line is given back.
func (l healthLimits) available(ctx context.Context, budget *notion.Shared) bool {
	within, cancel := context.WithTimeout(ctx, l.budget)
	defer cancel()
	wait, err := budget.Ready(within, 1)
	if err == nil && wait <= 0 {
		return true
	}
	l.giveBack(ctx, budget)
	return false
}

// giveBack returns what is left of a chunk, or of a place in the line; else it comes back by itself.
func (l healthLimits) giveBack(ctx context.Context, budget *notion.Shared) {
	ctx, cancel := context.WithTimeout(ctx, l.budget)
	defer cancel()
	_ = budget.GiveBack(ctx)
}

// found is what a look at Notion found; an error too is an answer, and is remembered.
type found struct {
	Kind     fault.Kind `json:"kind"`
	Message  string     `json:"message"`
	NotAsked bool       `json:"not_asked,omitempty"` // Notion has not said so: it was not asked
}

func foundOf(err error) found {
	if err == nil {
		return found{}
	}
	return found{fault.KindOf(err), fault.Message(err), errors.Is(err, fault.ErrNotAsked)}
}

func (f found) err() error {
	if f.Message == "" {
		return nil
	}
	err := fault.New(f.Kind, "%s", f.Message)
	if f.NotAsked {
		return fault.NotAsked(err)
	}
	return err
}

// rememberedCheck looks at Notion, which costs a request of the budget: one look serves all functions for a while. While runs need all that is
// theirs, it is one of those that are left to people, and serves for longer.
func (p deps) rememberedCheck(c *cache.Cache, guard *breaker.Breaker, source *oauth.Source) api.Check {
	everybodys, peoples := p.budget(false), p.budget(true)
	look := func(budget *notion.Shared) func(context.Context) (found, error) {
		client := p.notionBehind(guard, source, budget)
		return func(ctx context.Context) (found, error) {
			_, err := client.Me(ctx)
			return foundOf(err), nil
		}
	}
	spare, needed := look(everybodys), look(peoples)
	return func(ctx context.Context) error {
		f, _, err := cache.Get(ctx, c, healthCache(), "notion", func(ctx context.Context) (found, error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.limits.ask) // others may wait for it
			defer cancel()
			if p.limits.available(ctx, everybodys) {
				defer p.limits.giveBack(ctx, everybodys)
				return spare(ctx)
			}
			f, _, err := cache.Get(ctx, c, busyCache(), "notion, while it is busy", needed)
			return f, err
		})
		if err != nil { // another call's look took too long; what Notion answers, an error too, is found
			return fault.NotAsked(err)
		}
		return f.err()
	}
}
