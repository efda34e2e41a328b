package engine_test

import (
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// TestRowsThatAPolicyHides are not deleted ones: a sync whose role row-level security keeps from rows, or from pairs, ends and says so.
func TestRowsThatAPolicyHides(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"partners", "partners_projects", "notion_partners"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners", "projects")
			role := narrowed(t, w)
			w.Exec(t, `alter table `+table+` enable row level security`)
			w.Exec(t, `alter role `+role+` nobypassrls`)
			got := w.Sync(t, journal.Full, "partners")
			if got.Status != "failed" || !strings.Contains(got.Errors["partners"], "row-level security") || got.Written() > 0 {
				t.Errorf("%+v", got)
			}
			w.Exec(t, `alter role `+role+` bypassrls`)
			succeeded(t, w.Sync(t, journal.Full))
			w.Agree(t)
		})
	}
}
