package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// drifts returns what is said of the fields that are out of step, as "field change".
func drifts(t *testing.T, w *sidetest.World, kind string) string {
	t.Helper()
	return sidetest.Query[string](t, w, `select coalesce(string_agg((d ->> 'field') || ' ' || (d ->> 'change'), ', ' order by d ->> 'field'), '')
		from integration.sync_databases, jsonb_array_elements(drifts) d where kind = $1 and d ->> 'change' <> 'added'`, kind)
}

// share shares the database of a kind with the integration, or takes it away.
func share(t *testing.T, w *sidetest.World, kind string, shared bool) {
	t.Helper()
	if err := w.Sim.Share(w.Syncer.Connection.DatabaseIDs[kind], shared); err != nil {
		t.Fatal(err)
	}
}

// shape changes the properties of a database, as a person.
func shape(t *testing.T, w *sidetest.World, kind string, properties map[string]any) {
	t.Helper()
	source := sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = $1`, kind)
	w.Person(t, "PATCH", "/v1/data_sources/"+source, map[string]any{"properties": properties})
}

// TestARelatedDatabaseThatIsNotShared: what Notion shows of a relation means nothing while the database that it leads to is not shared, and
// neither side is written. Once it is shared, what changed on either side meanwhile goes over.
func TestARelatedDatabaseThatIsNotShared(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range sample.Of(map[string]func(kin){
		"nobody does anything":               func(kin) {},
		"a pair is deleted":                  func(w kin) { w.unpair("P", "J") },
		"the page is edited":                 func(w kin) { edit(w.t, w.World, w.p, map[string]any{"Description": rich("rich_text", "edited")}) },
		"the row is edited":                  func(w kin) { w.Exec(w.t, `update partners set description = 'edited'`) },
		"a link is taken out in Notion":      func(w kin) { w.relate(w.p, "Projects", w.k) },
		"a link is taken out on either side": func(w kin) { w.relate(w.p, "Projects", w.k); w.unpair("P", "K") },
	}) {
		want := map[string]string{"a pair is deleted": "K", "a link is taken out in Notion": "K", "a link is taken out on either side": ""}
		for runs, looks := range map[journal.Type]workspace.Unshared{journal.Full: workspace.UnsharedOmitted, journal.Incremental: workspace.UnsharedEmpty} {
			t.Run(fmt.Sprint(name, ", ", runs, ", ", looks), func(t *testing.T) {
				t.Parallel()
				w := newKin(t)
				if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.UnsharedRelations = looks }); err != nil {
					t.Fatal(err)
				}
				w.relate(w.p, "Projects", w.j, w.k)
				succeeded(t, w.Sync(t, journal.Full))
				before := w.shows()
				share(t, w.World, "projects", false)
				meanwhile(w)
				during := pairs(t, w.World, "partners", "projects", "P")
				links := related(t, w.World, w.p, "Projects")
				for range 2 {
					w.Sync(t, runs, "partners")
				}
				if got := drifts(t, w.World, "partners"); got != "projects unshared" {
					t.Errorf("said: %q", got)
				}
				if got := pairs(t, w.World, "partners", "projects", "P"); got != during {
					t.Errorf("the row was related to %s, and is to %s", during, got)
				}
				if got := related(t, w.World, w.p, "Projects"); got != links {
					t.Errorf("the page was related to %s, and is to %s", links, got)
				}
				share(t, w.World, "projects", true)
				succeeded(t, w.Sync(t, runs))
				expected, changed := want[name]
				if !changed {
					expected = before
				}
				if row, page := pairs(t, w.World, "partners", "projects", "P"), related(t, w.World, w.p, "Projects"); row != expected || page != expected {
					t.Errorf("row %q, page %q, want %q", row, page, expected)
				}
				if n := sidetest.Query[int](t, w.World, `select count(*) from integration.sync_conflicts`); n > 0 {
					t.Errorf("%d conflicts", n)
				}
				if got := drifts(t, w.World, "partners"); got != "" {
					t.Errorf("said afterwards: %q", got)
				}
				w.Agree(t)
			})
		}
	}
}

// shows returns the projects of P.
func (w kin) shows() string {
	w.t.Helper()
	return pairs(w.t, w.World, "partners", "projects", "P")
}

// TestADatabaseThatIsUnsharedInTheMiddleOfARun: wherever in a run it happens, no link goes that nobody took out.
func TestADatabaseThatIsUnsharedInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	for at := 0; at < 8; at += sample.Step() {
		t.Run(fmt.Sprint("before call ", at), func(t *testing.T) {
			t.Parallel()
			w := newKin(t)
			w.relate(w.p, "Projects", w.j, w.k)
			succeeded(t, w.Sync(t, journal.Full))
			w.Exec(t, `update partners set description = 'edited'`)
			w.unpair("P", "J")
			calls := 0
			w.Before(func() {
				if calls++; calls == at+1 {
					if err := w.Sim.Share(w.Syncer.Connection.DatabaseIDs["projects"], false); err != nil {
						t.Error(err)
					}
				}
			})
			w.Sync(t, journal.Full, "partners")
			w.Before(nil)
			share(t, w.World, "projects", true)
			succeeded(t, w.Sync(t, journal.Full))
			if row, page := w.shows(), related(t, w.World, w.p, "Projects"); row != page || row != "K" && row != "J, K" { // what was taken out may return
				t.Errorf("row %q, page %q after %d calls", row, page, calls)
			}
			w.Agree(t)
		})
	}
}

// TestARelationThatIsReplacedWhileItIsHidden: while the database that a relation leads to is not shared, another property takes the place of the
// relation. That it is empty is no edit, and takes no link out of the row; what it has been given is new to the row.
func TestARelationThatIsReplacedWhileItIsHidden(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(kin){"by an empty one": func(kin) {}, "by one that was filled": func(w kin) { w.relate(w.p, "Projects", w.k) }} {
		for _, notices := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", a sync comes between: ", notices), func(t *testing.T) {
				t.Parallel()
				w := newKin(t)
				w.relate(w.p, "Projects", w.j, w.k)
				succeeded(t, w.Sync(t, journal.Full))
				share(t, w.World, "projects", false)
				w.Sync(t, journal.Full, "partners")
				shape(t, w.World, "partners", map[string]any{"Aside": map[string]any{"relation": map[string]any{
					"data_source_id": sidetest.Query[string](t, w.World, `select data_source_id from integration.sync_databases where kind = 'projects'`),
					"type":           "single_property", "single_property": map[string]any{},
				}}})
				shape(t, w.World, "partners", map[string]any{"Projects": nil})
				shape(t, w.World, "partners", map[string]any{"Aside": map[string]any{"name": "Projects"}})
				fill(w)
				if notices {
					w.Sync(t, journal.Full, "partners")
				}
				share(t, w.World, "projects", true)
				succeeded(t, w.Sync(t, journal.Full))
				if row, page := w.shows(), related(t, w.World, w.p, "Projects"); row != "J, K" || page != "J, K" {
					t.Errorf("row %q, page %q; drifts %s", row, page, drifts(t, w.World, "partners"))
				}
				w.Agree(t)
			})
		}
	}
}

// TestAFieldThatJumps: a property is renamed, another gets its name and is filled by a person, and the old one is deleted. The field is
// held by another property then, and what both sides have of it is new: nothing is overwritten without a conflict.
func TestAFieldThatJumps(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 130} { // more than fit into one answer are not listed whole by an incremental run
		t.Run(fmt.Sprint(size, " more"), func(t *testing.T) {
			t.Parallel()
			w := sidetest.New(t, nil, "partners")
			if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.Budget = 100_000 }); err != nil {
				t.Fatal(err)
			}
			if size > 0 {
				if _, err := w.Sim.Grow(map[string]int{"partners": size}, 1); err != nil {
					t.Fatal(err)
				}
			}
			succeeded(t, w.Sync(t, journal.Full))
			w.Exec(t, `update partners set location = 'in ' || name`)
			succeeded(t, w.Sync(t, journal.Full))
			page, row := someOf(t, w, "partners")
			location := plain(t, w, page, "Location")
			shape(t, w, "partners", map[string]any{"Location": map[string]any{"name": "Place"}})
			shape(t, w, "partners", map[string]any{"Location": map[string]any{"rich_text": map[string]any{}}})
			edit(t, w, page, map[string]any{"Location": rich("rich_text", "by hand")})
			shape(t, w, "partners", map[string]any{"Place": nil})
			w.Exec(t, `update partners set featured = not featured where id = $1::text::uuid`, row)
			succeeded(t, w.Sync(t, journal.Incremental, "partners"))
			if lost := sidetest.Query[[]string](t, w, `select array_agg(coalesce(notion_value::text, '') || ' ' || coalesce(supabase_value::text, '')) from integration.sync_conflicts where field = 'location'`); len(lost) != 1 ||
				lost[0] != fmt.Sprintf("%q %q", "by hand", location) {
				t.Errorf("conflicts: %q", lost)
			}
			empty := 0
			for _, page := range pagesOf(t, w, "partners") {
				if plain(t, w, page, "Location") == "" {
					empty++
				}
			}
			if empty > 0 {
				t.Errorf("%d pages were not filled", empty)
			}
			w.Agree(t, "partners")
			if r := w.Sync(t, journal.Full, "partners"); r.Written() > 0 || r.Conflicts > 0 {
				t.Errorf("then a sync did %+v", r)
			}
		})
	}
}

// TestAFieldThatJumpsInTheMiddleOfARun, to a property that was filled long ago, so that no listing of what was edited shows it: wherever in a run it
// happens, before the rows are loaded that are pushed or after it, what the base had of the field counts no more. Where it did, the page would not be
// looked at, and its value be overwritten without anybody being told.
func TestAFieldThatJumpsInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	for at := 0; at < 8; at += sample.Step() {
		t.Run(fmt.Sprint("before call ", at), func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners")
			w.Exec(t, `update partners set location = 'in ' || name`)
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			page, _ := someOf(t, w, "partners")
			location := plain(t, w, page, "Location")
			shape(t, w, "partners", map[string]any{"Elsewhere": map[string]any{"rich_text": map[string]any{}}})
			edit(t, w, page, map[string]any{"Elsewhere": rich("rich_text", "by hand")})
			w.Sim.Clock().Advance(time.Hour)
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			w.Exec(t, `update partners set description = 'edited'`)
			calls := 0
			w.Before(func() {
				if calls++; calls == at+1 {
					shape(t, w, "partners", map[string]any{"Location": nil})
					shape(t, w, "partners", map[string]any{"Elsewhere": map[string]any{"name": "Location"}})
				}
			})
			w.Sync(t, journal.Full, "partners")
			w.Before(nil)
			if calls <= at {
				t.Fatalf("the run made %d calls", calls)
			}
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			lost := sidetest.Query[string](t, w, `select coalesce(string_agg(notion_value::text || ' ' || supabase_value::text, ', '), '') from integration.sync_conflicts where field = 'location'`)
			if lost != fmt.Sprintf("%q %q", "by hand", location) {
				t.Errorf("conflicts: %s", lost)
			}
			empty := sidetest.Query[int](t, w, `select count(*) from partners where location is null`)
			for _, page := range pagesOf(t, w, "partners") {
				if plain(t, w, page, "Location") == "" {
					empty++
				}
			}
			if empty > 0 {
				t.Errorf("%d pages and rows are empty", empty)
			}
			w.Agree(t, "partners")
			if r := w.Sync(t, journal.Full, "partners"); r.Written() > 0 || r.Conflicts > 0 {
				t.Errorf("then a sync did %+v", r)
			}
		})
	}
}

// TestNamesThatAreSwapped between two properties, in whatever order it is noticed, move no value.
func TestNamesThatAreSwapped(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	before := sidetest.Query[string](t, w, `select string_agg(concat_ws('|', location, impact_story), ',' order by id) from partners`)
	for _, step := range [][2]string{{"Location", "Aside"}, {"Impact Story", "Location"}, {"Aside", "Impact Story"}} {
		shape(t, w, "partners", map[string]any{step[0]: map[string]any{"name": step[1]}})
	}
	if r := w.Sync(t, journal.Full, "partners"); r.Written() > 0 || r.Conflicts > 0 {
		t.Errorf("it did %+v", r)
	}
	if after := sidetest.Query[string](t, w, `select string_agg(concat_ws('|', location, impact_story), ',' order by id) from partners`); after != before {
		t.Error("values moved")
	}
	w.Agree(t)
}

// TestRetypedAndBack: Notion drops what does not fit when a property changes its type. That is nobody's edit.
func TestRetypedAndBack(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	before := sidetest.Query[string](t, w, `select string_agg(coalesce(location, ''), ',' order by id) from partners`)
	shape(t, w, "partners", map[string]any{"Location": map[string]any{"number": map[string]any{}}})
	succeeded(t, w.Sync(t, journal.Incremental, "partners"))
	if got := drifts(t, w, "partners"); got != "location retyped" {
		t.Errorf("said: %q", got)
	}
	shape(t, w, "partners", map[string]any{"Location": map[string]any{"rich_text": map[string]any{}}})
	succeeded(t, w.Sync(t, journal.Incremental, "partners"))
	if after := sidetest.Query[string](t, w, `select string_agg(coalesce(location, ''), ',' order by id) from partners`); after != before {
		t.Errorf("%s\nbecame %s", before, after)
	}
	w.Agree(t)
}

// TestAPropertyThatIsRenamedWhileARunIsUnderWay: pages carry old and new names; values are found by the property's id.
func TestAPropertyThatIsRenamedWhileARunIsUnderWay(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil, "partners")
	if _, err := w.Sim.Grow(map[string]int{"partners": 130}, 1); err != nil {
		t.Fatal(err)
	}
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	before := sidetest.Query[string](t, w, `select string_agg(concat_ws('|', location, impact_story), ',' order by id) from partners`)
	for at := range 6 {
		calls := 0
		w.Before(func() {
			if calls++; calls == at+1 {
				shape(t, w, "partners", map[string]any{[]string{"Location", "Place"}[at%2]: map[string]any{"name": []string{"Place", "Location"}[at%2]}})
			}
		})
		if r := w.Sync(t, journal.Full, "partners"); r.Written() > 0 || r.Conflicts > 0 || r.Status != "succeeded" {
			t.Errorf("renamed before call %d: %+v", at, r)
		}
		w.Before(nil)
	}
	if after := sidetest.Query[string](t, w, `select string_agg(concat_ws('|', location, impact_story), ',' order by id) from partners`); after != before {
		t.Error("values moved")
	}
	w.Agree(t, "partners")
}

// TestAColumnThatGoes takes its field out of step, as a property does; when it returns it takes what Notion has.
func TestAColumnThatGoes(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]bool{"and a sync notices": true, "and returns before a sync": false} {
		for _, runs := range []journal.Type{journal.Full, journal.Incremental} {
			t.Run(fmt.Sprint(name, ", ", runs), func(t *testing.T) {
				t.Parallel()
				w := sidetest.New(t, nil, "projects")
				if _, err := w.Sim.Grow(map[string]int{"projects": 130}, 1); err != nil {
					t.Fatal(err)
				}
				succeeded(t, w.Sync(t, journal.Full))
				filled := sidetest.Query[int](t, w, `select count(*) from projects where funding <> ''`)
				page, row := someOf(t, w, "projects")
				w.Exec(t, `alter table projects drop column funding`)
				if between {
					w.Exec(t, `update projects set description = 'while it was away' where id = $1::text::uuid`, row)
					succeeded(t, w.Sync(t, runs, "projects"))
					if got := drifts(t, w, "projects"); got != "funding no_column" {
						t.Errorf("said: %q", got)
					}
					if got := plain(t, w, page, "Description"); got != "while it was away" {
						t.Errorf("another field of the row is %q on its page", got)
					}
					w.Agree(t, "projects")
				}
				w.Exec(t, `alter table projects add column funding text`)
				succeeded(t, w.Sync(t, runs, "projects"))
				if got := sidetest.Query[int](t, w, `select count(*) from projects where funding <> ''`); got != filled {
					t.Errorf("%d of %d rows were filled", got, filled)
				}
				if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); n > 0 {
					t.Errorf("%d conflicts", n)
				}
				w.Agree(t, "projects")
			})
		}
	}
}

// TestAJoinTableThatGoes does the same.
func TestAJoinTableThatGoes(t *testing.T) {
	t.Parallel()
	w := newKin(t)
	w.relate(w.p, "Projects", w.j, w.k)
	succeeded(t, w.Sync(t, journal.Full))
	w.Exec(t, `alter table partners_projects rename to elsewhere`)
	edit(t, w.World, w.p, map[string]any{"Description": rich("rich_text", "edited")})
	succeeded(t, w.Sync(t, journal.Full))
	if got := drifts(t, w.World, "partners"); got != "projects no_column" || related(t, w.World, w.p, "Projects") != "J, K" {
		t.Errorf("said: %q, related %s", got, related(t, w.World, w.p, "Projects"))
	}
	w.Exec(t, `alter table elsewhere rename to partners_projects`)
	succeeded(t, w.Sync(t, journal.Full))
	if got := w.shows(); got != "J, K" {
		t.Errorf("the row is related to %s", got)
	}
	w.Agree(t)
}

// TestAJoinTableThatIsMadeAgain between two syncs is another one, and empty: nobody took the links out.
func TestAJoinTableThatIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := newKin(t)
	w.relate(w.p, "Projects", w.j, w.k)
	succeeded(t, w.Sync(t, journal.Full))
	w.Exec(t, `drop table partners_projects; drop trigger note_sync_page_partners_projects on notion_projects`)
	w.Exec(t, `call integration.keep_relation_in_step('partners', 'projects', 'partners_projects', 'partners', 'notion_partners', 'partner_id', 'projects', 'notion_projects', 'project_id')`)
	w.Exec(t, `update partners set description = 'edited'`)
	succeeded(t, w.Sync(t, journal.Full))
	if row, page := w.shows(), related(t, w.World, w.p, "Projects"); row != "J, K" || page != "J, K" {
		t.Errorf("row %q, page %q", row, page)
	}
	w.Agree(t)
}

// TestAColumnThatIsRenamedWithTheMapping comes into step with the next run, in a database of any size: the property is no longer bound to the
// field that the mapping does not have any more, and an incremental run lists the whole database for it, once.
func TestAColumnThatIsRenamedWithTheMapping(t *testing.T) {
	t.Parallel()
	for name, renamed := range map[string]string{
		"the column": `alter table projects rename column funding to grants`,
		"another":    `alter table projects add column grants text`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.New(t, nil, "projects")
			if _, err := w.Sim.Grow(map[string]int{"projects": 190}, 1); err != nil {
				t.Fatal(err)
			}
			succeeded(t, w.Sync(t, journal.Full))
			filled := sidetest.Query[int](t, w, `select count(*) from projects where funding <> ''`)
			w.Exec(t, renamed)
			kinds := slices.Clone(w.Syncer.Connection.Mapping.Kinds)
			i := slices.IndexFunc(kinds, func(k mapping.Kind) bool { return k.Name == "projects" })
			kinds[i].Fields = slices.Clone(kinds[i].Fields)
			for j := range kinds[i].Fields {
				if f := &kinds[i].Fields[j]; f.Column == "funding" {
					f.Column = "grants"
				}
			}
			w.Remap(mapping.Mapping{Kinds: kinds})
			succeeded(t, w.Sync(t, journal.Incremental, "projects"))
			if got := sidetest.Query[int](t, w, `select count(*) from projects where grants <> ''`); got != filled {
				t.Errorf("%d of %d rows were filled", got, filled)
			}
			if got := sidetest.Query[int](t, w, `select count(*) from notion_projects where not row_data ? 'grants' or row_data ? 'funding'`); got > 0 {
				t.Errorf("of %d records the base does not know the field, or still knows the old one", got)
			}
			w.Agree(t, "projects")
			read := w.Sync(t, journal.Incremental, "projects").Read
			if read > 250 {
				t.Errorf("the run after that read %d pages", read)
			}
		})
	}
}
