package engine_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// requests is how many requests the integration has sent to Notion.
func requests(w *sidetest.World) (n int) {
	for _, count := range w.Sim.Stats().Requests {
		n += count
	}
	return n
}

func succeeded(t *testing.T, r sidetest.Report) {
	t.Helper()
	if r.Status != "succeeded" || r.Counts.Errors > 0 {
		t.Fatalf("%+v", r)
	}
}

// pageOf returns the page of the row with that name.
func pageOf(t *testing.T, w *sidetest.World, kind, name string) string {
	t.Helper()
	return sidetest.Query[string](t, w, fmt.Sprintf(`select notion_id from notion_%s where name = $1`, kind), name)
}

func TestFirstAndSecondSync(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil)
	first := w.Sync(t, journal.Full)
	succeeded(t, first)
	for kind, want := range map[string]int{"partners": 25, "projects": 15, "opportunities": 30, "organizations": 20} {
		if got := sidetest.Query[int](t, w, `select count(*) from `+kind); got != want {
			t.Errorf("%d %s, want %d", got, kind, want)
		}
	}
	for pairs, want := range demoPairs(t, w) {
		if got := sidetest.Query[int](t, w, `select count(*) from `+pairs); got != want || want == 0 {
			t.Errorf("%d %s, want %d", got, pairs, want)
		}
	}
	if n := requests(w); n > 17 {
		t.Errorf("the first sync took %d requests: %v", n, w.Sim.Stats().Requests)
	}
	before := requests(w)
	written := sidetest.Query[string](t, w, `select string_agg(xmin::text, ',' order by id) from partners`) + sidetest.Query[string](t, w, `select string_agg(xmin::text, ',' order by id) from notion_partners`)
	second := w.Sync(t, journal.Full)
	succeeded(t, second)
	if n := requests(w) - before; n > 13 || second.Written() > 0 {
		t.Errorf("the second sync took %d requests and wrote %+v", n, second)
	}
	if again := sidetest.Query[string](t, w, `select string_agg(xmin::text, ',' order by id) from partners`) + sidetest.Query[string](t, w, `select string_agg(xmin::text, ',' order by id) from notion_partners`); again != written {
		t.Error("the second sync touched rows or bases")
	}
	w.Agree(t)
}

// rich is a title or a text as a person writes it.
func rich(key, text string) map[string]any {
	return map[string]any{key: []any{map[string]any{"type": "text", "text": map[string]any{"content": text}}}}
}

func selected(name string) map[string]any {
	return map[string]any{"select": map[string]any{"name": name}}
}

// chosen returns a property of several options.
func chosen(names ...string) map[string]any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = map[string]any{"name": name}
	}
	return map[string]any{"multi_select": list}
}

// newThing makes a page of a thing as a person, and returns its id.
func newThing(t *testing.T, w *sidetest.World, properties map[string]any) string {
	t.Helper()
	parent := map[string]any{"type": "data_source_id", "data_source_id": source(t, w)}
	return w.Person(t, "POST", "/v1/pages", map[string]any{"parent": parent, "properties": properties})["id"].(string)
}

// edit changes properties of a page as a person.
func edit(t *testing.T, w *sidetest.World, page string, properties map[string]any) {
	t.Helper()
	w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": properties})
}

// plain returns what a reader sees of a page's text property, and the name of its option.
func plain(t *testing.T, w *sidetest.World, page, property string) string {
	t.Helper()
	p, _ := w.Person(t, "GET", "/v1/pages/"+page, nil)["properties"].(map[string]any)[property].(map[string]any)
	switch v := p[p["type"].(string)].(type) {
	case []any:
		text := ""
		for _, run := range v {
			if s, ok := run.(map[string]any)["plain_text"].(string); ok {
				text += s
			} else {
				text += run.(map[string]any)["name"].(string) + ","
			}
		}
		return text
	case map[string]any:
		if s, ok := v["name"].(string); ok {
			return s
		}
		return fmt.Sprint(v["start"])
	default:
		return fmt.Sprint(v)
	}
}

// some returns the name of a record of a kind, the n-th in order.
func some(t *testing.T, w *sidetest.World, kind string, n int) string {
	t.Helper()
	return sidetest.Query[string](t, w, fmt.Sprintf(`select name from %s order by name offset %d limit 1`, kind, n))
}

func TestEditsGoBothWays(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	a, b, c := some(t, w, "partners", 0), some(t, w, "partners", 1), some(t, w, "partners", 2)
	pageA, pageB, pageC := pageOf(t, w, "partners", a), pageOf(t, w, "partners", b), pageOf(t, w, "partners", c)

	w.Exec(t, `update partners set category = null where name = $1`, c)
	succeeded(t, w.Sync(t, journal.Full))

	edit(t, w, pageA, map[string]any{"Name": rich("title", "Renamed in Notion"), "Featured": map[string]any{"checkbox": true}})
	w.Exec(t, `update partners set location = 'Moved in Postgres', type = 'NGO', collaboration_focus = '{one,two}', established_date = '2001-02-03', featured = true where name = $1`, b)
	edit(t, w, pageC, map[string]any{"Category": selected("Regional")})
	w.Exec(t, `update partners set status = 'Pending' where name = $1`, c)
	w.Exec(t, `insert into partners (name, type, collaboration_focus, logo_url) values ('Born in Postgres', 'Academic', '{three}', 'https://example.com/logo.png')`)
	w.Exec(t, `delete from partners where name = $1`, some(t, w, "partners", 4))

	got := w.Sync(t, journal.Incremental)
	succeeded(t, got)
	if got.Conflicts != 0 || got.PagesCreated != 1 || got.PagesArchived != 1 || got.PagesUpdated != 2 || got.RowsUpdated != 2 {
		t.Errorf("%+v", got)
	}
	if name := sidetest.Query[string](t, w, `select p.name || p.featured from partners p join notion_partners n using (id) where notion_id = $1`, pageA); name != "Renamed in Notiontrue" {
		t.Errorf("the row is %s", name)
	}
	for property, want := range map[string]string{
		"Location": "Moved in Postgres", "Type": "NGO", "Collaboration Focus": "one,two,", "Established Date": "2001-02-03", "Featured": "true",
	} {
		if got := plain(t, w, pageB, property); got != want {
			t.Errorf("%s is %q in Notion, want %q", property, got, want)
		}
	}
	if both := sidetest.Query[string](t, w, `select p.category || '/' || p.status from partners p join notion_partners n using (id) where notion_id = $1`, pageC); both != "Regional/Pending" || plain(t, w, pageC, "Status") != "Pending" {
		t.Errorf("edits of two fields: %s, %s", both, plain(t, w, pageC, "Status"))
	}
	born := pageOf(t, w, "partners", "Born in Postgres")
	if plain(t, w, born, "Type") != "Academic" || plain(t, w, born, "Logo URL") != "https://example.com/logo.png" {
		t.Error("the page of the new row is not what the row is")
	}
	settled := w.Sync(t, journal.Full)
	succeeded(t, settled)
	if settled.Written() != 0 {
		t.Errorf("not at rest: %+v", settled)
	}
	w.Agree(t)
}

// lost returns how the conflict of a field was settled: who won, and both values.
func lost(t *testing.T, w *sidetest.World, field string) string {
	t.Helper()
	return sidetest.Query[string](t, w, `select coalesce(string_agg(winner || ' ' || coalesce(notion_value::text, '') || ' ' || coalesce(supabase_value::text, ''), '; '), 'none')
		from integration.sync_conflicts where field = $1 and intent_id is null`, field)
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		rule           merge.Rule
		ago            time.Duration // how long before the edit in Notion the row was changed
		kept, conflict string
	}{
		"newest, Postgres later": {merge.Newest, -2 * time.Minute, "in Postgres", `supabase "in Notion" "in Postgres"`},
		"newest, Notion later":   {merge.Newest, 2 * time.Minute, "in Notion", `notion "in Notion" "in Postgres"`},
		"Notion always":          {merge.NotionWins, -2 * time.Minute, "in Notion", `notion "in Notion" "in Postgres"`},
		"Supabase always":        {merge.SupabaseWins, 2 * time.Minute, "in Postgres", `supabase "in Notion" "in Postgres"`},
	}
	for name, c := range sample.Of(cases) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, func(cfg *engine.Config) { cfg.Connection.Rule = c.rule }, "projects")
			name := some(t, w, "projects", 3)
			page := pageOf(t, w, "projects", name)
			edit(t, w, page, map[string]any{"Lead": rich("rich_text", "in Notion")})
			w.Exec(t, `update projects set lead = 'in Postgres' where name = $1`, name)
			w.Exec(t, `update integration.sync_changes set changed_at = now() - make_interval(secs => $1)`, c.ago.Seconds())
			got := w.Sync(t, journal.Incremental, "projects")
			succeeded(t, got)
			if got.Conflicts != 1 || plain(t, w, page, "Lead") != c.kept || lost(t, w, "lead") != c.conflict {
				t.Errorf("%+v: Notion has %q, lost: %s", got, plain(t, w, page, "Lead"), lost(t, w, "lead"))
			}
			w.Agree(t, "projects")
			if again := w.Sync(t, journal.Full, "projects"); again.Written() != 0 || again.Conflicts != 0 {
				t.Errorf("not at rest: %+v", again)
			}
		})
	}
}

func TestDeletions(t *testing.T) {
	t.Parallel()
	trash := func(t *testing.T, w *sidetest.World, page string, in bool) {
		t.Helper()
		w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": in})
	}
	archived := func(t *testing.T, w *sidetest.World, page string) string {
		t.Helper()
		return sidetest.Query[string](t, w, `select case when p.id is null then 'gone' when archived_at is null then 'live' else 'archived' end
			from notion_partners n left join partners p using (id) where notion_id = $1`, page)
	}
	inTrash := func(t *testing.T, w *sidetest.World, page string) bool {
		t.Helper()
		return w.Person(t, "GET", "/v1/pages/"+page, nil)["in_trash"].(bool)
	}
	cases := map[string]struct {
		change    func(t *testing.T, w *sidetest.World, page, name string)
		row       string
		trashed   bool
		conflicts int
	}{
		"trashed in Notion": {
			func(t *testing.T, w *sidetest.World, page, _ string) { t.Helper(); trash(t, w, page, true) }, "archived", true, 0,
		},
		"trashed and restored in Notion": {
			func(t *testing.T, w *sidetest.World, page, _ string) {
				trash(t, w, page, true)
				w.Sync(t, journal.Incremental)
				trash(t, w, page, false)
			}, "live", false, 0,
		},
		"row deleted": {
			func(t *testing.T, w *sidetest.World, _, name string) {
				w.Exec(t, `delete from partners where name = $1`, name)
			}, "gone", true, 0,
		},
		"row archived": {
			func(t *testing.T, w *sidetest.World, _, name string) {
				w.Exec(t, `update partners set archived_at = now() where name = $1`, name)
			}, "archived", true, 0,
		},
		"row archived and back": {
			func(t *testing.T, w *sidetest.World, _, name string) {
				w.Exec(t, `update partners set archived_at = now() where name = $1`, name)
				w.Sync(t, journal.Incremental)
				w.Exec(t, `update partners set archived_at = null where name = $1`, name)
			}, "live", false, 0,
		},
		"row deleted, page restored": {
			func(t *testing.T, w *sidetest.World, page, name string) {
				w.Exec(t, `delete from partners where name = $1`, name)
				w.Sync(t, journal.Incremental)
				trash(t, w, page, false)
			}, "live", false, 0,
		},
		"row deleted, page edited": {
			func(t *testing.T, w *sidetest.World, page, name string) {
				w.Exec(t, `delete from partners where name = $1`, name)
				edit(t, w, page, map[string]any{"Location": rich("rich_text", "elsewhere")})
			}, "live", false, 1,
		},
		"page trashed, row edited": {
			func(t *testing.T, w *sidetest.World, page, name string) {
				trash(t, w, page, true)
				w.Exec(t, `update partners set location = 'elsewhere' where name = $1`, name)
			}, "live", false, 1,
		},
		"page trashed, row deleted": {
			func(t *testing.T, w *sidetest.World, page, name string) {
				trash(t, w, page, true)
				w.Exec(t, `delete from partners where name = $1`, name)
			}, "gone", true, 0,
		},
	}
	for name, c := range sample.Of(cases) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners")
			partner := some(t, w, "partners", 7)
			page := pageOf(t, w, "partners", partner)
			c.change(t, w, page, partner)
			got := w.Sync(t, journal.Incremental)
			succeeded(t, got)
			if row, trashed := archived(t, w, page), inTrash(t, w, page); row != c.row || trashed != c.trashed || got.Conflicts != c.conflicts {
				t.Errorf("the row is %s, the page in the trash %t, %+v", row, trashed, got)
			}
			if c.conflicts > 0 && sidetest.Query[string](t, w, `select location from partners p join notion_partners using (id) where notion_id = $1`, page) != "elsewhere" {
				t.Error("the edit did not survive")
			}
			w.Agree(t)
			if again := w.Sync(t, journal.Full); again.Written() != 0 || again.Conflicts != 0 {
				t.Errorf("not at rest: %+v", again)
			}
		})
	}
}

// TestFormattingSurvives: what a text column does not show is kept by edits that do not touch it, and around those that do.
func TestFormattingSurvives(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	name := some(t, w, "partners", 5)
	page := pageOf(t, w, "partners", name)
	styled := func(text string, bold bool, link string) map[string]any {
		content := map[string]any{"content": text}
		if link != "" {
			content["link"] = map[string]any{"url": link}
		}
		return map[string]any{"type": "text", "text": content, "annotations": map[string]any{"bold": bold}}
	}
	edit(t, w, page, map[string]any{"Impact Story": map[string]any{"rich_text": []any{
		styled("We planted ", false, ""), styled("nine thousand", true, ""), styled(" trees, ", false, ""), styled("see here", false, "https://example.com/trees"),
	}}})
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	w.Exec(t, `update partners set location = 'Cairns' where name = $1`, name)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	runs := func() string {
		p := w.Person(t, "GET", "/v1/pages/"+page, nil)["properties"].(map[string]any)["Impact Story"].(map[string]any)["rich_text"].([]any)
		text := ""
		for _, r := range p {
			run := r.(map[string]any)
			text += run["plain_text"].(string)
			if run["annotations"].(map[string]any)["bold"] == true {
				text += "*"
			}
			if run["href"] != nil {
				text += "^"
			}
			text += "|"
		}
		return text
	}
	if got := runs(); got != "We planted |nine thousand*| trees, |see here^|" {
		t.Errorf("after an edit of another field: %s", got)
	}
	w.Exec(t, `update partners set impact_story = replace(impact_story, 'planted', 'raised') where name = $1`, name)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if got := runs(); got != "We raised |nine thousand*| trees, |see here^|" {
		t.Errorf("after an edit of the text: %s", got)
	}
	w.Agree(t, "partners")
}

// TestOneBadRecord: what Notion refuses of a record is set aside with the reason; the others go on, and the record follows when it is
// mended.
func TestOneBadRecord(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	bad, good := some(t, w, "partners", 1), some(t, w, "partners", 2)
	w.Exec(t, `update partners set collaboration_focus = (select array_agg('option ' || n) from generate_series(1, 101) n) where name = $1`, bad)
	w.Exec(t, `update partners set location = repeat('x', 2001) where name = $1`, good)
	got := w.Sync(t, journal.Full, "partners")
	if got.Status != "succeeded" || got.Counts.Errors != 1 || got.PagesUpdated != 1 {
		t.Errorf("%+v", got)
	}
	if text := plain(t, w, pageOf(t, w, "partners", good), "Location"); text != strings.Repeat("x", 2001) {
		t.Errorf("the long text has %d characters in Notion", len(text))
	}
	reason := sidetest.Query[string](t, w, `select reason from integration.sync_errors`)
	if !strings.Contains(reason, "100") || !strings.Contains(reason, "Collaboration Focus") || !strings.Contains(reason, bad) {
		t.Errorf("the reason is %q", reason)
	}
	w.Exec(t, `update partners set collaboration_focus = '{one}' where name = $1`, bad)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`); n != 0 {
		t.Errorf("%d errors are left", n)
	}
	w.Agree(t, "partners")
}

// TestOneWayTypesWriteToOneSide, and what the other side has to take waits.
func TestOneWayRuns(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	change := func(i int) {
		name := some(t, w, "partners", i)
		edit(t, w, pageOf(t, w, "partners", name), map[string]any{"Location": rich("rich_text", "from Notion")})
		w.Exec(t, `update partners set contribution_type = 'from Postgres' where name = $1`, name)
		w.Person(t, "PATCH", "/v1/pages/"+pageOf(t, w, "partners", some(t, w, "partners", i+10)), map[string]any{"in_trash": true})
	}
	change(0)
	if got := w.Sync(t, journal.NotionToSupabase); got.PagesUpdated != 0 || got.RowsUpdated != 1 || got.RowsArchived != 1 {
		t.Errorf("Notion to Supabase: %+v", got)
	}
	change(1)
	if got := w.Sync(t, journal.SupabaseToNotion); got.PagesUpdated != 2 || got.RowsUpdated != 0 || got.RowsArchived != 0 {
		t.Errorf("Supabase to Notion: %+v", got)
	}
	if got := w.Sync(t, journal.Incremental); got.PagesUpdated != 0 || got.RowsUpdated != 1 || got.RowsArchived != 1 || got.Conflicts != 0 {
		t.Errorf("both: %+v", got)
	}
	w.Agree(t)
}

// TestSeveralPagesAtOnce are written by several writers: nothing is lost between them, and nothing is shared that is not guarded.
func TestSeveralPagesAtOnce(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, func(cfg *engine.Config) { cfg.Writers = 4 }, "partners", "projects")
	for _, page := range pagesOf(t, w, "projects")[:3] {
		w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
	}
	w.Exec(t, `update partners set location = 'moved', description = repeat('x', 2500)`)
	w.Exec(t, `insert into partners_projects (partner_id, project_id) select a.id, p.id from partners a, projects p on conflict do nothing`)
	w.Exec(t, `insert into partners (name) select 'new ' || n from generate_series(1, 12) n`)
	succeeded(t, w.Sync(t, journal.Full))
	if n := sidetest.Query[int](t, w, `select count(*) from notion_partners where row_data->>'location' = 'moved'`); n != 25 {
		t.Errorf("%d of 25 pages were written", n)
	}
	w.Agree(t)
}
