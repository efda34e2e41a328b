package authorizer_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/auth/authorizer"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// keys are keys in memory; it counts the look-ups.
type keys struct {
	kept    map[string]access.Key
	err     error
	lookups int
	used    []string
}

func (k *keys) Used(_ context.Context, id string) error {
	k.used = append(k.used, id)
	return errors.New("cannot be noted, which refuses nobody")
}

// counter counts in memory.
type counter struct {
	counts map[string]int
	err    error
}

func (c *counter) Count(_ context.Context, who string) (int, time.Duration, error) {
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[who]++
	return c.counts[who], 30 * time.Second, c.err
}

func newGate(k *keys, now func() time.Time) *authorizer.Gate {
	return authorizer.New(authorizer.Config{Keys: k, Counter: &counter{}, Limit: 1 << 20, TTL: time.Minute, Now: now, Log: slog.New(slog.DiscardHandler)})
}

func (k *keys) Find(_ context.Context, id string) (access.Key, error) {
	k.lookups++
	if k.err != nil {
		return access.Key{}, k.err
	}
	key, ok := k.kept[id]
	if !ok {
		return access.Key{}, fault.New(fault.NotFound, "none")
	}
	return key, nil
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	presented, kept, err := access.NewKey("desk", []access.Scope{access.Read}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _, _ := access.NewKey("stranger", nil, rand.Reader)
	for name, c := range map[string]struct {
		headers map[string]string
		known   bool
	}{
		"X-API-Key":             {map[string]string{"x-api-key": presented}, true},
		"Bearer":                {map[string]string{"authorization": "Bearer " + presented}, true},
		"bearer, small":         {map[string]string{"authorization": "bearer  " + presented}, true},
		"both, X-API-Key first": {map[string]string{"x-api-key": presented, "authorization": "Bearer x"}, true},
		"nothing":               {nil, false},
		"basic":                 {map[string]string{"authorization": "Basic " + presented}, false},
		"bearer of nothing":     {map[string]string{"authorization": "Bearer "}, false},
		"a stranger's":          {map[string]string{"x-api-key": stranger}, false},
		"no key at all":         {map[string]string{"x-api-key": "hello"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate(&keys{kept: map[string]access.Key{kept.ID: kept}}, time.Now)
			p, err := g.Admit(t.Context(), c.headers, "192.0.2.1")
			if c.known && (err != nil || p.Client != "desk") || !c.known && fault.KindOf(err) != fault.Unauthorized {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestGateRemembersForAWhile(t *testing.T) {
	t.Parallel()
	presented, kept, err := access.NewKey("desk", nil, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	store := &keys{kept: map[string]access.Key{kept.ID: kept}}
	g := newGate(store, func() time.Time { return now })
	headers := map[string]string{"x-api-key": presented}
	identify := func() error {
		_, err := g.Admit(t.Context(), headers, "192.0.2.1")
		return err
	}
	for range 3 {
		if err := identify(); err != nil {
			t.Fatal(err)
		}
	}
	if store.lookups != 1 || len(store.used) != 1 {
		t.Errorf("looked up %d times, noted as used %d times", store.lookups, len(store.used))
	}
	kept.RevokedAt = now
	store.kept[kept.ID] = kept
	now = now.Add(time.Minute + time.Second)
	if err := identify(); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("a revoked key is good for longer than it is remembered: %v", err)
	}
	store.err = fault.Wrap(errors.New("x"), fault.Unavailable, "Away.")
	now = now.Add(2 * time.Minute)
	if err := identify(); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("while the keys are away: %v", err)
	}
	store.err = nil
	for i := range 3000 { // a flood of unknown keys is looked up, and does not grow the memory for ever
		if _, err := g.Admit(t.Context(), map[string]string{"x-api-key": fmt.Sprintf("act_%016x_x", i)}, "192.0.2.1"); fault.KindOf(err) != fault.Unauthorized {
			t.Fatal(err)
		}
	}
}

// tokens knows one token.
type tokens struct{}

func (tokens) Verify(_ context.Context, token string) (access.Principal, error) {
	if token != "a.good.token" {
		return access.Principal{}, access.Unknown()
	}
	return access.Principal{Client: "user:1"}, nil
}

func TestPeople(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tokens    authorizer.Tokens
		presented string
		known     bool
	}{
		"a good token":               {tokens{}, "a.good.token", true},
		"another":                    {tokens{}, "a.bad.token", false},
		"thousands of dots":          {tokens{}, strings.Repeat(".", 5000), false},
		"where no tokens are good":   {nil, "a.good.token", false},
		"what is neither key nor it": {tokens{}, "hello", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := authorizer.New(authorizer.Config{Keys: &keys{}, Tokens: c.tokens, Counter: &counter{}, Limit: 1, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			p, err := g.Admit(t.Context(), map[string]string{"authorization": "Bearer " + c.presented}, "192.0.2.1")
			if c.known != (err == nil && p.Client == "user:1") || !c.known && fault.KindOf(err) != fault.Unauthorized {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

// Callers are counted by who they are, and those who are not known by where they come from.
func TestLimit(t *testing.T) {
	t.Parallel()
	count := &counter{}
	g := authorizer.New(authorizer.Config{Keys: &keys{}, Tokens: tokens{}, Counter: count, Limit: 3, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ask := func(token, address string) error {
		_, err := g.Admit(t.Context(), map[string]string{"authorization": "Bearer " + token}, address)
		return err
	}
	for range 3 {
		if err := ask("a.good.token", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		if err := ask("a.bad.token", "192.0.2.1"); fault.KindOf(err) != fault.Unauthorized {
			t.Fatal(err)
		}
	}
	for _, token := range []string{"a.good.token", "a.bad.token"} {
		if err := ask(token, "192.0.2.1"); fault.KindOf(err) != fault.RateLimited || fault.RetryAfter(err) != 30*time.Second {
			t.Errorf("%s: %v", token, err)
		}
	}
	if err := ask("a.bad.token", "192.0.2.2"); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("another address: %v", err)
	}
	count.err = errors.New("the database is away")
	if err := ask("a.good.token", "192.0.2.1"); err != nil {
		t.Errorf("where it cannot be counted: %v", err)
	}
}
