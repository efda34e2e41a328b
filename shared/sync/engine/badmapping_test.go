package engine_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// TestAColumnThatDoesNotExist stops its field, and no other, and what is said names it.
func TestAColumnThatDoesNotExist(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	w.Exec(t, `alter table partners rename column location to place`)
	w.Exec(t, `update partners set description = 'of the row'`)
	if r := w.Sync(t, journal.Full); r.PagesUpdated == 0 || r.Status != "succeeded" || r.Counts.Errors > 0 {
		t.Errorf("the others were held up: %+v", r)
	}
	if got := drifts(t, w, "partners"); got != "location no_column" {
		t.Errorf("said: %q", got)
	}
	w.Exec(t, `alter table partners rename column place to location`)
	succeeded(t, w.Sync(t, journal.Full))
	w.Agree(t)
}

// TestAPropertyThatTakesAnothersName: a property never fills two columns, whatever people rename.
func TestAPropertyThatTakesAnothersName(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	source := sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'partners'`)
	locations := func() string {
		return sidetest.Query[string](t, w, `select string_agg(location, ',' order by id) from partners`)
	}
	before := locations()
	for _, change := range []map[string]any{{"Location": nil}, {"Description": map[string]any{"name": "Location"}}} {
		w.Person(t, "PATCH", "/v1/data_sources/"+source, map[string]any{"properties": change})
	}
	if r := w.Sync(t, journal.Full); r.Written() > 0 {
		t.Errorf("a sync wrote %+v", r)
	}
	page, row := someOf(t, w, "partners")
	w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Location": rich("rich_text", "of the page")}})
	succeeded(t, w.Sync(t, journal.Full))
	if got := sidetest.Query[string](t, w, `select description from partners where id = $1::text::uuid`, row); got != "of the page" {
		t.Errorf("the description is %q", got)
	}
	if after := locations(); after != before {
		t.Errorf("the locations are %s, and were %s", after, before)
	}
	drifts := sidetest.Query[string](t, w, `select jsonb_path_query_array(drifts, '$[*].change')::text from integration.sync_databases where kind = 'partners'`)
	if drifts != `["removed"]` {
		t.Errorf("told of: %s", drifts)
	}
}

// circles maps relations that go round: partners to projects, projects to partners, and partners to each other.
const circles = `{"kinds":[
	{"name":"partners","table":"partners","base_table":"notion_partners","database_id_variable":"P","row_key_property":"Supabase ID","fields":[
		{"property":"Name","type":"title","column":"name"},
		{"property":"Runs","type":"relation","column":"runs","join":{"kind":"projects","table":"partners_runs","from":"partner_id","to":"project_id"}},
		{"property":"Knows","type":"relation","column":"knows","join":{"kind":"partners","table":"partners_knows","from":"partner_id","to":"known_id"}}]},
	{"name":"projects","table":"projects","base_table":"notion_projects","database_id_variable":"J","row_key_property":"Supabase ID","fields":[
		{"property":"Name","type":"title","column":"name"},
		{"property":"Run by","type":"relation","column":"run_by","join":{"kind":"partners","table":"projects_run_by","from":"project_id","to":"partner_id"}}]}]}`

// TestACircleOfRelations that is new on either side arrives whole on the other.
func TestACircleOfRelations(t *testing.T) {
	t.Parallel()
	m, err := mapping.Parse([]byte(circles))
	if err != nil {
		t.Fatal(err)
	}
	w := kin{t: t, World: sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Seed: 1}, Mapping: m,
		Databases: func(w *sidetest.World) map[string]string {
			for _, made := range []string{
				`'partners', 'runs', 'partners_runs', 'partners', 'notion_partners', 'partner_id', 'projects', 'notion_projects', 'project_id'`,
				`'partners', 'knows', 'partners_knows', 'partners', 'notion_partners', 'partner_id', 'partners', 'notion_partners', 'known_id'`,
				`'projects', 'run_by', 'projects_run_by', 'projects', 'notion_projects', 'project_id', 'partners', 'notion_partners', 'partner_id'`,
			} {
				w.Exec(t, `call integration.keep_relation_in_step(`+made+`)`)
			}
			partners, people := database(t, w, "Partners", nil)
			projects, works := database(t, w, "Projects", nil)
			addRelation(t, w, partners, "Runs", works, "")
			addRelation(t, w, partners, "Knows", people, "")
			addRelation(t, w, projects, "Run by", people, "")
			return map[string]string{"partners": partners, "projects": projects}
		},
	})}
	p, q, j := w.create("partners", "P", nil), w.create("partners", "Q", nil), w.create("projects", "J", nil)
	w.relate(p, "Runs", j)
	w.relate(j, "Run by", p, q)
	w.relate(p, "Knows", q, p)
	w.relate(q, "Knows", p)
	w.sync()
	w.Exec(t, `insert into partners (name) values ('R'), ('S')`)
	w.Exec(t, `insert into projects (name) values ('K')`)
	w.Exec(t, `insert into partners_runs (partner_id, project_id) select p.id, j.id from partners p, projects j where (p.name, j.name) = ('R', 'K')`)
	w.Exec(t, `insert into projects_run_by (partner_id, project_id) select p.id, j.id from partners p, projects j where p.name in ('R', 'S') and j.name = 'K'`)
	w.Exec(t, `insert into partners_knows (partner_id, known_id) select a.id, b.id from partners a, partners b where (a.name, b.name) in (('R', 'S'), ('S', 'R'), ('S', 'S'))`)
	w.sync()
	w.sync() // what waited for pages that were made after their own
	for _, c := range []struct{ kind, name, property, column, to, want string }{
		{"partners", "P", "Runs", "runs", "projects", "J"},
		{"partners", "P", "Knows", "knows", "partners", "P, Q"},
		{"projects", "J", "Run by", "run_by", "partners", "P, Q"},
		{"partners", "Q", "Knows", "knows", "partners", "P"},
		{"partners", "R", "Runs", "runs", "projects", "K"},
		{"partners", "R", "Knows", "knows", "partners", "S"},
		{"projects", "K", "Run by", "run_by", "partners", "R, S"},
		{"partners", "S", "Knows", "knows", "partners", "R, S"},
	} {
		if got := related(t, w.World, pageOf(t, w.World, c.kind, c.name), c.property); got != c.want {
			t.Errorf("%s of %s in Notion: %q", c.property, c.name, got)
		}
	}
	if n := sidetest.Query[string](t, w.World, `select concat_ws(' ', (select count(*) from partners_runs), (select count(*) from partners_knows),
		(select count(*) from projects_run_by), (select count(*) from integration.sync_waiting_relations))`); n != "2 6 4 0" {
		t.Errorf("pairs: %s", n)
	}
	if again := w.Sync(t, journal.Full); again.Written() > 0 {
		t.Errorf("at rest, a sync wrote %+v", again)
	}
	w.Agree(t)
}

// TestTwoConnectionsOfOneDatabase: each keeps rows of their own in step with it: what one writes reaches the other by way of Notion, once.
func TestTwoConnectionsOfOneDatabase(t *testing.T) {
	t.Parallel()
	const other = "00000000-0000-0000-0000-000000000002"
	var cfg engine.Config
	w := sidetest.New(t, func(c *engine.Config) { cfg = *c }, "partners", "projects", "organizations")
	w.Exec(t, `insert into integration.connections (id, name) values ($1::text::uuid, 'other')`, other)
	cfg.Connection.ID = other
	cfg.Tables = func(k mapping.Kind) engine.Tables {
		return records.New(w.Pool, other, cfg.Connection.Mapping, k, uuid.NewString)
	}
	setOptions(t, w, func(o *notionsim.Options) { o.Budget = 0 })
	first, second := w.Syncer, engine.New(cfg)
	sync := func() {
		t.Helper()
		for _, s := range []*engine.Syncer{first, second, first} {
			w.Syncer, w.Starter.ConnectionID = s, s.Connection.ID
			succeeded(t, w.Sync(t, journal.Full))
		}
	}
	sync()
	w.Exec(t, `insert into partners (connection_id, name) values ($1::text::uuid, 'of the other')`, other)
	w.Exec(t, `insert into partners (name) values ('of the first')`)
	w.Exec(t, `update projects set description = 'by the other' where connection_id = $1::text::uuid`, other)
	w.Exec(t, `delete from organizations where connection_id = $1::text::uuid`, other)
	sync()
	sync()
	for _, same := range []string{
		`select connection_id, string_agg(name, ',' order by name) from partners group by 1`,
		`select connection_id, string_agg(description, ',' order by name) from projects group by 1`,
		`select connection_id, string_agg(p.name || j.name, ',' order by p.name || j.name) from partners_projects join partners p on p.id = partner_id join projects j using (connection_id) where j.id = project_id group by 1`,
	} {
		if got := sidetest.Query[string](t, w, `select concat_ws(' ', count(*), count(distinct v)) from (`+same+`) s (c, v)`); got != "2 1" {
			t.Errorf("connections and what they have: %s: %s", got, same)
		}
	}
	pages, err := w.Sim.Pages(w.Sim.Databases()["partners"])
	if rows := sidetest.Query[int](t, w, `select count(*) from partners`); err != nil || len(pages) != 27 || rows != 54 {
		t.Errorf("%d pages, %d rows, %v", len(pages), rows, err)
	}
	if got := sidetest.Query[string](t, w, `select string_agg(distinct description, ',') from projects`); got != "by the other" {
		t.Errorf("projects: %s", got)
	}
	if got := sidetest.Query[int](t, w, `select count(*) from organizations where archived_at is null`); got != 0 {
		t.Errorf("%d organizations are left", got)
	}
}
