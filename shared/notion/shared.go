package notion

import (
	"context"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion/ratelimit"
)

// Bank keeps what all functions together spend of Notion's limit.
type Bank interface {
	// Take returns requests and how long to wait before they may be sent. Where that is longer than the ask's patience, nothing is
	// given.
	Take(ctx context.Context, ask ratelimit.Ask) (time.Duration, error)
}

// SharedConfig says how a Shared spends.
type SharedConfig struct {
	Bank     Bank
	Requests int // in a minute, of all functions together
	// Interactive: somebody waits for what these requests answer. They have a reserve, and need no bank when it is away.
	Interactive bool
	NewID       func() string
	Now         func() time.Time
	Wait        func(ctx context.Context, d time.Duration) error
}

// Shared is a Budget of which several functions spend together. It takes chunks from the bank and tells the bank, with the next one, when
// it sent what; so one round trip is due for several requests, and nothing is lost to guesses. It is safe for concurrent use.
type Shared struct {
	SharedConfig
	fallback *Window
	turn     chan struct{} // guards what follows; a channel, because callers in line may give up

	chunk       string // "" when there is nothing to tell
	left        int
	from, until time.Time // from when to when what is left may be sent
	sent        []time.Time
}

// NewShared makes a Shared that holds nothing yet.
func NewShared(c SharedConfig) *Shared {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = Wait
	}
	return &Shared{
		SharedConfig: c, turn: make(chan struct{}, 1),
		fallback: NewWindow(WindowConfig{Requests: ratelimit.Spare(c.Requests), Period: BudgetPeriod, Now: c.Now, Wait: c.Wait}),
	}
}

// Take waits until n requests may be sent, in the order of asking. It gives fault.RateLimited and the wait, spending nothing, when the wait
// outlasts the context; fault.Invalid when n is more than half the limit; fault.Unavailable when the context ends while it waits, or
// the bank cannot be reached.
func (s *Shared) Take(ctx context.Context, n int) error {
	if n > s.Requests/2 {
		return fault.New(fault.Invalid, "%d requests at once are more than half the budget of %d: ask for fewer.", n, s.Requests)
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	chunk := n
	if !s.Interactive {
		chunk = max(n, ratelimit.Chunk(s.Requests))
	}
	wait, err := s.ready(ctx, n, chunk)
	if err == nil && wait > 0 {
		err = fault.Wrap(s.Wait(ctx, wait), fault.Unavailable, "The wait for Notion's limit on requests was cut short")
	}
	if err != nil {
		if s.Interactive && fault.KindOf(err) == fault.Unavailable && ctx.Err() == nil {
			return s.fallback.Take(ctx, n)
		}
		return err
	}
	s.left -= n
	for range n {
		s.sent = append(s.sent, s.Now())
	}
	return nil
}

// Ready returns how long it takes until n requests may be sent, at most half the limit, and keeps them until then and [ratelimit.Keep] longer. Its
// errors are those of [Shared.Take].
func (s *Shared) Ready(ctx context.Context, n int) (time.Duration, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	n = min(n, max(s.Requests/2, 1))
	return s.ready(ctx, n, n)
}

// GiveBack tells the bank what was not used. Call it when nothing more is to be sent for a while; without it, what is left counts as
// sent.
func (s *Shared) GiveBack(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if s.chunk == "" {
		return nil
	}
	_, err := s.ask(ctx, ratelimit.Ask{})
	return err
}

func (s *Shared) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "The wait for Notion's limit on requests was cut short")
	}
}

func (s *Shared) leave() { <-s.turn }

// ready sees to it that n requests are there, asking for a chunk where they are not, and gives how long it takes until they may be sent.
func (s *Shared) ready(ctx context.Context, n, chunk int) (time.Duration, error) {
	if now := s.Now(); s.left >= n && now.Before(s.until) {
		return s.from.Sub(now), nil
	}
	ask := ratelimit.Ask{Chunk: s.NewID(), Requests: chunk, Interactive: s.Interactive, Patience: patience(ctx)}
	asked := s.Now()
	wait, err := s.ask(ctx, ask)
	if err != nil {
		return 0, err
	}
	if wait > ask.Patience {
		return 0, &fault.Error{Kind: fault.RateLimited, Message: "Our share of Notion's limit on requests is spent; wait and try again.", RetryAfter: wait}
	}
	s.chunk, s.left, s.from, s.until = ask.Chunk, ask.Requests, asked.Add(wait), asked.Add(wait+ratelimit.Keep)
	return wait, nil
}

// bankTime is how long an interactive caller waits for the bank.
const bankTime = 500 * time.Millisecond

// ask tells what was sent and asks for more. An answer that is lost does no harm: what was sent is told again.
func (s *Shared) ask(ctx context.Context, ask ratelimit.Ask) (time.Duration, error) {
	ask.Last = s.chunk
	now := s.Now()
	for _, at := range s.sent {
		ask.Used = append(ask.Used, now.Sub(at))
	}
	if s.Interactive {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, bankTime)
		defer cancel()
	}
	wait, err := s.Bank.Take(ctx, ask)
	if err != nil {
		return 0, err
	}
	s.chunk, s.left, s.sent = "", 0, nil
	return wait, nil
}

// patience is how long a context lasts.
func patience(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Hour
	}
	return max(0, time.Until(deadline))
}
