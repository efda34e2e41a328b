package engine_test

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// aThing returns a world of one record, First, that both sides know, with its page; more than one page, so that one that is away is no emptied database.
func aThing(t *testing.T, properties map[string]any) (w *sidetest.World, page string) {
	t.Helper()
	w, page = thing(t, merge.Newest, properties)
	for range 3 {
		newThing(t, w, map[string]any{"Name": rich("title", "Another")})
	}
	syncLater(t, w)
	return w, page
}

// syncLater makes a complete sync, in which nothing is so new that it is looked at again.
func syncLater(t *testing.T, w *sidetest.World) sidetest.Report {
	t.Helper()
	w.Sim.Clock().Advance(10 * time.Minute)
	r := w.Sync(t, journal.Full)
	finished(t, r)
	return r
}

// settles checks that, after some syncs, another one writes nothing and logs nothing.
func settles(t *testing.T, w *sidetest.World) {
	t.Helper()
	for range 2 {
		syncLater(t, w)
	}
	logged := `select count(*) from integration.sync_conflicts`
	before := sidetest.Query[int](t, w, logged)
	if r := syncLater(t, w); r.Written() > 0 || r.Counts.Errors > 0 || sidetest.Query[int](t, w, logged) != before {
		t.Errorf("it does not settle: %+v", r)
	}
}

func moveTo(t *testing.T, w *sidetest.World, page, source string) {
	t.Helper()
	w.Person(t, "POST", "/v1/pages/"+page+"/move", map[string]any{"parent": map[string]any{"type": "data_source_id", "data_source_id": source}})
}

// TestAPageThatIsMovedAway: a page that a person moves to another database is that database's. Its row is archived; one that was edited, or is brought
// back, gets another page, and the moved one is left alone.
func TestAPageThatIsMovedAway(t *testing.T) {
	t.Parallel()
	edited := `update things set email = 'r@example.com' where name = 'First'`
	for name, c := range map[string]struct {
		before, after, later string // what is done to the row: before the move, after it, and after the next sync
		lives                bool
	}{
		"and nothing else":             {},
		"the row was edited before":    {before: edited},
		"the row is edited meanwhile":  {after: edited, lives: true},
		"the row is edited later":      {later: edited},
		"the row is brought back":      {later: `update things set archived_at = null where name = 'First'`, lives: true},
		"the row is deleted meanwhile": {after: `delete from things where name = 'First'`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, page := aThing(t, map[string]any{"Text": rich("rich_text", "words")})
			_, other := database(t, w, "Other", map[string]any{"Email": map[string]any{"email": map[string]any{}}})
			if c.before != "" {
				w.Exec(t, c.before)
				syncLater(t, w)
			}
			moveTo(t, w, page, other)
			if c.after != "" {
				w.Exec(t, c.after)
			}
			syncLater(t, w)
			if c.later != "" {
				w.Exec(t, c.later)
			}
			settles(t, w)
			moved := w.Person(t, "GET", "/v1/pages/"+page, nil)
			if at := moved["parent"].(map[string]any)["data_source_id"]; at != other || moved["in_trash"] == true {
				t.Errorf("the moved page is in %v, in the trash: %v", at, moved["in_trash"])
			}
			if email := moved["properties"].(map[string]any)["Email"].(map[string]any)["email"]; email != nil && c.before == "" {
				t.Errorf("%v was written to it", email)
			}
			if lives := sidetest.Query[bool](t, w, `select exists (select from things where name = 'First' and archived_at is null)`); lives != c.lives {
				t.Errorf("the row lives: %v", lives)
			}
			if c.lives {
				if made := pageOf(t, w, "things", "First"); made == page || plain(t, w, made, "Text") != "words" {
					t.Errorf("the page made for it is %s and has %q", made, plain(t, w, made, "Text"))
				}
			}
			w.Agree(t)
		})
	}
}

// TestAPageThatIsMovedBack: what a page lost on its way nobody has cleared.
func TestAPageThatIsMovedBack(t *testing.T) {
	t.Parallel()
	w, page := aThing(t, map[string]any{"Text": rich("rich_text", "words"), "Number": map[string]any{"number": 3}})
	_, other := database(t, w, "Other", nil)
	home := source(t, w)
	moveTo(t, w, page, other)
	syncLater(t, w)
	moveTo(t, w, page, home)
	settles(t, w)
	if got := kept(t, w, "First"); got["text"] != "words" || got["number"] != "3" || got["archived_at"] != "" {
		t.Errorf("the row is %v", got)
	}
	if got := plain(t, w, page, "Text"); got != "words" {
		t.Errorf("the page has %q", got)
	}
	w.Agree(t)
}

// TestTheKeyPropertyChanges: whatever people do to the property that holds the rows' ids, rows get pages, and the records stay in step.
func TestTheKeyPropertyChanges(t *testing.T) {
	t.Parallel()
	const key = "Supabase ID"
	for name, c := range map[string]struct {
		shapes []map[string]any
		told   string
		text   string // the name of the field's property in the end, where it has another
	}{
		"renamed":                           {[]map[string]any{{key: map[string]any{"name": "Our ID"}}}, "", ""},
		"deleted":                           {[]map[string]any{{key: nil}}, "", ""},
		"of another type":                   {[]map[string]any{{key: map[string]any{"number": map[string]any{}}}}, "keyless", ""},
		"a field's property takes its name": {[]map[string]any{{key: nil}, {"Text": map[string]any{"name": key}}}, "keyless", key},
		"deleted, another made anew":        {[]map[string]any{{key: nil}, {key: map[string]any{"select": map[string]any{}}}}, "keyless", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, page := aThing(t, map[string]any{})
			w.Exec(t, `insert into things (name) values ('Of a row')`)
			syncLater(t, w)
			for _, properties := range c.shapes {
				shape(t, w, "things", properties)
			}
			w.Exec(t, `insert into things (name) values ('Of a row later')`)
			w.Exec(t, `update things set text = 'edited', id = gen_random_uuid() where name in ('First', 'Of a row')`)
			settles(t, w)
			if n := sidetest.Query[int](t, w, `select count(*) from notion_things`); n != 6 || plain(t, w, page, cmp.Or(c.text, "Text")) != "edited" {
				t.Errorf("%d records are known; the page has %q", n, plain(t, w, page, cmp.Or(c.text, "Text")))
			}
			told := sidetest.Query[string](t, w, `select coalesce(string_agg(d ->> 'change', ' '), '') from integration.sync_databases, jsonb_array_elements(drifts) d where d ->> 'change' <> 'added'`)
			if told != c.told {
				t.Errorf("it is told: %q", told)
			}
			w.Agree(t)
		})
	}
}

// TestAPropertyThatIsMadeAnewAtOnce: a property that is deleted, and another of its name made before anybody looked, is another: nothing was cleared.
func TestAPropertyThatIsMadeAnewAtOnce(t *testing.T) {
	t.Parallel()
	for _, edited := range []bool{false, true} {
		for _, run := range []journal.Type{journal.Full, journal.Incremental} {
			t.Run(fmt.Sprint(run, " edited ", edited), func(t *testing.T) {
				t.Parallel()
				w, page := aThing(t, map[string]any{"Number": map[string]any{"number": 5}, "Text": rich("rich_text", "words")})
				shape(t, w, "things", map[string]any{"Number": nil, "Text": nil})
				shape(t, w, "things", map[string]any{"Number": map[string]any{"number": map[string]any{}}, "Text": map[string]any{"rich_text": map[string]any{}}})
				if edited {
					edit(t, w, page, map[string]any{"Email": map[string]any{"email": "p@example.com"}})
				}
				w.Sim.Clock().Advance(10 * time.Minute)
				finished(t, w.Sync(t, run))
				settles(t, w)
				if got := kept(t, w, "First"); got["number"] != "5" || got["text"] != "words" || plain(t, w, page, "Text") != "words" {
					t.Errorf("the row is %v, the page has %q", got, plain(t, w, page, "Text"))
				}
				w.Agree(t)
			})
		}
	}
}

// TestMentionsFollowTheirPages: a page that is renamed shows its new name wherever it is mentioned, and so do the rows, though nobody has edited those.
func TestMentionsFollowTheirPages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ row, want string }{
		"":                            {"", "See Renamed"},
		"while the row is edited too": {`update things set text = text || ', and more' where name = 'First'`, "See Renamed, and more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, page := aThing(t, map[string]any{})
			target := newThing(t, w, map[string]any{"Name": rich("title", "Target")})
			edit(t, w, page, map[string]any{"Text": map[string]any{"rich_text": []any{
				map[string]any{"type": "text", "text": map[string]any{"content": "See "}},
				map[string]any{"type": "mention", "mention": map[string]any{"page": map[string]any{"id": target}}},
			}}})
			syncLater(t, w)
			edit(t, w, target, map[string]any{"Name": rich("title", "Renamed")})
			if c.row != "" {
				w.Exec(t, c.row)
			}
			settles(t, w)
			if row := kept(t, w, "First")["text"]; row != c.want || plain(t, w, page, "Text") != c.want {
				t.Errorf("the row has %q, the page %q, want %q", row, plain(t, w, page, "Text"), c.want)
			}
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); n > 0 {
				t.Errorf("%d conflicts", n)
			}
			w.Agree(t)
		})
	}
}

// TestALinkToAPageThatIsMovedAway: Notion refuses to relate a page of another database. The record gets its page without it.
func TestALinkToAPageThatIsMovedAway(t *testing.T) {
	t.Parallel()
	for name, noticed := range map[string]bool{"that nobody has noticed": false, "that a sync has noticed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.New(t, nil)
			succeeded(t, w.Sync(t, journal.Full))
			_, other := database(t, w, "Other", nil)
			project := sidetest.Query[string](t, w, `select name from projects order by name limit 1`)
			moveTo(t, w, pageOf(t, w, "projects", project), other)
			if noticed {
				syncLater(t, w)
			}
			w.Exec(t, `with p as (insert into partners (name) values ('New') returning id)
				insert into partners_projects (partner_id, project_id) select p.id, r.id from p, (select id from projects order by name limit 2) r`)
			w.Sim.Clock().Advance(10 * time.Minute)
			if r := w.Sync(t, journal.SupabaseToNotion); r.Counts.Errors > 0 || r.PagesCreated != 1 {
				t.Errorf("%+v", r)
			}
			settles(t, w)
		})
	}
}

// going is what somebody does to the property of the ids, and before which call of the run.
type going struct {
	name string
	call int
	is   any
}

func goings() (all []going) {
	for call := range 4 {
		all = append(all,
			going{fmt.Sprint("deleted before call ", call), call, nil},
			going{fmt.Sprint("of another type before call ", call), call, map[string]any{"checkbox": map[string]any{}}},
			going{fmt.Sprint("renamed and of another type before call ", call), call, map[string]any{"name": "Our ID", "checkbox": map[string]any{}}})
	}
	return all
}

// TestTheKeyPropertyGoesMeanwhile: a page is made although somebody takes the property of the ids away, at any moment of the run.
func TestTheKeyPropertyGoesMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range sample.List(goings()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := c.call
			w, _ := aThing(t, map[string]any{})
			w.Exec(t, `insert into things (name) values ('One')`)
			syncLater(t, w)
			w.Exec(t, `insert into things (name) values ('Two')`)
			w.Sim.Clock().Advance(10 * time.Minute)
			calls := 0
			w.Before(func() {
				if calls++; calls == at+1 {
					shape(t, w, "things", map[string]any{"Supabase ID": c.is})
				}
			})
			if r := w.Sync(t, journal.SupabaseToNotion); r.Counts.Errors > 0 || r.PagesCreated != 1 {
				t.Errorf("%+v", r)
			}
			w.Before(nil)
			settles(t, w)
			w.Agree(t)
		})
	}
}

// TestAPageThatIsMovedBetweenDatabasesInStep: its record leaves the one and begins in the other, with a row of its own in each; and back.
func TestAPageThatIsMovedBetweenDatabasesInStep(t *testing.T) {
	t.Parallel()
	for _, edited := range sample.List([]bool{false, true}) {
		t.Run(fmt.Sprint("edited ", edited), func(t *testing.T) {
			t.Parallel()
			w := sidetest.New(t, nil)
			succeeded(t, w.Sync(t, journal.Full))
			name := sidetest.Query[string](t, w, `select name from projects order by name limit 1`)
			page := pageOf(t, w, "projects", name)
			sources := sidetest.Query[map[string]string](t, w, `select jsonb_object_agg(kind, data_source_id) from integration.sync_databases`)
			moveTo(t, w, page, sources["partners"])
			if edited {
				w.Exec(t, `update projects set description = 'of the row' where name = $1`, name)
			}
			settles(t, w)
			living := func(table string) int {
				return sidetest.Query[int](t, w, `select count(*) from `+table+` where name = $1 and archived_at is null`, name)
			}
			if p, q := living("projects"), living("partners"); p > 0 != edited || q != 1 {
				t.Errorf("%d projects, %d partners of that name", p, q)
			}
			w.Agree(t)
			moveTo(t, w, page, sources["projects"])
			settles(t, w)
			if p, q := living("projects"), living("partners"); p == 0 || q != 0 {
				t.Errorf("moved back: %d projects, %d partners of that name", p, q)
			}
			w.Agree(t)
		})
	}
}
