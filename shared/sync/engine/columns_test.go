package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// column is a column of a table of a test's own, and the type of the property that it is mapped to.
type column struct {
	name string
	of   property.Type
	sql  string             // as the table's definition has it
	as   mapping.ColumnType // as the mapping has it; "" is the type's usual one
}

// columned is a world of one database, things, whose table has these columns beside its name. Each property is called as its column.
func columned(t *testing.T, prelude string, columns []column) *sidetest.World {
	t.Helper()
	kind := mapping.Kind{
		Name: "things", Table: "things", BaseTable: "notion_things", DatabaseIDVariable: "T", RowKeyProperty: "Supabase ID",
		Fields: []mapping.Field{{Property: "Name", Type: property.TypeTitle, Column: "name"}},
	}
	defined, properties := []string{"name text"}, map[string]any{"Name": map[string]any{"title": map[string]any{}}}
	for _, c := range columns {
		f := mapping.Field{Property: c.name, Type: c.of, Column: c.name, ColumnType: c.as}
		switch c.of {
		case property.TypeRelation:
			f.Join = &mapping.Join{Kind: "things", Table: "things_related", From: "thing_id", To: "related_id"}
		case property.TypeFormula:
			properties[c.name] = map[string]any{"formula": map[string]any{"expression": `1 / 3`}}
		case property.TypeRollup, property.TypeButton, property.TypePlace, property.TypeVerification, "aura":
		default:
			properties[c.name] = map[string]any{string(c.of): map[string]any{}}
		}
		kind.Fields = append(kind.Fields, f)
		if f.Join == nil {
			defined = append(defined, c.name+" "+c.sql)
		}
	}
	raw, err := json.Marshal(mapping.Mapping{Kinds: []mapping.Kind{kind}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapping.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Seed: 1}, Mapping: m,
		Databases: func(w *sidetest.World) map[string]string {
			id, source := database(t, w, "Things", properties)
			more := func(name string, config map[string]any) {
				w.Person(t, "PATCH", "/v1/data_sources/"+source, map[string]any{"properties": map[string]any{name: config}})
			}
			var related string
			for _, c := range columns {
				switch c.of {
				case property.TypeRelation:
					more(c.name, map[string]any{"relation": map[string]any{"data_source_id": source, "type": "single_property", "single_property": map[string]any{}}})
					related = c.name
				case property.TypeRollup:
					more(c.name, map[string]any{"rollup": map[string]any{"relation_property_name": related, "rollup_property_name": "Name", "function": "count"}})
				case property.TypeButton, property.TypePlace, property.TypeVerification, "aura":
					if err := w.Sim.AddProperty(id, c.name, string(c.of), nil); err != nil {
						t.Fatal(err)
					}
				default:
				}
			}
			w.Exec(t, prelude)
			w.Exec(t, `create table things (id uuid primary key default gen_random_uuid(),
				connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id),
				archived_at timestamptz, created_at timestamptz not null default now(), updated_at timestamptz not null default now(), `+strings.Join(defined, ", ")+`)`)
			w.Exec(t, `call integration.keep_in_step('things', 'things', 'notion_things')`)
			if related != "" {
				w.Exec(t, `call integration.keep_relation_in_step('things', $1, 'things_related', 'things', 'notion_things', 'thing_id', 'things', 'notion_things', 'related_id')`, related)
			}
			return map[string]string{"things": id}
		},
	})
}

// kinds are columns that are more than their type's name, and types to make them of.
const kindsPrelude = `create extension citext; create type mood as enum ('sad', 'ok', 'Very Happy'); create domain short as varchar(5);
	create domain positive as numeric check (value > 0); create domain mine as positive not null default 7`

func kindsOfColumns() []column {
	return []column{
		{"mood", property.TypeSelect, "mood", ""},
		{"moods", property.TypeMultiSelect, "mood[]", ""},
		{"nick", property.TypeRichText, "citext", ""},
		{"code", property.TypeRichText, "varchar(5)", ""},
		{"fixed", property.TypeRichText, "char(5)", ""},
		{"short", property.TypeRichText, "short", ""},
		{"tags", property.TypeMultiSelect, "varchar(3)[]", ""},
		{"label", property.TypeRichText, "text not null", ""},
		{"email", property.TypeEmail, "text", ""},
		{"above", property.TypeNumber, "positive", ""},
		{"owned", property.TypeNumber, "mine", ""},
		{"price", property.TypeNumber, "numeric(6,2)", ""},
		{"tens", property.TypeNumber, "numeric(4,-1)", ""},
		{"single", property.TypeNumber, "real", ""},
		{"small", property.TypeNumber, "smallint", ""},
		{"quantity", property.TypeNumber, "integer not null default 3", ""},
		{"due", property.TypeDate, "date not null", ""},
		{"moment0", property.TypeDate, "timestamptz(0)", mapping.Timestamptz},
		{"moment3", property.TypeDate, "timestamptz(3)", ""},
		{"span", property.TypeDate, "json", mapping.JSONB},
		{"total", property.TypeNumber, "numeric generated always as (quantity * 2) stored", ""},
		{"serial", property.TypeNumber, "bigint generated by default as identity", ""},
		{"wrong", property.TypeRichText, "integer", ""},
		{"stamp", property.TypeDate, "timestamp", ""},
	}
}

// kept returns what the row of a name has, as text, by column.
func kept(t *testing.T, w *sidetest.World, name string) map[string]string {
	t.Helper()
	raw := sidetest.Query[map[string]any](t, w, `select coalesce((select jsonb_object_agg(key, value) from things r, jsonb_each_text(to_jsonb(r)) where r.name = $1), '{}')`, name)
	values := map[string]string{}
	for column, v := range raw {
		if v != nil {
			values[column] = fmt.Sprint(v)
		}
	}
	return values
}

// TestColumnKinds: a column is what the catalogue says. What is written to it is of its type; what it has no room for keeps its own field waiting,
// and no other; what cannot be written to at all is out of step, and says so.
func TestColumnKinds(t *testing.T) {
	t.Parallel()
	w := columned(t, kindsPrelude, kindsOfColumns())
	day := func(start string) any { return map[string]any{"date": map[string]any{"start": start}} }
	number := func(n float64) any { return map[string]any{"number": n} }
	page := func(properties map[string]any) string {
		t.Helper()
		parent := map[string]any{"type": "data_source_id", "data_source_id": source(t, w)}
		return w.Person(t, "POST", "/v1/pages", map[string]any{"parent": parent, "properties": properties})["id"].(string)
	}
	has := func(name string, want map[string]string) {
		t.Helper()
		got := kept(t, w, name)
		for column, v := range want {
			if got[column] != v {
				t.Errorf("%s of %s is %q, want %q", column, name, got[column], v)
			}
		}
	}
	whole := func(r sidetest.Report) {
		t.Helper()
		if r.Status != "succeeded" || r.Counts.Errors > 0 {
			t.Fatalf("%+v: %s", r, sidetest.Query[string](t, w, `select coalesce(string_agg(reason, '; '), '') from integration.sync_errors`))
		}
	}
	rest := func() {
		t.Helper()
		if again := w.Sync(t, journal.Full); again.Written() > 0 || again.Conflicts > 0 || again.Status != "succeeded" {
			t.Errorf("a second sync wrote %+v", again)
		}
	}
	if n := sidetest.Query[int](t, w, `select count(*) from pg_trigger where tgrelid = 'things'::regclass and tgqual is not null`); n > 0 {
		t.Errorf("%d triggers have a condition on whole rows, which no dump of a table with a generated column can be restored with", n)
	}
	first := page(map[string]any{
		"Name": rich("title", "First"), "mood": selected("very happy"), "moods": chosen("OK", "sad"), "nick": rich("rich_text", "Nick"), "code": rich("rich_text", "abcde   "),
		"fixed": rich("rich_text", "ab"), "short": rich("rich_text", "abc"), "tags": chosen("a", "bcd"), "email": map[string]any{"email": "a@example.com"}, "above": number(2),
		"price": number(0.125), "tens": number(1234), "single": number(0.123456789), "small": number(7), "due": day("2026-11-23"),
		"moment0": day("2026-11-23T10:00:00.000+11:00"), "moment3": day("2026-11-23"), "span": day("2026-11-24"), "total": number(1), "wrong": rich("rich_text", "x"), "stamp": day("2026-11-23"),
	})
	whole(w.Sync(t, journal.Full))
	has("First", map[string]string{
		"mood": "Very Happy", "moods": `["ok", "sad"]`, "nick": "Nick", "code": "abcde", "fixed": "ab   ", "short": "abc", "tags": `["a", "bcd"]`, "label": "", "above": "2", "owned": "7",
		"price": "0.13", "tens": "1230", "single": "0.12345679", "small": "7", "quantity": "3", "due": "2026-11-23", "moment0": "2026-11-22T23:00:00+00:00", "total": "6", "serial": "1",
	})
	if got, want := drifts(t, w, "things"), "serial unusable, stamp unusable, total unusable, wrong unusable"; got != want {
		t.Errorf("out of step are %q, want %q", got, want)
	}
	for field, why := range map[string]string{"total": "computes it", "serial": "numbers the rows", "wrong": "of the type integer", "stamp": "of the type timestamp without time zone"} {
		d := sidetest.Query[mapping.Drift](t, w, `select d from integration.sync_databases, jsonb_array_elements(drifts) d where d ->> 'field' = $1`, field)
		if !strings.Contains(d.Message(), why) || !strings.Contains(d.Message(), field) {
			t.Errorf("of %s it is said: %s", field, d.Message())
		}
	}
	rest()
	w.Exec(t, `insert into things (name, mood, moods, nick, code, fixed, short, tags, label, above, owned, price, tens, single, small, due, moment0, moment3, span) values
		('Second', 'ok', '{sad,"Very Happy"}', 'NICK', 'abc', 'x', 'y', '{a}', 'L', 1, 2, 1.5, 20, 0.1, -3, '2026-11-25', '2026-11-25T10:00:30.6Z', '2026-11-25T10:00:30.1234Z', '{"start":"2026-11-26"}')`)
	w.Exec(t, `update things set span = '{"start":"2026-11-27"}', nick = 'NICK' where name = 'First'`)
	whole(w.Sync(t, journal.Incremental))
	if got := plain(t, w, first, "nick"); got != "NICK" {
		t.Errorf("a text of which the letters' case was changed is %q in Notion", got)
	}
	has("Second", map[string]string{"moment0": "2026-11-25T10:00:31+00:00", "moment3": "2026-11-25T10:00:30.123+00:00"})
	rest()
	w.Sim.Clock().Advance(2 * time.Minute)

	// What does not fit, field by field; all the others pass.
	email := map[string]any{"email": "b@example.com"}
	edit(t, w, first, map[string]any{
		"mood": selected("glad"), "moods": chosen("sad", "glad"), "code": rich("rich_text", "too long"), "short": rich("rich_text", "too long"),
		"tags": chosen("long"), "price": number(12345), "small": number(40000), "due": map[string]any{"date": nil}, "email": email,
	})
	finished(t, w.Sync(t, journal.Full))
	has("First", map[string]string{"email": "b@example.com", "mood": "Very Happy", "code": "abcde", "price": "0.13", "small": "7", "due": "2026-11-23"})
	reason := sidetest.Query[string](t, w, `select string_agg(reason, '; ') from integration.sync_errors`)
	for _, part := range []string{
		`"First"`, `"mood": Column mood is of the enum mood`, `"moods": Column moods is of the enum mood`, `not "glad"`, "alter type mood add value", `"code": Column code takes 5 characters`, `"short"`, `"tags": Column tags takes 3 characters`,
		`"price": Column price takes numbers below 10000 (numeric(6,2)), and the page has 12345`, `"small": Column small takes whole numbers`, `"due": Column due may not be empty`,
	} {
		if !strings.Contains(reason, part) {
			t.Errorf("the reason does not say %s: %s", part, reason)
		}
	}
	rest()
	// A check is known to the attempt alone: the record waits as a whole.
	edit(t, w, first, map[string]any{"above": number(-1), "email": map[string]any{"email": "c@example.com"}})
	finished(t, w.Sync(t, journal.Full))
	has("First", map[string]string{"above": "2", "email": "b@example.com"})
	// The columns are given room, while the sync goes on.
	w.Exec(t, `alter type mood add value 'glad'`)
	w.Exec(t, `alter table things alter code type text, alter short type varchar(50), alter tags type text[], alter price type numeric(10,2), alter small type bigint, alter due drop not null`)
	edit(t, w, first, map[string]any{"above": number(9)})
	w.Sim.Clock().Advance(2 * time.Minute)
	whole(w.Sync(t, journal.Full))
	has("First", map[string]string{"mood": "glad", "moods": `["sad", "glad"]`, "code": "too long", "short": "too long", "tags": `["long"]`, "price": "12345.00", "small": "40000", "due": "", "above": "9", "email": "c@example.com"})
	rest()
	// And made narrower: what the rows have no room for any more stays in Notion.
	w.Exec(t, `update things set moment3 = '2026-11-25T10:00:30.123Z' where name = 'First'`)
	edit(t, w, first, map[string]any{"price": number(1.26)})
	w.Sim.Clock().Advance(2 * time.Minute)
	whole(w.Sync(t, journal.Full))
	w.Exec(t, `alter table things alter price type numeric(10,1), alter moment3 type timestamptz(0)`)
	rest()
	has("First", map[string]string{"price": "1.3", "moment3": "2026-11-25T10:00:30+00:00"})
	if got := fmt.Sprint(w.Person(t, "GET", "/v1/pages/"+first, nil)["properties"].(map[string]any)["price"].(map[string]any)["number"]); got != "1.26" {
		t.Errorf("the price is %s in Notion", got)
	}
	w.Agree(t)
}

// TestATitleThatNoColumnHolds stops the titles, and nothing else.
func TestATitleThatNoColumnHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ change, said string }{
		"there is none":   {`alter table things rename column name to other`, "name no_column"},
		"it is generated": {`alter table things drop column name, add column name text generated always as (code || '!') stored`, "name unusable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := columned(t, `select`, []column{{"code", property.TypeRichText, "text", ""}})
			w.Exec(t, `insert into things (name, code) values ('First', 'a')`)
			succeeded(t, w.Sync(t, journal.Full))
			page := pageOf(t, w, "things", "First")
			w.Exec(t, c.change)
			w.Exec(t, `update things set code = 'b'`)
			w.Exec(t, `insert into things (code) values ('c')`)
			succeeded(t, w.Sync(t, journal.Full))
			if got := plain(t, w, page, "code") + plain(t, w, page, "Name"); got != "bFirst" {
				t.Errorf("the page has %q", got)
			}
			if got := drifts(t, w, "things"); got != c.said {
				t.Errorf("said: %q", got)
			}
			if again := w.Sync(t, journal.Full); again.Written() > 0 {
				t.Errorf("a second sync wrote %+v", again)
			}
		})
	}
}
