package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// Ledger keeps the runs and their parts.
type Ledger struct {
	Pool  *Pool
	NewID func() string
}

// Create stores a run that is queued. Where there is one of its type and scope already it gives that one's id: with fault.Conflict while
// somebody works on it, or was asked to after idleSince; else it counts as handed over again.
func (l Ledger) Create(ctx context.Context, run journal.Run, kinds []string, idleSince time.Time) (underWay string, err error) {
	for {
		underWay, err = l.create(ctx, run, kinds, idleSince)
		if !errors.Is(err, pgx.ErrNoRows) { // else the one that was under way ended just then
			return underWay, err
		}
	}
}

func (l Ledger) create(ctx context.Context, run journal.Run, kinds []string, idleSince time.Time) (underWay string, err error) {
	idle := false
	err = l.transact(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			insert into integration.sync_runs (id, connection_id, type, scope, requested_by, created_at, dry_run) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (connection_id, type, scope, dry_run) where status in ('queued', 'running') do nothing`,
			run.ID, run.ConnectionID, run.Type, run.Scope, run.RequestedBy, run.CreatedAt, run.DryRun)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			if err := tx.QueryRow(ctx, `
				select id from integration.sync_runs where connection_id = $1 and type = $2 and scope = $3 and dry_run = $4 and status in ('queued', 'running') for update`,
				run.ConnectionID, run.Type, run.Scope, run.DryRun).Scan(&underWay); err != nil {
				return err
			}
			again, err := tx.Exec(ctx, `
				update integration.sync_run_databases p set requeued_at = $2 where p.run_id = $1 and p.status in ('queued', 'running')
				and not exists (select from integration.sync_run_databases o join integration.sync_runs r on r.id = o.run_id
					where o.run_id = $1 and r.connection_id = $4 and o.status in ('queued', 'running') and not `+idlePart("o", "$3", "$2")+`)`,
				underWay, run.CreatedAt, idleSince, run.ConnectionID)
			if idle = again.RowsAffected() > 0; err != nil || !idle {
				return err
			}
			// Databases that were set up since the run began have a part in it as well.
			_, err = tx.Exec(ctx, `
				insert into integration.sync_run_databases (run_id, kind, queued_at) select $1, unnest($2::text[]), $3 on conflict do nothing`, underWay, kinds, run.CreatedAt)
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into integration.sync_run_databases (run_id, kind, queued_at) select $1, unnest($2::text[]), $3`,
			run.ID, kinds, run.CreatedAt)
		return err
	})
	if err == nil && underWay != "" && !idle {
		err = fault.New(fault.Conflict, "A %s %s is already under way. Wait for it to end; GET /sync/status shows how far it is.", run.Type, run.Noun())
	}
	return underWay, err
}

// Begin marks a part as running, and its run with it.
func (l Ledger) Begin(ctx context.Context, runID, kind string, at time.Time) (part journal.Part, err error) {
	err = l.transact(ctx, func(tx pgx.Tx) error {
		var status string
		err := tx.QueryRow(ctx, `
			select p.status, p.checkpoint, p.counts, coalesce(p.started_at, $3), r.id, r.connection_id, r.type, r.dry_run, r.requested_by, r.created_at
			from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
			where p.run_id = $1 and p.kind = $2 for update`, runID, kind, at).
			Scan(&status, &part.Checkpoint, &part.Counts, &part.StartedAt, &part.Run.ID, &part.Run.ConnectionID, &part.Run.Type, &part.Run.DryRun,
				&part.Run.RequestedBy, &part.Run.CreatedAt)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.NotFound, "There is no sync %s of %s.", runID, kind)
		}
		part.Kind, part.Done = kind, status == "succeeded" || status == "failed"
		if err != nil || part.Done {
			return err
		}
		if _, err := tx.Exec(ctx, `
			update integration.sync_run_databases set status = 'running', started_at = coalesce(started_at, $3)
			where run_id = $1 and kind = $2`, runID, kind, at); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			update integration.sync_runs set status = 'running', started_at = $2 where id = $1 and status = 'queued'`, runID, at)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return StoreEvents(ctx, tx, part.Run.ConnectionID, event.Draft{
			Type: event.SyncStarted, Source: event.Integration, Target: event.Integration,
			Data: runData{SyncID: runID, Type: part.Run.Type, DryRun: part.Run.DryRun, RequestedBy: part.Run.RequestedBy},
		}.New(l.NewID(), at))
	})
	return part, err
}

// runData is the data of sync_started, sync_completed and sync_failed.
type runData struct {
	SyncID      string              `json:"sync_id"`
	Type        journal.Type        `json:"sync_type"`
	DryRun      bool                `json:"dry_run,omitempty"`
	RequestedBy string              `json:"requested_by"`
	DurationMS  int64               `json:"duration_ms,omitempty"`
	Databases   map[string]partData `json:"databases,omitempty"`
}

type partData struct {
	Status string         `json:"status"`
	Error  string         `json:"error,omitempty"`
	Counts journal.Counts `json:"counts"`
}

// SavePart stores how far a part is; it belongs into the transaction that stores what it did.
func SavePart(ctx context.Context, tx pgx.Tx, part journal.Part) error {
	_, err := tx.Exec(ctx, `update integration.sync_run_databases set checkpoint = $3, counts = $4 where run_id = $1 and kind = $2`,
		part.Run.ID, part.Kind, part.Checkpoint, part.Counts)
	return err
}

// Finish ends a part, and with the last part its run.
func (l Ledger) Finish(ctx context.Context, lease journal.Lease, part journal.Part, reason string, at time.Time) error {
	status := "succeeded"
	if reason != "" {
		status = "failed"
	}
	return l.transact(ctx, func(tx pgx.Tx) error {
		if err := Fence(ctx, tx, lease); err != nil {
			return err
		}
		// The run's row first: two parts that end at once take turns, and the later one sees the other's end.
		if _, err := tx.Exec(ctx, `select 1 from integration.sync_runs where id = $1 for update`, part.Run.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			update integration.sync_run_databases set status = $3, error = nullif($4, ''), counts = $5, finished_at = $6
			where run_id = $1 and kind = $2`, part.Run.ID, part.Kind, status, reason, part.Counts, at); err != nil {
			return err
		}
		for _, scratch := range []string{"sync_listed_pages", "sync_match_pages", "sync_match_rows"} {
			if _, err := tx.Exec(ctx, `delete from integration.`+scratch+` where run_id = $1 and kind = $2`, part.Run.ID, part.Kind); err != nil {
				return err
			}
		}
		return l.finishRun(ctx, tx, part.Run, at)
	})
}

func (l Ledger) finishRun(ctx context.Context, tx pgx.Tx, run journal.Run, at time.Time) error {
	rows, err := tx.Query(ctx, `select kind, status, coalesce(error, ''), counts from integration.sync_run_databases where run_id = $1`, run.ID)
	if err != nil {
		return err
	}
	done, failed := true, false
	data := runData{SyncID: run.ID, Type: run.Type, DryRun: run.DryRun, RequestedBy: run.RequestedBy, Databases: map[string]partData{}}
	var kind string
	var p partData
	_, err = pgx.ForEachRow(rows, []any{&kind, &p.Status, &p.Error, &p.Counts}, func() error {
		done = done && (p.Status == "succeeded" || p.Status == "failed")
		failed = failed || p.Status == "failed"
		data.Databases[kind] = p
		p = partData{}
		return nil
	})
	if err != nil || !done {
		return err
	}
	status, ended := "succeeded", event.SyncCompleted
	if failed {
		status, ended = "failed", event.SyncFailed
	}
	var started time.Time
	if err := tx.QueryRow(ctx, `
		update integration.sync_runs set status = $2, started_at = coalesce(started_at, $3), finished_at = $3 where id = $1 returning started_at`,
		run.ID, status, at).Scan(&started); err != nil {
		return err
	}
	data.DurationMS = at.Sub(started).Milliseconds()
	return StoreEvents(ctx, tx, run.ConnectionID, event.Draft{
		Type: ended, Source: event.Integration, Target: event.Integration, Data: data,
	}.New(l.NewID(), at))
}

// Last returns when a connection's last sync of a type was asked for, by the schedule or of all databases; zero for never. What somebody asks for
// of some databases says nothing of the others, and one that failed is as none.
func (l Ledger) Last(ctx context.Context, connectionID string, t journal.Type) (time.Time, error) {
	var at *time.Time
	err := l.Pool.QueryRow(ctx, `select max(created_at) from integration.sync_runs where connection_id = $1 and type = $2 and not dry_run
		and (scope = '' or requested_by = $3) and status <> 'failed'`, connectionID, t, journal.BySchedule).Scan(&at)
	if err != nil || at == nil {
		return time.Time{}, Fault(err)
	}
	return *at, nil
}

// idlePart returns the condition under which nobody works on part p of run r, and nobody was asked to between a time and now. What a clock that
// was ahead noted says nothing.
func idlePart(p, since, now string) string {
	return `(coalesce(` + p + `.requeued_at, ` + p + `.queued_at) not between ` + since + ` and ` + now + `::timestamptz + interval '1 minute' and not exists (select from integration.sync_leases l
		where l.connection_id = r.connection_id and l.kind = ` + p + `.kind and l.expires_at > clock_timestamp()))`
}

// stalledSince returns SQL for when somebody last worked on, or was first asked to work on, what of a kind's syncs is not done; nothing while
// somebody works. A dry run that waits keeps nothing out of step.
func stalledSince(kind string) string {
	return `select min(greatest(p.queued_at, l.expires_at)) from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
		left join integration.sync_leases l on l.connection_id = r.connection_id and l.kind = p.kind
		where r.connection_id = $1 and not r.dry_run and p.kind = ` + kind + ` and p.status in ('queued', 'running') and coalesce(l.expires_at, '-infinity') <= clock_timestamp()`
}

// Queued notes that a part waits for a worker from now on.
func (l Ledger) Queued(ctx context.Context, runID, kind string, at time.Time) error {
	_, err := l.Pool.Exec(ctx, `
		update integration.sync_run_databases set queued_at = $3, requeued_at = null where run_id = $1 and kind = $2 and status in ('queued', 'running')`, runID, kind, at)
	return Fault(err)
}

// Busy returns the kinds of which a part of a run of that type is not done.
func (l Ledger) Busy(ctx context.Context, connectionID string, t journal.Type) ([]string, error) {
	return l.kinds(ctx, `
		select distinct p.kind from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
		where r.connection_id = $1 and r.type = $2 and not r.dry_run and p.status in ('queued', 'running')`, connectionID, t)
}

// Waiting returns the kinds with records that wait for a lock of somebody else's to go.
func (l Ledger) Waiting(ctx context.Context, connectionID string) ([]string, error) {
	return l.kinds(ctx, `select distinct kind from integration.sync_errors where connection_id = $1 and waits`, connectionID)
}

func (l Ledger) kinds(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := l.Pool.Query(ctx, sql+` order by 1`, args...)
	if err != nil {
		return nil, Fault(err)
	}
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return kinds, Fault(err)
}

// Lost returns the parts of runs on which nobody works, and nobody was asked to after idleSince: their message was lost, or their worker died.
// They count as handed over at at.
func (l Ledger) Lost(ctx context.Context, connectionID string, idleSince, at time.Time) ([]journal.Message, error) {
	rows, err := l.Pool.Query(ctx, `
		with lost as (
			update integration.sync_run_databases p set requeued_at = $3 from integration.sync_runs r
			where r.id = p.run_id and r.connection_id = $1 and p.status in ('queued', 'running') and `+idlePart("p", "$2", "$3")+`
			returning p.run_id, p.kind, p.queued_at)
		select run_id::text, kind from lost order by queued_at, kind`, connectionID, idleSince, at)
	if err != nil {
		return nil, Fault(err)
	}
	messages, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m journal.Message, err error) {
		err = row.Scan(&m.RunID, &m.Kind)
		return m, err
	})
	return messages, Fault(err)
}

func (l Ledger) transact(ctx context.Context, do func(pgx.Tx) error) error {
	return Fault(l.Pool.InTx(ctx, do))
}
