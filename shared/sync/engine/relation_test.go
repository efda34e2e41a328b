package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// pairs returns the names of the related rows of the row with that name, in order.
func pairs(t *testing.T, w *sidetest.World, from, to, name string) string {
	t.Helper()
	return sidetest.Query[string](t, w, fmt.Sprintf(`select coalesce(string_agg(b.name, ', ' order by b.name), '')
		from %[1]s_%[2]s j join %[1]s a on a.id = j.%[3]s_id join %[2]s b on b.id = j.%[4]s_id where a.name = $1`,
		from, to, strings.TrimSuffix(from, "s"), strings.TrimSuffix(to, "s")), name)
}

// related returns the titles of the pages that a page names in a property, in order.
func related(t *testing.T, w *sidetest.World, page, property string) string {
	t.Helper()
	var names []string
	for _, other := range relatedIDs(t, w, page, property) {
		names = append(names, plain(t, w, other, "Name"))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func relatedIDs(t *testing.T, w *sidetest.World, page, property string) (ids []string) {
	t.Helper()
	p := w.Person(t, "GET", "/v1/pages/"+page, nil)["properties"].(map[string]any)[property].(map[string]any)
	for _, r := range p["relation"].([]any) {
		ids = append(ids, r.(map[string]any)["id"].(string))
	}
	return ids
}

func relation(pages ...string) map[string]any {
	refs := make([]any, len(pages))
	for i, id := range pages {
		refs[i] = map[string]any{"id": id}
	}
	return map[string]any{"relation": refs}
}

// kinship maps the partners' projects, and nothing else but titles.
const kinship = `{"kinds":[
	{"name":"partners","table":"partners","base_table":"notion_partners","database_id_variable":"P","row_key_property":"Supabase ID","fields":[
		{"property":"Name","type":"title","column":"name"},
		{"property":"Description","type":"rich_text","column":"description"},
		{"property":"Projects","type":"relation","column":"projects","join":{"kind":"projects","table":"partners_projects","from":"partner_id","to":"project_id"}}]},
	{"name":"projects","table":"projects","base_table":"notion_projects","database_id_variable":"J","row_key_property":"Supabase ID","fields":[
		{"property":"Name","type":"title","column":"name"}]}]}`

// kin is a world in which a partner P and two projects, J and K, are known to both sides.
type kin struct {
	*sidetest.World

	t       *testing.T
	p, j, k string // pages
}

func newKin(t *testing.T) kin {
	t.Helper()
	m, err := mapping.Parse([]byte(kinship))
	if err != nil {
		t.Fatal(err)
	}
	w := kin{t: t, World: sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Seed: 1}, Mapping: m,
		Databases: func(w *sidetest.World) map[string]string {
			partners, _ := database(t, w, "Partners", map[string]any{"Description": map[string]any{"rich_text": map[string]any{}}})
			projects, source := database(t, w, "Projects", nil)
			addRelation(t, w, partners, "Projects", source, "Partners")
			return map[string]string{"partners": partners, "projects": projects}
		},
	})}
	w.p, w.j, w.k = w.create("partners", "P", nil), w.create("projects", "J", nil), w.create("projects", "K", nil)
	succeeded(t, w.Sync(t, journal.Full))
	return w
}

// database makes a database of titles and other properties, and gives its id and its data source's.
func database(t *testing.T, w *sidetest.World, title string, others map[string]any) (id, source string) {
	t.Helper()
	properties := map[string]any{"Name": map[string]any{"title": map[string]any{}}}
	maps.Copy(properties, others)
	made := w.Person(t, "POST", "/v1/databases", map[string]any{
		"parent": map[string]any{"type": "workspace", "workspace": true}, "title": rich("title", title)["title"],
		"initial_data_source": map[string]any{"properties": properties},
	})
	return made["id"].(string), made["data_sources"].([]any)[0].(map[string]any)["id"].(string)
}

// addRelation adds a relation to a database; two-way when the property at the other end has a name.
func addRelation(t *testing.T, w *sidetest.World, database, property, to, back string) {
	t.Helper()
	config := map[string]any{"data_source_id": to, "type": "single_property", "single_property": map[string]any{}}
	if back != "" {
		config = map[string]any{"data_source_id": to, "type": "dual_property", "dual_property": map[string]any{"synced_property_name": back}}
	}
	source := w.Person(t, "GET", "/v1/databases/"+database, nil)["data_sources"].([]any)[0].(map[string]any)["id"].(string)
	w.Person(t, "PATCH", "/v1/data_sources/"+source, map[string]any{"properties": map[string]any{property: map[string]any{"relation": config}}})
}

// create makes a page as a person.
func (w kin) create(kind, title string, properties map[string]any) string {
	w.t.Helper()
	all := map[string]any{"Name": rich("title", title)}
	maps.Copy(all, properties)
	return w.Person(w.t, "POST", "/v1/pages", map[string]any{
		"parent": map[string]any{"type": "database_id", "database_id": w.Syncer.Connection.DatabaseIDs[kind]}, "properties": all,
	})["id"].(string)
}

func (w kin) relate(page, property string, to ...string) {
	w.t.Helper()
	edit(w.t, w.World, page, map[string]any{property: relation(to...)})
}

func (w kin) trash(page string, in bool) {
	w.t.Helper()
	w.Person(w.t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": in})
}

// pair and unpair do in Postgres what relate does in Notion.
func (w kin) pair(partner, project string) {
	w.t.Helper()
	w.Exec(w.t, `insert into partners_projects (partner_id, project_id) select a.id, b.id from partners a, projects b where a.name = $1 and b.name = $2`, partner, project)
}

func (w kin) unpair(partner, project string) {
	w.t.Helper()
	w.Exec(w.t, `delete from partners_projects using partners a, projects b where a.id = partner_id and b.id = project_id and a.name = $1 and b.name = $2`, partner, project)
}

func (w kin) sync() {
	w.t.Helper()
	r := w.Sync(w.t, journal.Full)
	if r.Counts.Errors > 0 {
		w.t.Log(sidetest.Query[string](w.t, w.World, `select kind || ': ' || reason from integration.sync_errors`))
	}
	succeeded(w.t, r)
}

func TestRelations(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		do   func(w kin)
		want string // the projects of P, on both sides
	}{
		"added in Notion":                   {func(w kin) { w.relate(w.p, "Projects", w.j, w.k) }, "J, K"},
		"added in Notion, at the other end": {func(w kin) { w.relate(w.j, "Partners", w.p) }, "J"},
		"added in Postgres":                 {func(w kin) { w.pair("P", "J"); w.pair("P", "K") }, "J, K"},
		"added on both sides alike":         {func(w kin) { w.pair("P", "J"); w.relate(w.p, "Projects", w.j) }, "J"},
		"added on both sides":               {func(w kin) { w.pair("P", "J"); w.relate(w.p, "Projects", w.k) }, "J, K"},
		"added on both sides, at both ends": {func(w kin) { w.pair("P", "J"); w.relate(w.k, "Partners", w.p) }, "J, K"},
		"removed in Notion": {func(w kin) {
			w.relate(w.p, "Projects", w.j, w.k)
			w.sync()
			w.relate(w.p, "Projects", w.k)
		}, "K"},
		"removed in Notion, at the other end": {func(w kin) {
			w.relate(w.p, "Projects", w.j, w.k)
			w.sync()
			w.relate(w.j, "Partners")
		}, "K"},
		"removed in Postgres": {func(w kin) {
			w.relate(w.p, "Projects", w.j, w.k)
			w.sync()
			w.unpair("P", "J")
		}, "K"},
		"the last one removed": {func(w kin) {
			w.relate(w.p, "Projects", w.j)
			w.sync()
			w.unpair("P", "J")
		}, ""},
		"one removed here, one there": {func(w kin) {
			w.relate(w.p, "Projects", w.j, w.k)
			w.sync()
			w.unpair("P", "J")
			w.relate(w.p, "Projects", w.j)
		}, ""},
		"removed here, another added there": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			w.unpair("P", "J")
			w.relate(w.p, "Projects", w.j, w.k)
		}, "K"},
		"moved to another pair": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			w.Exec(w.t, `update partners_projects set project_id = (select id from projects where name = 'K')`+
				` where project_id = (select id from projects where name = 'J')`)
		}, "K"},
		"to a row that has no page yet": {func(w kin) {
			w.Exec(w.t, `insert into projects (name) values ('L')`)
			w.pair("P", "L")
		}, "L"},
		"of a new row to a new row": {func(w kin) {
			w.Exec(w.t, `update partners set name = 'was P' where name = 'P'`)
			w.Exec(w.t, `insert into partners (name) values ('P')`)
			w.Exec(w.t, `insert into projects (name) values ('L')`)
			w.pair("P", "L")
			w.pair("P", "J")
		}, "J, L"},
		"of a new page to a new page": {func(w kin) {
			w.relate(w.p, "Projects", w.create("projects", "L", nil))
		}, "L"},
		"trashed and restored in Notion": {func(w kin) {
			w.relate(w.p, "Projects", w.j, w.k)
			w.sync()
			w.trash(w.j, true)
			w.sync()
			w.sync()
			w.trash(w.j, false)
		}, "J, K"},
		"trashed after a relation was added": {func(w kin) {
			w.relate(w.p, "Projects", w.j, w.k)
			w.trash(w.j, true)
			w.sync()
			w.trash(w.j, false)
		}, "J, K"},
		"trashed, another added, restored": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			w.trash(w.j, true)
			w.pair("P", "K")
			w.sync()
			w.trash(w.j, false)
		}, "J, K"},
		"trashed, removed in Postgres, restored": {func(w kin) {
			w.pair("P", "J")
			w.pair("P", "K")
			w.sync()
			w.trash(w.j, true)
			w.sync()
			w.unpair("P", "J")
			w.sync()
			w.trash(w.j, false)
		}, "K"},
		"added in Postgres while in the trash": {func(w kin) {
			w.trash(w.j, true)
			w.sync()
			w.pair("P", "J")
			w.sync()
			w.sync()
			w.trash(w.j, false)
		}, "J"},
		"row archived and back": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			w.Exec(w.t, `update projects set archived_at = now() where name = 'J'`)
			w.sync()
			w.Exec(w.t, `update projects set archived_at = null where name = 'J'`)
		}, "J"},
		"row deleted, page restored": {func(w kin) {
			w.pair("P", "J")
			w.pair("P", "K")
			w.sync()
			w.Exec(w.t, `delete from projects where name = 'J'`)
			w.sync()
			w.trash(w.j, false)
		}, "J, K"},
		"rows truncated, a page restored": {func(w kin) {
			w.pair("P", "J")
			w.pair("P", "K")
			w.sync()
			w.Exec(w.t, `truncate projects cascade`)
			w.sync()
			w.trash(w.j, false)
		}, "J"},
		"the records' rows truncated, pages restored": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			w.Exec(w.t, `truncate partners cascade`)
			w.sync()
			w.trash(w.p, false)
		}, "J"},
		"row deleted and inserted again": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			w.Exec(w.t, `create table saved as select * from partners`)
			w.Exec(w.t, `delete from partners`)
			w.Exec(w.t, `insert into partners select * from saved`)
		}, "J"},
		"pairs truncated": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			w.Exec(w.t, `truncate partners_projects`)
		}, ""},
		"page deleted for good, row brought back": {func(w kin) {
			w.pair("P", "J")
			w.pair("P", "K")
			w.sync()
			if err := w.Sim.DeletePage(w.j); err != nil {
				w.t.Fatal(err)
			}
			w.sync()
			w.Exec(w.t, `update projects set archived_at = null where name = 'J'`)
		}, "J, K"},
		"page deleted for good, another added": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			if err := w.Sim.DeletePage(w.j); err != nil {
				w.t.Fatal(err)
			}
			w.sync()
			w.pair("P", "K")
			w.sync()
			w.unpair("P", "J") // of an archived row
		}, "K"},
		"the record itself deleted, page restored": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			w.Exec(w.t, `delete from partners where name = 'P'`)
			w.sync()
			w.trash(w.p, false)
		}, "J"},
		"the record trashed, its row related to one that has no page yet, restored": {func(w kin) {
			w.trash(w.p, true)
			w.Exec(w.t, `insert into projects (name) values ('L')`)
			w.pair("P", "L")
			w.sync()
			w.sync()
			w.trash(w.p, false)
		}, "L"},
		"the record itself trashed and restored": {func(w kin) {
			w.pair("P", "J")
			w.sync()
			w.trash(w.p, true)
			w.sync()
			w.unpair("P", "J")
			w.pair("P", "K")
			w.trash(w.p, false)
		}, "K"},
	}
	for name, c := range sample.Of(cases) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newKin(t)
			c.do(w)
			w.sync() // what the other end did may come too late for this run
			w.sync()
			rest := w.Sync(t, journal.Full)
			succeeded(t, rest)
			if rest.Written() > 0 {
				t.Errorf("not at rest: %+v", rest)
			}
			page := pageOf(t, w.World, "partners", "P")
			if got := related(t, w.World, page, "Projects"); got != c.want {
				t.Errorf("in Notion P has %q", got)
			}
			if got := pairs(t, w.World, "partners", "projects", "P"); got != c.want {
				t.Errorf("in Postgres P has %q", got)
			}
			if n := sidetest.Query[int](t, w.World, `select count(*) from integration.sync_conflicts`); n > 0 {
				t.Errorf("%d conflicts", n)
			}
			w.Agree(t)
		})
	}
}

// demoPairs counts the relations of the demo workspace, by join table.
func demoPairs(t *testing.T, w *sidetest.World) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, k := range w.Syncer.Connection.Mapping.Kinds {
		raws, err := w.Sim.Pages(w.Sim.Databases()[k.Name])
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range raws {
			var page struct {
				Properties map[string]struct{ Relation []any }
			}
			if err := json.Unmarshal(raw, &page); err != nil {
				t.Fatal(err)
			}
			for _, f := range k.Fields {
				if f.Join != nil {
					counts[f.Join.Table] += len(page.Properties[f.Property].Relation)
				}
			}
		}
	}
	return counts
}
