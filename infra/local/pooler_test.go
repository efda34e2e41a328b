//go:build pooler

package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/infra/local/pgbouncer"
	"github.com/act-platform/enhanced-integration/infra/local/postgres"
)

// TestBehindPooler: the whole system works behind PgBouncer in transaction mode: a full sync, 500 deliveries, and 160 of 160 answers to the
// dashboard.
func TestBehindPooler(t *testing.T) {
	dir, err := os.MkdirTemp("", "pooler")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // root's server runs as nobody, who must enter
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	server, err := postgres.Start(t.Context(), postgres.Config{
		Dir: filepath.Join(dir, "postgres"), Cache: filepath.Join(cache, "enhanced-integration"), Ephemeral: true, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	pooler, err := pgbouncer.Start(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pooler.Stop)
	r := startSystem(t, dir+"/state", "DATABASE_URL="+pooler.URL(server.URL()), "MIGRATION_DATABASE_URL="+server.URL())
	direct, err := pgxpool.New(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(direct.Close)
	count := func(sql string) (n int) {
		t.Helper()
		if err := direct.QueryRow(context.WithoutCancel(t.Context()), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}

	began := time.Now()
	r.ask(t, http.MethodPost, "/sync/trigger", map[string]any{"type": "full"})
	eventually(t, 3*time.Minute, "the full sync", func() bool {
		return count(`select count(*) from integration.sync_runs where type = 'full' and status = 'succeeded'`) == 1
	})
	records := count(`select (select count(*) from partners) + (select count(*) from projects) + (select count(*) from opportunities) + (select count(*) from organizations)`)
	t.Logf("a full sync: %d records in %.1f s", records, time.Since(began).Seconds())
	if records == 0 || count(`select count(*) from integration.sync_errors`) != 0 {
		t.Error("not every record is there")
	}

	began = time.Now()
	const each, subscribers = 100, 5
	var ends []*taker
	for range subscribers {
		e := newTaker(t, nil)
		r.ask(t, http.MethodPost, "/events/subscribe", map[string]any{"callback_url": e.URL, "event_types": []string{"record_updated"}, "rate_limit": 1000})
		ends = append(ends, e)
	}
	r.happen(t, direct, each)
	delivered := func() (n int) {
		for _, e := range ends {
			e.mu.Lock()
			n += len(e.first)
			e.mu.Unlock()
		}
		return n
	}
	eventually(t, 2*time.Minute, "the deliveries", func() bool { return delivered() >= each*subscribers })
	t.Logf("deliveries: %d in %.1f s", delivered(), time.Since(began).Seconds())

	paths := []string{
		"/analytics/dashboard", "/sync/status", "/sync/conflicts", "/sync/errors", "/events", "/events/subscriptions", "/config", "/alerts", "/breakers", "/health",
	}
	type got struct {
		path   string
		status int
	}
	answers := make(chan got)
	for range 8 {
		go func() {
			for n := range 20 {
				path := paths[n%len(paths)]
				answers <- got{path, status(r, path)}
			}
		}()
	}
	right := 0
	for range 160 {
		if a := <-answers; a.status == http.StatusOK {
			right++
		} else {
			t.Errorf("GET %s: %d", a.path, a.status)
		}
	}
	t.Logf("GETs by eight at once: %d of 160 right", right)
}

// status asks and returns the answer's status; 0 for none.
func status(r *running, path string) int {
	request, err := http.NewRequest(http.MethodGet, r.env["API_URL"]+apiPath+path, http.NoBody) //nolint:noctx // a test's
	if err != nil {
		return 0
	}
	request.Header.Set("X-Api-Key", r.env["API_KEY"])
	response, err := http.DefaultClient.Do(request) //nolint:forbidigo // a test's request on loopback
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}
