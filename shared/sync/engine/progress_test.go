package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// TestProgress: how far a run is, as it is told of, is true of what it does at that moment.
func TestProgress(t *testing.T) {
	t.Parallel()
	clock := newPaced()
	clock.each = 6 * time.Second
	w := sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Demo: true, Seed: 1, OnRequest: clock.request}, Mapping: mapping.ACT(),
		Databases: func(w *sidetest.World) map[string]string { return w.Sim.Databases() },
		Change:    clock.set,
	})
	setOptions(t, w, func(o *notionsim.Options) { o.Budget = 0 })
	told := func(that string) int {
		t.Helper()
		return sidetest.Query[int](t, w, `select count(*) from integration.events e, lateral (
			select data->>'phase' as phase, (data->>'done')::integer as done, (data->>'expected')::integer as expected, (data->>'per_second')::numeric as per_second) p
			where e.type = 'sync_progress' and e.data->>'kind' = 'organizations' and `+that)
	}
	all := func() string {
		return sidetest.Query[string](t, w, `select coalesce(string_agg(data::text, e'\n' order by seq), '') from integration.events where type = 'sync_progress'`)
	}
	pages, err := w.Sim.Pages(w.Sim.Databases()["organizations"])
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range pages {
		page, err := notion.ParsePage(raw)
		if err != nil {
			t.Fatal(err)
		}
		w.Person(t, "PATCH", "/v1/pages/"+page.ID, map[string]any{"in_trash": true})
	}
	source := w.Person(t, "GET", "/v1/databases/"+w.Sim.Databases()["organizations"], nil)["data_sources"].([]any)[0].(map[string]any)["id"]
	for i := range 230 { // all in one minute
		w.Person(t, "POST", "/v1/pages", map[string]any{
			"parent":     map[string]any{"type": "data_source_id", "data_source_id": source},
			"properties": map[string]any{"Name": rich("title", fmt.Sprintf("Organization %d", i))},
		})
	}
	succeeded(t, w.Sync(t, journal.Full, "organizations"))
	if told(`phase = 'pull'`) == 0 || told(`phase = 'pull' and done < 230 and expected <= done`) > 0 {
		t.Errorf("a first pull of pages that were all created at once: %s", all())
	}

	w.Sim.Clock().Advance(10 * time.Minute) // so that no page is listed again for its edit
	succeeded(t, w.Sync(t, journal.Incremental, "organizations"))
	w.Exec(t, `delete from integration.events`)
	w.Exec(t, `update organizations set name = name || ' moved'`)
	r := w.Sync(t, journal.Incremental, "organizations")
	if succeeded(t, r); r.PagesUpdated != 230 {
		t.Fatalf("%+v", r)
	}
	if told(`phase = 'push' and expected = 230 and done in (100, 200) and per_second between 0.1 and 0.3`) < 2 || told(`phase = 'push' and expected <> 230 or phase = 'push' and done not in (0, 100, 200)`) > 0 {
		t.Errorf("a push of 230 rows: %s", all())
	}
}
