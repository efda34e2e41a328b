package pgside

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/merge"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// Commit stores a batch in one transaction under the lease's term: the rows, the base for what both sides are now known to hold,
// and the journal. A row that is not what it was when it was read takes nothing, and its record is set aside to be looked at
// again; so is one that Postgres refuses. fault.Conflict when the lease was lost: then nothing is stored.
func (t *Tables) Commit(ctx context.Context, lease journal.Lease, batch journal.Batch) (outcomes []journal.Outcome, err error) {
	err = pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		if err := postgres.Fence(ctx, tx, lease); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `select set_config('integration.origin', 'sync', true)`); err != nil {
			return err
		}
		results, err := t.applyAll(ctx, tx, batch.Settled, batch.At)
		if err != nil {
			return err
		}
		outcomes = make([]journal.Outcome, len(results))
		for i, r := range results {
			outcomes[i] = journal.Outcome{Applied: r.applied, Refused: r.refused != ""}
		}
		return t.note(ctx, tx, batch, results)
	})
	return outcomes, postgres.Fault(err)
}

// result is what became of a settled record in Postgres.
type result struct {
	applied bool   // the row took its change, or had none to take
	refused string // why Postgres refused it
}

// applyAll applies all records in a few round trips, or, when Postgres refuses one of them, each by itself.
func (t *Tables) applyAll(ctx context.Context, tx pgx.Tx, settled []journal.Settled, at time.Time) ([]result, error) {
	results, err := t.try(ctx, tx, settled, at)
	if fault.KindOf(err) != fault.Invalid {
		return results, err
	}
	results = make([]result, len(settled))
	for i := range settled {
		one, err := t.try(ctx, tx, settled[i:i+1], at)
		switch {
		case fault.KindOf(err) == fault.Invalid:
			results[i].refused = fault.Message(err)
		case err != nil:
			return nil, err
		default:
			results[i] = one[0]
		}
	}
	return results, nil
}

// try applies records behind a savepoint. fault.Invalid: Postgres refused one, and nothing is applied.
func (t *Tables) try(ctx context.Context, tx pgx.Tx, settled []journal.Settled, at time.Time) (results []result, err error) {
	err = pgx.BeginFunc(ctx, tx, func(save pgx.Tx) error {
		results, err = t.apply(ctx, save, settled, at)
		return err
	})
	return results, postgres.Fault(err)
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
	return results, t.relate(ctx, tx, settled, results)
}

// note writes the journal: what was consumed, decided, overwritten, refused, and how far the part is.
func (t *Tables) note(ctx context.Context, tx pgx.Tx, batch journal.Batch, results []result) error {
	todo := &pgx.Batch{}
	events := batch.Events
	var consumed []int64
	var closed []journal.Closed
	var settledIDs, released, ended []string
	for i, s := range batch.Settled {
		r := results[i]
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
			ended = append(ended, s.Ended...)
			if s.Released {
				released = append(released, s.Key.RowID)
			}
		}
		if refusal := refusalOf(s, r, batch.At); refusal != nil {
			t.saveRefusal(todo, s.Key, *refusal, batch.At)
			if r.applied || r.refused != "" {
				events = append(events, t.refused(s.Key, *refusal, batch.At))
			}
		} else {
			settledIDs = append(settledIDs, s.Key.RowID)
		}
	}
	closeIntents(todo, closed)
	if len(consumed) > 0 {
		todo.Queue(`delete from sync_changes where seq = any($1)`, consumed)
	}
	if len(settledIDs) > 0 {
		todo.Queue(`delete from sync_errors where connection_id = $1 and kind = $2 and row_id = any($3::uuid[])`,
			t.connectionID, t.kind.Name, settledIDs)
	}
	if len(ended) > 0 {
		todo.Queue(`update sync_conflicts set status = 'settled', settled_at = $2 where id = any($1::uuid[])`, ended, batch.At)
	}
	if len(released) > 0 {
		t.release(todo, released)
	}
	if len(batch.Seen) > 0 {
		todo.Queue(`insert into sync_seen (run_id, kind, notion_id) select $1, $2, unnest($3::text[]) on conflict do nothing`,
			batch.Part.Run.ID, t.kind.Name, batch.Seen)
	}
	t.stagePages(todo, batch)
	if len(batch.Decided) > 0 {
		todo.Queue(`update sync_match_pages set pending = false where connection_id = $1 and kind = $2 and run_id is null and notion_id = any($3)`,
			t.connectionID, t.kind.Name, batch.Decided)
	}
	if batch.Database != nil {
		t.saveDatabase(todo, batch.Database)
	}
	if err := tx.SendBatch(ctx, todo).Close(); err != nil {
		return err
	}
	if err := postgres.SavePart(ctx, tx, batch.Part); err != nil {
		return err
	}
	return postgres.StoreEvents(ctx, tx, t.connectionID, events...)
}

// refusalOf says why a record is to be set aside: what the sync found, what Postgres said, or that the row changed under it.
func refusalOf(s journal.Settled, r result, at time.Time) *journal.Refusal {
	switch {
	case r.refused != "":
		return &journal.Refusal{Side: merge.Supabase, Reason: r.refused, Again: at.Add(journal.Backoff(s.Refused))}
	case !r.applied:
		return &journal.Refusal{Side: merge.Supabase, Reason: "The row was changed while it was being written.", Again: at}
	default:
		return s.Refusal
	}
}

func (t *Tables) saveRefusal(todo *pgx.Batch, key journal.Key, r journal.Refusal, at time.Time) {
	todo.Queue(`
		insert into sync_errors as e (connection_id, kind, row_id, notion_id, side, reason, first_at, last_at, next_attempt_at)
		values ($1, $2, $3, nullif($4, ''), $5, $6, $7, $7, $8)
		on conflict (connection_id, kind, row_id) do update set notion_id = excluded.notion_id, side = excluded.side,
			reason = excluded.reason, attempts = e.attempts + 1, last_at = excluded.last_at, next_attempt_at = excluded.next_attempt_at`,
		t.connectionID, t.kind.Name, key.RowID, key.PageID, r.Side, r.Reason, at, r.Again)
}

// refused gives the event of a record that was set aside.
func (t *Tables) refused(key journal.Key, r journal.Refusal, at time.Time) event.Event {
	source, target := event.Notion, event.Supabase
	if r.Side == merge.Notion {
		source, target = target, source
	}
	return event.Draft{Type: event.Error, Source: source, Target: target, Data: map[string]string{
		"kind": t.kind.Name, "id": key.RowID, "notion_id": key.PageID, "side": string(r.Side), "reason": r.Reason,
	}}.New(t.newID(), at)
}
