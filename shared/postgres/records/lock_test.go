package records_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// open begins a transaction of the application that stays open until the test ends, or until done is called.
func (f fixture) open(t *testing.T, statements ...string) (done func()) {
	t.Helper()
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	done = func() { once.Do(func() { _ = tx.Rollback(context.Background()) }) }
	t.Cleanup(done)
	for _, sql := range statements {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return done
}

// rename settles a record that is there under another name.
func (f fixture) rename(t *testing.T, key journal.Key, name string) journal.Settled {
	t.Helper()
	k := f.look(t, key)
	s := journal.Settled{
		Key: key, Was: k.Row, Base: k.Base, Lens: f.lens, Page: page(name), State: record.Live, Changes: k.Changes,
		Row: merge.Action{Op: merge.Update, Fields: record.Fields{"name": title(name)}},
	}
	s.Page.ID = key.PageID
	return s
}

// TestALockedRowWaits: what the application has locked waits with a reason, the others are written at once, and once the lock is gone it is
// written as well.
func TestALockedRowWaits(t *testing.T) {
	t.Parallel()
	locked, all := journal.Outcome{Locked: true}, []journal.Outcome{{Applied: true}, {Locked: true}, {Applied: true}}
	cases := map[string]struct {
		prepare, lock string
		want          []journal.Outcome
	}{
		"a row for update":               {"", `select from partners where name = 'b' for update`, all},
		"a row that was updated":         {"", `update partners set status = 'x' where name = 'b'`, all},
		"a row that was deleted":         {"", `delete from partners where name = 'b'`, all},
		"a row that is only referred to": {"", `select from partners where name = 'b' for key share`, []journal.Outcome{{Applied: true}, {Applied: true}, {Applied: true}}},
		"a row for share":                {"", `select from partners where name = 'b' for share`, all},
		"the whole table":                {"", `lock table partners in share row exclusive mode`, []journal.Outcome{locked, locked, locked}},
		"a unique value, just inserted":  {`create unique index on partners (name)`, `insert into partners (name) values ('b2')`, all},
		"a row that a trigger touches": {`create table tally (id int primary key, n int); insert into tally values (1, 0);
			create function count_b() returns trigger language plpgsql as $$ begin if new.name = 'b2' then update tally set n = n + 1; end if; return new; end $$;
			create trigger count_b before update on partners for each row execute function count_b()`, `update tally set n = 5`, all},
		"a referenced row, being deleted": {`create table place (name text primary key); insert into place values ('b2'), ('a2'), ('c2'), ('a'), ('b'), ('c');
			alter table partners add foreign key (name) references place (name)`, `delete from place where name = 'b2'`, all},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			made := []journal.Settled{f.create("a", record.Fields{}), f.create("b", record.Fields{}), f.create("c", record.Fields{})}
			f.commit(t, made...)
			f.exec(t, c.prepare)
			var todo []journal.Settled
			for i, s := range made {
				todo = append(todo, f.rename(t, s.Key, []string{"a2", "b2", "c2"}[i]))
			}
			done := f.open(t, c.lock)
			began := time.Now()
			if got := f.commit(t, todo...); !slices.Equal(got, c.want) {
				t.Fatalf("outcomes %+v, want %+v", got, c.want)
			}
			t.Logf("committed beside the lock in %s", time.Since(began).Round(time.Millisecond))
			waiting := 0
			for i, o := range c.want {
				if o.Locked {
					waiting++
				} else if got := scan[string](t, f, `select name from partners where id = $1`, made[i].Key.RowID); !strings.HasSuffix(got, "2") {
					t.Errorf("the row that nobody has locked is still %s", got)
				}
			}
			if n := scan[int](t, f, `select count(*) from integration.sync_errors where waits and attempts = 0 and reason like '%locked by another transaction%'`); n != waiting {
				t.Errorf("%d records wait, want %d", n, waiting)
			}
			done()
			todo = nil
			for i, s := range made {
				todo = append(todo, f.rename(t, s.Key, []string{"a2", "b2", "c2"}[i]))
			}
			if got := f.commit(t, todo...); !slices.Equal(got, []journal.Outcome{{Applied: true}, {Applied: true}, {Applied: true}}) {
				t.Fatalf("once the lock was gone: %+v", got)
			}
			if n := scan[int](t, f, `select count(*) from integration.sync_errors`); n != 0 {
				t.Errorf("%d are still set aside", n)
			}
		})
	}
}

// TestALockedRelationWaits: a pair that somebody has locked, a related row, and the row itself.
func TestALockedRelationWaits(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"the pair":        `delete from partners_projects`,
		"the row":         `select from partners where name = 'a' for update`,
		"the related row": `delete from projects where name = 'three'`,
	}
	for name, lock := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			one, two := uuid.NewString(), uuid.NewString()
			for name, id := range map[string]string{"one": one, "two": two, "three": uuid.NewString()} {
				f.exec(t, `insert into projects (id, name) values ($1, $2)`, id, name)
				f.exec(t, `insert into notion_projects (id, notion_id, name, data, row_data) values ($1, $2, $2, '{}', '{}')`, id, name)
			}
			a, b := f.create("a", record.Fields{"projects": property.Refs{"one"}}), f.create("b", record.Fields{})
			f.commit(t, a, b)
			done := f.open(t, lock)
			relate := func(key journal.Key, pages ...string) journal.Settled {
				k := f.look(t, key)
				return journal.Settled{
					Key: key, Was: k.Row, Base: k.Base, Lens: f.lens, State: record.Live, Changes: k.Changes,
					Row: merge.Action{Op: merge.Update, Fields: record.Fields{"projects": property.Refs(pages)}},
				}
			}
			if got := f.commit(t, relate(a.Key, "three"), relate(b.Key, "two")); !slices.Equal(got, []journal.Outcome{{Locked: true}, {Applied: true}}) {
				t.Fatalf("outcomes %+v", got)
			}
			done()
			if got := f.commit(t, relate(a.Key, "two")); !got[0].Applied {
				t.Fatalf("once the lock was gone: %+v", got)
			}
			if n := scan[int](t, f, `select count(*) from partners_projects where project_id = $1`, two); n != 2 {
				t.Errorf("%d pairs", n)
			}
		})
	}
}

// TestASlowBatchIsDivided: a trigger that takes its time for each row does not have a batch hold its locks for longer than is allowed, and one
// that takes longer than that for one row is waited for.
func TestASlowBatchIsDivided(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	var made []journal.Settled
	for i := range 12 {
		made = append(made, f.create(fmt.Sprintf("r%d", i), record.Fields{}))
	}
	f.commit(t, made...)
	f.exec(t, `create function slow() returns trigger language plpgsql as $$ begin
		perform pg_sleep(case new.name when 'slowest' then 0.6 else 0.08 end); return new; end $$;
		create trigger slow before update on partners for each row execute function slow()`)
	var todo []journal.Settled
	for i, s := range made {
		todo = append(todo, f.rename(t, s.Key, map[bool]string{true: "slowest", false: "slow"}[i == 5]))
	}
	for i, o := range f.commit(t, todo...) {
		if !o.Applied {
			t.Errorf("%d was not applied: %+v", i, o)
		}
	}
	if n := scan[int](t, f, `select count(*) from partners where name like 'slow%'`); n != len(made) {
		t.Errorf("%d rows were written", n)
	}
	if n := scan[int](t, f, `select count(distinct xmin::text) from partners`); n < 3 {
		t.Errorf("all was written in %d transactions", n)
	}
}

// TestWhatWaitsLinksBesideALock: of relations whose rows have come, those that nobody has locked move.
func TestWhatWaitsLinksBesideALock(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	a, b := f.create("a", record.Fields{"projects": property.Refs{"one"}}), f.create("b", record.Fields{"projects": property.Refs{"two"}})
	f.commit(t, a, b)
	for _, name := range []string{"one", "two"} {
		id := uuid.NewString()
		f.exec(t, `insert into projects (id, name) values ($1, $2)`, id, name)
		f.exec(t, `insert into notion_projects (id, notion_id, name, data, row_data) values ($1, $2, $2, '{}', '{}')`, id, name)
	}
	done := f.open(t, `select from projects where name = 'one' for update`)
	for want := 1; want <= 2; want++ {
		if err := f.Link(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := scan[int](t, f, `select count(*) from partners_projects`); n != want {
			t.Fatalf("%d pairs, want %d", n, want)
		}
		done()
	}
}

// TestNoDeadlockEndsTheApplication: the application updates one row, then another, while a batch has the other and wants the one; from whichever
// moment of the application's transaction on, it is never the one that Postgres rolls back, and it waits for us for less than half a second.
func TestNoDeadlockEndsTheApplication(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{0, 50, 300, 700, 950} {
		t.Run(fmt.Sprintf("begun %d ms after", offset), func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			t3, t4 := f.create("T3", record.Fields{}), f.create("T4", record.Fields{})
			f.commit(t, t3, t4)
			todo := []journal.Settled{f.rename(t, t3.Key, "T3 from Notion"), f.rename(t, t4.Key, "T4 from Notion")}
			tx, err := f.pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(context.Background()) }()
			if _, err := tx.Exec(t.Context(), `update partners set status = 'app' where name = 'T4'`); err != nil {
				t.Fatal(err)
			}
			committed := make(chan []journal.Outcome, 1)
			go func() {
				pause(t.Context(), offset*time.Millisecond)
				outcomes, err := f.Commit(context.Background(), f.lease, journal.Batch{At: now, Part: f.part, Settled: todo})
				if err != nil {
					t.Error(err)
				}
				committed <- outcomes
			}()
			pause(t.Context(), offset*time.Millisecond)
			began := time.Now()
			if _, err := tx.Exec(t.Context(), `update partners set status = 'app' where name like 'T3%'`); err != nil {
				t.Fatalf("the application was ended: %v", err)
			}
			if waited := time.Since(began); waited > 2*time.Second {
				t.Errorf("the application waited for %s", waited)
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if outcomes := <-committed; outcomes[1].Applied {
				t.Errorf("outcomes %+v: the application had the row", outcomes)
			}
		})
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
