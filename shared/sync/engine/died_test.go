package engine_test

import (
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// afterEachDeath has a worker die before each effect in turn of a sync of the projects, each time in a world of its own: prepared before it,
// and changed by people after it. Then another worker goes on, and two syncs follow, before the second of which held deletions are approved.
func afterEachDeath(t *testing.T, before, after func(*sidetest.World), check func(w *sidetest.World, ends int)) {
	t.Helper()
	for ends, reached := 1, true; reached; ends += sample.Step() {
		w := sidetest.Synced(t, func(cfg *engine.Config) {
			cfg.Connection.Limit = journal.Limit{Number: 1, Share: 1}
		}, "projects", "organizations")
		before(w)
		reached = death(t, w, journal.Full, "projects", ends)
		after(w)
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		succeeded(t, w.Sync(t, journal.Full))
		decide(t, w, journal.Approved)
		succeeded(t, w.Sync(t, journal.Full))
		check(w, ends)
		w.Agree(t, "projects")
	}
}

// death has a worker die before that effect of such a sync of a kind, and its lease end; false when the sync has fewer.
func death(t *testing.T, w *sidetest.World, typ journal.Type, kind string, before int) (reached bool) {
	t.Helper()
	l := &life{ends: before}
	mortal(w, l)
	if _, err := w.Starter.Start(t.Context(), engine.Request{Type: typ, Kinds: []string{kind}}); err != nil {
		t.Fatal(err)
	}
	_ = w.Drain(t.Context())
	reached = l.dead
	l.dead, l.ends = false, 0
	w.Exec(t, `update integration.sync_leases set expires_at = now()`)
	return reached
}

// goOn has another worker go on with the run of the dead one.
func goOn(t *testing.T, w *sidetest.World) {
	t.Helper()
	run := sidetest.Query[string](t, w, `select coalesce((select id::text from integration.sync_runs where status = 'running'), '')`)
	if run == "" {
		return // it had ended but for its last effect
	}
	if err := w.Syncer.Work(t.Context(), journal.Message{RunID: run, Kind: "projects"}); err != nil {
		t.Fatal(err)
	}
}

// TestADeletionThatIsHeldAfterADeath stays a deletion: what the dead worker wrote to the page is not taken for an edit that somebody made
// there since. (Found by the histories: a held record lost what was known of the write.)
func TestADeletionThatIsHeldAfterADeath(t *testing.T) {
	t.Parallel()
	const three = ` where id in (select id from projects order by id limit 3)`
	afterEachDeath(t,
		func(w *sidetest.World) { w.Exec(t, `update projects set name = name || '!'`+three) },
		func(w *sidetest.World) { w.Exec(t, `update projects set archived_at = now()`+three) },
		projectsThere(t, 12))
}

// TestASetThatBothSidesFilledBeforeADeath has what either side put in: the dead worker wrote both to the page and only meant to write both
// to the row, which did not take out what it never had. (Found by the histories: it was taken out of the page.)
func TestASetThatBothSidesFilledBeforeADeath(t *testing.T) {
	t.Parallel()
	afterEachDeath(t,
		func(w *sidetest.World) {
			page, row := someOf(t, w, "projects")
			w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Tags": map[string]any{"multi_select": []any{map[string]any{"name": "of the page"}}}}})
			w.Exec(t, `update projects set tags = array['of the row'] where id = $1::text::uuid`, row)
		},
		func(*sidetest.World) {},
		func(w *sidetest.World, ends int) {
			_, row := someOf(t, w, "projects")
			if got := sidetest.Query[[]string](t, w, `select array(select unnest(tags) order by 1) from projects where id = '`+row+`'`); len(got) != 2 || got[0] != "of the page" || got[1] != "of the row" {
				t.Fatalf("the worker died before effect %d: the row has %q", ends, got)
			}
		})
}

// TestAPageThatAPersonFilledAfterADeath outlives its row, which was deleted meanwhile: the dead worker made the page, and what a person has
// written there since is an edit against a deletion. (Found by the histories: the page went to the trash.)
func TestAPageThatAPersonFilledAfterADeath(t *testing.T) {
	t.Parallel()
	const name = "made before a death"
	filled := false
	afterEachDeath(t,
		func(w *sidetest.World) { w.Exec(t, `insert into projects (name) values ($1)`, name) },
		func(w *sidetest.World) {
			page := projectNamed(t, w, name)
			if filled = page != ""; filled {
				w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Description": rich("rich_text", "a person's")}})
			}
			w.Exec(t, `update projects set archived_at = now() where name = $1`, name)
		},
		func(w *sidetest.World, ends int) {
			if got := sidetest.Query[int](t, w, `select count(*) from projects where name = '`+name+`' and archived_at is null and description = 'a person''s'`); filled != (got == 1) {
				t.Fatalf("the worker died before effect %d, filled: %t; %d rows live", ends, filled, got)
			}
		})
}

// TestAPageThatAPersonEditedAfterADeath outlives its row, which was deleted once another worker had found the page: the dead one made it in a run to
// Notion only, so that what the person changed there no row has taken. It counts against the deletion, whether the worker had written that
// field or left it empty. (Found by the histories: the page went to the trash.)
func TestAPageThatAPersonEditedAfterADeath(t *testing.T) {
	t.Parallel()
	const name = "made before a death"
	for field, edit := range sample.Of(map[string]struct {
		properties map[string]any
		is         string
	}{
		"filled":            {map[string]any{"Lead": rich("rich_text", "a person's")}, `lead = 'a person''s'`},
		"filled from blank": {map[string]any{"Description": rich("rich_text", "a person's")}, `description = 'a person''s'`},
		"changed":           {map[string]any{"Area": map[string]any{"select": map[string]any{"name": "Youth"}}}, `area = 'Youth'`},
		"cleared":           {map[string]any{"Area": map[string]any{"select": nil}}, `area is null`},
	}) {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			for ends, reached := 1, true; reached; ends += sample.Step() {
				w := sidetest.Synced(t, nil, "projects", "organizations")
				w.Exec(t, `insert into projects (name, area, description) values ($1, 'Arts', '')`, name)
				reached = death(t, w, journal.SupabaseToNotion, "projects", ends)
				page := projectNamed(t, w, name)
				if page != "" {
					w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": edit.properties})
				}
				goOn(t, w)
				w.Exec(t, `update projects set archived_at = now() where name = $1`, name)
				succeeded(t, w.Sync(t, journal.Full))
				want := 0
				if page != "" {
					want = 1
				}
				if got := sidetest.Query[int](t, w, `select count(*) from projects where name = '`+name+`' and archived_at is null and `+edit.is); got != want {
					t.Fatalf("the worker died before effect %d, made the page: %t; %d rows live", ends, page != "", got)
				}
				if logged := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where field <> ''`); logged != 0 {
					t.Fatalf("the worker died before effect %d: %d values are said to have lost, and one side only was edited", ends, logged)
				}
				w.Agree(t, "projects")
			}
		})
	}
}

// TestARelationThatMovedBeforeADeath is nobody's edit, and does not outlive the record's deletion: the related page was deleted for good and
// made anew, and the worker died around its write of the new one to the page that names it. (Found by the histories: Notion hides the old one,
// which was taken for one that the write had not taken out, and what it had put in for a person's.)
func TestARelationThatMovedBeforeADeath(t *testing.T) {
	t.Parallel()
	for ends, reached := 1, true; reached; ends += sample.Step() {
		w := newKin(t)
		w.pair("P", "J")
		w.sync()
		if err := w.Sim.DeletePage(w.j); err != nil {
			t.Fatal(err)
		}
		w.Exec(t, `update projects set name = 'J, edited' where name = 'J'`)
		succeeded(t, w.Sync(t, journal.Full, "projects"))
		reached = death(t, w.World, journal.Full, "partners", ends)
		w.Exec(t, `delete from partners where name = 'P'`)
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		decide(t, w.World, journal.Approved)
		w.sync()
		rows := sidetest.Query[int](t, w.World, `select count(*) from partners where archived_at is null`)
		if trashed := w.Person(t, "GET", "/v1/pages/"+w.p, nil)["in_trash"]; rows != 0 || trashed != true {
			t.Fatalf("the worker died before effect %d: %d rows are there, and the page is in the trash: %v", ends, rows, trashed)
		}
	}
}

// TestACopyIsNotTakenForThePageThatADeadWorkerMeantToMake: a person copied a page, which carries the row's key since, and deleted the
// original for good. (Found by the histories: two rows wrote to the copy.)
func TestACopyIsNotTakenForThePageThatADeadWorkerMeantToMake(t *testing.T) {
	t.Parallel()
	const name, copied = "an original", "a copy"
	afterEachDeath(t,
		func(w *sidetest.World) {
			w.Exec(t, `insert into projects (name) values ($1)`, name)
			succeeded(t, w.Sync(t, journal.Full, "projects"))
			row := sidetest.Query[string](t, w, `select id::text from projects where name = $1`, name)
			w.Person(t, "POST", "/v1/pages", map[string]any{
				"parent":     map[string]any{"data_source_id": sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'projects'`)},
				"properties": map[string]any{"Name": rich("title", copied), "Supabase ID": rich("rich_text", row)},
			})
			succeeded(t, w.Sync(t, journal.Full, "projects"))
			if err := w.Sim.DeletePage(sidetest.Query[string](t, w, `select notion_id from notion_projects where id = $1::text::uuid`, row)); err != nil {
				t.Fatal(err)
			}
			w.Exec(t, `update projects set area = 'Arts' where id = $1::text::uuid`, row)
		},
		func(*sidetest.World) {},
		func(w *sidetest.World, ends int) {
			if got := sidetest.Query[string](t, w, `select string_agg(concat_ws(' ', p.name, area, count), ', ' order by p.name) from projects p
				join (select notion_id, id, count(*) over (partition by notion_id) from notion_projects) n using (id) where p.name in ($1, $2)`, name, copied); got != "a copy 1, an original Arts 1" {
				t.Fatalf("the worker died before effect %d: %s", ends, got)
			}
			if pages, rows := live(t, w, "projects"); pages != 17 || rows != 17 {
				t.Fatalf("the worker died before effect %d: %d pages and %d rows are there", ends, pages, rows)
			}
		})
}

// TestAPageThatIsGoneAfterADeath: a value of the page lost against the row's, the worker died around the write, and before anybody looked again
// the row was archived and the page deleted for good. Whether the value was overwritten nobody can know any more; it stands in the log, or it was taken in.
// (Found by the histories: it was nowhere.)
func TestAPageThatIsGoneAfterADeath(t *testing.T) {
	t.Parallel()
	for ends, reached := 1, true; reached; ends += sample.Step() {
		w := sidetest.Synced(t, nil, "projects", "organizations")
		page, row := someOf(t, w, "projects")
		w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Lead": rich("rich_text", "Notion's")}})
		w.Exec(t, `update projects set lead = 'Supabase''s' where id = $1::text::uuid`, row)
		w.Exec(t, `update integration.sync_changes set changed_at = changed_at + interval '1 hour'`) // the row is the newest
		reached = death(t, w, journal.Full, "projects", ends)
		made := plain(t, w, page, "Lead") == "Supabase's"
		w.Exec(t, `update projects set archived_at = now() where id = $1::text::uuid`, row)
		if err := w.Sim.DeletePage(page); err != nil {
			t.Fatal(err)
		}
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		succeeded(t, w.Sync(t, journal.Full))
		logged := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where field = 'lead' and notion_value = '"Notion''s"' and intent_id is null`)
		if made && logged != 1 {
			t.Fatalf("the worker died before effect %d, and the value that was overwritten stands in the log %d times", ends, logged)
		}
	}
}

// TestARowThatReturnsAfterADeath stays, and gets a page: a person brought it back whose page was deleted for good, and the worker that was to make
// another died. (Found by the histories: the page that is gone was taken for a deletion of what the dead worker had brought back.)
func TestARowThatReturnsAfterADeath(t *testing.T) {
	t.Parallel()
	row := ""
	afterEachDeath(t,
		func(w *sidetest.World) {
			var page string
			page, row = someOf(t, w, "projects")
			w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
			succeeded(t, w.Sync(t, journal.Full, "projects"))
			if err := w.Sim.DeletePage(page); err != nil {
				t.Fatal(err)
			}
			w.Exec(t, `update projects set archived_at = null where id = $1::text::uuid`, row)
		},
		func(*sidetest.World) {},
		projectsThere(t, 15))
}

// TestAPageThatReturnsAfterADeath brings its row back: a person took it out of the trash, and the worker that wrote to it what had changed in the
// archived row died before it could bring that back as well. (Found by the histories: the row was taken for one that somebody had deleted since.)
func TestAPageThatReturnsAfterADeath(t *testing.T) {
	t.Parallel()
	afterEachDeath(t,
		func(w *sidetest.World) {
			page, row := someOf(t, w, "projects")
			w.Exec(t, `update projects set lead = 'of the row', archived_at = now() where id = $1::text::uuid`, row)
			succeeded(t, w.Sync(t, journal.Full, "projects"))
			w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": false})
		},
		func(*sidetest.World) {},
		projectsThere(t, 15))
}

// TestARowThatIsArchivedAgainAfterADeath stays archived: a person had brought it back, and the worker that took its page out of the trash died.
func TestARowThatIsArchivedAgainAfterADeath(t *testing.T) {
	t.Parallel()
	row := ""
	afterEachDeath(t,
		func(w *sidetest.World) {
			_, row = someOf(t, w, "projects")
			w.Exec(t, `update projects set archived_at = now() where id = $1::text::uuid`, row)
			succeeded(t, w.Sync(t, journal.Full, "projects"))
			w.Exec(t, `update projects set archived_at = null where id = $1::text::uuid`, row)
		},
		func(w *sidetest.World) {
			w.Exec(t, `update projects set archived_at = now() where id = $1::text::uuid`, row)
		},
		projectsThere(t, 14))
}

// TestAValueOverwrittenBeforeADeath stands in the conflict log, although somebody edits the row, or the page, before another worker looks: what the
// page shows then is no longer what the dead one wrote to it. (Found by the histories: the conflict went with the write of which nobody
// knew whether it was made.)
func TestAValueOverwrittenBeforeADeath(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(w *sidetest.World, page, row string){
		"the row edited again": func(w *sidetest.World, _, row string) {
			w.Exec(t, `update projects set lead = 'the row again' where id = $1::text::uuid`, row)
		},
		"the page edited again": func(w *sidetest.World, page, _ string) {
			w.Syncer.Connection.Rule = merge.NotionWins
			w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Lead": rich("rich_text", "the page again")}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, row, lost := "", "", false
			afterEachDeath(t,
				func(w *sidetest.World) {
					page, row = someOf(t, w, "projects")
					w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Lead": rich("rich_text", "the page")}})
					w.Exec(t, `update projects set lead = 'the row' where id = $1::text::uuid`, row)
					w.Syncer.Connection.Rule = merge.SupabaseWins
				},
				func(w *sidetest.World) {
					lost = plain(t, w, page, "Lead") == "the row"
					edit(w, page, row)
				},
				func(w *sidetest.World, ends int) {
					kept := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where intent_id is null and notion_value = '"the page"'`)
					if lost && kept != 1 {
						t.Fatalf("the worker died before effect %d: what it overwrote stands %d times in the log", ends, kept)
					}
				})
		})
	}
}

// projectsThere checks that so many projects are live on both sides.
func projectsThere(t *testing.T, n int) func(w *sidetest.World, ends int) {
	t.Helper()
	return func(w *sidetest.World, ends int) {
		t.Helper()
		if pages, rows := live(t, w, "projects"); pages != n || rows != n {
			t.Fatalf("the worker died before effect %d: %d pages and %d rows are there", ends, pages, rows)
		}
	}
}

// someOf returns a page of that kind and its row.
func someOf(t *testing.T, w *sidetest.World, kind string) (page, row string) {
	t.Helper()
	found := sidetest.Query[[]string](t, w, `select array[notion_id, id::text] from notion_`+kind+` order by notion_id limit 1`)
	return found[0], found[1]
}

// projectNamed returns the page of that name, "" when there is none.
func projectNamed(t *testing.T, w *sidetest.World, name string) string {
	t.Helper()
	pages, err := w.Sim.Pages(w.Sim.Databases()["projects"])
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range pages {
		if page, err := notion.ParsePage(raw); err == nil && plain(t, w, page.ID, "Name") == name {
			return page.ID
		}
	}
	return ""
}

// TestADeathWithoutRowKeys makes nothing twice either: the integration may not add the property that would carry them, and a page is known by its
// title, by who made it, and when. Two of the rows have the same title, and a person makes a page of that title as well.
func TestADeathWithoutRowKeys(t *testing.T) {
	t.Parallel()
	afterEachDeath(t,
		func(w *sidetest.World) {
			setFaults(t, w, chaos.Rule{Fault: chaos.Fault{Status: 403, Code: "restricted_resource"}, Method: "PATCH", Route: "/v1/data_sources/{id}"})
			w.Exec(t, `insert into projects (name, area) values ('twin', 'Arts'), ('twin', 'Youth'), (null, 'Arts')`)
		},
		func(w *sidetest.World) {
			w.Person(t, "POST", "/v1/pages", map[string]any{
				"parent":     map[string]any{"data_source_id": sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'projects'`)},
				"properties": map[string]any{"Name": rich("title", "twin")},
			})
		},
		func(w *sidetest.World, ends int) {
			if pages, rows := live(t, w, "projects"); pages != 19 || rows != 19 {
				t.Fatalf("the worker died before effect %d: %d pages and %d rows are there", ends, pages, rows)
			}
			if keyed := sidetest.Query[int](t, w, `select count(*) from notion_projects where data->'properties' ? 'Supabase ID'`); keyed != 0 {
				t.Fatalf("%d pages have room for a key", keyed)
			}
		})
}

// TestAColumnThatIsMadeAgainAfterADeath is another one, and empty: what the dead worker wrote to Notion was in the one before it, and nobody
// took it out. (Found by the histories: the page was cleared.)
func TestAColumnThatIsMadeAgainAfterADeath(t *testing.T) {
	t.Parallel()
	afterEachDeath(t,
		func(w *sidetest.World) {
			w.Exec(t, `update projects set funding = 'granted' where id in (select id from projects where funding <> '' order by id limit 3)`)
		},
		func(w *sidetest.World) {
			w.Exec(t, `alter table projects drop column funding; alter table projects add column funding text`)
		},
		func(w *sidetest.World, ends int) {
			if n := sidetest.Query[int](t, w, `select count(*) from projects where funding <> ''`); n != 15 {
				t.Errorf("dead before effect %d: %d rows have the field", ends, n)
			}
		})
}

// TestAnOptionThatIsRenamedAfterADeath is the same option: what the dead worker wrote has its new name in Notion, and the row takes it.
func TestAnOptionThatIsRenamedAfterADeath(t *testing.T) {
	t.Parallel()
	for ends, reached := 1, true; reached; ends += sample.Step() {
		w := sidetest.Synced(t, func(cfg *engine.Config) { cfg.Connection.Rule = merge.Manual }, "projects")
		w.Exec(t, `update projects set funding = 'granted', tags = '{new}' where id = (select id from projects order by id desc limit 1)`)
		succeeded(t, w.Sync(t, journal.Full)) // so that both options are known
		w.Exec(t, `update projects set funding = 'granted', tags = '{new,old}' where id in (select id from projects order by id limit 3)`)
		reached = death(t, w, journal.Full, "projects", ends)
		database := w.Syncer.Connection.DatabaseIDs["projects"]
		for _, err := range []error{w.Sim.RenameOption(database, "Funding", "granted", "awarded"), w.Sim.RenameOption(database, "Tags", "new", "newer")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		source := sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'projects'`)
		pages := len(w.Person(t, "POST", "/v1/data_sources/"+source+"/query", map[string]any{
			"filter": map[string]any{"property": "Funding", "select": map[string]any{"equals": "awarded"}},
		})["results"].([]any))
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		succeeded(t, w.Sync(t, journal.Full))
		succeeded(t, w.Sync(t, journal.Full))
		if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); n > 0 {
			t.Errorf("dead before effect %d: %s", ends, sidetest.Query[string](t, w, `select string_agg(field || ': ' || notion_value::text || ' and ' || supabase_value::text, ', ') from integration.sync_conflicts`))
		}
		if n := sidetest.Query[int](t, w, `select count(*) from projects where funding in ('granted', 'awarded') and cardinality(tags) = 2`); n != 3 {
			t.Errorf("dead before effect %d: %d rows have what they had", ends, n)
		}
		if n := sidetest.Query[int](t, w, `select count(*) from projects where funding = 'awarded' and 'newer' = any(tags)`); n != pages {
			t.Errorf("dead before effect %d: %d rows have the new names, and %d pages had", ends, n, pages)
		}
		w.Agree(t, "projects")
	}
}
