package postgres

import (
	"context"
	"time"
)

// Windows counts callers' requests, by the minute of the database's clock.
type Windows struct{ Pool *Pool }

// Count counts one more request of somebody in the current minute, and gives how many there were and how much is left of it.
func (w Windows) Count(ctx context.Context, who string) (n int, left time.Duration, err error) {
	err = w.Pool.QueryRow(ctx, `
		insert into integration.caller_windows as w (caller, started_at, requests) values (left($1, 200), date_trunc('minute', now()), 1)
		on conflict (caller) do update set
			requests = case when w.started_at = excluded.started_at then w.requests + 1 else 1 end, started_at = excluded.started_at
		returning requests, started_at + interval '1 minute' - now()`, who).Scan(&n, &left)
	return n, left, Fault(err)
}

// Forget deletes the counts of callers who have been quiet for an hour.
func (w Windows) Forget(ctx context.Context) error {
	_, err := w.Pool.Exec(ctx, `delete from integration.caller_windows where started_at < now() - interval '1 hour'`)
	return Fault(err)
}
