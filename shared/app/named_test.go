package app

import (
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
)

// TestDatabaseIDInAnotherSpelling: the same Notion database, named with other dashes or letters, is the same.
func TestDatabaseIDInAnotherSpelling(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	c := two[0]
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, spell := range map[string]func(string) string{
		"plain": func(id string) string { return strings.ReplaceAll(id, "-", "") }, "dashed": dashed,
		"capitals": func(id string) string { return strings.ToUpper(strings.ReplaceAll(id, "-", "")) },
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // one connection
			patch := settings.Patch{Databases: map[string]string{}}
			for k, id := range c.settings.Databases {
				patch.Databases[k] = spell(id)
			}
			store := postgres.Settings{Pool: c.pool}
			was, err := store.Read(t.Context(), c.id())
			if err != nil {
				t.Fatal(err)
			}
			is, _, err := was.With(patch, c.cfg.Mapping.Names())
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Save(t.Context(), is, "test"); err != nil {
				t.Fatal(err)
			}
			is.Version++
			again := connected{deps: c.of(is), sim: c.sim, pool: c.pool}
			if err := again.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			var said string
			_ = c.pool.QueryRow(t.Context(), `select coalesce(max(error), '') from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id where r.connection_id = $1 and p.status = 'failed'`, c.id()).Scan(&said)
			if said != "" {
				t.Error(said)
			}
			if _, err := c.pool.Exec(t.Context(), `delete from integration.sync_runs`); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestOneDatabaseForTwo: a person sets the Notion database of projects for partners as well. Its pages do not become partners, and projects go on.
func TestOneDatabaseForTwo(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	c := two[0]
	delete(c.settings.Databases, "partners")
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.settings.Databases["partners"] = c.settings.Databases["projects"]
	store := postgres.Settings{Pool: c.pool}
	if err := store.Save(t.Context(), c.settings, "test"); err != nil {
		t.Fatal(err)
	}
	c.settings.Version++
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := c.count(t, `select count(*) from partners where connection_id = $1`); n != 0 {
		t.Errorf("%d projects became partners", n)
	}
	if n := c.count(t, `select count(*) from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id where r.connection_id = $1 and kind = 'projects' and p.status = 'succeeded'`); n != 2 {
		t.Errorf("projects were synced %d times", n)
	}
}

func dashed(id string) string {
	id = strings.ReplaceAll(id, "-", "")
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}
