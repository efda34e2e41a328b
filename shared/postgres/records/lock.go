package records

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// An application must never be rolled back for a lock of ours. Postgres rolls back whoever finds the deadlock, which is whoever has waited for
// deadlock_timeout, a second. So a transaction here takes its row locks first and waits for none of them; for what cannot be locked beforehand
// (a unique value that somebody else is just inserting, a referenced row that somebody is deleting, what triggers touch) it waits no longer
// than lockWait; and it is over after holdLimit. docs/adr/0070-locks.md has the argument.
const (
	// lockWait is how long a statement waits for a lock.
	lockWait = 20 * time.Millisecond
	// holdLimit is how long a transaction holds its locks. One that takes longer is taken back and done again in halves.
	holdLimit = 400 * time.Millisecond
	// aloneLimit is the same for one record by itself, which cannot be divided: a trigger of the application's may take its time.
	aloneLimit = 30 * time.Second
)

// errSlow says that a transaction was not over in time.
var errSlow = errors.New("the transaction held its locks for too long")

// errTables says that somebody has locked whole tables.
var errTables = errors.New("a table is locked")

// within does something with a context that ends after limit; errSlow: it ended for that.
func within(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := do(limited)
	if err != nil && (limited.Err() != nil && ctx.Err() == nil || postgres.Cancelled(err)) {
		return errors.Join(errSlow, err)
	}
	return err
}

// attempt applies records in one transaction that is over within limit, and fills in what became of each. Those that are decided already are
// only noted. last: they are the last of their batch.
type attempt func(settled []journal.Settled, results []result, limit time.Duration, last bool) error

// divide attempts records together, and where one of them cannot be applied, or it takes too long, each half by itself. So it finds each
// record that Postgres refuses, or that waits for a lock.
func (t *Tables) divide(settled []journal.Settled, results []result, do attempt) error {
	for t.most > 0 && t.most < len(settled) {
		n := t.most
		if err := t.halves(settled[:n], results[:n], false, do); err != nil {
			return err
		}
		settled, results = settled[n:], results[n:]
	}
	return t.halves(settled, results, true, do)
}

func (t *Tables) halves(settled []journal.Settled, results []result, last bool, do attempt) error {
	if len(settled) == 0 { // which locks no row
		return do(settled, results, aloneLimit, last)
	}
	err := do(settled, results, holdLimit, last)
	if t.learnPassing(err) {
		err = do(settled, results, holdLimit, last)
	}
	n := len(settled)
	switch {
	case !concernsRecords(err):
		return err
	case errors.Is(err, errTables):
		for i, s := range settled {
			if s.Row.Op != merge.Nothing && !results[i].decided() {
				results[i] = result{locked: true}
			}
		}
		return do(settled, results, aloneLimit, last)
	case n == 1:
		return single(settled, results, last, err, do)
	}
	if errors.Is(err, errSlow) {
		t.most = n / 2
	}
	if err := t.halves(settled[:n/2], results[:n/2], false, do); err != nil {
		return err
	}
	return t.halves(settled[n/2:], results[n/2:], last, do)
}

// single does with one record what its failure asks for: gives it the time that it needs, or notes why it takes nothing.
func single(settled []journal.Settled, results []result, last bool, err error, do attempt) error {
	if errors.Is(err, errSlow) {
		if err = do(settled, results, aloneLimit, last); !concernsRecords(err) {
			return err
		}
	}
	switch {
	case postgres.Locked(err):
		results[0] = result{locked: true}
	case fault.KindOf(postgres.Fault(err)) == fault.Invalid:
		results[0] = result{refused: fault.Message(postgres.Fault(err))}
	default:
		return err
	}
	return do(settled, results, aloneLimit, last)
}

// concernsRecords reports whether an error may be gone where fewer records are tried at once.
func concernsRecords(err error) bool {
	return err != nil && (errors.Is(err, errSlow) || postgres.Locked(err) || fault.KindOf(postgres.Fault(err)) == fault.Invalid)
}

// begin marks a transaction as the sync's, and limits its waits and its duration: on the server's side as well, where a function that was killed
// or is frozen leaves its locks.
func begin(ctx context.Context, tx pgx.Tx, limit time.Duration) error {
	_, err := tx.Exec(ctx, `select set_config('integration.origin', 'sync', true), set_config('lock_timeout', $1, true),
		set_config('statement_timeout', $2, true), set_config('idle_in_transaction_session_timeout', $2, true)`, milliseconds(lockWait), milliseconds(limit))
	return err
}

// lock begins the transaction and takes the locks that the records need, waiting for none. It notes which records need one that somebody else has. errTables: somebody has locked whole tables.
func (t *Tables) lock(ctx context.Context, tx pgx.Tx, settled []journal.Settled, results []result, limit time.Duration) error {
	if err := begin(ctx, tx, limit); err != nil {
		return err
	}
	var rows []string
	writes, places := false, map[string]int{}
	for i, s := range settled {
		if results[i].decided() || s.Row.Op == merge.Nothing || t.onlyRelations(s) {
			continue
		}
		writes = true
		if s.Row.Op != merge.Create {
			rows = append(rows, s.Key.RowID)
		}
	}
	for i, s := range settled {
		places[s.Key.RowID] = i
	}
	todo := &pgx.Batch{}
	if writes {
		todo.Queue(t.sql.lockTable)
	}
	locked := func(found pgx.Rows) error {
		var id string
		_, err := pgx.ForEachRow(found, []any{&id}, func() error {
			results[places[id]] = result{locked: true}
			return nil
		})
		return err
	}
	if len(rows) > 0 {
		todo.Queue(t.sql.lockRows, t.connectionID, rows).Query(locked)
	}
	for _, r := range t.relations {
		add, remove := r.pairs(settled, func(i int) bool { return !results[i].decided() })
		if len(add.pages)+len(remove.pages) > 0 {
			todo.Queue(r.lockTable)
		}
		if len(remove.pages) > 0 {
			todo.Queue(r.lockRemoved, t.connectionID, remove.rows, remove.pages).Query(locked)
		}
		if len(add.pages) > 0 {
			todo.Queue(r.lockAdded, t.connectionID, add.rows, add.pages).Query(locked)
		}
	}
	err := tx.SendBatch(ctx, todo).Close()
	if postgres.Locked(err) {
		return errors.Join(errTables, err)
	}
	return err
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// lockTable returns SQL that enters a table as one who writes.
func lockTable(table string) string { return "lock table " + table + " in row exclusive mode" }

// lockRows returns SQL that locks rows, and tells which are there and could not be locked. It leaves those alone who only refer to a row.
func lockRows(table string) string {
	return fmt.Sprintf(`
		with mine as (select r.id from %[1]s r where r.connection_id = $1 and r.id = any($2::uuid[]) for no key update skip locked)
		select r.id::text from %[1]s r where r.connection_id = $1 and r.id = any($2::uuid[]) and r.id not in (select id from mine)`, table)
}
