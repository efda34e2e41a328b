// Package authorizer finds out who is calling, and whether they call too often. It runs in the API's authorizer, before any other function sees
// the request.
package authorizer

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Keys looks API keys up.
type Keys interface {
	// Find returns the key with that id; fault.NotFound when there is none.
	Find(ctx context.Context, id string) (access.Key, error)
	// Used notes that a key was used.
	Used(ctx context.Context, id string) error
}

// Tokens checks tokens of people who signed in.
type Tokens interface {
	// Verify says whose token it is; fault.Unauthorized when it is not good.
	Verify(ctx context.Context, token string) (access.Principal, error)
}

// Counter counts requests.
type Counter interface {
	// Count counts one more request of somebody in the current window, and gives how many there were and when the window ends.
	Count(ctx context.Context, who string) (n int, left time.Duration, err error)
}

// Config is what a Gate works with.
type Config struct {
	Keys    Keys
	Tokens  Tokens // nil: no tokens are good
	Counter Counter
	Limit   int           // requests of one caller in a window
	TTL     time.Duration // how long a key is remembered: a revoked one is refused at the latest then
	Now     func() time.Time
	Log     *slog.Logger
}

// Gate identifies callers.
type Gate struct {
	Config

	mu    sync.Mutex
	known map[string]entry
}

type entry struct {
	key   access.Key
	found bool
	used  bool
	until time.Time
}

// remembered is how many keys are remembered at the most.
const remembered = 1000

// New makes a Gate.
func New(c Config) *Gate { return &Gate{Config: c, known: map[string]entry{}} }

// Admit says who presents themselves by the headers, given with lower-case names, from an address. fault.Unauthorized: nobody who is known.
// fault.RateLimited: somebody who calls too often; who is not known is counted by address.
func (g *Gate) Admit(ctx context.Context, headers map[string]string, address string) (access.Principal, error) {
	caller, err := g.identify(ctx, headers)
	who := "client:" + caller.Client
	if err != nil {
		who = "address:" + address
	}
	if err := g.limit(ctx, who); err != nil {
		return access.Principal{}, err
	}
	return caller, err
}

// limit refuses somebody who calls too often. Where that cannot be counted nobody is refused: the function that is called needs the same
// database.
func (g *Gate) limit(ctx context.Context, who string) error {
	n, left, err := g.Counter.Count(ctx, who)
	if err != nil {
		g.Log.WarnContext(ctx, "requests cannot be counted", "error", err)
		return nil
	}
	if n <= g.Limit {
		return nil
	}
	often := fault.New(fault.RateLimited, "More than %d requests in a minute. Wait as long as Retry-After says.", g.Limit)
	often.RetryAfter = max(left, time.Second)
	return often
}

func (g *Gate) identify(ctx context.Context, headers map[string]string) (access.Principal, error) {
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
	if ok {
		return g.byKey(ctx, id, presented)
	}
	if g.Tokens != nil && strings.Count(presented, ".") == 2 {
		return g.Tokens.Verify(ctx, presented)
	}
	return access.Principal{}, access.Unknown()
}

func (g *Gate) byKey(ctx context.Context, id, presented string) (access.Principal, error) {
	e, err := g.find(ctx, id)
	if err != nil {
		return access.Principal{}, err
	}
	caller, err := access.Check(presented, e.key)
	if err != nil || e.used {
		return caller, err
	}
	e.used = true // whether or not it can be noted
	g.remember(id, e)
	if err := g.Keys.Used(ctx, id); err != nil {
		g.Log.WarnContext(ctx, "the use of a key cannot be noted", "key_id", id, "error", err)
	}
	return caller, nil
}

func (g *Gate) find(ctx context.Context, id string) (entry, error) {
	now := g.Now()
	g.mu.Lock()
	e, ok := g.known[id]
	g.mu.Unlock()
	if !ok || now.After(e.until) {
		key, err := g.Keys.Find(ctx, id)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return entry{}, err
		}
		e = entry{key: key, found: err == nil, until: now.Add(g.TTL)}
		g.remember(id, e)
	}
	if !e.found {
		return entry{}, access.Unknown()
	}
	return e, nil
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
