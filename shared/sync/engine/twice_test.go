package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// shaped is a column of a property's type, with what a row and a page are given.
type shaped struct {
	column
	rows  []string // in SQL; none of a relation, and of the title
	pages []any    // as a request has them; none of what cannot be written
}

// shapes are the types of properties in the types of columns. Of a property, what the row is given first and what the page is given first are not
// the same, so are what they are given next; what they are given last is the same as far as both can hold it.
func shapes(person string) []shaped {
	var all []shaped
	add := func(of property.Type, rows []string, pages []any, columns ...column) {
		for _, c := range columns {
			c.of, c.name = of, fmt.Sprintf("%s_%d", of, len(all))
			all = append(all, shaped{c, rows, pages})
		}
	}
	as := func(sql string, mapped ...mapping.ColumnType) column {
		c := column{sql: sql}
		if len(mapped) > 0 {
			c.as = mapped[0]
		}
		return c
	}
	texts := func(list ...string) (pages []any) {
		for _, s := range list {
			pages = append(pages, rich("rich_text", s))
		}
		return pages
	}
	values := func(of property.Type, list ...any) (pages []any) {
		for _, v := range list {
			pages = append(pages, map[string]any{string(of): v})
		}
		return pages
	}
	option := func(name string) any { return map[string]any{"name": name} }
	start := func(s string) any { return map[string]any{"start": s} }

	all = append(all, shaped{column{"name", property.TypeTitle, "text", ""}, nil, nil})
	add(property.TypeRelation, nil, nil, as("join table"))
	add(property.TypeRollup, []string{`null`, `null`, `null`}, nil, as("jsonb"), as("numeric(6,2)", mapping.Numeric))
	add(property.TypeRichText, []string{`E'é e\u0301 \r\n'`, `'  next  '`, `'both '`}, texts("of the page  ", "next\t", "both "),
		as("text"), as("varchar(20)"), as("citext"), as("label"), as("text not null"))
	add(property.TypeRichText, []string{`'of a row'`, `'next'`, `'both'`}, texts("of a page", "other", "both"), as("char(20)"))
	add(property.TypeNumber, []string{`12345.6789012345678901`, `0.1`, `2.675`}, values(property.TypeNumber, 0.125, 1e-7, 2.675),
		as("numeric"), as("numeric(12,2)"), as("numeric(6,-1)"), as("double precision"), as("real"), as("amount"))
	add(property.TypeNumber, []string{`12`, `-7`, `9`}, values(property.TypeNumber, 5, 6, 9), as("smallint"), as("integer"), as("bigint"), as("integer not null default 3"))
	add(property.TypeSelect, []string{`'Sad'`, `'Very Happy'`, `'ok'`}, values(property.TypeSelect, option("ok"), option("Sad"), option("ok")),
		as("text"), as("varchar(20)"), as("citext"), as("mood"))
	add(property.TypeSelect, []string{`'Very Happy'`, `'Sad'`, `'ok'`}, values(property.TypeSelect, option("SAD"), option("very happy"), option("OK")), as("mood"))
	add(property.TypeStatus, []string{`'Done'`, `'In progress'`, `'Not started'`}, values(property.TypeStatus, option("In progress"), option("Done"), option("Not started")),
		as("text"), as("stage"))
	add(property.TypeMultiSelect, []string{`'{ok,NULL,Sad}'`, `'{ok}'`, `'{Sad,ok}'`}, values(property.TypeMultiSelect, []any{option("Very Happy")}, []any{option("Sad"), option("Very Happy")}, []any{option("ok"), option("Sad")}),
		as("text[]"), as("varchar(20)[]"), as("mood[]"), as("text[] not null"))
	add(property.TypeCheckbox, []string{`true`, `false`, `true`}, values(property.TypeCheckbox, true, false, true), as("boolean"), as("boolean not null default false"))
	add(property.TypeDate, []string{`'2026-11-23T10:00:45.123456+11'`, `'2026-11-24T10:00:59.9+11'`, `'2026-11-25T10:00:30+00'`},
		values(property.TypeDate, start("2026-11-20T09:30:00.000+11:00"), map[string]any{"start": "2026-11-21", "end": "2026-11-22"}, start("2026-11-25T10:00:00.000Z")),
		as("timestamptz"), as("timestamptz(0)"), as("timestamptz(3)"))
	add(property.TypeDate, []string{`'2026-11-23'`, `'2026-11-24'`, `'2026-11-25'`},
		values(property.TypeDate, start("2026-11-20T09:30:00.000+11:00"), map[string]any{"start": "2026-11-21", "end": "2026-11-22"}, start("2026-11-25")), as("date"))
	add(property.TypeDate, []string{`'{"start":"2026-11-23T10:00:45.123456Z"}'`, `'{"start":"2026-11-24","end":"2026-11-26"}'`, `'{"start":"2026-11-25"}'`},
		values(property.TypeDate, start("2026-11-20T09:30:00.000+11:00"), map[string]any{"start": "2026-11-21", "end": "2026-11-22"}, start("2026-11-25")), as("jsonb", mapping.JSONB), as("json", mapping.JSONB))
	lines := []string{`'row@example.com '`, `'next@example.com'`, `'both@example.com'`}
	for _, of := range []property.Type{property.TypeURL, property.TypeEmail, property.TypePhone} {
		add(of, lines, values(of, "page@example.com", "other@example.com", "both@example.com"), as("text"), as("varchar(50)"))
	}
	add(property.TypePeople, []string{`'{` + person + `,NULL}'`, `'{}'`, `'{` + strings.ToUpper(person) + `}'`}, values(property.TypePeople, []any{}, []any{map[string]any{"id": person}}, []any{map[string]any{"id": person}}),
		as("text[]"), as("varchar(36)[]"))
	file := func(name string) any {
		return []any{map[string]any{"name": name, "type": "external", "external": map[string]any{"url": "https://example.com/" + name}}}
	}
	add(property.TypeFiles, []string{`'[]'`, `'[{"name":"mine"}]'`, `'[]'`}, values(property.TypeFiles, file("a"), file("b"), file("b")), as("jsonb"), as("json"))
	for _, of := range []property.Type{property.TypePlace, property.TypeVerification, property.TypeButton, "aura"} {
		add(of, []string{`'{}'`, `'{"mine":1}'`, `null`}, nil, as("jsonb"))
	}
	add(property.TypeFormula, []string{`null`, `'{}'`, `null`}, nil, as("jsonb"), as("json"))
	add(property.TypeFormula, []string{`null`, `7`, `null`}, nil, as("numeric", mapping.Numeric), as("numeric(6,3)", mapping.Numeric), as("double precision", mapping.Double), as("real", mapping.Double))
	add(property.TypeUniqueID, []string{`null`, `'"mine"'`, `null`}, nil, as("jsonb", mapping.JSONB))
	add(property.TypeCreatedTime, []string{`null`, `'2026-01-01T00:00:00Z'`, `null`}, nil, as("timestamptz"), as("timestamptz(0)"))
	add(property.TypeLastEditedTime, []string{`null`, `null`, `null`}, nil, as("timestamptz"))
	add(property.TypeCreatedBy, []string{`null`, `'{}'`, `null`}, nil, as("jsonb"))
	add(property.TypeLastEditedBy, []string{`null`, `null`, `null`}, nil, as("jsonb"))
	return all
}

const shapesPrelude = `create extension citext; create type mood as enum ('Sad', 'ok', 'Very Happy'); create domain label as varchar(30) check (value <> 'never');
	create domain amount as numeric(12,3); create type stage as enum ('Not started', 'In progress', 'Done')`

// activity counts what was done to a field, and what was noted of it.
type activity struct{ Pages, Rows, Conflicts int }

func (a activity) since(b activity) activity {
	return activity{a.Pages - b.Pages, a.Rows - b.Rows, a.Conflicts - b.Conflicts}
}

func (a activity) plus(b activity) activity {
	return activity{a.Pages + b.Pages, a.Rows + b.Rows, a.Conflicts + b.Conflicts}
}

// activities counts them for each field since the world began, and under "" what concerns no field: events of any kind but of runs, and errors.
func activities(t *testing.T, w *sidetest.World) map[string]activity {
	t.Helper()
	return sidetest.Query[map[string]activity](t, w, `
		select coalesce(jsonb_object_agg(field, jsonb_build_object('Pages', pages, 'Rows', rows, 'Conflicts', conflicts)), '{}') from (
			select field, count(*) filter (where target = 'notion') pages, count(*) filter (where target = 'supabase') rows, count(*) filter (where target = 'conflict') conflicts from (
				select f, target_system from integration.events, jsonb_array_elements_text(data -> 'fields') f where type like 'record_%'
				union all select field, 'conflict' from integration.sync_conflicts
				union all select '', 'conflict' from integration.events where type = 'error' or type = 'schema_changed'
				union all select '', target_system from integration.events where type like 'record_%'
				union all select '', 'conflict' from integration.sync_errors, generate_series(1, attempts)
			) s (field, target) group by field) c`)
}

// TestNothingIsWrittenTwice: for every type of property, every type of column and every rule, whoever writes what: the first sync brings the sides as
// far together as both can hold it, and the second writes nothing on either side and notes nothing.
func TestNothingIsWrittenTwice(t *testing.T) {
	t.Parallel()
	done := map[merge.Rule]map[string][2]activity{}
	var all []shaped
	t.Run("rules", func(t *testing.T) {
		for _, rule := range sample.List(policies()) {
			done[rule] = map[string][2]activity{}
			t.Run(string(rule), func(t *testing.T) { all = writtenTwice(t, rule, done[rule]) })
		}
	})
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "property\tcolumn")
	for _, rule := range sample.List(policies()) {
		fmt.Fprintf(out, "\t%s", rule)
	}
	for _, s := range all {
		fmt.Fprintf(out, "\n%s\t%s", s.of, s.sql)
		for _, rule := range sample.List(policies()) {
			a := done[rule][s.name]
			fmt.Fprintf(out, "\t%d+%d, %d → %d+%d, %d", a[0].Pages, a[0].Rows, a[0].Conflicts, a[1].Pages, a[1].Rows, a[1].Conflicts)
		}
	}
	_ = out.Flush()
	t.Logf("writes to pages + writes to rows, conflicts: in the first sync → in the second\n%s", table.String())
}

func writtenTwice(t *testing.T, rule merge.Rule, done map[string][2]activity) []shaped {
	t.Helper()
	const person = "c37a2c66-e3aa-4a0d-a447-00000000000f"
	columns := func(all []shaped) (list []column) {
		for _, s := range all {
			if s.of != property.TypeTitle { // which every table has
				list = append(list, s.column)
			}
		}
		return list
	}
	w := columned(t, shapesPrelude, columns(shapes(person)))
	w.Syncer.Connection.Rule = rule
	all := shapes(w.Person(t, "GET", "/v1/users/me", nil)["id"].(string))
	succeeded(t, w.Sync(t, journal.Full))
	settle := func(step string) {
		t.Helper()
		w.Sim.Clock().Advance(2 * time.Minute)
		before := activities(t, w)
		r := w.Sync(t, journal.Full)
		if r.Status != "succeeded" || r.Counts.Errors > 0 {
			t.Fatalf("%s: %+v: %s", step, r, sidetest.Query[string](t, w, `select coalesce(string_agg(reason, '; '), '') from integration.sync_errors`))
		}
		first := activities(t, w)
		again := w.Sync(t, journal.Full)
		second := activities(t, w)
		for _, field := range slices.Sorted(maps.Keys(second)) {
			one, two := first[field].since(before[field]), second[field].since(first[field])
			done[field] = [2]activity{done[field][0].plus(one), done[field][1].plus(two)}
			if two != (activity{}) {
				t.Errorf("%s: the second sync did %+v of %s", step, two, describe(all, field))
			}
		}
		if again.Written() > 0 || again.Conflicts > 0 || again.Counts.Errors > 0 {
			t.Errorf("%s: the second sync: %+v", step, again)
		}
	}
	row := func(name string, nth int) {
		t.Helper()
		var set []string
		for _, s := range all {
			if s.rows != nil {
				set = append(set, s.name+" = "+s.rows[nth])
			}
		}
		w.Exec(t, `update things set `+strings.Join(set, ", ")+` where name = $1`, name)
		if nth == 1 {
			w.Exec(t, `delete from things_related using things r where thing_id = r.id and r.name = $1`, name)
		} else {
			w.Exec(t, `insert into things_related (thing_id, related_id) select id, id from things where name = $1 on conflict do nothing`, name)
		}
	}
	page := func(id string, nth int) string {
		t.Helper()
		properties := map[string]any{}
		for _, s := range all {
			if len(s.pages) > 0 {
				properties[s.name] = s.pages[nth]
			} else if s.of == property.TypeRelation && id != "" {
				properties[s.name] = map[string]any{"relation": []any{map[string]any{"id": id}}[:(nth+1)/2]}
			}
		}
		if id == "" {
			properties["Name"] = rich("title", "Of the page")
			parent := map[string]any{"type": "data_source_id", "data_source_id": source(t, w)}
			return w.Person(t, "POST", "/v1/pages", map[string]any{"parent": parent, "properties": properties})["id"].(string)
		}
		edit(t, w, id, properties)
		shown := map[string]json.RawMessage{}
		for _, s := range all {
			if slices.Contains([]property.Type{property.TypePlace, "aura"}, s.of) {
				shown[s.name] = json.RawMessage(fmt.Sprintf(`{"lat":%d,"lon":1,"name":"n","address":null}`, nth))
			}
		}
		if err := w.Sim.SetValues(id, shown); err != nil {
			t.Fatal(err)
		}
		return id
	}
	var names, values []string
	for _, s := range all {
		if len(s.pages) > 0 && s.rows != nil { // else the row is given what it gets
			names, values = append(names, s.name), append(values, s.rows[0])
		}
	}
	w.Exec(t, `insert into things (name, `+strings.Join(names, ", ")+`) values ('Of the row', `+strings.Join(values, ", ")+`)`)
	settle("a row is made")
	second := page("", 0)
	settle("a page is made")
	first := pageOf(t, w, "things", "Of the row")
	row("Of the row", 1)
	settle("a row is edited")
	page(first, 1)
	settle("the page of a row that was edited")
	row("Of the page", 0)
	settle("the row of a page")
	page(second, 1)
	row("Of the page", 1)
	settle("both sides are edited, otherwise")
	page(second, 2)
	row("Of the page", 2)
	settle("both sides are edited alike")
	page(first, 0)
	row("Of the row", 0)
	settle("both sides of the other record")
	w.Exec(t, `update things set name = name || '!'`)
	settle("another field is edited")
	if rule != merge.Manual {
		w.Agree(t)
	}
	return all
}

func describe(all []shaped, field string) string {
	if i := slices.IndexFunc(all, func(s shaped) bool { return s.name == field }); i >= 0 {
		return fmt.Sprintf("%s, a %s in %s", field, all[i].of, all[i].sql)
	}
	raw, _ := json.Marshal(field)
	return string(raw)
}
