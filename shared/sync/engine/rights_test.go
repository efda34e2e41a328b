package engine_test

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// narrowed has the sync of w work as a role that may do what docs/DEPLOY.md lists, and gives the role.
func narrowed(t *testing.T, w *sidetest.World) string {
	t.Helper()
	role := "narrow_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	w.Exec(t, `create role `+role+` login password 'narrow' bypassrls`)
	w.Exec(t, `grant usage on schema public, integration to `+role)
	w.Exec(t, `grant select, insert, update, delete on all tables in schema public, integration to `+role)
	w.Exec(t, `grant usage on all sequences in schema public, integration to `+role)
	at := *w.Pool.Config().ConnConfig
	address := url.URL{Scheme: "postgres", User: url.UserPassword(role, "narrow"), Host: net.JoinHostPort(at.Host, strconv.Itoa(int(at.Port))), Path: at.Database}
	pool, err := postgres.Open(t.Context(), secret.Of(address.String()), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pool.Close()
		if _, err := w.Pool.Exec(context.Background(), `drop owned by `+role+`; drop role `+role); err != nil {
			t.Error(err)
		}
	})
	w.Syncer.Tables = func(k mapping.Kind) engine.Tables {
		return records.New(pool, config.DefaultConnection, w.Syncer.Connection.Mapping, k, uuid.NewString)
	}
	return role
}

// TestRightsThatWereNarrowed: a sync that may not write a table, or a column of it, ends at once and names what it may not do. Nothing is lost: once
// the right is given back the next one does what is left.
func TestRightsThatWereNarrowed(t *testing.T) {
	t.Parallel()
	for name, c := range sample.Of(map[string]struct{ takes, gives string }{
		"a table":       {`revoke insert, update on partners from `, `grant insert, update on partners to `},
		"a join table":  {`revoke insert, delete on partners_projects from `, `grant insert, delete on partners_projects to `},
		"a base table":  {`revoke update on notion_partners from `, `grant update on notion_partners to `},
		"what a row is": {`revoke select on partners from `, `grant select on partners to `},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners", "projects")
			role := narrowed(t, w)
			succeeded(t, w.Sync(t, journal.Full))
			page, _ := someOf(t, w, "partners")
			project, _ := someOf(t, w, "projects")
			edit(t, w, page, map[string]any{"Location": rich("rich_text", "Hobart"), "Projects": map[string]any{"relation": []any{map[string]any{"id": project}}}})
			w.Exec(t, c.takes+role)
			got := w.Sync(t, journal.Full, "partners")
			if got.Status != "failed" || !strings.Contains(got.Errors["partners"], "permission denied for") || !strings.Contains(got.Errors["partners"], "grant") {
				t.Errorf("%+v", got)
			}
			w.Exec(t, c.gives+role)
			succeeded(t, w.Sync(t, journal.Full))
			w.Agree(t)
		})
	}
}
