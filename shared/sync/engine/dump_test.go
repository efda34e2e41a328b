//go:build dump

package engine_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/infra/local/postgres/binary"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// TestDumpAndRestore: a database that is kept in step, with generated and identity columns and a view of a table of records, goes through pg_dump
// and pg_restore. What comes out has every row of what went in, and syncs on: with nothing to do at first, then with edits of both sides.
func TestDumpAndRestore(t *testing.T) {
	t.Parallel()
	programs, found := binary.Find(t.Context(), os.Getenv("PATH"), func(string) bool { return true })
	if !found {
		t.Fatal("there is no PostgreSQL with pg_dump: run make dump-test")
	}
	for name, restore := range map[string]func(t *testing.T, from, to string){
		"in the custom format": func(t *testing.T, from, to string) {
			t.Helper()
			dump := filepath.Join(t.TempDir(), "dump")
			program(t, programs.Path("pg_dump"), "--format=custom", "--file="+dump, "--dbname="+from)
			program(t, programs.Path("pg_restore"), "--exit-on-error", "--no-owner", "--dbname="+to, dump)
		},
		"as a script": func(t *testing.T, from, to string) {
			t.Helper()
			dump := filepath.Join(t.TempDir(), "dump.sql")
			program(t, programs.Path("pg_dump"), "--file="+dump, "--dbname="+from)
			program(t, programs.Path("psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file="+dump, "--dbname="+to)
		},
		"its data into a schema that is there": func(t *testing.T, from, to string) {
			t.Helper()
			schema, data := filepath.Join(t.TempDir(), "schema"), filepath.Join(t.TempDir(), "data")
			program(t, programs.Path("pg_dump"), "--format=custom", "--schema-only", "--file="+schema, "--dbname="+from)
			program(t, programs.Path("pg_dump"), "--format=custom", "--data-only", "--file="+data, "--dbname="+from)
			program(t, programs.Path("pg_restore"), "--exit-on-error", "--dbname="+to, schema)
			program(t, programs.Path("pg_restore"), "--exit-on-error", "--disable-triggers", "--dbname="+to, data)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := pgtest.URL(t)
			pool := opened(t, from)
			if _, err := pool.Exec(t.Context(), `alter table partners add column shout text generated always as (upper(name)) stored, add column n bigint generated always as identity`); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Exec(t.Context(), `create view loud as select shout from partners where archived_at is null`); err != nil {
				t.Fatal(err)
			}
			w := of(t, pool)
			succeeded(t, w.Sync(t, journal.Full))
			w.Exec(t, `update partners set location = 'Hobart' where n = 1`) // a change that nobody has looked at yet

			to := emptied(t)
			restore(t, from, to)
			other := opened(t, to)
			if was, is := counted(t, pool), counted(t, other); was != is || !strings.Contains(was, "partners 25") {
				t.Fatalf("rows of each table before:\n%s\nafter:\n%s", was, is)
			}
			restored := of(t, other)
			r := restored.Sync(t, journal.Full)
			succeeded(t, r)
			if r.PagesUpdated != 1 || r.Written() != 1 || r.Conflicts != 0 {
				t.Errorf("the change of before is written, and nothing else: %+v", r)
			}
			page, row := someOf(t, restored, "partners")
			restored.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Name": rich("title", "Renamed in Notion")}})
			restored.Exec(t, `update partners set name = 'Renamed in Postgres' where id <> $1::text::uuid and n < 5`, row)
			succeeded(t, restored.Sync(t, journal.Full))
			restored.Agree(t)
			if got := sidetest.Query[string](t, restored, `select shout from partners where id = $1::text::uuid`, row); got != "RENAMED IN NOTION" {
				t.Errorf("the generated column holds %q", got)
			}
		})
	}
}

// of makes a world of the demo workspace's partners and a database.
func of(t *testing.T, pool *postgres.Pool) *sidetest.World {
	t.Helper()
	return sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Demo: true, Seed: 1}, Pool: pool, Mapping: mapping.ACT(),
		Databases: func(w *sidetest.World) map[string]string {
			return map[string]string{"partners": w.Sim.Databases()["partners"]}
		},
	})
}

func opened(t *testing.T, address string) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), secret.Of(address), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// emptied returns the address of a database without anything in it.
func emptied(t *testing.T) string {
	t.Helper()
	address, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	connection, err := pgx.Connect(t.Context(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	name := strings.TrimPrefix(address.Path, "/") + "_restored"
	if _, err := connection.Exec(t.Context(), "create database "+name+" template template0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := connection.Exec(context.Background(), "drop database "+name+" with (force)"); err != nil {
			t.Error(err)
		}
	})
	address.Path = "/" + name
	return address.String()
}

// program runs one of PostgreSQL's programs.
func program(t *testing.T, path string, arguments ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), path, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(path), err, out)
	}
}

// counted tells how many rows each table has.
func counted(t *testing.T, pool *postgres.Pool) string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `select format('%I.%I', relnamespace::regnamespace, relname) from pg_class where relkind = 'r' and relnamespace::regnamespace::text in ('public', 'integration') order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		var n int
		if err := pool.QueryRow(t.Context(), "select count(*) from "+name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&all, name, n)
	}
	return all.String()
}
