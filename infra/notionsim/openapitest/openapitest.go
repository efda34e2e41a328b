// Package openapitest judges requests and answers by Notion's own OpenAPI document, in tests, and gives tests what others
// recorded of the real API.
//
// Neither is part of this repository: they are looked for in ../shared beside it. Where one is absent, a test that asks for it is
// skipped, and fails where the environment has CI=true.
//
// What reads the document takes minutes to compile, so it does so only with the build tag conformance (make conformance, and with
// it make verify and CI). Without the tag Judge judges nothing, and Document is not there.
package openapitest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// recordings is where the recorded answers are, from the repository's root.
const recordings = "../shared/data/notion-recorded"

// Recording returns an answer of the real API as others recorded it; see SOURCES.md beside the recordings. Where they are absent
// the test ends, as with Load.
func Recording(tb testing.TB, name string) []byte {
	tb.Helper()
	root, err := repositoryRoot()
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, recordings, name)) //nolint:gosec // a fixed folder beside the repository
	if err != nil {
		absent(tb, "the recordings of the real API", err)
	}
	return raw
}

// Recordings returns the folder of the recorded answers. Where it is absent the test ends, as with Load.
func Recordings(tb testing.TB) string {
	tb.Helper()
	root, err := repositoryRoot()
	if err != nil {
		tb.Fatal(err)
	}
	folder := filepath.Join(root, recordings)
	if _, err := os.Stat(folder); err != nil {
		absent(tb, "the recordings of the real API", err)
	}
	return folder
}

// absent ends a test for want of what it is judged by: skipped at a desk where it is not there, failed otherwise.
func absent(tb testing.TB, what string, err error) {
	tb.Helper()
	if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") != "true" {
		tb.Skipf("nothing is judged by %s, which is not here: %v", what, err)
	}
	tb.Fatalf("%s: %v", what, err)
}

// repositoryRoot returns the folder of go.mod, from the folder in which a test runs.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, statErr := os.Stat(filepath.Join(dir, "go.mod")); statErr == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// Option says what else Judge judges.
type Option func(*rules)

type rules struct{ requests bool }

// Requests has requests judged too: those of a client that is under test, not those that are wrong on purpose.
func Requests() Option { return func(r *rules) { r.requests = true } }
