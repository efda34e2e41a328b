// Package breaker keeps calls from a service that does not answer.
package breaker

import (
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Config says when a Breaker opens and for how long.
type Config struct {
	Service  string        // as people call it: Notion
	Failures int           // in a row; 5 when zero
	Cooldown time.Duration // 30 s when zero
	Now      func() time.Time
	Shared   Shared // nil: the breaker is this process's own
}

// Shared is what processes tell each other. It answers at once, and says what it last knew when it cannot know better.
type Shared interface {
	// Look gives until when the breaker is open, zero when it is closed, and when somebody last closed it by hand.
	Look() (openUntil, resetAt time.Time)
	// Opened says that calls failed, and are refused until then.
	Opened(until time.Time)
	// Probe asks whether this process may be the one that tries; true where nobody can be asked.
	Probe() bool
	// Closed says that a probe was answered.
	Closed()
}

// Breaker is closed until so many attempts in a row failed; then it is open, and refuses, for the cooldown; then it is half open, and lets
// one attempt through, which closes or reopens it. It is safe for concurrent use.
type Breaker struct {
	Config
	mu       sync.Mutex
	failures int
	until    time.Time // open until then
	opened   bool      // it, or another, has opened and no probe has been answered since
	probing  bool
	resetAt  time.Time
}

// New makes a closed breaker.
func New(c Config) *Breaker {
	if c.Failures == 0 {
		c.Failures = 5
	}
	if c.Cooldown == 0 {
		c.Cooldown = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Breaker{Config: c}
}

// Outcome says what an attempt tells of the service's health.
type Outcome int

// The outcomes. An answer, even a refusal, is a sign of life.
const (
	Unknown Outcome = iota // it tells nothing
	Healthy
	Failed
)

// Allow lets an attempt through, whose outcome report must be told once, or gives a fault.Unavailable error with the wait.
func (b *Breaker) Allow() (report func(Outcome), err error) {
	if b.Shared != nil {
		b.take(b.Shared.Look())
	}
	b.mu.Lock()
	if !b.opened {
		b.mu.Unlock()
		return b.report, nil
	}
	left := b.until.Sub(b.Now())
	if left > 0 || b.probing {
		b.mu.Unlock()
		return nil, b.refusal(left)
	}
	b.probing = true
	b.mu.Unlock()
	if b.Shared != nil && !b.Shared.Probe() {
		b.endProbe()
		return nil, b.refusal(0)
	}
	return func(o Outcome) {
		b.report(o)
		b.endProbe()
	}, nil
}

func (b *Breaker) refusal(left time.Duration) error {
	return &fault.Error{Kind: fault.Unavailable, Message: b.Service + " has not answered lately; try again later.", RetryAfter: max(left, time.Second)}
}

func (b *Breaker) endProbe() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// take takes in what others know.
func (b *Breaker) take(openUntil, resetAt time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if resetAt.After(b.resetAt) {
		b.resetAt, b.failures, b.opened, b.until = resetAt, 0, false, time.Time{}
	}
	switch {
	case openUntil.After(b.until):
		b.opened, b.until = true, openUntil
	case openUntil.IsZero() && b.opened && !b.until.After(b.Now()): // somebody's probe was answered
		b.opened, b.failures = false, 0
	}
}

func (b *Breaker) report(o Outcome) {
	b.mu.Lock()
	var tell func()
	switch o {
	case Healthy:
		if b.opened && b.Shared != nil {
			tell = b.Shared.Closed
		}
		b.failures, b.opened = 0, false
	case Failed:
		if b.failures++; b.failures >= b.Failures || b.opened {
			until := b.Now().Add(b.Cooldown)
			b.opened, b.until = true, until
			if b.Shared != nil {
				tell = func() { b.Shared.Opened(until) }
			}
		}
	case Unknown:
	}
	b.mu.Unlock()
	if tell != nil {
		tell()
	}
}

// State is how a breaker stands.
type State struct {
	Service  string
	Status   string // Closed, Open or HalfOpen
	OpenedAt time.Time
	Until    time.Time
	// LastOpenedAt is when it last opened, also if it is closed by now; zero: never.
	LastOpenedAt time.Time
	Openings     int64
}

// The ways a breaker stands.
const (
	Closed   = "closed"
	Open     = "open"
	HalfOpen = "half_open"
)

// Status says how the breaker stands.
func (b *Breaker) Status() string {
	if b.Shared != nil {
		b.take(b.Shared.Look())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.opened:
		return Closed
	case b.until.After(b.Now()):
		return Open
	}
	return HalfOpen
}
