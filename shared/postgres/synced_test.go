package postgres_test

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// TestADatabaseThatAlwaysFailsIsToldOf: that another database is synced in between, by itself, hides no failure.
func TestADatabaseThatAlwaysFailsIsToldOf(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	now := time.Now().UTC()
	for i := range 10 {
		for j, r := range []struct{ scope, kind, status string }{{"", "partners", "failed"}, {"projects", "projects", "succeeded"}} {
			id, at := uuidV7(), now.Add(time.Duration(2*i+j-60)*time.Minute)
			exec(t, pool, `insert into integration.sync_runs (id, connection_id, type, scope, status, requested_by, created_at, started_at, finished_at)
				values ($1, $2, 'incremental', $3, $4, 'test', $5, $5, $5)`, id, config.DefaultConnection, r.scope, r.status, at)
			exec(t, pool, `insert into integration.sync_run_databases (run_id, kind, status, queued_at, finished_at) values ($1, $2, $3, $4, $4)`, id, r.kind, r.status, at)
		}
	}
	s, err := postgres.Alerts{Pool: pool, ConnectionID: config.DefaultConnection, Kinds: []string{"partners", "projects"}}.Samples(t.Context(), now)
	if err != nil || s.FailedSyncs != 10 {
		t.Errorf("partners failed ten times in a row, %d are told of, %v; freshness %v", s.FailedSyncs, err, s.Freshness)
	}
}

// TestADatabaseThatTakesNoWritesIsNotWell: Supabase makes a database read-only when its disk is nearly full, and nothing is synced then.
func TestADatabaseThatTakesNoWritesIsNotWell(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t) // a pooler would go on with sessions of before
	writable := open(t, address)
	if err := (postgres.Status{Pool: writable}).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := writable.Config().ConnConfig.Database
	exec(t, writable, `alter database `+name+` set default_transaction_read_only = on`)
	pool := open(t, address)
	_, errWrite := pool.Exec(t.Context(), `update integration.connections set name = name`)
	if err := (postgres.Status{Pool: pool}).Ping(t.Context()); fault.KindOf(err) != fault.Unavailable || fault.Message(err) != fault.Message(postgres.Fault(errWrite)) {
		t.Errorf("a write says %v, the check %v", errWrite, err)
	}
}

// TestAFullWorkspaceWithNothingToCreate: once nothing waits for room, nobody is told of it each hour for ever.
func TestAFullWorkspaceWithNothingToCreate(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	exec(t, pool, `insert into integration.full_workspaces (connection_id, reason) values ($1, 'full')`, config.DefaultConnection)
	s, err := postgres.Alerts{Pool: pool, ConnectionID: config.DefaultConnection, Kinds: []string{"partners"}}.Samples(t.Context(), time.Now())
	if err != nil || s.Full != nil {
		t.Errorf("%+v, %v", s.Full, err)
	}
}
