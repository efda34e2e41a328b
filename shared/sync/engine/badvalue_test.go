package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// TestValuesThatOneSideCannotHold keep their record, and nothing else, out of step, and the reason says what to do. What both sides can hold,
// if not to the last digit, comes to rest.
func TestValuesThatOneSideCannotHold(t *testing.T) {
	t.Parallel()
	for name, c := range sample.Of(map[string]struct {
		set    string         // on the row, in SQL
		edit   map[string]any // on the page
		reason string         // "" where it is no error
	}{
		"an option with a comma":          {set: `status = 'this, that'`, reason: "comma"},
		"101 options":                     {set: `tags = (select array_agg('t' || n) from generate_series(1, 101) n)`, reason: "100"},
		"a text that is too long":         {set: `description = repeat('a', 200001)`, reason: "200"},
		"a text that just fits":           {set: `description = repeat('a', 200000)`},
		"a text of four-byte letters":     {set: `description = repeat('😀', 5000)`},
		"a date before Christ":            {set: `start_date = '0044-03-15 BC'`, reason: "date"},
		"a date without end":              {set: `start_date = 'infinity'`, reason: "date"},
		"a year of five digits":           {set: `start_date = '12026-01-01'`, reason: "date"},
		"not a number":                    {set: `budget = 'NaN'`, reason: "number"},
		"a number beyond doubles":         {set: `budget = 1e400`, reason: "number"},
		"a number that a double rounds":   {set: `budget = 12345678901234567890.123`},
		"a number with a tail":            {set: `budget = 0.1000000000000000055511151231257827`},
		"an empty title":                  {set: `name = ''`},
		"no title":                        {set: `name = null`},
		"NUL in Notion":                   {edit: rich("rich_text", "a\x00b"), reason: "NUL"},
		"a lone surrogate in Notion":      {edit: map[string]any{"rich_text": []any{map[string]any{"text": map[string]any{"content": "a\ufffdb"}}}}},
		"white space and other alphabets": {edit: rich("rich_text", "\u200b\u202e\u00a0 \u200fשלום\r\n\t")},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners", "projects")
			page, row := someOf(t, w, "projects")
			if c.edit != nil {
				w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Description": c.edit}})
			} else {
				w.Exec(t, `update projects set `+c.set+` where id = $1::text::uuid`, row)
			}
			w.Exec(t, `update partners set location = 'Hobart'`)
			r := w.Sync(t, journal.Full)
			if r.PagesUpdated < 25 {
				t.Errorf("the others were held up: %+v", r)
			}
			reason := sidetest.Query[string](t, w, `select coalesce(string_agg(reason, '; '), '') from integration.sync_errors`)
			if (c.reason == "") != (reason == "") || !strings.Contains(reason, c.reason) || (c.reason != "") != (r.Counts.Errors == 1) {
				t.Errorf("%d errors: %q", r.Counts.Errors, reason)
			}
			if c.reason == "" {
				w.Agree(t)
				if again := w.Sync(t, journal.Full); again.Written() > 0 {
					t.Errorf("a second sync wrote %+v", again)
				}
				return
			}
			// Somebody mends it.
			if c.edit != nil {
				w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Description": rich("rich_text", "mended")}})
			} else {
				w.Exec(t, `update projects set status = 'Active', tags = '{}', description = 'mended', start_date = null, budget = 1 where id = $1::text::uuid`, row)
			}
			w.Sim.Clock().Advance(time.Minute)
			w.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
			succeeded(t, w.Sync(t, journal.Full))
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`); n != 0 {
				t.Errorf("mended, and %d records are still set aside", n)
			}
			w.Agree(t)
		})
	}
}

// TestANameWithNUL, of an option or a property: what shows it waits, and nothing else of the database.
func TestANameWithNUL(t *testing.T) {
	t.Parallel()
	for name, c := range sample.Of(map[string]struct{ bad, mended map[string]any }{
		"an option":      {map[string]any{"Select": selected("a\x00b")}, map[string]any{"Select": selected("good")}},
		"one of options": {map[string]any{"Tags": chosen("a\x00b", "c")}, map[string]any{"Tags": chosen("c")}},
		"a property":     {nil, map[string]any{}},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, page := thing(t, merge.Newest, map[string]any{})
			if c.bad != nil {
				edit(t, w, page, c.bad)
			} else {
				w.Person(t, "PATCH", "/v1/data_sources/"+source(t, w), map[string]any{"properties": map[string]any{"Email": map[string]any{"name": "E\x00mail"}}})
			}
			edit(t, w, page, map[string]any{"Text": rich("rich_text", "after")})
			w.Exec(t, `insert into things (name) values ('another')`)
			for range 2 {
				finished(t, w.Sync(t, journal.Full))
			}
			if got := sidetest.Query[string](t, w, `select concat((select text from things where name = 'First'), ', ', (select count(*) from notion_things))`); got != "after, 2" {
				t.Errorf("there are %s", got)
			}
			if told := sidetest.Query[int](t, w, `select count(*) from integration.events where type = 'schema_changed'`); c.bad != nil && told > 0 || told > 1 {
				t.Errorf("%d changes were told", told)
			}
			edit(t, w, page, c.mended)
			w.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
			succeeded(t, w.Sync(t, journal.Full))
			w.Agree(t)
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`); n > 0 {
				t.Errorf("%d are set aside", n)
			}
		})
	}
}

// TestABaseRowDeletedByHand: a row and the page that carries its key find each other again, so do a page and the row that was made for it, and
// nothing is doubled. Links to them come back with the sync after that.
func TestABaseRowDeletedByHand(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "projects")
	w.Exec(t, `insert into projects (name) values ('of Postgres')`)
	succeeded(t, w.Sync(t, journal.Full))
	w.Exec(t, `delete from notion_projects where name = 'of Postgres' or notion_id = (select min(notion_id) from notion_projects)`)
	succeeded(t, w.Sync(t, journal.Full))
	succeeded(t, w.Sync(t, journal.Full))
	if pages, rows := live(t, w, "projects"); pages != 16 || rows != 16 {
		t.Errorf("%d pages and %d rows", pages, rows)
	}
	w.Agree(t)
	if again := w.Sync(t, journal.Full); again.Written() > 0 {
		t.Errorf("a second sync wrote %+v", again)
	}
}

// TestAClockAnHourWrong, before or after Notion's: edits of both sides pass all the same, by runs that ask only for what changed.
func TestAClockAnHourWrong(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]time.Duration{"slow": -time.Hour, "fast": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.New(t, func(cfg *engine.Config) {
				right := cfg.Now
				cfg.Now = func() time.Time { return right().Add(wrong) }
			}, "projects")
			for range 110 { // more than one answer, else every listing is whole
				w.Exec(t, `insert into projects (name) values ('another')`)
			}
			succeeded(t, w.Sync(t, journal.Full))
			for range 3 {
				page, row := someOf(t, w, "projects")
				w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Description": rich("rich_text", "of the page")}})
				w.Exec(t, `update projects set lead = 'of the row' where id = $1::text::uuid`, row)
				w.Sim.Clock().Advance(2 * time.Minute)
				succeeded(t, w.Sync(t, journal.Incremental))
				w.Agree(t)
			}
		})
	}
}

// TestAFieldThatIsRefusedInABatchThatBreaksOff: Notion refuses a field of one record, and is away before it is asked for the record's others. The
// worker died of that.
func TestAFieldThatIsRefusedInABatchThatBreaksOff(t *testing.T) {
	t.Parallel()
	w := columned(t, "", []column{{"who", property.TypePeople, "text[]", ""}, {"word", property.TypeSelect, "text", ""}})
	w.Exec(t, `insert into things (name) values ('First'), ('Second')`)
	succeeded(t, w.Sync(t, journal.Full))
	w.Exec(t, `update things set word = 'new'`)
	w.Exec(t, `update things set who = '{00000000-0000-4000-8000-000000000000}' where name = 'First'`)
	for skip := range 4 {
		setFaults(t, w, chaos.Rule{Fault: chaos.Fault{Status: 503}, Method: "PATCH", Route: "/v1/pages/{id}", Skip: skip})
		w.Sync(t, journal.Full)
	}
	setFaults(t, w)
	w.Exec(t, `update integration.sync_errors set next_attempt_at = '2000-01-01'`)
	w.Sync(t, journal.Full)
	if got := sidetest.Query[string](t, w, `select string_agg(fields::text, ', ') from integration.sync_errors`); !strings.Contains(got, "who") || strings.Contains(got, "word") {
		t.Errorf("set aside are %s", got)
	}
	for _, name := range []string{"First", "Second"} {
		if got := plain(t, w, pageOf(t, w, "things", name), "word"); got != "new" {
			t.Errorf("Notion has %q of %s", got, name)
		}
	}
	w.Exec(t, `update things set who = null`)
	w.Exec(t, `update integration.sync_errors set next_attempt_at = '2000-01-01'`)
	succeeded(t, w.Sync(t, journal.Full))
	w.Agree(t)
}

// TestAStatusThatNobodyChose: the one that Notion gives a page by itself, since it has none such as the row's, is nobody's edit either once the record
// was away.
func TestAStatusThatNobodyChose(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]string{
		"archived":             `update things set archived_at = now() where name = 'New'`,
		"archived, and mended": `update things set archived_at = now(), status = 'Done' where name = 'New'`,
		"deleted":              `delete from things where name = 'New'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := aThing(t, map[string]any{})
			w.Exec(t, `insert into things (name, status) values ('New', 'Later')`)
			w.Exec(t, `create table saved as select * from things where name = 'New'`)
			settled := func() {
				w.Sim.Clock().Advance(10 * time.Minute)
				succeeded(t, w.Sync(t, journal.Full))
			}
			w.Sim.Clock().Advance(10 * time.Minute)
			w.Sync(t, journal.Full) // the status waits
			w.Exec(t, away)
			settled()
			w.Exec(t, `insert into things select * from saved on conflict do nothing`)
			w.Exec(t, `update things set status = 'Done', archived_at = null where name = 'New'`)
			settled()
			settled()
			if got := plain(t, w, pageOf(t, w, "things", "New"), "Status"); got != "Done" {
				t.Errorf("the page has %s", got)
			}
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where field <> ''`); n > 0 {
				t.Errorf("%d conflicts", n)
			}
			w.Agree(t)
		})
	}
}

// TestWhatIsAwayWaitsForNothing: a record that is archived and gone in Notion is done with, whatever its row holds: it is no error, is not looked at
// again, and costs no request. Its field waits again once the row is back, and the others pass.
func TestWhatIsAwayWaitsForNothing(t *testing.T) {
	t.Parallel()
	archive := `update things set archived_at = now() where name = 'First'`
	for field, c := range sample.Of(map[string]struct{ bad, good string }{
		"number": {`'Infinity'`, `1`},
		"day":    {`'0044-03-15 BC'`, `'2026-01-01'`},
		"moment": {`'infinity'`, `'2026-01-01T10:00:00Z'`},
		"choice": {`'this, that'`, `'this'`},
		"status": {`'Later'`, `'Done'`},
	}) {
		spoil := `update things set ` + field + ` = ` + c.bad + ` where name = 'First'`
		for name, goes := range map[string]func(t *testing.T, w *sidetest.World, page string){
			"the row is archived": func(t *testing.T, w *sidetest.World, _ string) { w.Exec(t, archive) },
			"the row is archived, the page put into the trash": func(t *testing.T, w *sidetest.World, page string) {
				w.Exec(t, archive)
				w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
			},
			"the row is archived, the page deleted for good": func(t *testing.T, w *sidetest.World, page string) {
				w.Exec(t, archive)
				if err := w.Sim.DeletePage(page); err != nil {
					t.Fatal(err)
				}
			},
			"it was archived when the value came": func(t *testing.T, w *sidetest.World, _ string) {
				w.Exec(t, `update things set `+field+` = null where name = 'First'`)
				w.Exec(t, archive)
				syncLater(t, w)
				w.Exec(t, spoil)
			},
		} {
			t.Run(field+", "+name, func(t *testing.T) {
				t.Parallel()
				w, page := aThing(t, map[string]any{})
				sync := func() (r sidetest.Report, requests int) {
					w.Exec(t, `update integration.sync_errors set next_attempt_at = '2000-01-01'`)
					w.Before(func() { requests++ })
					defer w.Before(nil)
					return syncLater(t, w), requests
				}
				_, idle := sync()
				w.Exec(t, spoil)
				if r, _ := sync(); r.Counts.Errors != 1 {
					t.Fatalf("it is no bad value: %+v", r)
				}
				goes(t, w, page)
				if r, _ := sync(); r.Counts.Errors > 0 {
					t.Errorf("it is away, and an error: %+v", r)
				}
				if r, requests := sync(); requests != idle || r.Counts.Errors > 0 {
					t.Errorf("it is away, and the sync made %d requests instead of %d, with %d errors", requests, idle, r.Counts.Errors)
				}
				if set := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`); set > 0 {
					t.Errorf("it is away, and %d are set aside", set)
				}
				w.Exec(t, `update things set archived_at = null, text = 'back' where name = 'First'`)
				if r, _ := sync(); r.Counts.Errors != 1 {
					t.Errorf("it is back: %+v", r)
				}
				if fields := sidetest.Query[string](t, w, `select coalesce(string_agg(fields::text, ', '), '') from integration.sync_errors`); !strings.Contains(fields, field) {
					t.Errorf("it is back, and what waits is %q", fields)
				}
				if got := plain(t, w, pageOf(t, w, "things", "First"), "Text"); got != "back" {
					t.Errorf("it is back, and its page has %q", got)
				}
				w.Exec(t, `update things set `+field+` = `+c.good+` where name = 'First'`)
				sync()
				settles(t, w)
				w.Agree(t)
			})
		}
	}
}

// TestWhatWaitsIsToldOnce: the reason follows the names of the property and the record, and nobody is told anew for that.
func TestWhatWaitsIsToldOnce(t *testing.T) {
	t.Parallel()
	w, page := aThing(t, map[string]any{})
	w.Exec(t, `update things set number = 'Infinity' where name = 'First'`)
	told := func(want string) {
		t.Helper()
		syncLater(t, w)
		w.Exec(t, `update integration.sync_errors set next_attempt_at = '2000-01-01'`)
		syncLater(t, w)
		if reason := sidetest.Query[string](t, w, `select reason from integration.sync_errors`); !strings.HasPrefix(reason, want) {
			t.Errorf("the reason is %q, want %q", reason, want)
		}
		if n := sidetest.Query[int](t, w, `select count(*) from integration.events where type = 'error'`); n != 1 {
			t.Errorf("it is told %d times", n)
		}
	}
	told(`"First", property "Number": `)
	shape(t, w, "things", map[string]any{"Number": map[string]any{"name": "Size"}})
	told(`"First", property "Size": `)
	edit(t, w, page, map[string]any{"Name": rich("title", "Renamed")})
	told(`"Renamed", property "Size": `)
	w.Exec(t, `update things set day = 'infinity'`)
	syncLater(t, w)
	if n := sidetest.Query[int](t, w, `select count(distinct data ->> 'id') * 10 + count(*) from integration.events where type = 'error' and data ->> 'reason' like '%Day%'`); n%10 == 0 {
		t.Error("another field waits, and nobody is told")
	}
}

// TestWhatWaitsInAHeldDeletion: while people are to decide on its deletion, a record is no error. What Notion made of a field that waits stays nobody's
// edit, whatever they decide.
func TestWhatWaitsInAHeldDeletion(t *testing.T) {
	t.Parallel()
	for _, verdict := range []journal.Verdict{journal.Approved, journal.Refused} {
		for field, bad := range map[string]string{"number": `'Infinity'`, "status": `'Later'`} {
			t.Run(string(verdict)+" "+field, func(t *testing.T) {
				t.Parallel()
				w, _ := aThing(t, map[string]any{})
				w.Syncer.Connection.Limit = journal.Limit{Number: 1, Share: 1}
				w.Exec(t, `insert into things (name, `+field+`) values ('New', `+bad+`)`)
				retry := func() sidetest.Report {
					w.Exec(t, `update integration.sync_errors set next_attempt_at = '2000-01-01'`)
					return syncLater(t, w)
				}
				if r := retry(); r.Counts.Errors != 1 {
					t.Fatalf("%+v", r)
				}
				w.Exec(t, `update things set archived_at = now()`)
				retry()
				if n := waiting(t, w, merge.Notion); n != 5 {
					t.Fatalf("%d are held", n)
				}
				if r := retry(); r.Counts.Errors > 0 {
					t.Errorf("its deletion is held, and it is an error: %+v", r)
				}
				decide(t, w, verdict)
				r := retry()
				lives := sidetest.Query[bool](t, w, `select archived_at is null from things where name = 'New'`)
				if lives != (verdict == journal.Refused) || lives != (r.Counts.Errors == 1) {
					t.Errorf("the row lives: %v; %+v", lives, r)
				}
				if r := retry(); r.Written() > 0 {
					t.Errorf("it does not settle: %+v", r)
				}
				if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where field <> ''`); n > 0 {
					t.Errorf("%d conflicts", n)
				}
				if got := sidetest.Query[bool](t, w, `select `+field+` = `+bad+` from things where name = 'New'`); !got {
					t.Error("the row's value is overwritten")
				}
			})
		}
	}
}

// triedAgain syncs twice, each time with all that waits due.
func triedAgain(t *testing.T, w *sidetest.World) {
	t.Helper()
	for range 2 {
		w.Exec(t, `update integration.sync_errors set next_attempt_at = '2000-01-01'`)
		syncLater(t, w)
	}
}

// TestWhatWaitsBesideALock: what Notion made of a field that waits stays nobody's edit while the record's row is locked as well, and once the lock is gone.
func TestWhatWaitsBesideALock(t *testing.T) {
	t.Parallel()
	w, _ := aThing(t, map[string]any{})
	w.Exec(t, `insert into things (name, status) values ('New', 'Later')`)
	syncLater(t, w) // the status waits
	page := pageOf(t, w, "things", "New")
	edit(t, w, page, map[string]any{"Text": rich("rich_text", "of the page")})
	done := application(t, w, `select from things where name = 'New' for update`)
	syncLater(t, w)
	if s := status(t, w); len(s.Locked) != 1 {
		t.Fatalf("%+v", s.Locked)
	}
	done(false)
	triedAgain(t, w)
	if got := kept(t, w, "New"); got["status"] != "Later" || got["text"] != "of the page" {
		t.Errorf("the row is %v", got)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); n > 0 {
		t.Errorf("%d conflicts", n)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.events where type = 'error'`); n != 1 {
		t.Errorf("it is told %d times", n)
	}
}

// TestWhatWaitsInARowThatPostgresRefuses: what Notion made of a field that waits stays nobody's edit while Postgres refuses the row for another field, and
// once it takes it.
func TestWhatWaitsInARowThatPostgresRefuses(t *testing.T) {
	t.Parallel()
	w, _ := aThing(t, map[string]any{})
	w.Exec(t, `insert into things (name, status) values ('New', 'Later')`)
	syncLater(t, w) // the status waits
	w.Exec(t, `alter table things add constraint brief check (length(text) < 5)`)
	edit(t, w, pageOf(t, w, "things", "New"), map[string]any{"Text": rich("rich_text", "of the page")})
	syncLater(t, w)
	if reason := sidetest.Query[string](t, w, `select coalesce(max(reason), '') from integration.sync_errors`); !strings.Contains(reason, "brief") {
		t.Fatalf("refused: %q", reason)
	}
	w.Exec(t, `alter table things drop constraint brief`)
	triedAgain(t, w)
	if got := kept(t, w, "New"); got["status"] != "Later" || got["text"] != "of the page" {
		t.Errorf("the row is %v", got)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); n > 0 {
		t.Errorf("%d conflicts", n)
	}
}

// TestWhatWaitsInARunOfOneDirection: a run that writes to one side only forgets nothing of what waits for the other.
func TestWhatWaitsInARunOfOneDirection(t *testing.T) {
	t.Parallel()
	for _, direction := range []journal.Type{journal.NotionToSupabase, journal.SupabaseToNotion} {
		for name, set := range map[string]string{"a status": `status = 'Later'`, "a number": `number = 'Infinity'`, "an option": `choice = repeat('x', 101)`} {
			t.Run(fmt.Sprint(direction, ", ", name), func(t *testing.T) {
				t.Parallel()
				w, _ := aThing(t, map[string]any{})
				w.Exec(t, `insert into things (name) values ('New')`)
				w.Exec(t, `update things set `+set+` where name = 'New'`)
				syncLater(t, w)
				was := kept(t, w, "New")
				edit(t, w, pageOf(t, w, "things", "New"), map[string]any{"Text": rich("rich_text", "of the page")})
				w.Sim.Clock().Advance(10 * time.Minute)
				finished(t, w.Sync(t, direction))
				w.Exec(t, `update things set email = 'row@example.com' where name = 'New'`)
				w.Sim.Clock().Advance(10 * time.Minute)
				finished(t, w.Sync(t, direction))
				triedAgain(t, w)
				got := kept(t, w, "New")
				for _, column := range []string{"status", "number", "choice"} {
					if got[column] != was[column] {
						t.Errorf("%s was %q and is %q", column, was[column], got[column])
					}
				}
				if got["text"] != "of the page" || got["email"] != "row@example.com" {
					t.Errorf("the row is %v", got)
				}
				if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); n > 0 {
					t.Errorf("%d conflicts", n)
				}
				if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`); n != 1 {
					t.Errorf("%d records wait", n)
				}
			})
		}
	}
}
