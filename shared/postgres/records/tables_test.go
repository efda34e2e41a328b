package records_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// fixture is the partners' tables in a fresh database, with a lease on them and a part of a run.
type fixture struct {
	*records.Tables
	pool  *postgres.Pool
	lease journal.Lease
	part  journal.Part
	lens  record.Lens
}

func setUp(t *testing.T) fixture {
	t.Helper()
	pool := pgtest.New(t)
	kind, _ := mapping.ACT().Kind("partners")
	newID := uuid.NewString
	f := fixture{
		Tables: records.New(pool, config.DefaultConnection, mapping.ACT(), kind, newID), pool: pool,
		lens: record.Lens{Kind: kind, Binding: mapping.Binding{}},
	}
	for _, field := range kind.Fields {
		f.lens.Binding[field.Column] = mapping.Live{ID: field.Column, Name: field.Property, Type: field.Type}
	}
	var err error
	if f.lease, err = (postgres.Leases{Pool: pool, TTL: time.Minute}).Acquire(t.Context(), config.DefaultConnection, "partners", "me"); err != nil {
		t.Fatal(err)
	}
	ledger := postgres.Ledger{Pool: pool, NewID: newID}
	run := journal.Run{ID: newID(), ConnectionID: config.DefaultConnection, Type: journal.Full, RequestedBy: "test", CreatedAt: now}
	if _, err := ledger.Create(t.Context(), run, []string{"partners"}, now); err != nil {
		t.Fatal(err)
	}
	if f.part, err = ledger.Begin(t.Context(), run.ID, "partners", now); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f fixture) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := f.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// scan returns one row of one value.
func scan[T any](t *testing.T, f fixture, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := f.pool.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (f fixture) look(t *testing.T, key journal.Key) journal.Known {
	t.Helper()
	known, err := f.Look(t.Context(), []journal.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	return known[0]
}

func (f fixture) commit(t *testing.T, settled ...journal.Settled) []journal.Outcome {
	t.Helper()
	outcomes, err := f.Commit(t.Context(), f.lease, journal.Batch{At: now, Part: f.part, Settled: settled})
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// page is a page with a title.
func page(title string) *record.Page {
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(title)).String()
	raw := fmt.Sprintf(`{"id":"name","type":"title","title":[{"type":"text","text":{"content":%q},"plain_text":%[1]q}]}`, title)
	decoded, _ := property.Decode(json.RawMessage(raw))
	return &record.Page{
		ID: id, State: record.Live, Properties: map[string]property.Property{"name": decoded},
		Document: json.RawMessage(fmt.Sprintf(`{"id":%q,"last_edited_time":"2026-11-23T10:00:00.000Z","properties":{"Name":%s}}`, id, raw)),
	}
}

func title(s string) property.Value { return property.Text{{Kind: property.RunText, Text: s}} }

// create settles a page that is new.
func (f fixture) create(name string, fields record.Fields) journal.Settled {
	fields["name"] = title(name)
	p := page(name)
	return journal.Settled{
		Key: journal.Key{PageID: p.ID, RowID: uuid.NewString()}, Row: merge.Action{Op: merge.Create, Fields: fields},
		Lens: f.lens, Page: p, State: record.Live,
	}
}

func TestCreateAndLook(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	s := f.create("Narrow Gauge", record.Fields{
		"type": property.Option("NGO"), "collaboration_focus": property.Options{"rail", "art"}, "featured": property.Checked(true),
		"established_date": property.Date{Start: "1998-04-03"}, "logo_url": property.Line("https://example.com/a.png"),
	})
	if got := f.commit(t, s); got[0] != (journal.Outcome{Applied: true}) {
		t.Fatalf("outcome %+v", got[0])
	}
	for _, key := range []journal.Key{{PageID: s.Key.PageID, RowID: uuid.NewString()}, {RowID: s.Key.RowID}} {
		k := f.look(t, key)
		if k.Base == nil || k.Row == nil || k.Key != s.Key || k.Base.PageID != s.Key.PageID || k.Row.State != record.Live {
			t.Fatalf("by %+v: %+v", key, k)
		}
		if len(k.Changes) != 0 {
			t.Fatalf("the sync's own write came back as a change: %v", k.Changes)
		}
		for column, want := range map[string]string{
			"name": `"Narrow Gauge"`, "type": `"NGO"`, "collaboration_focus": `["rail", "art"]`, "featured": "true",
			"established_date": `"1998-04-03"`, "logo_url": `"https://example.com/a.png"`, "status": "null",
		} {
			if got := string(k.Row.Columns[column]); got != want {
				t.Errorf("%s is %s, not %s", column, got, want)
			}
			if !record.SameColumn(mapping.JSONB, k.Row.Columns[column], k.Base.Columns[column]) {
				t.Errorf("the base has %s as %s", column, k.Base.Columns[column])
			}
		}
	}
	if unknown := f.look(t, journal.Key{PageID: "p", RowID: uuid.NewString()}); unknown.Base != nil || unknown.Row != nil {
		t.Errorf("an unknown record is known: %+v", unknown)
	}
	if got := scan[string](t, f, `select name || '/' || type || '/' || sync_version from notion_partners`); got != "Narrow Gauge/partners/1" {
		t.Errorf("base row: %s", got)
	}
}

func TestPeoplesChangesAreNoted(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		sql  string
		want int // rows in sync_changes
	}{
		"insert":                     {`insert into partners (name) values ('x')`, 1},
		"update":                     {`update partners set name = 'y' where name = 'a'`, 1},
		"update that changes nought": {`update partners set name = name`, 0},
		"delete":                     {`delete from partners where name = 'a'`, 1},
		"a new id":                   {`update partners set id = gen_random_uuid() where name = 'a'`, 2},
		"truncate":                   {`truncate partners cascade`, 2},
		"replication":                {`set session_replication_role = replica; update partners set name = 'y' where name = 'a'; reset session_replication_role`, 1},
		"copy":                       {`do $$ begin insert into partners (name) select 'c' || n from generate_series(1, 3) n; end $$`, 3},
		"the sync itself":            {`begin; select set_config('integration.origin', 'sync', true); update partners set name = 'z'; commit`, 0},
		"the sync's mark is gone with its transaction": {
			`begin; select set_config('integration.origin', 'sync', true); commit; update partners set name = 'z' where name = 'b'`, 1,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			f.commit(t, f.create("a", record.Fields{}), f.create("b", record.Fields{}))
			conn, err := pgx.Connect(t.Context(), f.pool.Config().ConnString())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.WithoutCancel(t.Context()))
			if _, err := conn.Exec(t.Context(), c.sql); err != nil {
				t.Fatal(err)
			}
			if got := scan[int](t, f, `select count(*) from integration.sync_changes`); got != c.want {
				t.Errorf("%d changes noted, want %d", got, c.want)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	s := f.create("a", record.Fields{"type": property.Option("NGO")})
	f.commit(t, s)
	k := f.look(t, s.Key)
	rename := journal.Settled{
		Key: s.Key, Was: k.Row, Base: k.Base, Lens: f.lens, Page: page("b"), State: record.Live,
		Row: merge.Action{Op: merge.Update, Fields: record.Fields{"name": title("b")}},
	}
	rename.Page.ID = s.Key.PageID

	t.Run("a row that was changed meanwhile takes nothing, and is set aside", func(t *testing.T) {
		f.exec(t, `update partners set status = 'Active'`)
		if got := f.commit(t, rename); got[0] != (journal.Outcome{}) {
			t.Fatalf("outcome %+v", got[0])
		}
		if got := scan[string](t, f, `select name from partners`); got != "a" {
			t.Errorf("the row is named %s", got)
		}
		if got := scan[string](t, f, `select data->'properties'->'Name'->'title'->0->>'plain_text' from notion_partners`); got != "a" {
			t.Errorf("the base is named %s: the row did not take the change", got)
		}
		if due, _ := f.Due(t.Context(), now, 10); !slices.Equal(due, []journal.Key{s.Key}) {
			t.Errorf("to be looked at again: %v", due)
		}
	})
	t.Run("as it now is it takes the change, keeps the other side's, and is not set aside any more", func(t *testing.T) {
		again := f.look(t, s.Key)
		rename.Was, rename.Changes = again.Row, again.Changes
		if got := f.commit(t, rename); !got[0].Applied {
			t.Fatalf("outcome %+v", got[0])
		}
		if got := scan[string](t, f, `select concat_ws('/', name, type, status) from partners`); got != "b/NGO/Active" {
			t.Errorf("the row is %s", got)
		}
		if n := scan[int](t, f, `select count(*) from integration.sync_errors`) + scan[int](t, f, `select count(*) from integration.sync_changes`); n != 0 {
			t.Errorf("%d entries are left", n)
		}
	})
}

func TestArchiveAndRestore(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	s := f.create("a", record.Fields{})
	f.commit(t, s)
	for _, step := range []struct {
		op    merge.Op
		state record.State
	}{{merge.Archive, record.Archived}, {merge.Archive, record.Archived}, {merge.Restore, record.Live}} {
		k := f.look(t, s.Key)
		f.commit(t, journal.Settled{Key: s.Key, Was: k.Row, Base: k.Base, Lens: f.lens, State: step.state, Row: merge.Action{Op: step.op}})
		if k = f.look(t, s.Key); k.Row.State != step.state || k.Base.State != step.state {
			t.Errorf("after %s the row is %s, the base %s", step.op, k.Row.State, k.Base.State)
		}
	}
}

// TestOneRefusedRecordDoesNotHoldUpTheOthers: Postgres refuses a whole statement for one of its rows.
func TestOneRefusedRecordDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		prepare string
		bad     func(f fixture) journal.Settled
		reason  string
	}{
		"a check of the user's": {
			`alter table partners add check (name <> 'bad')`,
			func(f fixture) journal.Settled { return f.create("bad", record.Fields{}) }, "violates check constraint",
		},
		"a column that must not be empty": {
			`alter table partners alter established_date set not null`,
			func(f fixture) journal.Settled { return f.create("bad", record.Fields{}) }, "null value in column",
		},
		"a date out of range": {
			``, func(f fixture) journal.Settled {
				return f.create("bad", record.Fields{"established_date": property.Date{Start: "2026-02-30"}})
			}, "date/time field value out of range",
		},
		"a text with NUL": {
			``, func(f fixture) journal.Settled {
				return f.create("bad", record.Fields{"location": property.Text{{Kind: property.RunText, Text: "a\x00b"}}})
			}, "NUL",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			f.exec(t, c.prepare)
			good := record.Fields{"location": property.Text{{Kind: property.RunText, Text: "here"}}, "established_date": property.Date{Start: "2026-02-28"}}
			bad := c.bad(f)
			got := f.commit(t, f.create("one", good), bad, f.create("two", good))
			if want := []journal.Outcome{{Applied: true}, {Refused: true}, {Applied: true}}; !slices.Equal(got, want) {
				t.Fatalf("outcomes %+v", got)
			}
			if n := scan[int](t, f, `select count(*) from partners`); n != 2 {
				t.Errorf("%d rows", n)
			}
			if n := scan[int](t, f, `select count(*) from notion_partners`); n != 2 {
				t.Errorf("%d in the base", n)
			}
			if reason := scan[string](t, f, `select reason from integration.sync_errors where row_id = $1`, bad.Key.RowID); !strings.Contains(reason, c.reason) {
				t.Errorf("the reason is %q", reason)
			}
			if n := scan[int](t, f, `select count(*) from integration.events where type = 'error'`); n != 1 {
				t.Errorf("%d events say so", n)
			}
		})
	}
}

func TestALostLeaseStoresNothing(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.exec(t, `update integration.sync_leases set term = term + 1`)
	_, err := f.Commit(t.Context(), f.lease, journal.Batch{At: now, Part: f.part, Settled: []journal.Settled{f.create("a", record.Fields{})}})
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("commit: %v", err)
	}
	if err := f.Intend(t.Context(), f.lease, []journal.Intent{{ID: uuid.NewString(), Key: journal.Key{RowID: uuid.NewString()}, Op: merge.Create}}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("intend: %v", err)
	}
	if n := scan[int](t, f, `select (select count(*) from partners) + (select count(*) from integration.sync_intents)`); n != 0 {
		t.Errorf("%d rows were stored", n)
	}
}

// TestIntentsForget: what a write was begun with says nothing of a column that took the place of another.
func TestIntentsForget(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	intent := journal.Intent{
		ID: uuid.NewString(), Key: journal.Key{PageID: "p", RowID: uuid.NewString()}, Op: merge.Update, At: now,
		Columns: map[string]json.RawMessage{"name": json.RawMessage(`"a"`), "location": json.RawMessage(`"b"`)},
	}
	if err := f.Intend(t.Context(), f.lease, []journal.Intent{intent}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Commit(t.Context(), f.lease, journal.Batch{At: now, Part: f.part, Database: &journal.Database{Binding: mapping.Binding{}, Forget: []string{"location"}}}); err != nil {
		t.Fatal(err)
	}
	left, err := f.Intended(t.Context())
	if err != nil || len(left) != 1 || len(left[0].Columns) != 1 || string(left[0].Columns["name"]) != `"a"` {
		t.Errorf("left: %+v, %v", left, err)
	}
}

func TestIntentsKeepWhatTheyOverwrite(t *testing.T) {
	t.Parallel()
	for _, made := range []bool{true, false} {
		t.Run(fmt.Sprintf("made %t", made), func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			key := journal.Key{PageID: "p", RowID: uuid.NewString()}
			intent := journal.Intent{
				ID: uuid.NewString(), Key: key, Op: merge.Update, At: now,
				Conflicts: []journal.Conflict{{
					ID: uuid.NewString(), Conflict: merge.Conflict{Field: "name", Rule: merge.Newest, Winner: merge.Supabase},
					NotionColumn: json.RawMessage(`"lost \u0000 and \ud800"`), PostgresColumn: json.RawMessage(`"kept"`),
				}},
			}
			if err := f.Intend(t.Context(), f.lease, []journal.Intent{intent}); err != nil {
				t.Fatal(err)
			}
			left, err := f.Intended(t.Context())
			if err != nil || len(left) != 1 || left[0].Key != key || len(left[0].Conflicts) != 1 || string(left[0].Conflicts[0].NotionColumn) != "\"lost \ufffd and \ufffd\"" {
				t.Fatalf("left: %+v, %v", left, err)
			}
			f.commit(t, journal.Settled{Key: key, Keep: true, Lens: f.lens, Closed: []journal.Closed{{ID: intent.ID, Made: made}}})
			want := map[bool]int{true: 1, false: 0}[made]
			if n := scan[int](t, f, `select count(*) from integration.sync_conflicts where intent_id is null and notion_value::text like '"lost%'`); n != want {
				t.Errorf("%d conflicts stand, want %d", n, want)
			}
			if left, _ := f.Intended(t.Context()); len(left) != 0 {
				t.Errorf("still left: %+v", left)
			}
		})
	}
}

func TestAbsent(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	settled := []journal.Settled{f.create("a", record.Fields{}), f.create("b", record.Fields{}), f.create("c", record.Fields{}), f.create("d", record.Fields{})}
	f.commit(t, settled...)
	archived := f.look(t, settled[3].Key)
	if _, err := f.Commit(t.Context(), f.lease, journal.Batch{
		At: now, Part: f.part, Seen: []string{settled[0].Key.PageID},
		Settled: []journal.Settled{{Key: settled[3].Key, Was: archived.Row, Base: archived.Base, Lens: f.lens, State: record.Archived, Row: merge.Action{Op: merge.Archive}}},
	}); err != nil {
		t.Fatal(err)
	}
	absent := func(shown []string) (names []string) {
		keys, err := f.Absent(context.Background(), f.part.Run.ID, shown, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			names = append(names, scan[string](t, f, `select name from partners where id = $1`, k.RowID))
		}
		slices.Sort(names)
		return names
	}
	if got := absent(nil); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("absent: %v", got)
	}
	if got := absent([]string{settled[1].Key.PageID}); !slices.Equal(got, []string{"c"}) {
		t.Errorf("absent beside what was shown: %v", got)
	}
}

func TestChangedGoesOn(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.exec(t, `insert into partners (name) select 'p' || n from generate_series(1, 5) n`)
	f.exec(t, `update partners set status = 'Active' where name = 'p1'`)
	var all []string
	for after := int64(0); ; {
		ids, last, err := f.Changed(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) == 0 {
			break
		}
		all, after = append(all, ids...), last
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(all)))); n != 5 || len(all) != 6 {
		t.Errorf("%d records in %d looks", n, len(all))
	}
}

func TestDatabaseIsKept(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	if known, size, err := f.Database(t.Context()); known != nil || size != 0 || err != nil {
		t.Fatalf("at first: %+v, %d, %v", known, size, err)
	}
	want := journal.Database{
		DatabaseID: "d", DataSourceID: "s", Binding: mapping.Binding{"name": {ID: "title", Name: "Name", Type: property.TypeTitle}},
		NotionThrough: now, Drifts: []mapping.Drift{{Field: "type", Change: "removed", Was: "Type"}}, RowKey: "xY",
	}
	if _, err := f.Commit(t.Context(), f.lease, journal.Batch{At: now, Part: f.part, Database: &want}); err != nil {
		t.Fatal(err)
	}
	got, _, err := f.Database(t.Context())
	if err != nil || fmt.Sprintf("%+v", *got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got %+v, want %+v (%v)", got, want, err)
	}
}
