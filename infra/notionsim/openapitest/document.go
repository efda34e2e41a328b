// Package openapitest judges requests and answers by Notion's own OpenAPI document, in tests.
//
// The document is not part of this repository: it is looked for in ../shared/facts beside it. Where it is absent, a test that
// asks for it is skipped, and fails where the environment has CI=true.
package openapitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// Document is Notion's OpenAPI document, ready to judge.
type Document struct {
	validator validator.Validator
	paths     map[string]map[string]operation
	known     map[string]map[string]bool // of "page" and "schema": the types of property that the document knows there
}

// operation is what is needed of one method of a path: the statuses that it may answer.
type operation struct {
	Responses map[string]any `json:"responses"`
}

// Where things are, from the repository's root.
const (
	location   = "../shared/facts/notion-openapi.trimmed.json"
	recordings = "../shared/data/notion-recorded"
)

//nolint:gochecknoglobals // reading the document takes a second: once for all tests of a package
var load = sync.OnceValues(read)

// Load gives the document. Where it is absent the test ends: skipped, or failed in CI.
func Load(tb testing.TB) *Document {
	tb.Helper()
	d, err := load()
	if err != nil {
		absent(tb, "Notion's OpenAPI document", err)
	}
	return d
}

// absent ends a test for want of what it is judged by: skipped at a desk where it is not there, failed otherwise.
func absent(tb testing.TB, what string, err error) {
	tb.Helper()
	if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") != "true" {
		tb.Skipf("nothing is judged by %s, which is not here: %v", what, err)
	}
	tb.Fatalf("%s: %v", what, err)
}

// Judge gives a handler that answers as next does and fails the test for each answer that the document does not allow; see
// Document.Wrap. Where the document is absent it says so and gives next as it is, or fails in CI: for tests that have more to
// show than that.
func Judge(tb testing.TB, next http.Handler, options ...Option) http.Handler {
	tb.Helper()
	d, err := load()
	if err != nil && os.Getenv("CI") != "true" {
		tb.Logf("Notion's OpenAPI document is not here, so nothing is judged by it: %v", err)
		return next
	}
	if err != nil {
		tb.Fatalf("Notion's OpenAPI document: %v", err)
	}
	return d.Wrap(tb, next, options...)
}

// Recording gives an answer of the real API as others recorded it; see SOURCES.md beside the recordings. Where they are absent
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

func read() (*Document, error) {
	root, err := repositoryRoot()
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(root, location)) //nolint:gosec // a fixed place beside the repository
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("%s: %w", location, err)
	}
	repair(tree)
	if raw, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	d := &Document{known: knownTypes(tree)}
	var outline struct {
		Paths map[string]map[string]operation `json:"paths"`
	}
	if err := json.Unmarshal(raw, &outline); err != nil {
		return nil, fmt.Errorf("%s: %w", location, err)
	}
	d.paths = outline.Paths
	doc, err := libopenapi.NewDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", location, err)
	}
	v, errs := validator.NewValidator(doc)
	d.validator = v
	return d, errors.Join(errs...)
}

// repositoryRoot gives the folder of go.mod, from the folder in which a test runs.
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
