package notionsim

import (
	"sync"
	"time"
)

// Clock is Notion's clock. It runs with the clock beneath it until it is set, and stands still then. It is safe for concurrent
// use.
type Clock struct {
	beneath func() time.Time

	mu     sync.Mutex
	fixed  time.Time // zero while it runs
	offset time.Duration
	moved  func() // told after each change
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fixed.IsZero() {
		return c.fixed
	}
	return c.beneath().Add(c.offset)
}

// Set makes the clock stand at a time.
func (c *Clock) Set(t time.Time) { c.change(func() { c.fixed, c.offset = t, 0 }) }

// Advance moves the clock on, whether it runs or stands.
func (c *Clock) Advance(d time.Duration) {
	c.change(func() {
		if c.fixed.IsZero() {
			c.offset += d
		} else {
			c.fixed = c.fixed.Add(d)
		}
	})
}

// Real makes the clock run with the clock beneath it again.
func (c *Clock) Real() { c.change(func() { c.fixed, c.offset = time.Time{}, 0 }) }

// Running reports whether the clock runs.
func (c *Clock) Running() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fixed.IsZero()
}

func (c *Clock) change(do func()) {
	c.mu.Lock()
	do()
	c.mu.Unlock()
	c.moved()
}
