package postgres

import (
	"context"
	"time"

	"github.com/act-platform/enhanced-integration/shared/notion/ratelimit"
)

// Budget keeps what all functions of a connection together spend of Notion's limit on requests: no stretch of a minute holds more than
// Requests, wherever it begins. The time is the database's, so that the functions' own clocks do not matter.
type Budget struct {
	Pool         *Pool
	ConnectionID string
	Requests     int // in a minute
	// Now is another clock than the database's, for tests; nil: none.
	Now func() time.Time
}

// Take returns requests and how long to wait before they may be sent; where that is longer than the ask's patience, it gives none.
// It is one round trip.
func (b Budget) Take(ctx context.Context, ask ratelimit.Ask) (time.Duration, error) {
	used := make([]int64, len(ask.Used))
	for i, ago := range ask.Used {
		used[i] = ago.Microseconds()
	}
	var now *time.Time
	if b.Now != nil {
		now = new(b.Now())
	}
	var wait int64
	err := b.Pool.QueryRow(ctx, `
		select integration.take_notion_requests($1::uuid, nullif($2, '')::uuid, nullif($3, '')::uuid, $4::bigint[], $5::integer, $6::boolean, $7::bigint,
			$8::integer, $9::integer, $10::bigint, $11::bigint, $12::timestamptz)`,
		b.ConnectionID, ask.Chunk, ask.Last, used, ask.Requests, ask.Interactive, ask.Patience.Microseconds(),
		b.Requests, ratelimit.Spare(b.Requests), (time.Minute + ratelimit.Travel).Microseconds(), ratelimit.Keep.Microseconds(), now).Scan(&wait)
	return time.Duration(wait) * time.Microsecond, Fault(err)
}
