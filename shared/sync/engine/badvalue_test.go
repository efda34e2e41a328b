package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
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
			reason := sidetest.Query[string](t, w, `select coalesce(string_agg(reason, '; '), '') from sync_errors`)
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
			w.Exec(t, `update sync_errors set next_attempt_at = now()`)
			succeeded(t, w.Sync(t, journal.Full))
			if n := sidetest.Query[int](t, w, `select count(*) from sync_errors`); n != 0 {
				t.Errorf("mended, and %d records are still set aside", n)
			}
			w.Agree(t)
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
	w.Exec(t, `update sync_errors set next_attempt_at = '2000-01-01'`)
	w.Sync(t, journal.Full)
	if got := sidetest.Query[string](t, w, `select string_agg(fields::text, ', ') from sync_errors`); !strings.Contains(got, "who") || strings.Contains(got, "word") {
		t.Errorf("set aside are %s", got)
	}
	for _, name := range []string{"First", "Second"} {
		if got := plain(t, w, pageOf(t, w, "things", name), "word"); got != "new" {
			t.Errorf("Notion has %q of %s", got, name)
		}
	}
	w.Exec(t, `update things set who = null`)
	w.Exec(t, `update sync_errors set next_attempt_at = '2000-01-01'`)
	succeeded(t, w.Sync(t, journal.Full))
	w.Agree(t)
}
