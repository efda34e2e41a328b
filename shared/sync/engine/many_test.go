package engine_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// TestHundredsOfRelations: a page shows 25 of them, its row has them all, and what Notion takes no write of is said.
func TestHundredsOfRelations(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil, "partners", "projects")
	if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.Budget = 0 }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sim.Grow(map[string]int{"projects": 300}, 1); err != nil {
		t.Fatal(err)
	}
	raws, err := w.Sim.Pages(w.Sim.Databases()["projects"])
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 0, 300)
	for _, raw := range raws[:300] {
		var page struct{ ID string }
		if err := json.Unmarshal(raw, &page); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, page.ID)
	}
	partner := w.Person(t, "POST", "/v1/pages", map[string]any{
		"parent":     map[string]any{"type": "database_id", "database_id": w.Sim.Databases()["partners"]},
		"properties": map[string]any{"Name": rich("title", "Everybody's")},
	})["id"].(string)
	all, _ := json.Marshal(ids)
	if err := w.Sim.SetValues(partner, map[string]json.RawMessage{"Projects": all}); err != nil {
		t.Fatal(err)
	}
	w.Sim.Clock().Advance(10 * time.Minute)
	succeeded(t, w.Sync(t, journal.Full, "partners", "projects"))
	paired := func() int {
		return sidetest.Query[int](t, w, `select count(*) from partners_projects join partners on id = partner_id where name = 'Everybody''s'`)
	}
	if n := paired(); n != 300 {
		t.Errorf("%d pairs", n)
	}
	// Nothing is fetched again once it is known, and nothing is written: the schema, two related databases, and the listing.
	before := requests(w)
	if again := w.Sync(t, journal.Full, "partners"); again.Written() > 0 {
		t.Errorf("at rest, a sync wrote %+v", again)
	} else if n := requests(w) - before; n > 4 {
		t.Errorf("at rest, a sync took %d requests", n)
	}
	// A pair that cannot be written holds up neither the pairs nor the record's other fields.
	w.Exec(t, `delete from partners_projects where project_id = (select min(project_id::text)::uuid from partners_projects)`)
	w.Exec(t, `update partners set location = 'Perth' where name = 'Everybody''s'`)
	got := w.Sync(t, journal.Full, "partners")
	reason := sidetest.Query[string](t, w, `select coalesce(min(reason), '') from integration.sync_errors`)
	if got.Counts.Errors != 1 || !strings.Contains(reason, `property "Projects": Notion takes at most 100 related pages in one property, and here are 299`) {
		t.Errorf("%+v: %s", got, reason)
	}
	if plain(t, w, partner, "Location") != "Perth" || paired() != 299 {
		t.Errorf("Notion has %q, the row %d pairs", plain(t, w, partner, "Location"), paired())
	}
	// What can be written is: few enough, they replace all.
	w.Exec(t, `delete from partners_projects where partner_id = (select id from partners where name = 'Everybody''s') and project_id not in (
		select project_id from partners_projects order by project_id limit 100)`)
	w.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if left := sidetest.Query[int](t, w, `select jsonb_array_length(data->'properties'->'Projects'->'relation') from notion_partners where name = 'Everybody''s'`); left != paired() {
		t.Errorf("Notion has %d, the row %d pairs", left, paired())
	}
}
