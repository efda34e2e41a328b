//go:build conformance

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

// location is where the document is, from the repository's root.
const location = "../shared/facts/notion-openapi.trimmed.json"

//nolint:gochecknoglobals // reading the document takes a second: once for all tests of a package
var load = sync.OnceValues(read)

// Load returns the document. Where it is absent the test ends: skipped, or failed in CI.
func Load(tb testing.TB) *Document {
	tb.Helper()
	d, err := load()
	if err != nil {
		absent(tb, "Notion's OpenAPI document", err)
	}
	return d
}

// Judge returns a handler that answers as next does and fails the test for each answer that the document does not allow; see
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
