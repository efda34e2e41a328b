package guard_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/act-platform/enhanced-integration/infra/guard"
	"github.com/act-platform/enhanced-integration/shared/api"
)

// TestRoutes: the template leads each path that the API declares to its function, with every method and behind the authorizer unless it is
// public, and leads nothing else anywhere.
func TestRoutes(t *testing.T) {
	t.Parallel()
	want := []guard.Route{{Function: "not-found", Path: "$default", Method: "ANY", Public: true}}
	for _, r := range api.Routes() {
		want = append(want, guard.Route{Function: r.Function, Path: api.Base + r.Path, Method: "ANY", Public: r.Public})
	}
	byPath := cmpopts.SortSlices(func(a, b guard.Route) bool { return a.Path < b.Path })
	if diff := cmp.Diff(want, read(t, filepath.Join(project, "template.yaml")).Routes(), byPath); diff != "" {
		t.Errorf("template.yaml differs from the routes of shared/api (-declared +template):\n%s", diff)
	}
}
