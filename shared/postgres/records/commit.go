package records

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// Commit stores a batch under the lease's term: the rows, the base for what both sides are now known to hold, and the journal. It is one
// transaction, as long as Postgres takes all records in a short one; else it is several, each of whole records, and the last one stores how far
// the part is. A row that is not what it was when it was read, or that somebody else has locked, takes nothing, and its record is set aside to
// be looked at again; so is one that Postgres refuses. fault.Conflict when the lease was lost: then nothing more is stored.
func (t *Tables) Commit(ctx context.Context, lease journal.Lease, batch journal.Batch) (outcomes []journal.Outcome, err error) {
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	if err := t.forget(ctx, lease, batch.Database); err != nil { // before the records, which may learn it anew
		return nil, err
	}
	results := make([]result, len(batch.Settled))
	err = t.divide(batch.Settled, results, func(settled []journal.Settled, results []result, limit time.Duration, last bool) error {
		part := batch
		part.Settled = settled
		if !last {
			part = journal.Batch{At: batch.At, Settled: settled}
		}
		return t.commit(ctx, lease, part, results, limit, last)
	})
	return outcomesOf(results), postgres.Fault(err)
}

// commit stores records in one transaction, and with the last of a batch what else the batch has.
func (t *Tables) commit(ctx context.Context, lease journal.Lease, batch journal.Batch, results []result, limit time.Duration, last bool) error {
	var became []result
	err := t.pool.InTx(ctx, func(tx pgx.Tx) error {
		became = slices.Clone(results)
		if err := postgres.Fence(ctx, tx, lease); err != nil {
			return err
		}
		return within(ctx, limit, func(ctx context.Context) error {
			if err := t.applyLocked(ctx, tx, batch.Settled, became, batch.At, limit); err != nil {
				return err
			}
			return t.note(ctx, tx, batch, became, last)
		})
	})
	if err == nil {
		copy(results, became)
	}
	return err
}

// result is what became of a settled record in Postgres.
type result struct {
	applied bool   // the row took its change, or had none to take
	locked  bool   // somebody else has locked what it has to write
	refused string // why Postgres refused it
	taken   bool   // because another row has a value that has to be unique
	touched bool   // a trigger of the application's changed more of the row than was written
}

// decided reports whether it is known already that the record does not take its change.
func (r result) decided() bool { return r.locked || r.refused != "" }

func outcomesOf(results []result) []journal.Outcome {
	outcomes := make([]journal.Outcome, len(results))
	for i, r := range results {
		outcomes[i] = journal.Outcome{Applied: r.applied, Refused: r.refused != "", Locked: r.locked}
	}
	return outcomes
}

// applyLocked applies the records of which nothing is decided yet and whose rows nobody else has locked.
func (t *Tables) applyLocked(ctx context.Context, tx pgx.Tx, settled []journal.Settled, results []result, at time.Time, limit time.Duration) error {
	if err := t.lock(ctx, tx, settled, results, limit); err != nil {
		return err
	}
	var free []journal.Settled
	var places []int
	for i, s := range settled {
		if !results[i].decided() {
			free, places = append(free, s), append(places, i)
		}
	}
	applied, err := t.applyPassing(ctx, tx, free, at)
	if err != nil {
		return err
	}
	for i, place := range places {
		results[place] = applied[i]
	}
	return t.rebaseLocked(ctx, tx, settled, results, at)
}

// rebaseLocked moves the base of records whose rows are locked for what is known of them all the same: what was written to their pages.
func (t *Tables) rebaseLocked(ctx context.Context, tx pgx.Tx, settled []journal.Settled, results []result, at time.Time) error {
	var bases []baseRow
	for i, s := range settled {
		if !results[i].locked {
			continue
		}
		next, moves, err := t.baseOf(s, nil, false)
		if err != nil {
			return err
		}
		if moves {
			bases = append(bases, next)
		}
	}
	return t.moveBase(ctx, tx, bases, at)
}

// apply writes the rows and moves the base for those that were written, or did not have to be. Relations come last: they may be
// between records that are new.
func (t *Tables) apply(ctx context.Context, tx pgx.Tx, settled []journal.Settled, at time.Time) ([]result, error) {
	rows, err := t.writeRows(ctx, tx, settled, at)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(settled))
	var bases []baseRow
	for i, s := range settled {
		row := s.Was
		results[i].applied = true
		if s.Row.Op != merge.Nothing && !t.onlyRelations(s) {
			row, results[i].applied = rows[s.Key.RowID], rows[s.Key.RowID] != nil
			results[i].touched = row != nil && len(touched(s, row)) > 0
		}
		next, moves, err := t.baseOf(s, row, results[i].applied)
		if err != nil {
			return nil, err
		}
		if moves {
			bases = append(bases, next)
		}
	}
	if err := t.moveBase(ctx, tx, bases, at); err != nil {
		return nil, err
	}
	if err := t.findSwallowed(ctx, tx, settled, results); err != nil {
		return nil, err
	}
	return results, t.relate(ctx, tx, settled, results)
}

// note writes the journal: what was consumed, decided, overwritten, refused, and with the last records of a batch how far the part is.
func (t *Tables) note(ctx context.Context, tx pgx.Tx, batch journal.Batch, results []result, last bool) error {
	todo := &pgx.Batch{}
	events := batch.Events
	var consumed []int64
	var closed []journal.Closed
	var settledIDs, released, ended, touched []string
	var decided []*time.Time
	for i, s := range batch.Settled {
		r := results[i]
		for _, dispute := range s.Respelled {
			t.respell(todo, dispute)
		}
		closed = append(closed, s.Closed...)
		events = append(events, s.Events...)
		if r.applied || r.refused != "" {
			consumed = append(consumed, s.Changes...)
		}
		if r.applied {
			for _, c := range s.Conflicts {
				t.saveConflict(todo, s.Key, c, nil, batch.At)
			}
			events = append(events, s.OnRow...)
			for _, dispute := range s.Ended {
				ended, decided = append(ended, dispute.ConflictID), append(decided, dispute.DecidedAt)
			}
			if r.touched {
				touched = append(touched, s.Key.RowID)
			}
			if s.Released {
				released = append(released, s.Key.RowID)
			}
		}
		if refusal := refusalOf(s, r, batch.At); refusal != nil {
			t.saveRefusal(todo, s.Key, *refusal, batch.At)
			if (r.applied || r.refused != "") && refusal.Reason != s.RefusedFor {
				events = append(events, t.refused(s.Key, *refusal, batch.At))
			}
		} else {
			settledIDs = append(settledIDs, s.Key.RowID)
		}
	}
	closeIntents(todo, closed)
	if len(consumed) > 0 {
		todo.Queue(`delete from integration.sync_changes where seq = any($1)`, consumed)
	}
	if len(touched) > 0 {
		todo.Queue(`insert into integration.sync_changes (connection_id, kind, row_id) select $1, $2, unnest($3::uuid[])`, t.connectionID, t.kind.Name, touched)
	}
	if len(settledIDs) > 0 {
		todo.Queue(`delete from integration.sync_errors where connection_id = $1 and kind = $2 and row_id = any($3::uuid[])`,
			t.connectionID, t.kind.Name, settledIDs)
	}
	if len(ended) > 0 {
		// A decision that came after the one that was read is for the next sync to do.
		todo.Queue(`update integration.sync_conflicts c set status = 'settled', settled_at = $2
			from unnest($1::uuid[], $3::timestamptz[]) as e (id, decided_at) where c.id = e.id and c.decided_at is not distinct from e.decided_at`,
			ended, batch.At, decided)
	}
	if len(released) > 0 {
		t.release(todo, released)
	}
	if len(batch.Seen) > 0 {
		todo.Queue(`insert into integration.sync_listed_pages (run_id, kind, notion_id) select $1, $2, unnest($3::text[]) on conflict do nothing`,
			batch.Part.Run.ID, t.kind.Name, batch.Seen)
	}
	t.stagePages(todo, batch)
	if len(batch.Decided) > 0 {
		todo.Queue(`update integration.sync_match_pages set pending = false where connection_id = $1 and kind = $2 and run_id is null and notion_id = any($3)`,
			t.connectionID, t.kind.Name, batch.Decided)
	}
	if batch.Database != nil {
		t.saveDatabase(todo, batch.Database)
	}
	if err := tx.SendBatch(ctx, todo).Close(); err != nil {
		return err
	}
	if last {
		if err := postgres.SavePart(ctx, tx, batch.Part); err != nil {
			return err
		}
	}
	return postgres.StoreEvents(ctx, tx, t.connectionID, events...)
}

// refusalOf says why a record is to be set aside: what the sync found, what Postgres said, or that the row changed under it.
func refusalOf(s journal.Settled, r result, at time.Time) *journal.Refusal {
	switch {
	case r.taken && s.Refused == 0: // whoever has the value may give it up in this run
		return &journal.Refusal{Side: merge.Supabase, Reason: r.refused, Again: at}
	case r.refused != "":
		return &journal.Refusal{Side: merge.Supabase, Reason: r.refused, Again: at.Add(journal.Backoff(s.Refused)), Fields: waiting(s)}
	case r.locked:
		return &journal.Refusal{Side: merge.Supabase, Reason: "The row is locked by another transaction of the database. It is written once the lock is gone.", Again: at, Waits: true, Fields: waiting(s)}
	case !r.applied:
		return &journal.Refusal{Side: merge.Supabase, Reason: "The row was changed while it was being written.", Again: at, Fields: waiting(s)}
	default:
		return s.Refusal
	}
}

// waiting returns the fields that wait all the same: what Notion showed of them is to be known still when the record is looked at again.
func waiting(s journal.Settled) map[string]journal.FieldRefusal {
	if s.Refusal == nil {
		return nil
	}
	return s.Refusal.Fields
}

func (t *Tables) saveRefusal(todo *pgx.Batch, key journal.Key, r journal.Refusal, at time.Time) {
	todo.Queue(`
		insert into integration.sync_errors as e (connection_id, kind, row_id, notion_id, side, reason, attempts, first_at, last_at, next_attempt_at, waits, fields)
		values ($1, $2, $3, nullif($4, ''), $5, $6, case when $9 then 0 else 1 end, $7, $7, $8, $9, coalesce($10::jsonb, '{}'))
		on conflict (connection_id, kind, row_id) do update set notion_id = excluded.notion_id, side = excluded.side,
			reason = excluded.reason, attempts = e.attempts + excluded.attempts, last_at = excluded.last_at,
			next_attempt_at = excluded.next_attempt_at, waits = excluded.waits, fields = excluded.fields`,
		t.connectionID, t.kind.Name, key.RowID, key.PageID, r.Side, r.Reason, at, r.Again, r.Waits, r.Fields)
}

// refused returns the event of a record that was set aside.
func (t *Tables) refused(key journal.Key, r journal.Refusal, at time.Time) event.Event {
	source, target := event.Notion, event.Supabase
	if r.Side == merge.Notion {
		source, target = target, source
	}
	return event.Draft{Type: event.Error, Source: source, Target: target, Data: map[string]string{
		"kind": t.kind.Name, "id": key.RowID, "notion_id": key.PageID, "side": string(r.Side), "reason": r.Reason,
	}}.New(t.newID(), at)
}
