package notion

import (
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// BreakerConfig says when a Breaker opens and for how long.
type BreakerConfig struct {
	Failures int           // in a row; 5 when zero
	Cooldown time.Duration // 30 s when zero
	Now      func() time.Time
}

// Breaker keeps calls from a Notion that does not answer. It is closed until so many attempts in a row failed; then it is
// open, and refuses, for the cooldown; then it is half open, and lets one attempt through, which closes or reopens it.
// Only lost connections, 5xx and answers that are no JSON count as failures. It is safe for concurrent use.
type Breaker struct {
	BreakerConfig
	mu       sync.Mutex
	failures int
	until    time.Time // open until then
	probing  bool
}

// NewBreaker makes a closed breaker.
func NewBreaker(c BreakerConfig) *Breaker {
	if c.Failures == 0 {
		c.Failures = 5
	}
	if c.Cooldown == 0 {
		c.Cooldown = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Breaker{BreakerConfig: c}
}

type outcome int

const (
	unknown outcome = iota // it tells nothing
	healthy
	failed
)

// Allow lets an attempt through, whose outcome report must be told once, or gives a fault.Unavailable error with the wait.
func (b *Breaker) Allow() (report func(outcome), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < b.Failures {
		return b.report, nil
	}
	if left := b.until.Sub(b.Now()); left > 0 || b.probing {
		return nil, &fault.Error{Kind: fault.Unavailable, Message: "Notion has not answered lately; try again later.", RetryAfter: max(left, time.Second)}
	}
	b.probing = true
	return func(o outcome) {
		b.report(o)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.probing = false
	}, nil
}

func (b *Breaker) report(o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch o {
	case healthy:
		b.failures = 0
	case failed:
		if b.failures++; b.failures >= b.Failures {
			b.until = b.Now().Add(b.Cooldown)
		}
	case unknown:
	}
}
