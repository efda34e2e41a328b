package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/auth/auditlog"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
)

func TestTrail(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	kept := postgres.AuditLog{Pool: pool, ConnectionID: connection}
	var want []auditlog.Entry
	for i, client := range []string{"desk", "crm", "desk"} {
		e := auditlog.Entry{
			ID: uuid.NewString(), At: now.Add(time.Duration(i) * time.Minute), Client: client, KeyID: "k", SourceIP: "192.0.2.1",
			RequestID: "r", Action: "POST /config",
		}
		if err := kept.Begin(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if i > 0 { // the first broke off
			e.Outcome = &auditlog.Outcome{Status: 200, Detail: map[string]any{"type": "full"}, At: now}
			if err := kept.End(t.Context(), e.ID, *e.Outcome); err != nil {
				t.Fatal(err)
			}
		}
		want = append([]auditlog.Entry{e}, want...)
	}
	page, err := kept.List(t.Context(), auditlog.Filter{Limit: 2})
	if err != nil || !cmp.Equal(page.Entries, want[:2]) || page.Next == 0 {
		t.Errorf("%v, %s", err, cmp.Diff(want[:2], page.Entries))
	}
	page, err = kept.List(t.Context(), auditlog.Filter{Limit: 2, Before: page.Next})
	if err != nil || !cmp.Equal(page.Entries, want[2:]) || page.Next != 0 {
		t.Errorf("the next page: %v, %s", err, cmp.Diff(want[2:], page.Entries))
	}
	page, err = kept.List(t.Context(), auditlog.Filter{Limit: 9, Client: "desk", Since: now.Add(time.Minute)})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].ID != want[0].ID {
		t.Errorf("filtered: %+v, %v", page, err)
	}
	for _, change := range []string{
		`update integration.audit_log set client = 'other'`, `delete from integration.audit_log`, `truncate integration.audit_log cascade`, `delete from integration.audit_outcomes`,
		`update integration.audit_outcomes set status = 500`, `truncate integration.audit_outcomes`, `delete from integration.connections`,
	} {
		if _, err := pool.Exec(t.Context(), change); err == nil {
			t.Errorf("%s was done", change)
		} else if !strings.Contains(err.Error(), "takes new rows only") && !strings.Contains(err.Error(), "violates foreign key") {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	store := postgres.Settings{Pool: pool}
	was, err := store.Read(t.Context(), connection)
	if err != nil || was.Policy != merge.Newest || was.Interval != 0 || was.Plan != "" || len(was.Databases) != 0 {
		t.Fatalf("%+v, %v", was, err)
	}
	is := was
	is.Policy, is.Interval, is.Plan, is.Databases = merge.SupabaseWins, 15*time.Minute, settings.Business, map[string]string{"partners": "x"}
	if err := store.Save(t.Context(), is, "desk"); err != nil {
		t.Fatal(err)
	}
	wants(t, store.Save(t.Context(), was, "crm"), fault.Conflict)
	is.Version++
	_, r := run(t, pool, journal.Full)
	for name, read := range map[string]func() (settings.Settings, error){
		"by id":  func() (settings.Settings, error) { return store.Read(t.Context(), connection) },
		"by run": func() (settings.Settings, error) { return store.OfRun(t.Context(), r.ID) },
		"listed": func() (settings.Settings, error) {
			all, err := store.List(t.Context())
			if len(all) != 1 {
				t.Errorf("%+v", all)
			}
			return all[0], err
		},
	} {
		if got, err := read(); err != nil || !cmp.Equal(got, is) {
			t.Errorf("%s: %v, %s", name, err, cmp.Diff(is, got))
		}
	}
	_, err = store.Read(t.Context(), "nobody's")
	wants(t, err, fault.NotFound)
	_, err = store.OfRun(t.Context(), uuid.NewString())
	wants(t, err, fault.NotFound)
	ledger := postgres.Ledger{Pool: pool}
	if last, err := ledger.Last(t.Context(), connection, journal.Full); err != nil || !last.Equal(now) {
		t.Errorf("%v, %v", last, err)
	}
	if last, err := ledger.Last(t.Context(), connection, journal.Incremental); err != nil || !last.IsZero() {
		t.Errorf("%v, %v", last, err)
	}
}
