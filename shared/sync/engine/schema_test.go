package engine_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// TestAPropertyThatReturns: a property that was taken away, and put back under its name, is filled with what the rows have kept.
func TestAPropertyThatReturns(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil, "partners")
	succeeded(t, w.Sync(t, journal.Full))
	source := sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'partners'`)
	shape := func(is any) {
		w.Person(t, "PATCH", "/v1/data_sources/"+source, map[string]any{"properties": map[string]any{"Location": is}})
		succeeded(t, w.Sync(t, journal.Full, "partners"))
	}
	filled := sidetest.Query[int](t, w, `select count(*) from partners where location <> ''`)
	shape(nil)
	w.Exec(t, `update partners set location = 'while it was away' where name = $1`, some(t, w, "partners", 0))
	before := sidetest.Query[string](t, w, `select string_agg(location, ',' order by id) from partners`)
	shape(map[string]any{"rich_text": map[string]any{}})
	if after := sidetest.Query[string](t, w, `select string_agg(location, ',' order by id) from partners`); after != before {
		t.Errorf("the rows' locations became %s, and were %s", after, before)
	}
	for _, page := range pagesOf(t, w, "partners") {
		if plain(t, w, page, "Location") != "" {
			filled--
		}
	}
	if filled > 0 {
		t.Errorf("%d pages were not filled", filled)
	}
	w.Agree(t)
}

// TestAPropertyThatReturnsWhileNobodyListens comes into step with the next sync, also where both sides agree on it already: what the base
// does not know cannot be told from an edit.
func TestAPropertyThatReturnsWhileNobodyListens(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	w.Exec(t, `update notion_partners set row_data = row_data - 'location'`)
	w.Sync(t, journal.Full)
	if n := sidetest.Query[int](t, w, `select count(*) from notion_partners where not row_data ? 'location'`); n > 0 {
		t.Errorf("of %d records the base does not know the field", n)
	}
	w.Agree(t)
	if r := w.Sync(t, journal.Full); r.Written() > 0 {
		t.Errorf("then a sync wrote %+v", r)
	}
}

// TestARowThatIsEditedBeforeAPropertyThatReturned was looked at: what Notion has of it is asked for, since nobody knows it, and is neither
// taken for what the row has nor overwritten.
func TestARowThatIsEditedBeforeAPropertyThatReturned(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	page, row := someOf(t, w, "partners")
	location := plain(t, w, page, "Location")
	w.Exec(t, `update notion_partners set row_data = row_data - 'location' where notion_id = $1`, page)
	w.Exec(t, `update partners set location = null, featured = not featured where id = $1::text::uuid`, row)
	succeeded(t, w.Sync(t, journal.SupabaseToNotion))
	succeeded(t, w.Sync(t, journal.Full))
	if got := sidetest.Query[string](t, w, `select coalesce(location, '') from partners where id = $1::text::uuid`, row); location == "" || got != location || plain(t, w, page, "Location") != location {
		t.Errorf("it was %q, is %q in the row and %q on the page", location, got, plain(t, w, page, "Location"))
	}
	w.Agree(t)
}

// TestANewProperty is told of once, and holds nothing up.
func TestANewProperty(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil, "partners")
	succeeded(t, w.Sync(t, journal.Full))
	source := sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'partners'`)
	w.Person(t, "PATCH", "/v1/data_sources/"+source, map[string]any{"properties": map[string]any{"Rating": map[string]any{"number": map[string]any{}}}})
	for range 2 {
		succeeded(t, w.Sync(t, journal.Full))
	}
	if got := sidetest.Query[string](t, w, `select coalesce(string_agg(data::text, ' '), '') from integration.events where type = 'schema_changed'`); got !=
		`{"is": "Rating", "was": "", "kind": "partners", "field": "", "change": "added"}` {
		t.Errorf("told: %s", got)
	}
	w.Agree(t)
}

// TestAFifthDatabase is kept in step by the mapping and the migration that are proposed for it, with no SQL written by hand.
func TestAFifthDatabase(t *testing.T) {
	t.Parallel()
	all := mapping.ACT()
	var source string
	var pool *postgres.Pool
	w := sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Demo: true, Seed: 1}, Mapping: all,
		Databases: func(w *sidetest.World) map[string]string {
			databases := w.Sim.Databases()
			databases["events"], source = eventsDatabase(t, w, databases["partners"])
			all = proposed(t, w, all, source)
			pool = w.Pool
			return databases
		},
		Change: func(cfg *engine.Config) {
			cfg.Connection.Mapping = all
			cfg.Tables = func(k mapping.Kind) engine.Tables {
				return records.New(pool, cfg.Connection.ID, all, k, uuid.NewString)
			}
		},
	})
	succeeded(t, w.Sync(t, journal.Full))
	w.Person(t, "POST", "/v1/pages", map[string]any{"parent": map[string]any{"data_source_id": source}, "properties": map[string]any{
		"Title": rich("title", "Launch"), "Order": map[string]any{"number": 3},
		"When?": map[string]any{"date": map[string]any{"start": "2026-12-01"}}, "Select": map[string]any{"select": map[string]any{"name": "Big"}},
		"Hosts": map[string]any{"relation": []any{map[string]any{"id": pagesOf(t, w, "partners")[0]}}},
	}})
	succeeded(t, w.Sync(t, journal.Full))
	if got := sidetest.Query[string](t, w, `select concat_ws(' ', title, "order", "when", "select", open, (select count(*) from events_hosts)) from events`); got != "Launch 3 2026-12-01 Big f 1" {
		t.Errorf("the row is %s", got)
	}
	w.Exec(t, `insert into events (title, "order") values ('From Postgres', 4)`)
	succeeded(t, w.Sync(t, journal.Full))
	w.Agree(t)
}

// eventsDatabase makes another database, as a person, and gives its id and its data source's.
func eventsDatabase(t *testing.T, w *sidetest.World, partners string) (database, source string) {
	t.Helper()
	related, err := w.Client.Database(t.Context(), partners)
	if err != nil {
		t.Fatal(err)
	}
	made := w.Person(t, "POST", "/v1/databases", map[string]any{
		"parent": map[string]any{"type": "workspace", "workspace": true}, "title": []any{map[string]any{"text": map[string]any{"content": "Events"}}},
		"initial_data_source": map[string]any{"properties": map[string]any{
			"Title": map[string]any{"title": map[string]any{}}, "Order": map[string]any{"number": map[string]any{}}, "When?": map[string]any{"date": map[string]any{}},
			"Select": map[string]any{"select": map[string]any{}}, "Files": map[string]any{"files": map[string]any{}}, "Open": map[string]any{"checkbox": map[string]any{}},
			"Hosts": map[string]any{"relation": map[string]any{"data_source_id": related.DataSources[0].ID, "type": "single_property", "single_property": map[string]any{}}},
		}},
	})
	database, _ = made["id"].(string)
	found, err := w.Client.Database(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	return database, found.DataSources[0].ID
}

// proposed returns the mapping with what is proposed for a data source, whose relations all lead to partners, and makes its tables.
func proposed(t *testing.T, w *sidetest.World, all mapping.Mapping, sourceID string) mapping.Mapping {
	t.Helper()
	source, err := w.Client.DataSource(t.Context(), sourceID)
	if err != nil {
		t.Fatal(err)
	}
	var found []mapping.Found
	for _, c := range source.Properties {
		f := mapping.Found{Live: mapping.Live{ID: c.ID, Name: c.Name, Type: c.Type}}
		if c.RelatedTo != "" {
			f.RelatedTo = "partners"
		}
		found = append(found, f)
	}
	kind, left, err := all.Propose("events", found)
	if err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	w.Exec(t, all.Migration(kind))
	all.Kinds = append(slices.Clone(all.Kinds), kind)
	return all
}
