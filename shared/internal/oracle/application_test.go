//go:build !race

package oracle

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

// desk is where somebody works on rows: people, whose statements are transactions of their own, or an application in its open transaction.
type desk struct {
	rows []row // that may be worked on, as they show there
	exec func(t *rapid.T, sql string, args ...any)
	hold func(...row)    // notes which rows the next statement locks, or locks something of
	then func(do func()) // has the model learn something once others can see it
}

// linkedWith returns the rows that are linked with another, either way.
func (d desk) linkedWith(r row) []row {
	return slices.DeleteFunc(slices.Clone(d.rows), func(o row) bool {
		return !slices.Contains(o.values["links"], r.mark) && !slices.Contains(r.values["links"], o.mark)
	})
}

// atOnce is the then of those whose work others can see at once.
func atOnce(do func()) { do() }

// byHand has people do something with rows that nobody else has locked: they would wait.
func (a *arena) byHand(do func(*rapid.T, desk)) func(*rapid.T) {
	return func(t *rapid.T) {
		free := slices.DeleteFunc(a.rows(t), func(r row) bool { return a.app.held[r.id] })
		do(t, desk{free, a.exec, func(...row) {}, atOnce})
	}
}

// application works beside the sync. Its transaction stays open over whatever else happens, and keeps what it has locked.
type application struct {
	conn *pgx.Conn
	tx   pgx.Tx          // nil: none is open
	held map[string]bool // the rows that it has locked, or something of
	done []func()        // what the model learns once it is committed
	new  []token         // what it has written
	born []string        // the records that it has made
}

// forget rolls back what is open.
func (app *application) forget() {
	if app.tx != nil {
		_ = app.tx.Rollback(context.Background())
	}
	app.tx, app.held, app.done, app.new, app.born = nil, nil, nil, nil, nil
}

// workInTransaction has the application do one more thing in its transaction, in whatever order. No statement of it fails, nor waits: a sync
// holds no lock while it waits for something.
func (a *arena) workInTransaction(t *rapid.T) {
	app := &a.app
	if app.tx == nil {
		tx, err := app.conn.Begin(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		a.note("an application begins")
		a.counts.transactions++
		app.tx, app.held = tx, map[string]bool{}
	}
	d := desk{
		exec: func(t *rapid.T, sql string, args ...any) {
			a.note("the application: %s %v", sql, args)
			a.counts.statements++
			if _, err := app.tx.Exec(context.Background(), sql, args...); err != nil {
				t.Fatalf("an application's transaction ends: %v\n%s", err, a.dump(t))
			}
		},
		hold: func(rows ...row) {
			for _, r := range rows {
				app.held[r.id] = true
			}
		},
		then: func(do func()) { app.done = append(app.done, do) },
	}
	a.model.drawn = nil
	a.model.made = nil
	for range rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "statements") {
		d.rows = a.rowsAt(t, app.tx)
		a.inTransaction().Draw(t, "in the transaction").do(t, d)
	}
	app.new, app.born = append(app.new, a.model.drawn...), append(app.born, a.model.made...)
}

// stroke is one thing that a person does.
type stroke struct {
	name string
	do   func(*rapid.T, desk)
}

// inTransaction are the things that applications do.
func (a *arena) inTransaction() *rapid.Generator[stroke] {
	return rapid.SampledFrom([]stroke{
		{"update", a.updateRow},
		{"update again", a.updateRow},
		{"lock", a.lockRow},
		{"tag", a.tagRow},
		{"name people", a.namePeopleInRow},
		{"link", a.linkRow},
		{"link again", a.linkRow},
		{"toggle", a.toggleRow},
		{"tune", a.tuneRow},
		{"insert", a.insertRow},
		{"delete", a.deleteRow},
		{"archive", a.archiveRow},
		{"restore", a.unarchiveRow},
	})
}

// lockRow locks a row, and does nothing to it.
func (a *arena) lockRow(t *rapid.T, d desk) {
	if r, ok := pick(t, d.rows, "row", func(row) bool { return true }); ok {
		d.hold(r)
		d.exec(t, `select from things where id = $1::text::uuid for update`, r.id)
	}
}

// end ends the transaction, most often with a commit.
func (a *arena) end(t *rapid.T) {
	if a.app.tx != nil {
		a.endTransaction(t, rapid.IntRange(0, 3).Draw(t, "rolls back at 3") < 3)
	}
}

func (a *arena) endTransaction(t *rapid.T, commit bool) {
	app := &a.app
	if app.tx == nil {
		return
	}
	a.note("the application commits: %t", commit)
	end := app.tx.Rollback
	if commit {
		end = app.tx.Commit
	}
	if err := end(context.Background()); err != nil {
		t.Fatalf("an application's transaction ends: %v\n%s", err, a.dump(t))
	}
	if commit {
		for _, learn := range app.done {
			learn()
		}
	} else {
		for _, written := range app.new {
			delete(a.model.tokens, written)
		}
		for _, mark := range app.born {
			delete(a.model.records, mark)
		}
	}
	app.tx = nil
	app.forget()
}

// besideTransaction counts, after a sync or a look, what waits for the transaction.
func (a *arena) besideTransaction(t *rapid.T) {
	if a.app.tx == nil {
		return
	}
	var waits int
	if err := a.person.QueryRow(context.Background(), `select count(*) from integration.sync_errors where waits`).Scan(&waits); err != nil {
		t.Fatal(err)
	}
	a.counts.beside++
	a.counts.waits += waits
}
