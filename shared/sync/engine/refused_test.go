package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// TestARowThatTheDatabaseRefuses waits by itself, with what the database said, and holds up no other: whatever code a trigger of the application's gives.
func TestARowThatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	trigger := func(body string) string {
		return `create function check_it() returns trigger language plpgsql as $$ begin ` + body + ` return new; end $$;
			create trigger check_it before insert or update on things for each row execute function check_it()`
	}
	for name, c := range sample.Of(map[string]struct{ sql, said string }{
		"an exception":                      {trigger(`if new.label = 'bad' then raise exception 'no bad things'; end if;`), "no bad things"},
		"an exception as of a right":        {trigger(`if new.label = 'bad' then raise insufficient_privilege using message = 'not by you'; end if;`), "not by you"},
		"an exception of PostgREST's":       {trigger(`if new.label = 'bad' then raise sqlstate 'PT402' using message = 'pay first'; end if;`), "pay first"},
		"an exception as of a missing name": {trigger(`if new.label = 'bad' then raise undefined_table using message = 'no such thing'; end if;`), "no such thing"},
		"an assertion":                      {trigger(`assert new.label <> 'bad', 'bad is not asserted';`), "bad is not asserted"},
		"a look-up that finds nothing":      {trigger(`if new.label = 'bad' then perform 1; declare id uuid; begin select r.id into strict id from things r where false; end; end if;`), "no rows"},
		"a write that a trigger swallows":   {trigger(`if new.label = 'bad' then return null; end if;`), "takes the write back"},
		"a check":                           {`alter table things add check (label <> 'bad')`, "check constraint"},
		"an index that has no room":         {`create index on things (label)`, "index row"},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := columned(t, `select`, []column{{"label", property.TypeRichText, "text", ""}})
			w.Exec(t, `insert into things (name) select 'row ' || n from generate_series(1, 12) n`)
			succeeded(t, w.Sync(t, journal.Full))
			w.Exec(t, c.sql)
			pieces := []any{map[string]any{"text": map[string]any{"content": "bad"}}}
			if strings.Contains(c.sql, "index") {
				random := rand.New(rand.NewPCG(1, 1)) // which cannot be compressed
				for range 4 {
					piece := make([]rune, 1500)
					for i := range piece {
						piece[i] = 'a' + rune(random.IntN(26))
					}
					pieces = append(pieces, map[string]any{"text": map[string]any{"content": string(piece)}})
				}
			}
			for n := range 12 {
				label := rich("rich_text", "good")
				if n == 6 {
					label = map[string]any{"rich_text": pieces}
				}
				edit(t, w, pageOf(t, w, "things", fmt.Sprint("row ", n+1)), map[string]any{"label": label})
			}
			r := w.Sync(t, journal.Full)
			if finished(t, r); r.RowsUpdated != 11 || r.Counts.Errors != 1 {
				t.Errorf("%+v", r)
			}
			if got := sidetest.Query[string](t, w, `select string_agg(reason, '; ') from integration.sync_errors`); !strings.Contains(got, c.said) {
				t.Errorf("it is said: %s", got)
			}
			edit(t, w, pageOf(t, w, "things", "row 7"), map[string]any{"label": rich("rich_text", "good")})
			w.Sim.Clock().Advance(2 * time.Minute)
			succeeded(t, w.Sync(t, journal.Full))
			w.Agree(t)
		})
	}
}

// TestATriggerThatWritesMore: what a trigger of the application's puts into a column that the sync did not write is an edit of the row, and comes to
// Notion. What it makes of a value that was written is not.
func TestATriggerThatWritesMore(t *testing.T) {
	t.Parallel()
	w := columned(t, `select`, []column{{"label", property.TypeRichText, "text", ""}, {"made", property.TypeRichText, "text", ""}, {"touches", property.TypeNumber, "integer", ""}})
	w.Exec(t, `insert into things (name, label) select 'row ' || n, 'a' from generate_series(1, 110) n`)
	succeeded(t, w.Sync(t, journal.Full))
	w.Sim.Clock().Advance(10 * time.Minute)
	succeeded(t, w.Sync(t, journal.Incremental))
	w.Exec(t, `create function make_it() returns trigger language plpgsql as $$ begin
		new.label := lower(new.label); new.made := 'made of ' || new.label; new.touches := coalesce(new.touches, 0) + 1; return new; end $$;
		create trigger make_it before insert or update on things for each row execute function make_it()`)
	edited := pageOf(t, w, "things", "row 7")
	edit(t, w, edited, map[string]any{"label": rich("rich_text", "B")})
	added := w.Person(t, "POST", "/v1/pages", map[string]any{
		"parent": map[string]any{"data_source_id": source(t, w)}, "properties": map[string]any{"Name": rich("title", "added"), "label": rich("rich_text", "B")},
	})["id"].(string)
	succeeded(t, w.Sync(t, journal.Incremental))
	for name, page := range map[string]string{"row 7": edited, "added": added} {
		if label, made := plain(t, w, page, "label"), plain(t, w, page, "made"); label != "B" || made != "made of b" {
			t.Errorf("the page of %s has %q and %q", name, label, made)
		}
		if got := kept(t, w, name); got["label"] != "b" || got["touches"] != "1" {
			t.Errorf("the row of %s is %v", name, got)
		}
	}
	w.Sim.Clock().Advance(10 * time.Minute)
	succeeded(t, w.Sync(t, journal.Incremental))
	if again := w.Sync(t, journal.Incremental); again.Written() > 0 || again.Conflicts > 0 {
		t.Errorf("then a sync did %+v", again)
	}
	if n := sidetest.Query[int](t, w, `select (select count(*) from integration.sync_conflicts) + (select count(*) from integration.sync_errors) + (select count(*) from integration.sync_changes)`); n > 0 {
		t.Errorf("%d conflicts, errors and changes", n)
	}
}
