package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"sync"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// id is the id of the connection that the deps are for.
func (p deps) id() string { return p.settings.ConnectionID }

// of makes the deps of a connection. Everything that is made of them takes the connection from them: stores, tokens, budget, breaker,
// cache, trail and measurements.
func (p deps) of(s settings.Settings) deps {
	p.settings, p.cfg.Mapping = s, p.cfg.Mapping.Without(s.SetAside)
	return p
}

// requests returns how many requests the connection's workspace takes in a minute.
func (p deps) requests() int {
	if p.settings.Plan != "" {
		return p.settings.Plan.Requests()
	}
	return p.cfg.NotionBudget
}

// connection is the connection as its settings say; what the environment names is the first one's.
func (p deps) connection() engine.Connection {
	s := p.settings
	c := engine.Connection{
		ID: s.ConnectionID, Mapping: p.cfg.Mapping, DatabaseIDs: map[string]string{}, Rule: cmp.Or(s.Policy, merge.Newest),
		Limit: journal.Limit{Number: p.cfg.DeleteLimit, Share: p.cfg.DeleteShare},
	}
	if s.ConnectionID == config.DefaultConnection {
		maps.Copy(c.DatabaseIDs, p.cfg.DatabaseIDs)
	}
	maps.Copy(c.DatabaseIDs, s.Databases)
	return c
}

// rests reports whether the connection is let be: its workspace was disconnected, or never quite connected. The first one never rests, for
// it may have NOTION_TOKEN.
func (p deps) rests(ctx context.Context, pool *postgres.Pool) (bool, error) {
	if p.id() == config.DefaultConnection {
		return false, nil
	}
	granted, err := p.grants(pool).Find(ctx, p.id())
	if fault.KindOf(err) == fault.NotFound {
		return true, nil
	}
	return granted.Status == grant.Disconnected, err
}

// perConnection makes the handler of an HTTP function that answers each request for the connection that it names. create makes what
// answers for one connection.
func perConnection(function string, create func(p deps, pool *postgres.Pool) http.Handler) http.Handler {
	return handler(function, func(ctx context.Context, p deps) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.perConnection(pool, create), nil
	})
}

func (p deps) perConnection(pool *postgres.Pool, create func(p deps, pool *postgres.Pool) http.Handler) http.Handler {
	handlers := perConnectionCache[http.Handler]{create: func(its deps) http.Handler {
		answer := create(its, pool)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer.ServeHTTP(w, r.WithContext(its.onBehalf(r.Context())))
		})
	}}
	return p.api().PerConnection(func(ctx context.Context, id string) (http.Handler, error) {
		id = cmp.Or(id, config.DefaultConnection)
		is, err := postgres.Settings{Pool: pool}.Read(ctx, id)
		if err == nil {
			return handlers.of(p.of(is)), nil
		}
		// While the database is away, what was made before answers from what it remembers, or says so itself.
		if h, ok := handlers.last(id); ok && fault.KindOf(err) != fault.NotFound {
			return h, nil
		}
		return nil, err
	})
}

// perConnectionCache keeps what was made for each connection, until the connection's settings change.
type perConnectionCache[T any] struct {
	create func(deps) T
	mu     sync.Mutex
	kept   map[string]cachedFor[T]
}

type cachedFor[T any] struct {
	version int64
	it      T
}

// of returns it for the connection of p.
func (m *perConnectionCache[T]) of(p deps) T {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.kept[p.id()]
	if !ok || k.version != p.settings.Version {
		if m.kept == nil {
			m.kept = map[string]cachedFor[T]{}
		}
		k = cachedFor[T]{p.settings.Version, m.create(p)}
		m.kept[p.id()] = k
	}
	return k.it
}

// last returns what was last made for a connection, if anything was.
func (m *perConnectionCache[T]) last(connectionID string) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.kept[connectionID]
	return k.it, ok
}

// allConnections is what a function works with that looks after all connections.
type allConnections struct {
	deps
	db *postgres.Pool
}

// forMessages makes what such a function works with, on its first event.
func forMessages(connections int32) func(context.Context, deps) (allConnections, error) {
	return func(ctx context.Context, p deps) (allConnections, error) {
		pool, err := p.pool(context.WithoutCancel(ctx), connections)
		return allConnections{p, pool}, err
	}
}

// seldom makes such a function of an event that comes so seldom that all is made anew for each, and the database closed at the end.
func seldom(name string, connections int32, work func(context.Context, allConnections) error) func(context.Context, json.RawMessage) error {
	return func(ctx context.Context, event json.RawMessage) error {
		var db *postgres.Pool
		defer func() { // after what was counted was stored in it
			if db != nil {
				db.Close()
			}
		}()
		return function(name, trace.Internal, func(ctx context.Context, p deps) (allConnections, error) {
			all, err := forMessages(connections)(ctx, p)
			db = all.db
			return all, err
		}, func(ctx context.Context, all allConnections, _ json.RawMessage) error { return work(ctx, all) })(ctx, event)
	}
}

// each does something for one connection after the other, the oldest first. One that fails holds up none of the others.
func (e allConnections) each(ctx context.Context, do func(ctx context.Context, p deps) error) error {
	connections, err := postgres.Settings{Pool: e.db}.List(ctx)
	problems := []error{err}
	for _, c := range connections {
		p := e.of(c)
		problems = append(problems, do(p.onBehalf(ctx), p))
	}
	return errors.Join(problems...)
}
