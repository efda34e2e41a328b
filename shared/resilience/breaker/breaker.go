// Package breaker keeps calls from a service that does not answer.
package breaker

import (
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Config says what a Breaker guards.
type Config struct {
	Service string // as people call it: Notion
	Rule    Rule
	Now     func() time.Time
	Shared  Shared // nil: the breaker is this process's own
}

// Shared is the state that processes have in common. It answers at once, and with what it last knew when it cannot know better.
type Shared interface {
	// State returns the state, and when somebody last closed the breaker by hand.
	State() (s State, resetAt time.Time)
	// Change stores what decide makes of the newest state, and returns it. No two changes overlap.
	Change(decide func(State) State) State
}

// Breaker is closed until the share of failures among the outcomes of a window is too high, by its Rule. Then it is open and refuses. After
// the cooldown it is half open: it lets a few attempts through, and more with each step that goes well, until the last one closes it. A
// step that fails opens it again, for longer. It is safe for concurrent use.
type Breaker struct {
	Config
	mu      sync.Mutex
	window  window
	resetAt time.Time
}

// New makes a closed breaker.
func New(c Config) *Breaker {
	c.Rule = c.Rule.filled()
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Shared == nil {
		c.Shared = &own{}
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
	s, granted, wait := b.look()
	if granted {
		return b.count, nil
	}
	if wait == 0 {
		s = b.Shared.Change(func(s State) State {
			s, granted, wait = b.Rule.grant(s, b.Now())
			return s
		})
	}
	switch {
	case !granted:
		return nil, &fault.Error{Kind: fault.Unavailable, Message: b.Service + " has not answered lately; try again later.", RetryAfter: max(wait, time.Second)}
	case s.closed():
		return b.count, nil
	}
	return func(o Outcome) {
		b.Shared.Change(func(now State) State { return b.Rule.told(now, s.Turn, o, b.Now()) })
	}, nil
}

// look reports whether the breaker is closed, or how long it refuses as far as is known; 0: it has to be asked.
func (b *Breaker) look() (s State, granted bool, wait time.Duration) {
	s, resetAt := b.Shared.State()
	b.mu.Lock()
	defer b.mu.Unlock()
	if resetAt.After(b.resetAt) {
		b.resetAt, b.window = resetAt, window{}
	}
	if s.closed() {
		return s, true, 0
	}
	b.window = window{} // of before it opened
	next, granted, wait := b.Rule.grant(s, b.Now())
	if !granted && next.Status == HalfOpen {
		wait = time.Second
	}
	return s, false, wait
}

// count takes in the outcome of an attempt that was made while the breaker was closed.
func (b *Breaker) count(o Outcome) {
	if o == Unknown {
		return
	}
	b.mu.Lock()
	opens := b.window.add(o == Failed, b.Now(), b.Rule)
	if opens {
		b.window = window{}
	}
	b.mu.Unlock()
	if opens {
		b.Shared.Change(func(s State) State { return b.Rule.open(s, b.Now()) })
	}
}

// Status returns the breaker's status.
func (b *Breaker) Status() string {
	s, _ := b.Shared.State()
	switch {
	case s.closed():
		return Closed
	case s.Status == Open && s.Until.After(b.Now()):
		return Open
	}
	return HalfOpen
}

// own is the state of a breaker that one process has for itself.
type own struct {
	mu    sync.Mutex
	state State
}

func (o *own) State() (State, time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state, time.Time{}
}

func (o *own) Change(decide func(State) State) State {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.state = decide(o.state)
	return o.state
}

// Summary is how a breaker is shown to people.
type Summary struct {
	Service  string
	Status   string // Closed, Open or HalfOpen
	OpenedAt time.Time
	Until    time.Time // while open
	// LastOpenedAt is when it last opened, also if it is closed by now; zero: never.
	LastOpenedAt time.Time
	Openings     int64
}
