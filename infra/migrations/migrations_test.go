package migrations_test

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/infra/local/postgres"
	"github.com/act-platform/enhanced-integration/infra/migrations"
)

// empty returns the address of a database without a schema, and a connection to it.
func empty(t *testing.T) (string, *pgx.Conn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "migrations") // not t.TempDir, which root's server may not enter
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "postgres")
	server, err := postgres.Start(t.Context(), postgres.Config{
		Dir: home, Cache: filepath.Join(cache, "enhanced-integration"), Ephemeral: true, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Stop()
		_ = postgres.Remove(context.Background(), home)
		_ = os.RemoveAll(dir)
	})
	connection, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close(context.Background()) })
	return server.URL(), connection
}

func names(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	return files
}

// TestTurns: callers at once take turns; one applies each migration, once.
func TestTurns(t *testing.T) {
	t.Parallel()
	address, _ := empty(t)
	var counts [4]int
	together, ctx := errgroup.WithContext(t.Context())
	for i := range counts {
		together.Go(func() error {
			applied, err := migrations.Apply(ctx, address)
			counts[i] = len(applied)
			return err
		})
	}
	if err := together.Wait(); err != nil {
		t.Fatal(err)
	}
	if sum := counts[0] + counts[1] + counts[2] + counts[3]; sum != len(names(t)) {
		t.Errorf("applied %v of %d", counts, len(names(t)))
	}
}

// TestForwardsOnly: a migration says how to go on and never how to go back; the newest is what Newest says.
func TestForwardsOnly(t *testing.T) {
	t.Parallel()
	files := names(t)
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^\d{4}_[a-z_]+\.sql$`).MatchString(name) || !strings.Contains(string(source), "-- +goose Up\n") || strings.Contains(string(source), "-- +goose Down") {
			t.Errorf("%s must be called 0000_name.sql, go up, and not down", name)
		}
	}
	if newest := migrations.Newest(); newest != files[len(files)-1] {
		t.Errorf("the newest is %s and not %s", files[len(files)-1], newest)
	}
}

// TestFromBefore: a database of the schema before the first release is carried over whole: every row of every table is there, and the schema is the
// one that the migrations make in an empty database.
func TestFromBefore(t *testing.T) {
	t.Parallel()
	address, connection := filledBefore(t)
	had := contents(t, connection, "public")
	applied, err := migrations.Apply(t.Context(), address)
	if err != nil || len(applied) != 0 {
		t.Fatalf("applied %q, %v", applied, err)
	}
	now := contents(t, connection, "public", "integration")
	for table, rows := range had {
		if is, renamed := renamedTables[table]; renamed {
			table = is
		}
		if len(rows) == 0 || !slices.Equal(now[table], rows) {
			t.Errorf("%s had\n%s\nand has\n%s", table, strings.Join(rows, "\n"), strings.Join(now[table], "\n"))
		}
	}
	_, fresh := empty(t)
	if _, err := migrations.Apply(t.Context(), fresh.Config().ConnString()); err != nil {
		t.Fatal(err)
	}
	got, want := catalogue(t, connection), catalogue(t, fresh)
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("only in the one that was carried over: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("only in a fresh one: %s", line)
		}
	}
	if len(want) < 700 {
		t.Errorf("only %d facts were compared", len(want))
	}
	if applied, err := migrations.Apply(t.Context(), address); err != nil || len(applied) != 0 {
		t.Errorf("once more: %q, %v", applied, err)
	}
}

// TestCarryBreaksOff: an upgrade that ends in its middle leaves the database as it was, and the next one carries it over.
func TestCarryBreaksOff(t *testing.T) {
	t.Parallel()
	address, connection := filledBefore(t)
	before := catalogue(t, connection)
	holder, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(context.Background())
	if _, err := holder.Exec(t.Context(), "begin; lock table workspace_full"); err != nil { // the last table that is moved
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		_, err := migrations.Apply(t.Context(), address)
		failed <- err
	}()
	for killed := 0; killed == 0; {
		if err := connection.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity where wait_event_type = 'Lock'`).Scan(&killed); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-failed; err == nil {
		t.Fatal("it did not break off")
	}
	if _, err := holder.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	if after := catalogue(t, connection); !slices.Equal(before, after) {
		t.Errorf("%d facts of the schema, %d before", len(after), len(before))
	}
	if _, err := migrations.Apply(t.Context(), address); err != nil {
		t.Error(err)
	}
}

// TestPrepareRefuses: what cannot be carried over says what to do, and is left as it was.
func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ made, want string }{
		"an older version":       {"create table sync_run_databases (); create table goose_db_version (version_id bigint, is_applied boolean); insert into goose_db_version values (92, true)", "version 92. Bring it to version 122 first"},
		"a schema of the user's": {"create schema integration; create table integration.orders ()", "rename that schema"},
	} {
		address, connection := empty(t)
		if _, err := connection.Exec(t.Context(), c.made); err != nil {
			t.Fatal(err)
		}
		before := catalogue(t, connection)
		if _, err := migrations.Apply(t.Context(), address); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after := catalogue(t, connection); !slices.Equal(before, after) {
			t.Errorf("%s: the database has changed", name)
		}
	}
}

// TestRemove: everything of ours goes, the tables of records stay with their rows, and applications go on with them.
func TestRemove(t *testing.T) {
	t.Parallel()
	address, connection := filledBefore(t)
	if _, err := migrations.Apply(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Exec(t.Context(), `create table notion_notes (notion_id text, data jsonb)`); err != nil { // of the user's
		t.Fatal(err)
	}
	had := contents(t, connection, "public")
	dropped, kept, err := migrations.Remove(t.Context(), address)
	if err != nil || !slices.Equal(dropped, []string{"notion_opportunities", "notion_organizations", "notion_partners", "notion_projects", "oauth_tokens"}) {
		t.Fatalf("dropped %q, %v", dropped, err)
	}
	has := contents(t, connection, "public")
	for table, rows := range had {
		if !slices.Contains(dropped, table) && !slices.Equal(has[table], rows) {
			t.Errorf("%s had %d rows and has %d", table, len(rows), len(has[table]))
		}
	}
	if len(kept) != 9 || len(has) != len(had)-len(dropped) {
		t.Errorf("kept %q; %d tables are left of %d", kept, len(has), len(had))
	}
	if left := list(t, connection, `select nspname::text from pg_namespace where nspname = 'integration' union all select tgname::text from pg_trigger where not tgisinternal`); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	for _, statement := range []string{`insert into partners (name) values ('later')`, `update partners set name = 'after'`, `delete from partners where name = 'after'`, `truncate projects cascade`} {
		if _, err := connection.Exec(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if dropped, kept, err := migrations.Remove(t.Context(), address); len(dropped)+len(kept) > 0 || err != nil {
		t.Errorf("once more: %q, %q, %v", dropped, kept, err)
	}
}

// renamedTables are the tables that have another name since they are in the schema integration.
var renamedTables = map[string]string{
	"integration_events": "events", "sync_seen": "sync_listed_pages", "sync_waiting": "sync_waiting_relations", "sync_looks": "sync_reported_pages",
	"sync_wakes": "sync_wakeups", "sync_moves": "sync_row_id_changes", "sync_rekeys": "sync_stale_row_keys", "sync_former_pages": "sync_replaced_pages",
	"workspace_full": "full_workspaces",
}

// filledBefore returns a database of the schema before the first release, with a row in each table.
func filledBefore(t *testing.T) (string, *pgx.Conn) {
	t.Helper()
	address, connection := empty(t)
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS(filepath.Join("testdata", "before")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile(filepath.Join("testdata", "before_rows.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Exec(t.Context(), string(rows)); err != nil {
		t.Fatal(err)
	}
	return address, connection
}

// contents returns the values of all rows by table, but for goose's own.
func contents(t *testing.T, connection *pgx.Conn, schemas ...string) map[string][]string {
	t.Helper()
	result := map[string][]string{}
	for _, table := range list(t, connection, `select format('%I.%I', table_schema, table_name) from information_schema.tables
		where table_schema = any($1) and table_name <> 'goose_db_version'`, schemas) {
		_, name, _ := strings.Cut(table, ".")
		result[name] = list(t, connection, `select coalesce((select string_agg(v, ' ' order by v) from jsonb_each_text(to_jsonb(r) - 'row_key_ready') e (k, v)), '') from `+table+` r order by 1`)
	}
	return result
}

// catalogue returns what the database says of the schema: columns, constraints, indexes, triggers, functions, comments and row security.
func catalogue(t *testing.T, connection *pgx.Conn) []string {
	t.Helper()
	return list(t, connection, `
		with ours as (select oid, oid::regclass::text as name, relkind, relrowsecurity from pg_class where relnamespace in (select oid from pg_namespace where nspname in ('public', 'integration')))
		select fact from (
			select name || ' ' || relkind::text || ' ' || relrowsecurity from ours
			union all select name || '.' || attname || ' ' || row_number() over (partition by attrelid order by attnum) || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || attidentity::text || coalesce(pg_get_expr(adbin, adrelid), '')
				from ours join pg_attribute a on attrelid = oid left join pg_attrdef d on adrelid = attrelid and adnum = attnum where a.attnum > 0 and not attisdropped and relkind <> 'i'
			union all select name || ' ' || conname || ' ' || pg_get_constraintdef(c.oid) from ours join pg_constraint c on conrelid = ours.oid
			union all select pg_get_indexdef(oid) from ours where relkind = 'i'
			union all select pg_get_triggerdef(g.oid) || tgenabled::text from ours join pg_trigger g on tgrelid = ours.oid where not tgisinternal
			union all select pg_get_functiondef(p.oid) from pg_proc p where pronamespace in (select oid from pg_namespace where nspname in ('public', 'integration'))
			union all select concat_ws(' ', name, attname, description) from ours join pg_description on objoid = oid and classoid = 'pg_class'::regclass
				left join pg_attribute on attrelid = oid and attnum = objsubid and objsubid > 0
		) s (fact) order by 1`)
}

func list(t *testing.T, connection *pgx.Conn, query string, arguments ...any) []string {
	t.Helper()
	rows, err := connection.Query(t.Context(), query, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	return lines
}
