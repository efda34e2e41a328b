package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// everything maps a property of every type, some in more than one way.
const everything = `{"kinds":[{"name":"things","table":"things","base_table":"notion_things","database_id_variable":"T","row_key_property":"Supabase ID","fields":[
	{"property":"Name","type":"title","column":"name"},
	{"property":"Text","type":"rich_text","column":"text"},
	{"property":"Number","type":"number","column":"number"},
	{"property":"Whole","type":"number","column":"whole","column_type":"bigint"},
	{"property":"Select","type":"select","column":"choice"},
	{"property":"Status","type":"status","column":"status"},
	{"property":"Tags","type":"multi_select","column":"tags"},
	{"property":"Box","type":"checkbox","column":"box"},
	{"property":"Day","type":"date","column":"day"},
	{"property":"Moment","type":"date","column":"moment","column_type":"timestamptz"},
	{"property":"Span","type":"date","column":"span","column_type":"jsonb"},
	{"property":"URL","type":"url","column":"url"},
	{"property":"Email","type":"email","column":"email"},
	{"property":"Phone","type":"phone_number","column":"phone"},
	{"property":"People","type":"people","column":"people"},
	{"property":"Files","type":"files","column":"files"},
	{"property":"Formula","type":"formula","column":"formula"},
	{"property":"Rollup","type":"rollup","column":"rollup"},
	{"property":"ID","type":"unique_id","column":"number_id"},
	{"property":"Created","type":"created_time","column":"born"},
	{"property":"Edited","type":"last_edited_time","column":"edited"},
	{"property":"Creator","type":"created_by","column":"creator"},
	{"property":"Editor","type":"last_edited_by","column":"editor"},
	{"property":"Press","type":"button","column":"press"},
	{"property":"Proof","type":"verification","column":"proof"},
	{"property":"Where","type":"place","column":"place"},
	{"property":"Glow","type":"aura","column":"glow"}]}]}`

const thingsTable = `create table things (
	id uuid primary key default gen_random_uuid(),
	connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id),
	name text, text text, number numeric, whole bigint, choice text, status text, tags text[], box boolean not null default false, day date,
	moment timestamptz, span jsonb, url text, email text, phone text, people text[], files jsonb, formula jsonb, rollup jsonb, number_id text,
	born timestamptz, edited timestamptz, creator jsonb, editor jsonb, press jsonb, proof jsonb, place jsonb, glow jsonb,
	archived_at timestamptz, created_at timestamptz not null default now(), updated_at timestamptz not null default now());
	call integration.keep_in_step('things', 'things', 'notion_things')`

// things is a world of one database with a property of every type.
func things(t *testing.T) *sidetest.World {
	t.Helper()
	m, err := mapping.Parse([]byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	properties := map[string]any{}
	for _, f := range m.Kinds[0].Fields {
		switch f.Type {
		case "aura", "verification", "place", "rollup", "button":
		case "formula":
			properties[f.Property] = map[string]any{"formula": map[string]any{"expression": `prop("Number") * 2`}}
		case "unique_id":
			properties[f.Property] = map[string]any{"unique_id": map[string]any{"prefix": "THING"}}
		default:
			properties[f.Property] = map[string]any{string(f.Type): map[string]any{}}
		}
	}
	return sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Seed: 1}, Mapping: m,
		Databases: func(w *sidetest.World) map[string]string {
			made := w.Person(t, "POST", "/v1/databases", map[string]any{
				"parent": map[string]any{"type": "workspace", "workspace": true}, "title": rich("title", "Things")["title"],
				"initial_data_source": map[string]any{"properties": properties},
			})
			id := made["id"].(string)
			for _, f := range m.Kinds[0].Fields {
				if slices.Contains([]property.Type{"aura", "verification", "place", "button"}, f.Type) {
					if err := w.Sim.AddProperty(id, f.Property, string(f.Type), nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			self := made["data_sources"].([]any)[0].(map[string]any)["id"].(string)
			w.Person(t, "PATCH", "/v1/data_sources/"+self, map[string]any{"properties": map[string]any{
				"Related": map[string]any{"relation": map[string]any{"data_source_id": self, "type": "single_property", "single_property": map[string]any{}}},
			}})
			w.Person(t, "PATCH", "/v1/data_sources/"+self, map[string]any{"properties": map[string]any{
				"Rollup": map[string]any{"rollup": map[string]any{"relation_property_name": "Related", "rollup_property_name": "Name", "function": "count"}},
			}})
			for _, statement := range strings.Split(thingsTable, ";\n") {
				w.Exec(t, statement)
			}
			return map[string]string{"things": id}
		},
	})
}

// source returns the data source that things are in.
func source(t *testing.T, w *sidetest.World) string {
	t.Helper()
	d := w.Person(t, "GET", "/v1/databases/"+w.Syncer.Connection.DatabaseIDs["things"], nil)
	return d["data_sources"].([]any)[0].(map[string]any)["id"].(string)
}

func TestEveryTypeFromNotion(t *testing.T) {
	t.Parallel()
	w := things(t)
	person := w.Person(t, "GET", "/v1/users/me", nil)["id"].(string)
	page := w.Person(t, "POST", "/v1/pages", map[string]any{
		"parent": map[string]any{"type": "data_source_id", "data_source_id": source(t, w)},
		"properties": map[string]any{
			"Name": rich("title", "First"), "Text": rich("rich_text", "Some text"), "Number": map[string]any{"number": 0.1}, "Whole": map[string]any{"number": 7},
			"Select": selected("Red"), "Tags": map[string]any{"multi_select": []any{map[string]any{"name": "b"}, map[string]any{"name": "a"}}},
			"Box": map[string]any{"checkbox": true}, "Day": map[string]any{"date": map[string]any{"start": "2026-11-23", "end": "2026-11-25"}},
			"Moment": map[string]any{"date": map[string]any{"start": "2026-11-23T10:00:00.000+11:00"}},
			"Span":   map[string]any{"date": map[string]any{"start": "2026-11-23", "end": "2026-11-24"}},
			"URL":    map[string]any{"url": "https://example.com"}, "Email": map[string]any{"email": "a@example.com"}, "Phone": map[string]any{"phone_number": "+61 2 1234"},
			"People": map[string]any{"people": []any{map[string]any{"id": person}}},
			"Files":  map[string]any{"files": []any{map[string]any{"name": "f", "type": "external", "external": map[string]any{"url": "https://example.com/f"}}}},
		},
	})["id"].(string)
	if err := w.Sim.SetValues(page, map[string]json.RawMessage{
		"Where": json.RawMessage(`{"lat":-33.8,"lon":151.2,"name":"Sydney","address":null}`), "Glow": json.RawMessage(`{"glow":3}`),
	}); err != nil {
		t.Fatal(err)
	}
	succeeded(t, w.Sync(t, journal.Full))
	for column, want := range map[string]string{
		"name": "First", "text": "Some text", "number": "0.1", "whole": "7", "choice": "Red", "tags": "{b,a}", "box": "true", "day": "2026-11-23",
		"extract(epoch from moment)": "1795388400.000000", "span->>'end'": "2026-11-24", "url": "https://example.com", "email": "a@example.com", "phone": "+61 2 1234",
		"people": "{" + person + "}", "files->0->>'url'": "https://example.com/f", "formula->>'number'": "0.2", "number_id": "THING-1",
		"born is not null": "true", "edited is not null": "true", "creator->>'id'": person, "editor->>'id'": person, "place->>'name'": "Sydney", "glow->>'glow'": "3",
		"status is not null": "true",
	} {
		if got := sidetest.Query[string](t, w, fmt.Sprintf(`select (%s)::text from things`, column)); got != want {
			t.Errorf("%s is %s, want %s", column, got, want)
		}
	}
	w.Agree(t)
	if again := w.Sync(t, journal.Full); again.Written() != 0 {
		t.Errorf("not at rest: %+v", again)
	}
}

func TestEveryTypeFromPostgres(t *testing.T) {
	t.Parallel()
	w := things(t)
	person := w.Person(t, "GET", "/v1/users/me", nil)["id"].(string)
	succeeded(t, w.Sync(t, journal.Full))
	w.Exec(t, `insert into things (name, text, number, whole, choice, tags, box, day, moment, span, url, email, phone, people)
		values ('First', E'Some\ntext', 0.1, 7, 'Red', '{b,a}', true, '2026-11-23', '2026-11-23T10:00:00+11:00', '{"start":"2026-11-23","end":"2026-11-24"}',
			'https://example.com', 'a@example.com', '+61 2 1234', array[$1::text])`, person)
	succeeded(t, w.Sync(t, journal.Full))
	w.Agree(t)
	page := sidetest.Query[string](t, w, `select notion_id from notion_things`)
	properties := w.Person(t, "GET", "/v1/pages/"+page, nil)["properties"].(map[string]any)
	for property, want := range map[string]string{
		"Number": "0.1", "Whole": "7", "Box": "true", "URL": "https://example.com", "Email": "a@example.com", "Phone": "+61 2 1234",
	} {
		p := properties[property].(map[string]any)
		if got := fmt.Sprint(p[p["type"].(string)]); got != want {
			t.Errorf("%s is %s, want %s", property, got, want)
		}
	}
	span := properties["Span"].(map[string]any)["date"].(map[string]any)
	if plain(t, w, page, "Text") != "Some\ntext" || plain(t, w, page, "Tags") != "b,a," || plain(t, w, page, "Select") != "Red" || span["end"] != "2026-11-24" {
		t.Errorf("%v", properties)
	}
	if again := w.Sync(t, journal.Full); again.Written() != 0 {
		t.Errorf("not at rest: %+v", again)
	}
	w.Exec(t, `update things set name = null, text = '', number = null, whole = null, choice = null, tags = '{}', box = false, day = null, moment = null,
		span = null, url = '', email = null, phone = null, people = null`)
	succeeded(t, w.Sync(t, journal.Full))
	properties = w.Person(t, "GET", "/v1/pages/"+page, nil)["properties"].(map[string]any)
	for _, property := range []string{"Name", "Text", "Number", "Whole", "Select", "Tags", "Day", "Moment", "Span", "URL", "Email", "Phone", "People"} {
		p := properties[property].(map[string]any)
		if got := fmt.Sprint(p[p["type"].(string)]); got != "<nil>" && got != "[]" {
			t.Errorf("%s was cleared and is %s", property, got)
		}
	}
	w.Agree(t)
	w.Exec(t, `update things set formula = '{"mine": true}', number_id = 'MINE-1', status = 'Done'`)
	got := w.Sync(t, journal.Full)
	succeeded(t, got)
	if got.Conflicts != 2 || plain(t, w, page, "Status") != "Done" || sidetest.Query[string](t, w, `select number_id from things`) != "THING-1" {
		t.Errorf("%+v; the status is %s", got, plain(t, w, page, "Status"))
	}
	w.Exec(t, `update things set status = 'Nonsense', name = 'Second'`)
	if got := w.Sync(t, journal.Full); got.Counts.Errors != 1 {
		t.Errorf("a status that is none: %+v", got)
	}
}
