package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

// TestOneDatabasesSyncsPutOffNoOther: somebody has one database synced more often than the connection's interval. The schedule still syncs the others.
func TestOneDatabasesSyncsPutOffNoOther(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	c := two[0]
	c.settings.Interval = time.Hour
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := c.pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	// The whole was synced a day ago; partners alone, by somebody, ten minutes ago.
	for _, r := range []struct{ scope, ago string }{{"", "1 day"}, {"partners", "10 minutes"}} {
		id := newID()
		exec(`insert into integration.sync_runs (id, connection_id, type, scope, status, requested_by, created_at, started_at, finished_at)
			values ($1, $2, 'incremental', $3, 'succeeded', 'someone', now() - $4::interval, now() - $4::interval, now() - $4::interval)`, id, c.id(), r.scope, r.ago)
	}
	if err := c.tick(t.Context(), c.pool, journal.Incremental); err != nil {
		t.Fatal(err)
	}
	if n := c.count(t, `select count(distinct p.kind) from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
		where r.connection_id = $1 and r.requested_by = 'schedule' and p.kind <> 'partners'`); n == 0 {
		t.Error("the other databases were last synced a day ago, at an interval of an hour, and the schedule does not start them")
	}
}

// TestAlertsGoByTheInterval: a connection that is to be synced every six hours is not out of date after two.
func TestAlertsGoByTheInterval(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	queued(t, &two)
	for name, c := range map[string]struct {
		interval time.Duration
		ago      string
		raised   int
	}{
		"within the interval":  {6 * time.Hour, "2 hours", 0},
		"long after it":        {6 * time.Hour, "14 hours", 1},
		"each time it ticks":   {0, "2 hours", 1},
		"each hour, as it may": {time.Hour, "64 minutes", 0},
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // one connection
			first := two[0]
			is := first.settings
			is.Interval = c.interval
			p := first.of(is)
			id := newID()
			for _, sql := range []string{`delete from integration.alerts`, `delete from integration.sync_runs`} {
				if _, err := first.pool.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := first.pool.Exec(t.Context(), `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at)
				values ($1, $2, 'incremental', 'succeeded', 'schedule', now() - $3::interval, now() - $3::interval, now() - $3::interval)`, id, p.id(), c.ago); err != nil {
				t.Fatal(err)
			}
			if _, err := first.pool.Exec(t.Context(), `insert into integration.sync_run_databases (run_id, kind, status, queued_at, finished_at) values ($1, 'partners', 'succeeded', now() - $2::interval, now() - $2::interval)`, id, c.ago); err != nil {
				t.Fatal(err)
			}
			get := func(context.Context) (*postgres.Pool, error) { return first.pool, nil }
			if err := p.monitor(get).Watch(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := first.count(t, `select count(*) from integration.alerts where connection_id = $1 and condition = 'stale_data' and resolved_at is null`); n != c.raised {
				t.Errorf("%d alerts, not %d", n, c.raised)
			}
		})
	}
}

// TestAlertsOfWhatIsNotSyncedEnd: an alert ends when its database is not synced any more.
func TestAlertsOfWhatIsNotSyncedEnd(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	queued(t, &two)
	first := two[0]
	for _, condition := range []string{"stale_data", "sync_stalled", "deletes_held"} {
		if _, err := first.pool.Exec(t.Context(), `insert into integration.alerts (id, connection_id, condition, subject, message, raised_at, notified_at) values ($1, $2, $3, 'partners', 'x', now() - interval '2 days', now() - interval '2 days')`, newID(), first.id(), condition); err != nil {
			t.Fatal(err)
		}
	}
	is := first.settings
	is.Databases = map[string]string{"projects": is.Databases["projects"]}
	get := func(context.Context) (*postgres.Pool, error) { return first.pool, nil }
	if err := first.of(is).monitor(get).Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := first.count(t, `select count(*) from integration.alerts where connection_id = $1 and subject = 'partners' and resolved_at is null`); n != 0 {
		t.Errorf("%d alerts of a database that is not synced any more are open", n)
	}
}

// TestTheAlertOfAnOldTokenEnds: a token that is not used any more does not expire.
func TestTheAlertOfAnOldTokenEnds(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"connected anew, without saying when it ends": `update oauth_tokens set expires_at = null where connection_id = $1`,
		"disconnected": `update oauth_tokens set status = 'disconnected', expires_at = now() where connection_id = $1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			two := connectTwo(t)
			queued(t, &two)
			first := two[0]
			get := func(context.Context) (*postgres.Pool, error) { return first.pool, nil }
			watch := func() {
				t.Helper()
				if err := first.monitor(get).Watch(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := first.pool.Exec(t.Context(), `update oauth_tokens set expires_at = now() + interval '1 hour' where connection_id = $1`, first.id()); err != nil {
				t.Fatal(err)
			}
			const open = `select count(*) from integration.alerts where connection_id = $1 and condition = 'token_expiry' and resolved_at is null`
			watch()
			if n := first.count(t, open); n != 1 {
				t.Fatalf("%d alerts before", n)
			}
			if _, err := first.pool.Exec(t.Context(), sql, first.id()); err != nil {
				t.Fatal(err)
			}
			watch()
			if n := first.count(t, open); n != 0 {
				t.Errorf("%d alerts of a token that is not used any more", n)
			}
		})
	}
}

// TestStatusIsOfWhatIsSynced: what was wrong with a database that is not synced any more is no error of today.
func TestStatusIsOfWhatIsSynced(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	first := two[0]
	id := newID()
	for _, sql := range []string{
		`insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, finished_at) values ($1, $2, 'full', 'failed', 'test', now() - interval '2 days', now() - interval '2 days')`,
		`insert into integration.sync_run_databases (run_id, kind, status, error, queued_at, finished_at) select $1, 'partners', 'failed', 'The database is in the trash.', now(), now() from integration.connections where id = $2`,
	} {
		if _, err := first.pool.Exec(t.Context(), sql, id, first.id()); err != nil {
			t.Fatal(err)
		}
	}
	is := first.settings
	for want, databases := range map[string]map[string]string{
		"The database is in the trash.": is.Databases,
		`"errors":[]`:                   {"projects": is.Databases["projects"]},
	} {
		is.Databases = databases
		w := httptest.NewRecorder()
		ctx := invocation.WithCall(t.Context(), invocation.Call{Authorization: access.Context(access.Principal{Client: "tester", Scopes: access.Scopes()}, nil)})
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, api.Base+"/sync/status", http.NoBody)
		first.of(is).answerSyncStatus(first.pool).ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in %d %s", want, w.Code, w.Body)
		}
	}
}

// TestAFailedSyncDoesNotWaitForTheInterval: a connection that is synced once a day does not lose a day to a minute without Notion.
func TestAFailedSyncDoesNotWaitForTheInterval(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	for status, want := range map[string]int{"failed": 1, "succeeded": 0} {
		c := two[0]
		c.settings.Interval = 24 * time.Hour
		if _, err := c.pool.Exec(t.Context(), `delete from integration.sync_runs`); err != nil {
			t.Fatal(err)
		}
		if _, err := c.pool.Exec(t.Context(), `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at)
			values ($1, $2, 'incremental', $3, 'schedule', now() - interval '10 minutes', now(), now())`, newID(), c.id(), status); err != nil {
			t.Fatal(err)
		}
		if err := c.tick(t.Context(), c.pool, journal.Incremental); err != nil {
			t.Fatal(err)
		}
		if n := c.count(t, `select count(*) from integration.sync_runs where connection_id = $1 and status = 'queued'`); n != want {
			t.Errorf("the last one %s: %d syncs are started, not %d", status, n, want)
		}
	}
}
