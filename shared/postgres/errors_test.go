package postgres_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// TestErrorsOfOneIDInTwoTables: tables may share their primary keys, as one-to-one tables do.
func TestErrorsOfOneIDInTwoTables(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	d := postgres.Decisions{Pool: pool, ConnectionID: connection, Mapping: mapping.ACT()}
	row := uuid.NewString()
	for _, kind := range []string{"partners", "projects", "organizations"} {
		if _, err := pool.Exec(t.Context(), `insert into integration.sync_errors (connection_id, kind, row_id, side, reason, attempts, first_at, last_at, next_attempt_at) values ($1, $2, $3, 'notion', 'x', 1, now() - interval '1 hour', now(), now())`, connection, kind, row); err != nil {
			t.Fatal(err)
		}
	}
	seen, cursor := 0, ""
	for range 5 {
		found, err := d.Errors(t.Context(), journal.Find{Limit: 1, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		seen += len(found.Items)
		if cursor = found.Next; cursor == "" {
			break
		}
	}
	if seen != 3 {
		t.Errorf("%d of 3 were listed", seen)
	}
}
