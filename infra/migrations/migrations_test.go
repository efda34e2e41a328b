package migrations_test

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/infra/local/postgres"
	"github.com/act-platform/enhanced-integration/infra/migrations"
)

// filled is the version that testdata has rows for.
const filled = 3

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

// TestOverData applies the migrations one at a time over rows. No row goes, and the version before goes on working while the new one
// is deployed: what it reads is still there, and what it writes is still taken. A migration that ends a version's support for what no
// code uses any more says so in a line that begins with "-- contract:", with the version since when.
func TestOverData(t *testing.T) {
	t.Parallel()
	address, connection := empty(t)
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), filled); err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile(filepath.Join("testdata", "0003.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Exec(t.Context(), string(rows)); err != nil {
		t.Fatal(err)
	}
	before, had := columns(t, connection), counts(t, connection)
	for _, name := range names(t) {
		version, err := strconv.ParseInt(name[:4], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if version <= filled {
			continue
		}
		if _, err := provider.UpTo(t.Context(), version); err != nil {
			t.Fatalf("%s over rows: %v", name, err)
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		after := columns(t, connection)
		if !regexp.MustCompile(`(?m)^-- contract: .+`).Match(source) {
			for _, trouble := range breaks(before, after) {
				t.Errorf("%s: %s: the code before cannot work with that while it is replaced", name, trouble)
			}
		}
		before = after
	}
	for table, n := range had {
		if now := counts(t, connection)[table]; now < n {
			t.Errorf("%s had %d rows and has %d", table, n, now)
		}
	}
}

// column is what code that reads and writes a column relies on.
type column struct {
	kind     string
	required bool // a row cannot be inserted without it
}

func columns(t *testing.T, connection *pgx.Conn) map[string]map[string]column {
	t.Helper()
	rows, err := connection.Query(t.Context(), `
		select table_name, column_name, udt_name,
		       is_nullable = 'NO' and column_default is null and is_identity = 'NO' and is_generated = 'NEVER'
		from information_schema.columns where table_schema = 'public'`)
	if err != nil {
		t.Fatal(err)
	}
	result := map[string]map[string]column{}
	var table, name string
	var c column
	if _, err := pgx.ForEachRow(rows, []any{&table, &name, &c.kind, &c.required}, func() error {
		if result[table] == nil {
			result[table] = map[string]column{}
		}
		result[table][name] = c
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return result
}

// breaks says what code that was written for a schema misses in the one after it.
func breaks(before, after map[string]map[string]column) (result []string) {
	for table, columns := range before {
		if after[table] == nil {
			result = append(result, table+" is gone")
			continue
		}
		for name, c := range columns {
			now, ok := after[table][name]
			switch {
			case !ok:
				result = append(result, table+"."+name+" is gone")
			case now.kind != c.kind:
				result = append(result, table+"."+name+" was "+c.kind+" and is "+now.kind)
			case now.required && !c.required:
				result = append(result, table+"."+name+" has become required")
			}
		}
		for name, c := range after[table] {
			if _, known := columns[name]; !known && c.required {
				result = append(result, table+"."+name+" is new and required")
			}
		}
	}
	return result
}

func TestBreaks(t *testing.T) {
	t.Parallel()
	before := map[string]map[string]column{"t": {"a": {kind: "text"}}}
	for name, c := range map[string]struct {
		after map[string]map[string]column
		want  int
	}{
		"the same":              {before, 0},
		"more":                  {map[string]map[string]column{"t": {"a": {kind: "text"}, "b": {kind: "text"}}, "u": {"c": {required: true}}}, 0},
		"a table less":          {map[string]map[string]column{}, 1},
		"a column less":         {map[string]map[string]column{"t": {}}, 1},
		"another type":          {map[string]map[string]column{"t": {"a": {kind: "int4"}}}, 1},
		"required now":          {map[string]map[string]column{"t": {"a": {kind: "text", required: true}}}, 1},
		"a new column required": {map[string]map[string]column{"t": {"a": {kind: "text"}, "b": {required: true}}}, 1},
	} {
		if got := breaks(before, c.after); len(got) != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func counts(t *testing.T, connection *pgx.Conn) map[string]int {
	t.Helper()
	result := map[string]int{}
	for table := range columns(t, connection) {
		var n int
		if err := connection.QueryRow(t.Context(), "select count(*) from "+pgx.Identifier{table}.Sanitize()).Scan(&n); err != nil {
			t.Fatal(err)
		}
		result[table] = n
	}
	return result
}
