package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

func policies() []merge.Rule {
	return []merge.Rule{merge.Newest, merge.NotionWins, merge.SupabaseWins, merge.Manual, merge.Words}
}

// TestNotionHoldsMinutes: a row's time has microseconds, Notion cuts it to the minute. The row keeps them, nothing is a conflict, and a second
// sync writes nothing.
func TestNotionHoldsMinutes(t *testing.T) {
	t.Parallel()
	for _, rule := range sample.List(policies()) {
		t.Run(string(rule), func(t *testing.T) {
			t.Parallel()
			w := things(t)
			w.Syncer.Connection.Rule = rule
			succeeded(t, w.Sync(t, journal.Full))
			settle := func(what, moment string) {
				t.Helper()
				w.Sim.Clock().Advance(2 * time.Minute)
				succeeded(t, w.Sync(t, journal.Full))
				if got := sidetest.Query[string](t, w, `select (moment at time zone 'UTC')::text from things`); got != moment {
					t.Errorf("%s: the row's time is %s, want %s", what, got, moment)
				}
				w.Agree(t)
				if again := w.Sync(t, journal.Full); again.Written() > 0 {
					t.Errorf("%s: a second sync wrote %+v", what, again)
				}
				if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); n > 0 {
					t.Fatalf("%s: %d conflicts", what, n)
				}
			}
			w.Exec(t, `insert into things (name, moment) values ('First', '2026-11-23T10:00:45.123456Z')`)
			settle("a new row", "2026-11-23 10:00:45.123456")
			page := sidetest.Query[string](t, w, `select notion_id from notion_things`)
			w.Exec(t, `update things set moment = '2026-11-23T10:00:59.9Z'`)
			settle("only the seconds", "2026-11-23 10:00:59.9")
			w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Text": rich("rich_text", "more")}})
			settle("another field of the page", "2026-11-23 10:00:59.9")
			w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{
				"Moment": map[string]any{"date": map[string]any{"start": "2026-11-23T12:30:00.000Z"}},
			}})
			settle("the page's time", "2026-11-23 12:30:00")
			w.Exec(t, `update things set moment = '2026-11-24T08:15:30.5Z'`)
			settle("the row's time", "2026-11-24 08:15:30.5")
			// Both sides come to mean the same minute.
			w.Exec(t, `update things set moment = '2026-11-25T08:15:30.5Z'`)
			w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{
				"Moment": map[string]any{"date": map[string]any{"start": "2026-11-25T08:15:00.000Z"}},
			}})
			settle("the same minute on both sides", "2026-11-25 08:15:30.5")
		})
	}
}

// finished is succeeded where some fields wait.
// TestTheEndOfADateIsEdited: who changes only the end of a date in Notion has not changed what the row has of its beginning and Notion cannot hold:
// seconds, and keys of the application's own.
func TestTheEndOfADateIsEdited(t *testing.T) {
	t.Parallel()
	for _, rule := range sample.List(policies()) {
		t.Run(string(rule), func(t *testing.T) {
			t.Parallel()
			w, page := aThing(t, map[string]any{})
			w.Syncer.Connection.Rule = rule
			w.Exec(t, `update things set moment = '2026-11-23T10:00:45.5Z', span = '{"start": "2026-11-23T10:00:45Z", "color": "red"}' where name = 'First'`)
			syncLater(t, w)
			longer := map[string]any{"date": map[string]any{"start": "2026-11-23T10:00:00Z", "end": "2026-11-23T12:00:00Z"}}
			edit(t, w, page, map[string]any{"Moment": longer, "Span": longer})
			settles(t, w)
			got := sidetest.Query[string](t, w, `select concat_ws(' ', moment at time zone 'UTC', span ->> 'start', span ->> 'color', span ->> 'end') from things where name = 'First'`)
			if want := "2026-11-23 10:00:45.5 2026-11-23T10:00:45Z red 2026-11-23T12:00:00.000+00:00"; got != want {
				t.Errorf("the row has %s, want %s", got, want)
			}
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); n > 0 {
				t.Errorf("%d conflicts", n)
			}
			w.Agree(t)
		})
	}
}

// TestARowThatReturnsKeepsItsSeconds: an edit of a page's date brings a row back that was archived. What the row has of it and Notion cannot hold stays.
func TestARowThatReturnsKeepsItsSeconds(t *testing.T) {
	t.Parallel()
	w, page := aThing(t, map[string]any{})
	w.Exec(t, `update things set moment = '2026-11-23T10:00:45.5Z' where name = 'First'`)
	syncLater(t, w)
	w.Exec(t, `update things set archived_at = now() where name = 'First'`)
	edit(t, w, page, map[string]any{"Moment": map[string]any{"date": map[string]any{"start": "2026-11-23T10:00:00Z", "end": "2026-11-23T12:00:00Z"}}})
	settles(t, w)
	got := sidetest.Query[string](t, w, `select concat_ws(' ', moment at time zone 'UTC', archived_at is null) from things where name = 'First'`)
	if want := "2026-11-23 10:00:45.5 t"; got != want {
		t.Errorf("the row has %s, want %s", got, want)
	}
	w.Agree(t)
}

func finished(t *testing.T, r sidetest.Report) {
	t.Helper()
	if r.Status != "succeeded" {
		t.Fatalf("%+v", r)
	}
}

// TestOneBadFieldHoldsUpNoOther: a value that Notion cannot hold keeps its own field waiting, in a new row and in one that is changed. The reason
// names the property and the record.
func TestOneBadFieldHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := things(t)
	if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.Budget = 0 }); err != nil {
		t.Fatal(err)
	}
	succeeded(t, w.Sync(t, journal.Full))
	bad := []struct{ name, column, value, property, reason string }{
		{"not a number", "number", `'NaN'`, "Number", "NaN"},
		{"an infinite number", "number", `'Infinity'`, "Number", "Infinity"},
		{"a number beyond doubles", "number", `1e400`, "Number", "number"},
		{"a day without end", "day", `'infinity'`, "Day", "infinity"},
		{"a day before all", "day", `'-infinity'`, "Day", "infinity"},
		{"a day before Christ", "day", `'0044-03-15 BC'`, "Day", "BC"},
		{"a year of five digits", "day", `'12026-01-01'`, "Day", "12026"},
		{"a moment without end", "moment", `'infinity'`, "Moment", "infinity"},
		{"a span of nothing", "span", `'{"start":"soon"}'`, "Span", "soon"},
		{"tags in two dimensions", "tags", `'{{a,b},{c,d}}'`, "Tags", "Tags"},
		{"101 tags", "tags", `(select array_agg('t' || n) from generate_series(1, 101) n)`, "Tags", "100"},
		{"a choice with a comma", "choice", `'this, that'`, "Select", "comma"},
		{"a choice that is too long", "choice", `repeat('x', 101)`, "Select", "100"},
		{"a status that is not there", "status", `'Unheard of'`, "Status", "Unheard of"},
		{"a person that is not there", "people", `'{c37a2c66-e3aa-4a0d-a447-000000000001}'`, "People", "nobody"},
		{"a person without an id", "people", `'{Ben}'`, "People", "nobody"},
		{"a text that is too long", "text", `repeat('a', 200001)`, "Text", "100 pieces"},
		{"an address that is too long", "url", `'https://' || repeat('a', 2000)`, "URL", "2000"},
	}
	for _, c := range bad {
		w.Exec(t, `insert into things (name, email, `+c.column+`) values ($1, 'before@example.com', `+c.value+`)`, c.name)
	}
	for n := len(bad); n < 100; n++ {
		w.Exec(t, `insert into things (name, email) values ('good', 'before@example.com')`)
	}
	check := func(email string) {
		t.Helper()
		for _, c := range bad {
			page := sidetest.Query[string](t, w, `select coalesce((select notion_id from notion_things b join things r using (id) where r.name = $1), '')`, c.name)
			if page == "" {
				t.Errorf("%s: no page was made: %s", c.name, sidetest.Query[string](t, w, `select coalesce(max(reason), '') from integration.sync_errors e join things r on r.id = e.row_id where r.name = $1`, c.name))
				continue
			}
			shown := w.Person(t, "GET", "/v1/pages/"+page, nil)["properties"].(map[string]any)["Email"].(map[string]any)["email"]
			if shown != email {
				t.Errorf("%s: the email is %v", c.name, shown)
			}
			reason := sidetest.Query[string](t, w, `select coalesce(max(e.reason), '') from integration.sync_errors e join things r on r.id = e.row_id
				where r.name = $1 and (select array_agg(k) from jsonb_object_keys(e.fields) k) = array[$2::text]`, c.name, c.column)
			if !strings.Contains(reason, c.name) || !strings.Contains(reason, c.property) || !strings.Contains(reason, c.reason) {
				t.Errorf("%s: the reason is %q", c.name, reason)
			}
		}
		if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`); n != len(bad) {
			t.Errorf("%d records wait, want %d", n, len(bad))
		}
	}
	finished(t, w.Sync(t, journal.Full))
	check("before@example.com")
	events := sidetest.Query[int](t, w, `select count(*) from integration.events where type in ('error', 'record_updated', 'sync_conflict')`)
	w.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
	if again := w.Sync(t, journal.Full); again.Written() > 0 || again.Conflicts > 0 {
		t.Errorf("a second sync wrote %+v", again)
	}
	if now := sidetest.Query[int](t, w, `select count(*) from integration.events where type in ('error', 'record_updated', 'sync_conflict')`); now != events {
		t.Errorf("a second sync told of %d more", now-events)
	}
	w.Exec(t, `update things set email = 'after@example.com'`)
	finished(t, w.Sync(t, journal.Full))
	check("after@example.com")
	w.Exec(t, `update things set number = 1, day = '2026-11-23', moment = '2026-11-23T10:00:30Z', span = null, tags = '{a}', choice = 'Red', status = null,
		people = null, text = 'short', url = 'https://example.com'`)
	succeeded(t, w.Sync(t, journal.Full))
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`); n > 0 {
		t.Errorf("mended, and %d still wait: %s", n, sidetest.Query[string](t, w, `select max(reason) from integration.sync_errors`))
	}
	w.Agree(t)
}

// TestOneBadPropertyHoldsUpNoOther: the same of a page.
func TestOneBadPropertyHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := things(t)
	parent := map[string]any{"type": "data_source_id", "data_source_id": source(t, w)}
	page := w.Person(t, "POST", "/v1/pages", map[string]any{"parent": parent, "properties": map[string]any{
		"Name": rich("title", "First"), "Text": rich("rich_text", "a\x00b"), "Email": map[string]any{"email": "before@example.com"}, "Whole": map[string]any{"number": 0.5},
	}})["id"].(string)
	w.Person(t, "POST", "/v1/pages", map[string]any{"parent": parent, "properties": map[string]any{"Name": rich("title", "Second")}})
	finished(t, w.Sync(t, journal.Full))
	row := func(email, text, whole string) {
		t.Helper()
		got := sidetest.Query[string](t, w, `select coalesce(max(concat_ws('|', email, coalesce(text, '-'), coalesce(whole::text, '-'))), 'no row') from things where name = 'First'`)
		if want := email + "|" + text + "|" + whole; got != want {
			t.Errorf("the row is %s, want %s: %s", got, want, sidetest.Query[string](t, w, `select coalesce(max(reason), '') from integration.sync_errors`))
		}
	}
	row("before@example.com", "-", "-")
	if n := sidetest.Query[int](t, w, `select count(*) from things`); n != 2 {
		t.Errorf("%d rows", n)
	}
	reason := sidetest.Query[string](t, w, `select max(reason) from integration.sync_errors`)
	for _, part := range []string{"First", "Text", "NUL", "Whole", "0.5"} {
		if !strings.Contains(reason, part) {
			t.Errorf("the reason does not say %s: %s", part, reason)
		}
	}
	if again := w.Sync(t, journal.Full); again.Written() > 0 {
		t.Errorf("a second sync wrote %+v", again)
	}
	w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Email": map[string]any{"email": "after@example.com"}}})
	finished(t, w.Sync(t, journal.Full))
	row("after@example.com", "-", "-")
	w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Text": rich("rich_text", "ab"), "Whole": map[string]any{"number": 5}}})
	w.Sim.Clock().Advance(2 * time.Minute)
	succeeded(t, w.Sync(t, journal.Full))
	row("after@example.com", "ab", "5")
	w.Agree(t)
}

// TestALargeResultComesToRest: Notion says 2e+21, and jsonb 2000000000000000000000.
func TestALargeResultComesToRest(t *testing.T) {
	t.Parallel()
	w, page := thing(t, merge.Newest, map[string]any{})
	edit(t, w, page, map[string]any{"Number": map[string]any{"number": 1e21}})
	succeeded(t, w.Sync(t, journal.Full))
	if again := w.Sync(t, journal.Full); again.Written() > 0 {
		t.Errorf("a second sync wrote %+v", again)
	}
	if formula := sidetest.Query[string](t, w, `select formula->>'number' from things`); formula != "2000000000000000000000" {
		t.Errorf("the formula is %s", formula)
	}
}
