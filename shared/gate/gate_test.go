package gate_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/gate"
)

// keys are keys in memory; it counts the look-ups.
type keys struct {
	kept    map[string]access.Key
	err     error
	lookups int
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

func TestIdentify(t *testing.T) {
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
			g := gate.New(&keys{kept: map[string]access.Key{kept.ID: kept}}, time.Minute, time.Now)
			p, err := g.Identify(t.Context(), c.headers)
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
	g := gate.New(store, time.Minute, func() time.Time { return now })
	headers := map[string]string{"x-api-key": presented}
	identify := func() error {
		_, err := g.Identify(t.Context(), headers)
		return err
	}
	for range 3 {
		if err := identify(); err != nil {
			t.Fatal(err)
		}
	}
	if store.lookups != 1 {
		t.Errorf("looked up %d times", store.lookups)
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
		if _, err := g.Identify(t.Context(), map[string]string{"x-api-key": fmt.Sprintf("act_%016x_x", i)}); fault.KindOf(err) != fault.Unauthorized {
			t.Fatal(err)
		}
	}
}
