package syncrun_test

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/merge"
)

func policies() []merge.Rule {
	return []merge.Rule{merge.Newest, merge.NotionWins, merge.SupabaseWins, merge.Manual, merge.Words}
}

// TestNotionHoldsMinutes: a row's time has microseconds, Notion cuts it to the minute. The row keeps them, nothing is a conflict, and a second
// sync writes nothing.
func TestNotionHoldsMinutes(t *testing.T) {
	t.Parallel()
	for _, rule := range policies() {
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
				if n := sidetest.Query[int](t, w, `select count(*) from sync_conflicts`); n > 0 {
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
