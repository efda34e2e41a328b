package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/consistency"
)

const (
	// silent is how long a run may be silent before it counts as broken off.
	silent = 15 * time.Minute
	// kept is how long reports are kept.
	kept = 90 * 24 * time.Hour
	// keptShallow is how many of the checks from Postgres alone are kept.
	keptShallow = 200
)

// Consistency keeps the runs of consistency checks.
type Consistency struct {
	Pool         *Pool
	ConnectionID string
	NewID        func() string
	Now          func() time.Time
}

// Create stores a run that is queued; fault.Conflict, beside the other's id, while one is under way. One that went silent gives way.
func (c Consistency) Create(ctx context.Context, requestedBy string) (id string, err error) {
	for {
		id, err = c.create(ctx, requestedBy)
		if !errors.Is(err, pgx.ErrNoRows) { // else the one that was under way ended just then
			return id, err
		}
	}
}

func (c Consistency) create(ctx context.Context, requestedBy string) (id string, err error) {
	id = c.NewID()
	err = c.Pool.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
			update integration.consistency_runs set status = 'failed', finished_at = $2, error = 'It was broken off.'
			where connection_id = $1 and status in ('queued', 'running') and touched_at < clock_timestamp() - $3::interval`,
			c.ConnectionID, c.Now(), silent); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			insert into integration.consistency_runs (id, connection_id, deep, status, requested_by, created_at) values ($1, $2, true, 'queued', $3, $4)
			on conflict (connection_id) where status in ('queued', 'running') do nothing`, id, c.ConnectionID, requestedBy, c.Now())
		if err != nil || tag.RowsAffected() == 1 {
			return err
		}
		if err := tx.QueryRow(ctx, `select id from integration.consistency_runs where connection_id = $1 and status in ('queued', 'running')`,
			c.ConnectionID).Scan(&id); err != nil {
			return err
		}
		return fault.New(fault.Conflict, "A check against Notion is under way. GET /data-consistency shows how far it is.")
	})
	return id, Fault(err)
}

// Begin marks a run as running and gives it; fault.NotFound when there is none, fault.Conflict when it has ended.
func (c Consistency) Begin(ctx context.Context, id string) (consistency.Run, error) {
	run := consistency.Run{ID: id, Deep: true, Status: "running"}
	var ended bool
	err := c.Pool.QueryRow(ctx, `
		update integration.consistency_runs set touched_at = clock_timestamp(), status = case when finished_at is null then 'running' else status end
		where connection_id = $1 and id = $2 returning requested_by, created_at, finished_at is not null`, c.ConnectionID, id).
		Scan(&run.RequestedBy, &run.CreatedAt, &ended)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return run, fault.New(fault.NotFound, "There is no consistency check %s.", id)
	case err == nil && ended:
		return run, fault.New(fault.Conflict, "The consistency check %s has ended.", id)
	}
	return run, Fault(err)
}

// Progress stores how far a run is.
func (c Consistency) Progress(ctx context.Context, id string, p consistency.Progress) error {
	_, err := c.Pool.Exec(ctx, `
		update integration.consistency_runs set progress = $3, touched_at = clock_timestamp() where connection_id = $1 and id = $2`, c.ConnectionID, id, p)
	return Fault(err)
}

// checked is the data of consistency_checked.
type checked struct {
	RunID   string `json:"run_id"`
	Deep    bool   `json:"deep"`
	Status  string `json:"status"`
	Found   int    `json:"inconsistent_records"`
	Missing int    `json:"missing_records"`
	Error   string `json:"error,omitempty"`
}

// Finish stores how a run ended, and the event that says so. A check from Postgres alone is stored here as well; it makes an event when
// it found something else than the one before.
func (c Consistency) Finish(ctx context.Context, run consistency.Run) error {
	found, missing := run.Found()
	return Fault(c.Pool.InTx(ctx, func(tx pgx.Tx) error {
		var before *int
		if err := tx.QueryRow(ctx, `select (select found from integration.consistency_runs
			where connection_id = $1 and not deep and status = 'succeeded' order by created_at desc limit 1)`, c.ConnectionID).Scan(&before); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			insert into integration.consistency_runs as r (id, connection_id, deep, status, requested_by, created_at, finished_at, progress, results, found, error)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, nullif($11, ''))
			on conflict (id) do update set status = excluded.status, finished_at = excluded.finished_at, progress = excluded.progress,
				results = excluded.results, found = excluded.found, error = excluded.error where r.finished_at is null`,
			run.ID, c.ConnectionID, run.Deep, run.Status, run.RequestedBy, run.CreatedAt, run.FinishedAt, run.Progress, orEmpty(run.Results), found, run.Error); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			delete from integration.consistency_runs where connection_id = $1 and (created_at < $2 or id in (
				select id from integration.consistency_runs where connection_id = $1 and not deep order by created_at desc offset $3))`,
			c.ConnectionID, run.CreatedAt.Add(-kept), keptShallow); err != nil {
			return err
		}
		if !run.Deep && (before == nil && found == 0 || before != nil && *before == found) {
			return nil
		}
		return StoreEvents(ctx, tx, c.ConnectionID, event.Draft{
			Type: event.ConsistencyChecked, Source: event.Integration, Target: event.Integration,
			Data: checked{run.ID, run.Deep, run.Status, found, missing, run.Error},
		}.New(c.NewID(), run.FinishedAt))
	}))
}

func orEmpty(r []consistency.Result) []consistency.Result {
	if r == nil {
		return []consistency.Result{}
	}
	return r
}

// Latest returns the newest run that succeeded; fault.NotFound when there is none. UnderWay gives the one that is queued or running.
func (c Consistency) Latest(ctx context.Context, deep bool) (consistency.Run, error) {
	return c.one(ctx, `deep = $2 and status = 'succeeded' order by created_at desc limit 1`, deep)
}

// UnderWay returns the run that is queued or running and has not gone silent; fault.NotFound when none is.
func (c Consistency) UnderWay(ctx context.Context) (consistency.Run, error) {
	return c.one(ctx, `deep = $2 and status in ('queued', 'running') and touched_at >= clock_timestamp() - $3::interval`, true, silent)
}

func (c Consistency) one(ctx context.Context, which string, args ...any) (consistency.Run, error) {
	var run consistency.Run
	var finished *time.Time
	err := c.Pool.QueryRow(ctx, `
		select id::text, deep, status, requested_by, created_at, finished_at, progress, results, coalesce(error, '')
		from integration.consistency_runs where connection_id = $1 and `+which, append([]any{c.ConnectionID}, args...)...).
		Scan(&run.ID, &run.Deep, &run.Status, &run.RequestedBy, &run.CreatedAt, &finished, &run.Progress, &run.Results, &run.Error)
	if errors.Is(err, pgx.ErrNoRows) {
		return run, fault.New(fault.NotFound, "Nothing has been checked yet.")
	}
	if finished != nil {
		run.FinishedAt = *finished
	}
	return run, Fault(err)
}
