// Package cache remembers what is dear to ask for: in this process first, and behind it in a store that all functions share.
package cache

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

const (
	// lookEvery is how long the memory is trusted before it is asked what others have invalidated.
	lookEvery = 500 * time.Millisecond
	// storeLimit is how long the store may take; what it does not answer is asked of the source.
	storeLimit = 300 * time.Millisecond
	// restAfter is how long a store that did not answer is left in peace.
	restAfter = 5 * time.Second
	// patience is how long who misses an entry waits for another process that asks for it already.
	patience = 1100 * time.Millisecond
	// glance is how long it waits before it looks again whether the entry is there.
	glance = 100 * time.Millisecond
	// most is how many entries a process remembers.
	most = 1000
)

// Kind is a sort of entry.
type Kind struct {
	Name string
	TTL  time.Duration // how long an entry is fresh
	Keep time.Duration // how long it may be given after that, marked as stale, while its source is away
}

// Entry is what is remembered.
type Entry struct {
	Value      json.RawMessage
	StoredAt   time.Time
	FreshUntil time.Time
	KeepUntil  time.Time
}

// Place names an entry.
type Place struct{ Kind, Key string }

// Invalidation is what somebody declared void.
type Invalidation struct {
	Generation int64
	Kinds      []string
	Pattern    string // of keys, see Matches
}

// Store is shared by all functions.
type Store interface {
	// Get returns an entry, nil when there is none.
	Get(ctx context.Context, p Place) (*Entry, error)
	// Claim says that this process asks the source for an entry now; false while another does, for at most that long.
	Claim(ctx context.Context, p Place, long time.Duration) (bool, error)
	// Waive ends a claim of which no entry came.
	Waive(ctx context.Context, p Place) error
	// Put ends a claim, and keeps an entry that was asked for while the generation was the given one, unless something has been invalidated since.
	Put(ctx context.Context, p Place, e Entry, generation int64) error
	// Since returns what was invalidated after a generation, and the newest generation.
	Since(ctx context.Context, generation int64) ([]Invalidation, int64, error)
}

// Cache remembers. It is safe for concurrent use.
type Cache struct {
	store   func() Store // nil while there is none
	now     func() time.Time
	observe func(metric.Sample)

	mu         sync.Mutex
	entries    map[Place]Entry
	generation int64
	lookAt     time.Time
	restUntil  time.Time

	loads singleflight.Group // look-ups that others wait for, by place
}

// filled is what a look-up found.
type filled struct {
	value json.RawMessage
	info  Info
}

// Info says where an answer came from.
type Info struct {
	Outcome  string // metric.Hit, metric.Miss or metric.Stale
	StoredAt time.Time
}

// New makes an empty cache. store may give nil; the cache is then this process's own.
func New(store func() Store, now func() time.Time, observe func(metric.Sample)) *Cache {
	return &Cache{store: store, now: now, observe: observe, entries: map[Place]Entry{}}
}

// Get returns the entry of a key: from memory, from the store, or from load. Of several who ask at once, in this process or in others, one
// loads and the others wait.
// While the source is away (fault.Unavailable, fault.RateLimited), an entry that is no longer fresh is given, which info says.
func Get[T any](ctx context.Context, c *Cache, kind Kind, key string, load func(context.Context) (T, error)) (value T, info Info, err error) {
	began := c.now()
	raw, info, err := c.get(ctx, kind, Place{kind.Name, key}, func(ctx context.Context) (json.RawMessage, error) {
		v, err := load(ctx)
		if err != nil {
			return nil, err
		}
		return json.Marshal(v)
	})
	now := c.now()
	outcome := info.Outcome
	if err != nil {
		outcome = metric.Miss
	}
	c.observe(metric.Sample{Service: metric.Cache, Operation: kind.Name, Outcome: outcome, At: now, Duration: now.Sub(began)})
	if err != nil {
		return value, info, err
	}
	return value, info, json.Unmarshal(raw, &value)
}

func (c *Cache) get(ctx context.Context, kind Kind, p Place, load func(context.Context) (json.RawMessage, error)) (json.RawMessage, Info, error) {
	c.look(ctx)
	c.mu.Lock()
	if e, ok := c.entries[p]; ok && c.fresh(e) {
		c.mu.Unlock()
		return e.Value, Info{metric.Hit, e.StoredAt}, nil
	}
	generation := c.generation
	c.mu.Unlock()
	found := c.loads.DoChan(p.Kind+"\x00"+p.Key, func() (any, error) {
		value, info, err := c.fill(ctx, kind, p, generation, load)
		return filled{value, info}, err
	})
	select {
	case r := <-found:
		f, _ := r.Val.(filled)
		return f.value, f.info, r.Err
	case <-ctx.Done():
		return nil, Info{}, fault.Wrap(ctx.Err(), fault.Unavailable, "It took too long; try again.")
	}
}

// fill asks the store, and then the source.
func (c *Cache) fill(ctx context.Context, kind Kind, p Place, generation int64, load func(context.Context) (json.RawMessage, error)) (json.RawMessage, Info, error) {
	if e := c.stored(ctx, p); e != nil {
		c.remember(p, *e, generation)
		if c.fresh(*e) {
			return e.Value, Info{metric.Hit, e.StoredAt}, nil
		}
	}
	if e := c.turn(ctx, p); e != nil {
		c.remember(p, *e, generation)
		return e.Value, Info{metric.Hit, e.StoredAt}, nil
	}
	value, err := load(ctx)
	if err != nil {
		c.waive(ctx, p)
		return c.stale(p, err)
	}
	now := c.now()
	e := Entry{Value: value, StoredAt: now, FreshUntil: now.Add(kind.TTL), KeepUntil: now.Add(kind.TTL + kind.Keep)}
	if c.remember(p, e, generation) {
		c.ask(ctx, func(ctx context.Context, s Store) error { return s.Put(ctx, p, e, generation) })
	}
	return value, Info{metric.Miss, now}, nil
}

// turn waits until it is this process's turn to ask for an entry, at most as long as its patience, or gives what another process got.
func (c *Cache) turn(ctx context.Context, p Place) *Entry {
	for end := c.now().Add(patience); ; {
		mine, asked := true, false
		c.ask(ctx, func(ctx context.Context, s Store) (err error) {
			mine, err = s.Claim(ctx, p, patience)
			asked, mine = err == nil, mine || err != nil
			return err
		})
		if !asked {
			return nil
		}
		// Whoever had the turn may have put the entry there since it was last looked for, also if the turn is ours now.
		if e := c.stored(ctx, p); e != nil && c.fresh(*e) {
			if mine {
				c.waive(ctx, p)
			}
			return e
		}
		if mine || !c.now().Before(end) || !pause(ctx, glance) {
			return nil
		}
	}
}

func (c *Cache) waive(ctx context.Context, p Place) {
	c.ask(ctx, func(ctx context.Context, s Store) error { return s.Waive(ctx, p) })
}

// pause waits; false when the context ended before.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// stale returns an entry that is not fresh any more, when there is one and its source is away.
func (c *Cache) stale(p Place, cause error) (json.RawMessage, Info, error) {
	kind := fault.KindOf(cause)
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[p]
	if !ok || !c.now().Before(e.KeepUntil) || kind != fault.Unavailable && kind != fault.RateLimited {
		return nil, Info{}, cause
	}
	return e.Value, Info{metric.Stale, e.StoredAt}, nil
}

// fresh reports whether an entry's time is not over; one from the future, which a clock set back leaves, is not trusted.
func (c *Cache) fresh(e Entry) bool {
	now := c.now()
	return now.Before(e.FreshUntil) && !e.StoredAt.After(now.Add(time.Second))
}

// remember keeps an entry in memory, unless something was invalidated since it was asked for.
func (c *Cache) remember(p Place, e Entry, generation int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation {
		return false
	}
	if _, ok := c.entries[p]; !ok && len(c.entries) >= most {
		for other := range c.entries { // any
			c.evict(other)
			break
		}
	}
	c.entries[p] = e
	return true
}

func (c *Cache) evict(p Place) {
	delete(c.entries, p)
	c.observe(metric.Sample{Service: metric.Cache, Operation: p.Kind, Outcome: metric.Evicted, At: c.now()})
}

// look takes in what others have invalidated.
func (c *Cache) look(ctx context.Context) {
	c.mu.Lock()
	now := c.now()
	if now.Before(c.lookAt) && c.lookAt.Sub(now) <= lookEvery {
		c.mu.Unlock()
		return
	}
	c.lookAt = now.Add(lookEvery)
	since := c.generation
	c.mu.Unlock()
	c.ask(ctx, func(ctx context.Context, s Store) error {
		news, newest, err := s.Since(ctx, since)
		if err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.generation = max(c.generation, newest)
		for _, i := range news {
			for p := range c.entries {
				if i.voids(p) {
					c.evict(p)
				}
			}
		}
		return nil
	})
}

func (c *Cache) stored(ctx context.Context, p Place) (e *Entry) {
	c.ask(ctx, func(ctx context.Context, s Store) (err error) {
		e, err = s.Get(ctx, p)
		return err
	})
	return e
}

// ask asks the store, if there is one that answers.
func (c *Cache) ask(ctx context.Context, f func(context.Context, Store) error) {
	s := c.store()
	c.mu.Lock()
	now := c.now()
	resting := now.Before(c.restUntil) && c.restUntil.Sub(now) <= restAfter
	c.mu.Unlock()
	if s == nil || resting {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	if f(ctx, s) != nil {
		c.mu.Lock()
		c.restUntil = now.Add(restAfter)
		c.mu.Unlock()
	}
}
