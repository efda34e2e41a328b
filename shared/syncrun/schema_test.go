package syncrun_test

import (
	"testing"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/journal"
)

// TestAPropertyThatReturns: a property that was taken away, and put back under its name, is filled with what the rows have kept.
func TestAPropertyThatReturns(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil)
	succeeded(t, w.Sync(t, journal.Full))
	source := sidetest.Query[string](t, w, `select data_source_id from sync_databases where kind = 'partners'`)
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
