package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

func TestACT(t *testing.T) {
	t.Parallel()
	m := mapping.ACT()
	if want := []string{"partners", "projects", "opportunities", "organizations"}; !slices.Equal(m.Names(), want) {
		t.Errorf("kinds %v", m.Names())
	}
	partners, _ := m.Kind("partners")
	if partners.Title().Column != "name" || partners.DatabaseIDVariable != "NOTION_PARTNERS_DATABASE_ID" {
		t.Errorf("%+v", partners)
	}
	if _, there := m.Kind("people"); there {
		t.Error("there is a kind of people")
	}
}

const good = `{"kinds":[{"name":"tasks","table":"tasks","base_table":"notion_tasks","database_id_variable":"T","row_key_property":"Key","fields":[
	{"property":"Name","type":"title","column":"name"},{"property":"Done","type":"checkbox","column":"done"}]}]}`

// self relates tasks to tasks.
const self = `{"property":"Blocks","type":"relation","column":"blocks","join":{"kind":"tasks","table":"tasks_tasks","from":"task_id","to":"blocks_id"}},{"property":"Done"`

func TestRelations(t *testing.T) {
	t.Parallel()
	names := func(relations []mapping.Relation) (names []string) {
		for _, r := range relations {
			names = append(names, r.Kind.Name+"."+r.Field+">"+r.Related.BaseTable)
		}
		return names
	}
	if got, want := names(mapping.ACT().Relations("projects")), []string{"projects.opportunities>notion_opportunities", "projects.organizations>notion_organizations"}; !slices.Equal(got, want) {
		t.Errorf("projects have %v", got)
	}
	if got, want := names(mapping.ACT().Touching("projects")), []string{
		"partners.projects>notion_projects", "projects.opportunities>notion_opportunities", "projects.organizations>notion_organizations",
	}; !slices.Equal(got, want) {
		t.Errorf("projects are touched by %v", got)
	}
	m, err := mapping.Parse([]byte(strings.Replace(good, `{"property":"Done"`, self, 1)))
	if err != nil || !slices.Equal(names(m.Touching("tasks")), []string{"tasks.blocks>notion_tasks"}) || m.Kinds[0].Fields[1].ColumnType != mapping.JoinTable {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	if m, err := mapping.Parse([]byte(good)); err != nil || m.Kinds[0].Fields[1].ColumnType != mapping.Boolean {
		t.Fatalf("%+v, %v", m, err)
	}
	cases := map[string]struct{ from, to, says string }{
		"no JSON":                      {`{"kinds"`, `{kinds`, "cannot be read"},
		"a typo":                       {`"column":"done"`, `"colunm":"done"`, `unknown field "colunm"`},
		"something after":              {`]}]}`, `]}]}{}`, "something follows"},
		"no kinds":                     {good, `{"kinds":[]}`, "names no kinds"},
		"no title":                     {`"title"`, `"rich_text"`, "exactly one field must be the title, 0 are"},
		"two titles":                   {`"checkbox"`, `"title"`, "exactly one field must be the title, 2 are"},
		"a column twice":               {`"column":"done"`, `"column":"name"`, `the column "name"`},
		"a property twice":             {`"property":"Done"`, `"property":"Name"`, `the property "Name"`},
		"a column of the sync's own":   {`"column":"done"`, `"column":"archived_at"`, `the column "archived_at"`},
		"a column that is SQL":         {`"column":"done"`, `"column":"done; drop table x"`, `the column`},
		"a table that is SQL":          {`"table":"tasks"`, `"table":"tasks\""`, `the table`},
		"a table twice":                {`"base_table":"notion_tasks"`, `"base_table":"tasks"`, `the table "tasks"`},
		"a kind's name":                {`"name":"tasks"`, `"name":"My Tasks"`, `the name "My Tasks"`},
		"a column type that cannot be": {`"column":"done"`, `"column":"done","column_type":"date"`, `a checkbox is kept in one of ["boolean"], not in "date"`},
		"a relation without a join":    {`"checkbox"`, `"relation"`, `names the join table that keeps it`},
		"a join that is no relation":   {`"column":"done"`, `"column":"done","join":{"kind":"tasks","table":"x","from":"a","to":"b"}`, `names the join table that keeps it`},
		"a join to nowhere":            {`{"property":"Done"`, strings.Replace(self, `"kind":"tasks"`, `"kind":"people"`, 1), `the kind "people", which the mapping does not have`},
		"a join table twice":           {`{"property":"Done"`, strings.TrimSuffix(self, `{"property":"Done"`) + strings.NewReplacer(`"Blocks"`, `"Blocked by"`, `"blocks"`, `"blocked_by"`).Replace(self), "named at one of its ends only"},
		"a join table that is SQL":     {`{"property":"Done"`, strings.Replace(self, `"tasks_tasks"`, `"x; drop table y"`, 1), "the join table"},
		"a join of a table of records": {`{"property":"Done"`, strings.Replace(self, `"tasks_tasks"`, `"notion_tasks"`, 1), "the join table"},
		"a join of one column":         {`{"property":"Done"`, strings.Replace(self, `"blocks_id"`, `"task_id"`, 1), "and two"},
		"no type":                      {`"checkbox"`, `""`, `the type "" cannot be a field`},
		"the row key as a field":       {`"property":"Done"`, `"property":"Key"`, "holds the row's id"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mapping.Parse([]byte(strings.Replace(good, c.from, c.to, 1)))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	m, err := mapping.Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	title := mapping.Live{ID: "title", Name: "Name", Type: property.TypeTitle}
	done := mapping.Live{ID: "d", Name: "Done", Type: property.TypeCheckbox}
	known := mapping.Binding{"name": title, "done": done}
	renamed := mapping.Live{ID: "d", Name: "Finished", Type: property.TypeCheckbox}
	retyped := mapping.Live{ID: "d", Name: "Done", Type: property.TypeStatus}
	anew := mapping.Live{ID: "e", Name: "Done", Type: property.TypeCheckbox}
	heir := mapping.Live{ID: "title", Name: "Done", Type: property.TypeTitle}
	cases := map[string]struct {
		known  mapping.Binding
		live   []mapping.Live
		want   mapping.Binding
		drifts []mapping.Drift
	}{
		"at first, by name":         {nil, []mapping.Live{done, title}, known, nil},
		"as it was":                 {known, []mapping.Live{title, done}, known, nil},
		"renamed":                   {known, []mapping.Live{title, renamed}, mapping.Binding{"name": title, "done": renamed}, []mapping.Drift{{Field: "done", Change: "renamed", Was: "Done", Is: "Finished"}}},
		"renamed, another its name": {known, []mapping.Live{title, anew, renamed}, mapping.Binding{"name": title, "done": renamed}, []mapping.Drift{{Field: "done", Change: "renamed", Was: "Done", Is: "Finished"}}},
		"retyped":                   {known, []mapping.Live{title, retyped}, mapping.Binding{"name": title}, []mapping.Drift{{Field: "done", Change: "retyped", Was: "checkbox", Is: "status"}}},
		"removed":                   {known, []mapping.Live{title}, mapping.Binding{"name": title}, []mapping.Drift{{Field: "done", Change: "removed", Was: "Done"}}},
		"removed and made anew":     {known, []mapping.Live{title, anew}, mapping.Binding{"name": title, "done": anew}, []mapping.Drift{{Field: "done", Change: mapping.Replaced, Was: "Done", Is: "Done"}}},
		"removed, another its name": {known, []mapping.Live{heir}, mapping.Binding{"name": heir}, []mapping.Drift{{Field: "done", Change: "removed", Was: "Done"}, {Field: "name", Change: "renamed", Was: "Name", Is: "Done"}}},
		"never there":               {nil, []mapping.Live{title}, mapping.Binding{"name": title}, []mapping.Drift{{Field: "done", Change: "missing", Was: "Done"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, drifts := m.Kinds[0].Bind(c.known, c.live)
			if diff := cmp.Diff(c.want, got) + cmp.Diff(c.drifts, drifts); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, d := range drifts {
				if d.Stops() != (d.Change != mapping.Renamed && d.Change != mapping.Replaced) {
					t.Errorf("%+v stops the field: %t", d, d.Stops())
				}
			}
		})
	}
}
