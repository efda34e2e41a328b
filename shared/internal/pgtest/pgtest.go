// Package pgtest gives each test a fresh, migrated PostgreSQL database.
//
// A package that uses it runs its tests through [Main]:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// The server is the one that TEST_DATABASE_URL names; where that is not set, Main starts one for the test binary and stops it.
package pgtest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/infra/local/postgres"
	"github.com/act-platform/enhanced-integration/infra/migrations"
	product "github.com/act-platform/enhanced-integration/shared/postgres"
)

// serverURL is the variable that names the server. It is also how Main tells the tests, and processes that they start, of its own.
const serverURL = "TEST_DATABASE_URL"

// Main runs the tests of m with a database server and gives the exit code.
func Main(m *testing.M) int {
	code, err := run(m)
	if err != nil {
		_, _ = io.WriteString(os.Stderr, "pgtest: "+err.Error()+"\n")
		return 1
	}
	return code
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
	drop, err := createTemplate(ctx)
	if err != nil {
		return 0, err
	}
	defer drop()
	return m.Run(), nil
}

func startServer(ctx context.Context) (stop func(), err error) {
	dir, err := os.MkdirTemp("", "pgtest")
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

// template is the database that each test's is a copy of. One a process, because test binaries may share a server.
func template() string { return fmt.Sprintf("pgtest_template_%d", os.Getpid()) }

func createTemplate(ctx context.Context) (drop func(), err error) {
	if err := execute(ctx, "DROP DATABASE IF EXISTS "+template(), "CREATE DATABASE "+template()); err != nil {
		return nil, err
	}
	drop = func() { _ = execute(ctx, "DROP DATABASE "+template()+" WITH (FORCE)") }
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

// URL gives the address of a fresh, migrated database, which is dropped when the test ends.
func URL(tb testing.TB) string {
	tb.Helper()
	if os.Getenv(serverURL) == "" {
		tb.Fatal("pgtest: no server; run the package's tests through pgtest.Main")
	}
	name := "pgtest_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := execute(tb.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template()); err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	tb.Cleanup(func() {
		if err := execute(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("pgtest: %v", err)
		}
	})
	address, err := addressOf(name)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	return address
}

// New gives a pool on a fresh, migrated database, set as the product sets its own. Both go when the test ends.
func New(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	pool, err := product.Open(tb.Context(), URL(tb), 4)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	tb.Cleanup(pool.Close)
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

func execute(ctx context.Context, statements ...string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	connection, err := pgx.Connect(ctx, os.Getenv(serverURL))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }()
	for _, statement := range statements {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
