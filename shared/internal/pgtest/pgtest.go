// Package pgtest gives each test a fresh, migrated PostgreSQL database.
//
// A package that uses it runs its tests through [Main]:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// The server is the one that TEST_DATABASE_URL names; where that is not set, Main starts one for the test binary and stops it. With
// TEST_POOLER, the pools of tests go through PgBouncer in transaction mode.
package pgtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/infra/local/pgbouncer"
	"github.com/act-platform/enhanced-integration/infra/local/postgres"
	"github.com/act-platform/enhanced-integration/infra/migrations"
	product "github.com/act-platform/enhanced-integration/shared/postgres"

	"github.com/act-platform/enhanced-integration/shared/secret"
)

// serverURL is the variable that names the server. It is also how Main tells the tests, and processes that they start, of its own.
const serverURL = "TEST_DATABASE_URL"

// poolerWanted is the variable that has tests go through a pooler, poolerURL the one that tells them of Main's.
const (
	poolerWanted = "TEST_POOLER"
	poolerURL    = "TEST_POOLER_URL"
)

// Main runs the tests of m with a database server and gives the exit code.
func Main(m *testing.M) int {
	debug.SetGCPercent(1500) // tests leave much behind, and there is room
	err := moreAtOnce()
	code := 1
	if err == nil {
		code, err = run(m)
	}
	if err != nil {
		_, _ = io.WriteString(os.Stderr, "pgtest: "+err.Error()+"\n")
		return 1
	}
	return code
}

// moreAtOnce has two tests a processor run at once, where nobody says how many: one waits for the server while the other does not.
func moreAtOnce() error {
	flag.Parse()
	parallel := flag.Lookup("test.parallel")
	if parallel.Value.String() != strconv.Itoa(runtime.GOMAXPROCS(0)) {
		return nil
	}
	return parallel.Value.Set(strconv.Itoa(2 * runtime.GOMAXPROCS(0)))
}

func run(m *testing.M) (int, error) {
	ctx := context.Background()
	if os.Getenv(serverURL) == "" {
		stop, err := startServer(ctx)
		if err != nil {
			return 0, err
		}
		defer stop()
	}
	if os.Getenv(poolerWanted) != "" {
		pooler, err := pgbouncer.Start(ctx, os.Getenv(serverURL))
		if err != nil {
			return 0, err
		}
		defer pooler.Stop()
		if err := os.Setenv(poolerURL, pooler.URL(os.Getenv(serverURL))); err != nil {
			return 0, err
		}
	}
	drop, err := createTemplate(ctx)
	if err != nil {
		return 0, err
	}
	defer drop()
	return m.Run(), nil
}

func startServer(ctx context.Context) (stop func(), err error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // root's server runs as nobody, who must enter
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(dir, "postgres")
	server, err := postgres.Start(ctx, postgres.Config{
		Dir: home, Cache: filepath.Join(cache, "enhanced-integration"),
		Ephemeral: true, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return func() {
		server.Stop()
		_ = postgres.Remove(ctx, home)
		_ = os.RemoveAll(dir)
	}, os.Setenv(serverURL, server.URL())
}

// template is the database that each test's is a copy of. One a process, because test binaries may share a server. What a [Template]
// makes is named after it.
func template() string { return fmt.Sprintf("pgtest_template_%d", os.Getpid()) }

func createTemplate(ctx context.Context) (drop func(), err error) {
	if err := execute(ctx, "DROP DATABASE IF EXISTS "+template(), "CREATE DATABASE "+template()); err != nil {
		return nil, err
	}
	drop = func() { _ = dropTemplates(ctx) }
	address, err := addressOf(template())
	if err == nil {
		_, err = migrations.Apply(ctx, address)
	}
	if err != nil {
		drop()
		return nil, fmt.Errorf("prepare the template database: %w", err)
	}
	return drop, nil
}

func dropTemplates(ctx context.Context) error {
	return connected(ctx, func(ctx context.Context, connection *pgx.Conn) error {
		rows, err := connection.Query(ctx, `SELECT datname FROM pg_database WHERE datname = $1 OR starts_with(datname, $1 || '_')`, template())
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, name := range names {
			_, failed := connection.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
			err = errors.Join(err, failed)
		}
		return err
	})
}

// Template is content that many tests begin with. It is made once a process, and copied for each test.
type Template struct {
	Name string // a word of its own, in small letters

	made sync.Once
	done bool
}

// New returns a pool on a copy of what fill, called for the first test only, puts into a fresh, migrated database. Pool and copy go when the
// test ends.
func (t *Template) New(tb testing.TB, fill func(*product.Pool)) *product.Pool {
	tb.Helper()
	name := template() + "_" + t.Name
	t.made.Do(func() {
		pool := open(tb, create(tb, name, template()))
		defer pool.Close() // what is connected to cannot be copied
		fill(pool)
		t.done = true
	})
	if !t.done {
		tb.Fatalf("pgtest: the template %s could not be made", t.Name)
	}
	pool := open(tb, pooled(fresh(tb, name)))
	tb.Cleanup(pool.Close)
	return pool
}

// pooled returns the address by which a test's pool reaches a database.
func pooled(direct string) string {
	address, err := url.Parse(direct)
	pooler, failed := url.Parse(os.Getenv(poolerURL))
	if err != nil || failed != nil || pooler.Host == "" {
		return direct
	}
	address.Host = pooler.Host
	return address.String()
}

// URL returns the address of a fresh, migrated database, which is dropped when the test ends.
func URL(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, template())
}

// New returns a pool on a fresh, migrated database, set as the product sets its own. Both go when the test ends.
func New(tb testing.TB) *product.Pool {
	tb.Helper()
	pool := open(tb, pooled(URL(tb)))
	tb.Cleanup(pool.Close)
	return pool
}

// fresh returns the address of a copy of a database, which is dropped when the test ends.
func fresh(tb testing.TB, of string) string {
	tb.Helper()
	name := "pgtest_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	address := create(tb, name, of)
	tb.Cleanup(func() {
		if err := execute(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("pgtest: %v", err)
		}
	})
	return address
}

// create makes a copy of a database, and gives its address.
func create(tb testing.TB, name, of string) string {
	tb.Helper()
	if os.Getenv(serverURL) == "" {
		tb.Fatal("pgtest: no server; run the package's tests through pgtest.Main")
	}
	if err := copied(tb.Context(), name, of); err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	address, err := addressOf(name)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	return address
}

func open(tb testing.TB, address string) *product.Pool {
	tb.Helper()
	pool, err := product.Open(tb.Context(), secret.Of(address), 4)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	return pool
}

func addressOf(database string) (string, error) {
	address, err := url.Parse(os.Getenv(serverURL))
	if err != nil {
		return "", fmt.Errorf("%s is no address", serverURL) // the cause would show the password
	}
	address.Path = "/" + database
	return address.String(), nil
}

// copied makes a copy of a database, file by file, which is the quickest. Before 15, Postgres knew no other way, and no word for it.
func copied(ctx context.Context, name, of string) error {
	return connected(ctx, func(ctx context.Context, connection *pgx.Conn) error {
		statement := "CREATE DATABASE " + name + " TEMPLATE " + of
		if major, _, _ := strings.Cut(connection.PgConn().ParameterStatus("server_version"), "."); major >= "15" {
			statement += " STRATEGY FILE_COPY"
		}
		_, err := connection.Exec(ctx, statement)
		return err
	})
}

func execute(ctx context.Context, statements ...string) error {
	return connected(ctx, func(ctx context.Context, connection *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := connection.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

func connected(ctx context.Context, do func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	connection, err := pgx.Connect(ctx, os.Getenv(serverURL))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }()
	return do(ctx, connection)
}
