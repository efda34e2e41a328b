package notionsim

import (
	"math"
	"sync"
	"time"
)

// budget counts requests per connection in windows that begin with their first request. It is safe for concurrent use.
type budget struct {
	mu      sync.Mutex
	windows map[string]window
}

type window struct {
	begun time.Time
	spent int
}

// take spends one request of a connection's budget, and gives 0; or the seconds until the window ends where none is left.
func (b *budget) take(connection string, limit, seconds int, now time.Time) (wait int) {
	if limit == 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w, length := b.windows[connection], time.Duration(seconds)*time.Second
	if now.Sub(w.begun) >= length || now.Before(w.begun) {
		w = window{begun: now}
	}
	if w.spent >= limit {
		return int(math.Ceil((length - now.Sub(w.begun)).Seconds()))
	}
	w.spent++
	b.windows[connection] = w
	return 0
}

func (b *budget) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.windows = make(map[string]window)
}
