package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/local/postgres"
	"github.com/act-platform/enhanced-integration/infra/migrations"
)

// startPostgresFor starts a server for a test, and gives its address.
func startPostgresFor(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "postgres")
	server, err := postgres.Start(t.Context(), postgres.Config{Dir: dir, Cache: cache(settings{state: dir}), Ephemeral: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Stop()
		_ = postgres.Remove(context.Background(), dir)
	})
	return server.URL()
}

// TestManyFoldersOnOneDatabase: each folder has an API key of its own, however many there are, and one that lost its key gets another.
func TestManyFoldersOnOneDatabase(t *testing.T) {
	t.Parallel()
	url := startPostgresFor(t)
	if _, err := migrations.Apply(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, folder := range []string{"one", "two", "three", "four"} {
		file := filepath.Join(t.TempDir(), keyFile)
		for range 3 {
			key, err := ensureKey(t.Context(), url, file, "local-"+folder)
			if err != nil {
				t.Fatalf("folder %s: %v", folder, err)
			}
			keys[key] = true
			if again, err := ensureKey(t.Context(), url, file, "local-"+folder); err != nil || again != key {
				t.Errorf("folder %s has another key the second time, error %v", folder, err)
			}
			if err := os.Remove(file); err != nil { // lost, as by a reset
				t.Fatal(err)
			}
		}
	}
	if len(keys) != 12 {
		t.Errorf("%d keys", len(keys))
	}
	var list strings.Builder
	s := settings{values: map[string]string{"DATABASE_URL": url}, state: t.TempDir()}
	if err := manageKeys(t.Context(), s, []string{"list"}, &list); err != nil || strings.Count(list.String(), "-\n") != 4 {
		t.Errorf("live keys of four folders: error %v\n%s", err, &list)
	}
}

// TestFolderHasAnID: a folder keeps its id, also when it is moved. A copy and a new folder at the same path get their own.
func TestFolderHasAnID(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	own := func(path string) string {
		t.Helper()
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := settings{state: path}.ownFolder(t.Context())
		if err != nil || f.ID == "" {
			t.Fatalf("%+v %v", f, err)
		}
		return f.ID
	}
	a, b, c := filepath.Join(root, "a"), filepath.Join(root, "b"), filepath.Join(root, "c")
	first := own(a)
	if again := own(a); again != first {
		t.Error("it is another the second time")
	}
	if err := os.Rename(a, b); err != nil {
		t.Fatal(err)
	}
	if moved := own(b); moved != first {
		t.Error("a folder that was moved has another id")
	}
	if fresh := own(a); fresh == first {
		t.Error("a new folder where an old one stood has its id")
	}
	if err := os.CopyFS(c, os.DirFS(b)); err != nil {
		t.Fatal(err)
	}
	if copied := own(c); copied == first {
		t.Error("a copy has the id of the original")
	}
}

// TestNewCloneDoesNotTakeTheOldDatabase: where PostgreSQL's user cannot enter the folder, its database lies elsewhere, and a new folder at the same
// path does not get that of the one before.
func TestNewCloneDoesNotTakeTheOldDatabase(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	dir := filepath.Join(closed, "postgres")
	start := func(id string) string {
		t.Helper()
		if err := os.MkdirAll(closed, 0o700); err != nil {
			t.Fatal(err)
		}
		server, err := postgres.Start(t.Context(), postgres.Config{Dir: dir, ID: id, Cache: cache(settings{state: dir}), Ephemeral: true, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = postgres.RemoveOf(context.Background(), dir, id) })
		server.Stop()
		password, _, _ := strings.Cut(server.URL(), "@")
		return password
	}
	first := start("test-first-clone")
	if again := start("test-first-clone"); again != first {
		t.Error("the database is another the second time")
	}
	if err := os.RemoveAll(closed); err != nil {
		t.Fatal(err)
	}
	if second := start("test-second-clone"); second == first {
		t.Error("a new clone has the database of the old one")
	}
}
