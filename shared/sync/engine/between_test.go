package engine_test

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// TestAnIDThatChangesWhileThePageIsWritten: the record follows its row, and no other row is made.
func TestAnIDThatChangesWhileThePageIsWritten(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "projects")
	page, row := someOf(t, w, "projects")
	w.Sim.Clock().Advance(2 * time.Minute)
	edit(t, w, page, map[string]any{"Description": rich("rich_text", "of the page")})
	w.Exec(t, `update projects set name = 'Of the row' where id = $1::text::uuid`, row)
	w.Before(func() {
		if sidetest.Query[bool](t, w, `select exists (select from integration.sync_intents)`) {
			w.Exec(t, `update projects set id = gen_random_uuid() where id = $1::text::uuid`, row)
		}
	})
	succeeded(t, w.Sync(t, journal.Full))
	w.Before(nil)
	succeeded(t, w.Sync(t, journal.Full))
	succeeded(t, w.Sync(t, journal.Full))
	w.Agree(t)
}
