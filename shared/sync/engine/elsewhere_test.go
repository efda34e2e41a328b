package engine_test

import (
	"testing"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// TestAPageThatIsMovedAwayAndTrashed stays in the trash of the other database, whatever becomes of its row.
func TestAPageThatIsMovedAwayAndTrashed(t *testing.T) {
	t.Parallel()
	for name, seen := range map[string]bool{"a sync saw it away": true, "nobody looked": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "projects")
			page, row := someOf(t, w, "projects")
			_, elsewhere := database(t, w, "Elsewhere", nil)
			w.Person(t, "POST", "/v1/pages/"+page+"/move", map[string]any{"parent": map[string]any{"type": "data_source_id", "data_source_id": elsewhere}})
			if seen {
				succeeded(t, w.Sync(t, journal.Full))
			}
			w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
			w.Exec(t, `update projects set archived_at = null, description = 'stays' where id = $1::text::uuid`, row)
			succeeded(t, w.Sync(t, journal.Full))
			succeeded(t, w.Sync(t, journal.Full))
			if w.Person(t, "GET", "/v1/pages/"+page, nil)["in_trash"] != true {
				t.Error("it was taken out of the trash of another database")
			}
			w.Agree(t)
		})
	}
}
