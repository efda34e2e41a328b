// Package gate finds out who is calling. It runs in the API's authorizer, before any other function sees the request.
package gate

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Keys looks API keys up.
type Keys interface {
	// Find gives the key with that id; fault.NotFound when there is none.
	Find(ctx context.Context, id string) (access.Key, error)
}

// Gate identifies callers, and remembers for TTL what it found out about a key: a revoked key is refused at the latest then.
type Gate struct {
	keys Keys
	ttl  time.Duration
	now  func() time.Time

	mu    sync.Mutex
	known map[string]entry
}

type entry struct {
	key   access.Key
	found bool
	until time.Time
}

// remembered is how many keys are remembered at the most.
const remembered = 1000

// New makes a Gate.
func New(keys Keys, ttl time.Duration, now func() time.Time) *Gate {
	return &Gate{keys: keys, ttl: ttl, now: now, known: map[string]entry{}}
}

// Identify says who presents themselves by the headers, given with lower-case names. fault.Unauthorized: nobody who is known.
func (g *Gate) Identify(ctx context.Context, headers map[string]string) (access.Principal, error) {
	presented := headers["x-api-key"]
	if presented == "" {
		scheme, rest, _ := strings.Cut(headers["authorization"], " ")
		if strings.EqualFold(scheme, "bearer") {
			presented = strings.TrimSpace(rest)
		}
	}
	if presented == "" {
		return access.Principal{}, access.Missing()
	}
	id, ok := access.KeyID(presented)
	if !ok {
		return access.Principal{}, access.Unknown()
	}
	key, err := g.find(ctx, id)
	if err != nil {
		return access.Principal{}, err
	}
	return access.Check(presented, key)
}

func (g *Gate) find(ctx context.Context, id string) (access.Key, error) {
	now := g.now()
	g.mu.Lock()
	e, ok := g.known[id]
	g.mu.Unlock()
	if !ok || now.After(e.until) {
		key, err := g.keys.Find(ctx, id)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return access.Key{}, err
		}
		e = entry{key: key, found: err == nil, until: now.Add(g.ttl)}
		g.remember(id, e)
	}
	if !e.found {
		return access.Key{}, access.Unknown()
	}
	return e.key, nil
}

// remember keeps an entry. When there are too many all are forgotten: that costs a look-up each, and needs no order.
func (g *Gate) remember(id string, e entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= remembered {
		clear(g.known)
	}
	g.known[id] = e
}
