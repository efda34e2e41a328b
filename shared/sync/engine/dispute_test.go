package engine_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// disputed is a world after its first sync in which a field of the partners goes by a rule, and both sides changed that field of one
// record; it gives the record's row and page.
func disputed(t *testing.T, column string, rule merge.Rule, inNotion, inPostgres string) (w *sidetest.World, row, page string) {
	t.Helper()
	w = sidetest.Synced(t, func(cfg *engine.Config) {
		kind := &cfg.Connection.Mapping.Kinds[0]
		i := slices.IndexFunc(kind.Fields, func(f mapping.Field) bool { return f.Column == column })
		kind.Fields[i].Rule = string(rule)
	}, "partners")
	row = sidetest.Query[string](t, w, `select min(id::text) from partners`)
	page = sidetest.Query[string](t, w, `select notion_id from notion_partners where id = $1`, row)
	w.Exec(t, `update partners set location = 'here at first' where id = $1`, row)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	edit(t, w, page, map[string]any{"Location": rich("rich_text", inNotion)})
	w.Exec(t, `update partners set location = $2 where id = $1`, row, inPostgres)
	return w, row, page
}

func decisions(w *sidetest.World) postgres.Decisions {
	return postgres.Decisions{Pool: w.Pool, ConnectionID: config.DefaultConnection, Mapping: w.Syncer.Connection.Mapping}
}

// conflicts lists the conflicts of that status.
func conflicts(t *testing.T, w *sidetest.World, status journal.ConflictStatus) []journal.ConflictRecord {
	t.Helper()
	found, err := decisions(w).Conflicts(t.Context(), journal.Find{Status: string(status), Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return found.Items
}

func settle(t *testing.T, w *sidetest.World, id string, d journal.Decision) {
	t.Helper()
	d.By, d.At = "test", time.Now()
	if _, err := decisions(w).Settle(t.Context(), id, d); err != nil {
		t.Fatal(err)
	}
}

// locations returns what the two sides show.
func locations(t *testing.T, w *sidetest.World, row, page string) (inNotion, inPostgres string) {
	t.Helper()
	answer := w.Person(t, "GET", "/v1/pages/"+page, nil)
	properties, _ := answer["properties"].(map[string]any)
	location, _ := properties["Location"].(map[string]any)
	runs, _ := location["rich_text"].([]any)
	for _, run := range runs {
		text, _ := run.(map[string]any)["plain_text"].(string)
		inNotion += text
	}
	return inNotion, sidetest.Query[string](t, w, `select coalesce(location, '') from partners where id = $1`, row)
}

// TestAnotherRuleDecidesNothing: conflicts that wait for a person wait on when another rule is set; it is for those that come.
func TestAnotherRuleDecidesNothing(t *testing.T) {
	t.Parallel()
	for _, rule := range []merge.Rule{merge.Newest, merge.NotionWins, merge.SupabaseWins, merge.Words} {
		t.Run(string(rule), func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, func(cfg *engine.Config) { cfg.Connection.Rule = merge.Manual }, "partners")
			pages := pagesOf(t, w, "partners")
			dispute := func(page string) {
				t.Helper()
				edit(t, w, page, map[string]any{"Location": rich("rich_text", "Perth")})
				w.Exec(t, `update partners set location = 'Broome' where id = (select id from notion_partners where notion_id = $1)`, page)
			}
			for _, page := range pages[:12] {
				dispute(page)
			}
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			if n := len(conflicts(t, w, journal.ConflictWaiting)); n != 12 {
				t.Fatalf("%d wait", n)
			}
			w.Syncer.Connection.Rule = rule
			dispute(pages[12])
			edit(t, w, pages[0], map[string]any{"Location": rich("rich_text", "Albany")}) // as may be while it waits
			for range 2 {
				succeeded(t, w.Sync(t, journal.Full, "partners"))
			}
			if waiting, by := conflicts(t, w, journal.ConflictWaiting), conflicts(t, w, "resolved"); len(waiting) != 12 || len(by) != 1 || by[0].Rule != rule || by[0].PageID != pages[12] {
				t.Errorf("%d wait, and the rule decided %+v", len(waiting), by)
			}
			for i, page := range pages[:12] {
				row := sidetest.Query[string](t, w, `select id::text from notion_partners where notion_id = $1`, page)
				want := "Perth"
				if i == 0 {
					want = "Albany"
				}
				if inNotion, inPostgres := locations(t, w, row, page); inNotion != want || inPostgres != "Broome" {
					t.Errorf("%q in Notion, %q in Postgres", inNotion, inPostgres)
				}
			}
			settle(t, w, conflicts(t, w, journal.ConflictWaiting)[0].ID, journal.Decision{Keep: merge.Supabase})
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			if n := len(conflicts(t, w, journal.ConflictWaiting)); n != 11 {
				t.Errorf("one was decided, and %d wait", n)
			}
		})
	}
}

func TestManualConflictsWaitForAPerson(t *testing.T) {
	t.Parallel()
	w, row, page := disputed(t, "location", merge.Manual, "Perth", "Broome")
	edit(t, w, page, map[string]any{"Impact Story": rich("rich_text", "another field goes on")})
	r := w.Sync(t, journal.Full, "partners")
	succeeded(t, r)
	if n, p := locations(t, w, row, page); n != "Perth" || p != "Broome" {
		t.Errorf("while it waits: %q in Notion, %q in Postgres", n, p)
	}
	if story := sidetest.Query[string](t, w, `select impact_story from partners where id = $1`, row); story != "another field goes on" {
		t.Errorf("another field: %q", story)
	}
	waiting := conflicts(t, w, journal.ConflictWaiting)
	if len(waiting) != 1 || string(waiting[0].Notion) != `"Perth"` || string(waiting[0].Postgres) != `"Broome"` || string(waiting[0].Base) != `"here at first"` || waiting[0].Title == "" {
		t.Fatalf("%+v", waiting)
	}
	events := sidetest.Query[int](t, w, `select count(*) from integration.events`)
	if again := w.Sync(t, journal.Full, "partners"); again.Written() > 0 || again.Conflicts > 0 {
		t.Errorf("a second sync did %+v", again)
	}
	if more := sidetest.Query[int](t, w, `select count(*) from integration.events`) - events; more != 2 { // begun, ended
		t.Errorf("a second sync told %d things", more)
	}

	// The row changes again: what waits is what both have now, and nothing is sent over the other's value.
	w.Exec(t, `update partners set location = 'Karratha', impact_story = 'a' where id = $1`, row)
	succeeded(t, w.Sync(t, journal.SupabaseToNotion, "partners"))
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if n, p := locations(t, w, row, page); n != "Perth" || p != "Karratha" {
		t.Errorf("changed again: %q in Notion, %q in Postgres", n, p)
	}
	again := conflicts(t, w, journal.ConflictWaiting)
	if len(again) != 1 || again[0].ID != waiting[0].ID || string(again[0].Postgres) != `"Karratha"` {
		t.Fatalf("%+v", again)
	}

	settle(t, w, again[0].ID, journal.Decision{Keep: merge.Supabase})
	if r := w.Sync(t, journal.Full, "partners"); r.PagesUpdated != 1 || r.Conflicts != 0 {
		t.Errorf("decided: %+v", r)
	}
	if n, p := locations(t, w, row, page); n != "Karratha" || p != "Karratha" {
		t.Errorf("decided: %q in Notion, %q in Postgres", n, p)
	}
	if over := conflicts(t, w, journal.ConflictSettled); len(over) != 1 || over[0].DecidedBy != "test" {
		t.Errorf("%+v", over)
	}
	w.Agree(t, "partners")
}

// thing is a world of one thing that both sides know, in which conflicts go by a rule.
func thing(t *testing.T, rule merge.Rule, properties map[string]any) (w *sidetest.World, page string) {
	t.Helper()
	w = things(t)
	w.Syncer.Connection.Rule = rule
	properties["Name"] = rich("title", "First")
	page = newThing(t, w, properties)
	succeeded(t, w.Sync(t, journal.Full))
	return w, page
}

// TestAConflictOfAValueThatIsStoredOtherwise: it is told once, and a person who keeps Notion's value finds the page as it was.
func TestAConflictOfAValueThatIsStoredOtherwise(t *testing.T) {
	t.Parallel()
	for name, c := range sample.Of(map[string]struct {
		property string
		value    map[string]any // of the page
		set      string         // on the row, in SQL
	}{
		"NUL":                                {"Text", rich("rich_text", "per\x00son"), `text = 'row'`},
		"a whole number beyond doubles":      {"Whole", map[string]any{"number": 7}, `whole = 9007199254740993`},
		"a number that is spelled otherwise": {"Number", map[string]any{"number": 1e22}, `number = 5e21`},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, page := thing(t, merge.Manual, map[string]any{})
			edit(t, w, page, map[string]any{c.property: c.value})
			w.Exec(t, `update things set `+c.set)
			succeeded(t, w.Sync(t, journal.Full))
			for range 2 {
				if again := w.Sync(t, journal.Full); again.Conflicts > 0 {
					t.Errorf("another sync told it again: %+v", again)
				}
			}
			was := plain(t, w, page, c.property)
			settle(t, w, conflicts(t, w, journal.ConflictWaiting)[0].ID, journal.Decision{Keep: merge.Notion})
			if w.Sync(t, journal.Full); plain(t, w, page, c.property) != was {
				t.Errorf("the page had %q and has %q", was, plain(t, w, page, c.property))
			}
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); n != 1 {
				t.Errorf("%d conflicts", n)
			}
		})
	}
}

func TestAWaitingConflictEndsWhenTheSidesAgree(t *testing.T) {
	t.Parallel()
	w, row, page := disputed(t, "location", merge.Manual, "Perth", "Broome")
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	w.Exec(t, `update partners set location = 'Perth' where id = $1`, row)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if n, p := locations(t, w, row, page); n != "Perth" || p != "Perth" || len(conflicts(t, w, journal.ConflictWaiting)) > 0 {
		t.Errorf("%q in Notion, %q in Postgres, %v", n, p, conflicts(t, w, journal.ConflictWaiting))
	}
	w.Agree(t, "partners")
}

// TestTheLoserCanBePutBack: with all that Notion showed of it, its formatting too.
func TestTheLoserCanBePutBack(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		rule   merge.Rule
		decide journal.Decision
		want   string
	}{
		"Notion's, when Supabase's stayed": {merge.SupabaseWins, journal.Decision{Keep: merge.Notion}, "Perth, WA"},
		"Supabase's, when Notion's stayed": {merge.NotionWins, journal.Decision{Keep: merge.Supabase}, "Broome"},
		"a value of the person's own":      {merge.NotionWins, journal.Decision{Value: json.RawMessage(`"Derby"`)}, "Derby"},
		"nothing":                          {merge.NotionWins, journal.Decision{Value: json.RawMessage(`null`)}, ""},
		"what stands already":              {merge.NotionWins, journal.Decision{Keep: merge.Notion}, "Perth, WA"},
	}
	for name, c := range sample.Of(cases) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, row, page := disputed(t, "location", c.rule, "", "Broome")
			bold := map[string]any{"rich_text": []any{
				map[string]any{"type": "text", "text": map[string]any{"content": "Perth"}, "annotations": map[string]any{"bold": true}},
				map[string]any{"type": "text", "text": map[string]any{"content": ", WA"}},
			}}
			edit(t, w, page, map[string]any{"Location": bold})
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			logged := conflicts(t, w, journal.ConflictResolved)
			if len(logged) != 1 {
				t.Fatalf("%+v", logged)
			}
			settle(t, w, logged[0].ID, c.decide)
			if r := w.Sync(t, journal.Full, "partners"); r.Conflicts > 0 {
				t.Errorf("%+v", r)
			}
			if n, p := locations(t, w, row, page); n != c.want || p != c.want {
				t.Errorf("%q in Notion, %q in Postgres", n, p)
			}
			if c.want == "Perth, WA" {
				document := sidetest.Query[string](t, w, `select data->'properties'->'Location'->'rich_text'->0->'annotations'->>'bold' from notion_partners where id = $1`, row)
				if document != "true" {
					t.Error("the formatting is lost")
				}
			}
			if over := conflicts(t, w, journal.ConflictSettled); len(over) != 1 {
				t.Errorf("%+v", over)
			}
			w.Agree(t, "partners")
			if r := w.Sync(t, journal.Full, "partners"); r.Written() > 0 {
				t.Errorf("then a sync wrote %+v", r)
			}
		})
	}
}

// TestTheLoserIsPutBackWhole: the log keeps all of a row's value, also what Notion and a double cannot hold, and so does putting it back.
func TestTheLoserIsPutBackWhole(t *testing.T) {
	t.Parallel()
	later := map[string]any{"date": map[string]any{"start": "2026-02-02"}}
	for column, c := range map[string]struct {
		property string
		page     map[string]any
		row      string
	}{
		"number": {"Number", map[string]any{"number": 7}, "12345678901234567890.123"},
		"whole":  {"Whole", map[string]any{"number": 7}, "9007199254740993"},
		"span":   {"Span", later, `{"of": 9007199254740993, "end": null, "start": "2026-01-01", "time_zone": null}`},
		"moment": {"Moment", later, "2026-01-01 10:00:45.123456+00"},
	} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			w, page := thing(t, merge.NotionWins, map[string]any{})
			edit(t, w, page, map[string]any{c.property: c.page})
			w.Exec(t, `update things set `+column+` = '`+c.row+`'`)
			succeeded(t, w.Sync(t, journal.Full))
			settle(t, w, conflicts(t, w, journal.ConflictResolved)[0].ID, journal.Decision{Keep: merge.Supabase})
			settles(t, w)
			if got := sidetest.Query[string](t, w, `select `+column+`::text from things`); got != c.row {
				t.Errorf("the row has %s, had %s", got, c.row)
			}
		})
	}
}

// TestADecisionLosesNothingUnseen: an edit that the person had not seen is overruled, and kept.
func TestADecisionLosesNothingUnseen(t *testing.T) {
	t.Parallel()
	w, row, page := disputed(t, "location", merge.NotionWins, "Perth", "Broome")
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	settle(t, w, conflicts(t, w, journal.ConflictResolved)[0].ID, journal.Decision{Keep: merge.Supabase})
	edit(t, w, page, map[string]any{"Location": rich("rich_text", "Esperance")})
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if n, p := locations(t, w, row, page); n != "Broome" || p != "Broome" {
		t.Errorf("%q in Notion, %q in Postgres", n, p)
	}
	logged := conflicts(t, w, journal.ConflictResolved)
	if len(logged) != 1 || logged[0].Rule != merge.Decided || string(logged[0].Notion) != `"Esperance"` {
		t.Errorf("%+v", logged)
	}
	w.Agree(t, "partners")
}

func TestWordsOfBothSidesAreMerged(t *testing.T) {
	t.Parallel()
	w, row, page := disputed(t, "location", merge.Words, "over here at first", "here at last")
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if n, p := locations(t, w, row, page); n != "over here at last" || p != n {
		t.Errorf("%q in Notion, %q in Postgres", n, p)
	}
	if logged := conflicts(t, w, ""); len(logged) > 0 {
		t.Errorf("%+v", logged)
	}
	w.Agree(t, "partners")
}

func TestDecisionsThatCannotBe(t *testing.T) {
	t.Parallel()
	w, row, _ := disputed(t, "location", merge.NotionWins, "Perth", "Broome")
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	id := conflicts(t, w, journal.ConflictResolved)[0].ID
	try := func(id string, d journal.Decision) fault.Kind {
		d.At = time.Now()
		_, err := decisions(w).Settle(t.Context(), id, d)
		return fault.KindOf(err)
	}
	if k := try(row, journal.Decision{Keep: merge.Notion}); k != fault.NotFound {
		t.Errorf("no such conflict: %v", k)
	}
	if k := try(id, journal.Decision{Value: json.RawMessage(`["a list"]`)}); k != fault.Invalid {
		t.Errorf("a value that the field cannot hold: %v", k)
	}
	_, err := decisions(w).Settle(t.Context(), id, journal.Decision{Value: json.RawMessage(`5`), At: time.Now()})
	if want := "location cannot hold that value: send one of the kind that the conflict's values are."; fault.Message(err) != want {
		t.Errorf("a value that the field cannot hold is answered %q, not %q", fault.Message(err), want)
	}
	w.Exec(t, `delete from partners where id = $1`, row)
	if k := try(id, journal.Decision{Keep: merge.Notion}); k != fault.Conflict {
		t.Errorf("a deleted record: %v", k)
	}
	if diff := cmp.Diff(1, len(conflicts(t, w, journal.ConflictResolved))); diff != "" {
		t.Error(diff)
	}
}

// TestAReturnedRecordCanBeDeletedAfterAll: the deletion that an edit outlived.
func TestAReturnedRecordCanBeDeletedAfterAll(t *testing.T) {
	t.Parallel()
	w, row, page := disputed(t, "location", merge.Newest, "Perth", "Broome")
	w.Exec(t, `delete from partners where id = $1`, row)
	succeeded(t, w.Sync(t, journal.Full))
	logged := conflicts(t, w, journal.ConflictResolved)
	i := slices.IndexFunc(logged, func(c journal.ConflictRecord) bool { return c.Field == "" })
	if i < 0 || logged[i].Winner != merge.Notion {
		t.Fatalf("%+v", logged)
	}
	settle(t, w, logged[i].ID, journal.Decision{Keep: merge.Supabase})
	succeeded(t, w.Sync(t, journal.Full))
	if answer := w.Person(t, "GET", "/v1/pages/"+page, nil); answer["in_trash"] != true {
		t.Error("the page is not in the trash")
	}
	w.Agree(t)
}

// TestADecisionThatCannotBeDoneLapses once either side is edited: it waits anew, with what both have, or ends where they agree.
func TestADecisionThatCannotBeDoneLapses(t *testing.T) {
	t.Parallel()
	long := `update things set text = repeat('a', 200001)`
	constraint := `alter table things add check (text <> 'person') not valid`
	for name, c := range sample.Of(map[string]struct {
		before, after string         // done to the row before and after the decision
		keep          merge.Side     // of which the other side refuses the value
		page          map[string]any // as it is edited after the decision
		waits         string         // then, what both sides show
		inNotion      string         // in the end
	}{
		"the row is shortened":               {before: long, keep: merge.Supabase, after: `update things set text = 'z'`, waits: `"person" "z"`, inNotion: "person"},
		"the row takes what the page has":    {before: long, keep: merge.Supabase, after: `update things set text = 'person'`, inNotion: "person"},
		"the row takes what it had at first": {before: long, keep: merge.Supabase, after: `update things set text = 'before'`, inNotion: "person"},
		"the page is edited": {
			before: long, keep: merge.Supabase, after: `update things set email = 'r@example.com'`, page: rich("rich_text", "again"), inNotion: "again",
			waits: `"again" "` + strings.Repeat("a", 200001) + `"`,
		},
		"a page that the row refuses": {
			before: constraint, keep: merge.Notion, after: `update things set email = 'r@example.com'`, page: rich("rich_text", "again"), inNotion: "again",
			waits: `"again" "row"`,
		},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, page := thing(t, merge.Manual, map[string]any{"Text": rich("rich_text", "before")})
			edit(t, w, page, map[string]any{"Text": rich("rich_text", "person")})
			w.Exec(t, `update things set text = 'row'`)
			w.Exec(t, c.before)
			succeeded(t, w.Sync(t, journal.Full))
			id := conflicts(t, w, journal.ConflictWaiting)[0].ID
			settle(t, w, id, journal.Decision{Keep: c.keep})
			if r := w.Sync(t, journal.Full); r.Counts.Errors != 1 || len(conflicts(t, w, journal.ConflictDecided)) != 1 {
				t.Fatalf("it was done, or forgotten: %+v", r)
			}
			w.Exec(t, c.after)
			if c.page != nil {
				edit(t, w, page, map[string]any{"Text": c.page})
			}
			w.Sim.Clock().Advance(2 * time.Minute)
			for range 2 {
				succeeded(t, w.Sync(t, journal.Full))
			}
			got := ""
			for _, c := range conflicts(t, w, journal.ConflictWaiting) {
				got += string(c.Notion) + " " + string(c.Postgres)
			}
			if inNotion := plain(t, w, page, "Text"); got != c.waits || inNotion != c.inNotion {
				t.Errorf("%.40s waits, %q is in Notion", got, inNotion)
			}
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`) + len(conflicts(t, w, journal.ConflictDecided)); n > 0 {
				t.Errorf("%d are set aside, or decided still", n)
			}
			if c.waits != "" {
				settle(t, w, id, journal.Decision{Keep: merge.Notion})
				succeeded(t, w.Sync(t, journal.Full))
			}
			w.Agree(t)
		})
	}
}

// TestADecisionThatReplacesAnotherIsCarriedOut: a person decides anew while a sync carries out what they decided before.
func TestADecisionThatReplacesAnotherIsCarriedOut(t *testing.T) {
	t.Parallel()
	w, row, page := disputed(t, "location", merge.Manual, "Perth", "Broome")
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	settle(t, w, conflicts(t, w, journal.ConflictWaiting)[0].ID, journal.Decision{Keep: merge.Notion})
	w.Exec(t, `
		create function decide_anew() returns trigger language plpgsql as $$ begin
			update integration.sync_conflicts set decision = '"Derby"', decided_property = null, decided_at = clock_timestamp() where status = 'decided';
			return null;
		end $$`)
	w.Exec(t, `create trigger decide_anew after update on partners for each row when (new.location = 'Perth') execute function decide_anew()`)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	w.Exec(t, `drop trigger decide_anew on partners`)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if inNotion, inPostgres := locations(t, w, row, page); inNotion != "Derby" || inPostgres != "Derby" {
		t.Errorf("%q and %q", inNotion, inPostgres)
	}
}

// TestDecisionsAtOnce: several people settle different conflicts of one field; one decision stands, and nobody is told of an error.
func TestDecisionsAtOnce(t *testing.T) {
	t.Parallel()
	w, row, page := disputed(t, "location", merge.Manual, "Perth", "Broome")
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	first := conflicts(t, w, journal.ConflictWaiting)[0].ID
	settle(t, w, first, journal.Decision{Keep: merge.Notion})
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	edit(t, w, page, map[string]any{"Location": rich("rich_text", "Albany")})
	w.Exec(t, `update partners set location = 'Esperance' where id = $1`, row)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	both := []string{first, conflicts(t, w, journal.ConflictWaiting)[0].ID}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 5 {
				d := journal.Decision{Keep: merge.Supabase, By: "test", At: time.Now()}
				if _, err := decisions(w).Settle(t.Context(), both[i%2], d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := sidetest.Query[int](t, w, `select count(*)::int from integration.sync_conflicts where status in ('waiting', 'decided')`); n != 1 {
		t.Errorf("%d are open", n)
	}
}
