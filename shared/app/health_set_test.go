package app

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/settings"
)

// TestHealthOfDatabasesThatWereSet: databases that POST /config named, and not the environment, are the health's as well.
func TestHealthOfDatabasesThatWereSet(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	c := two[0]
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := newID()
	for _, sql := range []string{
		`insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at) values ('` + id + `', $1, 'incremental', 'queued', 'schedule', now() - interval '3 hours')`,
		`insert into integration.sync_run_databases (run_id, kind, queued_at, requeued_at) select '` + id + `', 'projects', now() - interval '3 hours', now() - interval '3 hours' where $1::uuid is not null`,
		`update integration.sync_leases set expires_at = now() - interval '3 hours' where connection_id = $1`,
	} {
		if _, err := c.pool.Exec(t.Context(), sql, c.id()); err != nil {
			t.Fatal(err)
		}
	}
	fresh := c.of(settings.Settings{ConnectionID: c.id()}) // as newDeps makes them
	code, body := get(t, fresh.health(), 10*time.Second)
	health, _ := body["health"].(map[string]any)
	if health["overall"] != "degraded" {
		t.Errorf("%d: %v with a sync that has stood still for three hours", code, health["overall"])
	}
}
