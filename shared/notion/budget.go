package notion

import (
	"context"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// WindowConfig says how many requests a Window allows in any stretch of Period.
type WindowConfig struct {
	Requests int
	Period   time.Duration
	Now      func() time.Time
	Wait     func(ctx context.Context, d time.Duration) error
}

// Window is a Budget that slides: no stretch of Period holds more than Requests, which may be spent in one burst. It
// serves in the order of asking, and is safe for concurrent use within one process.
//
// https://developers.notion.com/reference/request-limits
type Window struct {
	WindowConfig
	mu    sync.Mutex
	spent []time.Time // in the order of asking, which is that of time; reaches into the future for those who wait
}

// NewWindow makes a window from which nothing is spent.
func NewWindow(c WindowConfig) *Window {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = Wait
	}
	return &Window{WindowConfig: c}
}

// Take waits until n requests may be sent. It gives fault.RateLimited and the wait, at once and spending nothing, when
// the wait outlasts the context; fault.Invalid when n is more than the window ever allows; fault.Unavailable when the
// context ends while it waits, and then what it asked for counts as spent.
func (w *Window) Take(ctx context.Context, n int) error {
	if n > w.Requests {
		return fault.New(fault.Invalid, "%d requests at once are more than the budget of %d: ask for fewer.", n, w.Requests)
	}
	wait, err := w.reserve(ctx, n)
	if err != nil || wait == 0 {
		return err
	}
	return fault.Wrap(w.Wait(ctx, wait), fault.Unavailable, "The wait for Notion's limit on requests was cut short")
}

func (w *Window) reserve(ctx context.Context, n int) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Now()
	for len(w.spent) > 0 && !w.spent[0].Add(w.Period).After(now) {
		w.spent = w.spent[1:]
	}
	at := now
	if over := len(w.spent) + n - w.Requests; over > 0 {
		at = w.spent[over-1].Add(w.Period)
	}
	wait := at.Sub(now)
	if outlasts(ctx, wait) {
		return 0, &fault.Error{Kind: fault.RateLimited, Message: "Our share of Notion's limit on requests is spent; wait and try again.", RetryAfter: wait}
	}
	for range n {
		w.spent = append(w.spent, at)
	}
	return wait, nil
}
