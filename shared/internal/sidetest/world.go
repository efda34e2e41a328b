// Package sidetest puts a whole sync together for tests: a simulated Notion workspace, a real Postgres, and the product's own parts
// between them, driven by hand instead of by a queue.
package sidetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/internal/schematest"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/notion/pages"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// World is a workspace, a database, and a sync between them.
type World struct {
	Sim     *notionsim.Sim
	Address string // of the simulator
	Pool    *postgres.Pool
	Starter engine.Starter
	Syncer  *engine.Syncer
	Client  *notion.Client

	Messages int // that were worked on

	limit  time.Duration
	now    func() time.Time
	queue  []journal.Message
	before atomic.Pointer[func()]
}

// Before calls do before each request of the integration to Notion from now on; nil ends that.
func (w *World) Before(do func()) {
	if do == nil {
		w.before.Store(nil)
		return
	}
	w.before.Store(&do)
}

// Remap has the sync work by another mapping from now on.
func (w *World) Remap(m mapping.Mapping) {
	w.Syncer.Connection.Mapping = m
	w.Syncer.Tables = func(k mapping.Kind) engine.Tables { return records.New(w.Pool, config.DefaultConnection, m, k, newID) }
}

// Setup says how a world begins.
type Setup struct {
	Sim  notionsim.Config
	Pool *postgres.Pool // of AfterFirstSync or Copy; nil is an empty, migrated database
	// Mapping is what is kept in step; Databases names, once the simulator runs, the Notion databases by kind.
	Mapping   mapping.Mapping
	Databases func(w *World) map[string]string
	// Change may alter what the sync is set to.
	Change func(*engine.Config)
}

// New makes a world with the demo workspace, the ACT mapping and an empty, migrated database. change may alter what the sync is set to. Where
// kinds are named, only those are kept in step: most tests need no more than one, and each costs.
func New(tb testing.TB, change func(*engine.Config), kinds ...string) *World {
	tb.Helper()
	return Build(tb, demo(nil, change, kinds...))
}

// Synced makes a world as it is after the first full sync of one that [New] makes. Its simulator has answered nothing yet.
func Synced(tb testing.TB, change func(*engine.Config), kinds ...string) *World {
	tb.Helper()
	return Build(tb, demo(AfterFirstSync(tb), change, kinds...))
}

// firstSync is the database that AfterFirstSync copies.
//
//nolint:gochecknoglobals // made once, and nobody changes it
var firstSync = pgtest.Template{Name: "synced"}

// AfterFirstSync returns a database as the first full sync of the demo workspace leaves it. That sync is made once a process, and writes
// nothing to Notion: what it leaves goes with any simulator that begins with the same workspace.
func AfterFirstSync(tb testing.TB) *postgres.Pool {
	tb.Helper()
	return Copy(tb, &firstSync, func(pool *postgres.Pool) {
		w := Build(tb, demo(pool, nil))
		if r := w.Sync(tb, journal.Full); r.Status != "succeeded" || r.Counts.Errors > 0 || r.Written() != r.RowsCreated {
			tb.Fatalf("the first sync: %+v", r)
		}
	})
}

// Copy returns a copy of the database that the template is filled with once a process, for a Setup. Every event that the test leaves in it
// is held against its schema.
func Copy(tb testing.TB, template *pgtest.Template, fill func(*postgres.Pool)) *postgres.Pool {
	tb.Helper()
	pool := template.New(tb, fill)
	schematest.CheckStored(tb, pool)
	return pool
}

func demo(pool *postgres.Pool, change func(*engine.Config), kinds ...string) Setup {
	databases := func(w *World) map[string]string {
		ids := w.Sim.Databases()
		maps.DeleteFunc(ids, func(kind, _ string) bool { return len(kinds) > 0 && !slices.Contains(kinds, kind) })
		return ids
	}
	return Setup{Sim: notionsim.Config{Demo: true, Seed: 1}, Pool: pool, Mapping: mapping.ACT(), Databases: databases, Change: change}
}

// Build makes a world.
func Build(tb testing.TB, setup Setup) *World {
	tb.Helper()
	if setup.Pool == nil {
		setup.Pool = pgtest.New(tb)
		schematest.CheckStored(tb, setup.Pool)
	}
	sim, err := notionsim.New(setup.Sim)
	if err != nil {
		tb.Fatal(err)
	}
	w := &World{Sim: sim, Pool: setup.Pool}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if do := w.before.Load(); do != nil && r.Header.Get("Authorization") == "Bearer "+notionsim.IntegrationToken {
			(*do)()
		}
		sim.ServeHTTP(rw, r)
	}))
	tb.Cleanup(func() {
		server.Close()
		_ = sim.Close()
	})
	w.Address = server.URL
	w.Client = notion.New(notion.Config{
		BaseURL: server.URL, Tokens: token{}, Transport: server.Client().Transport,
		Wait:    func(context.Context, time.Duration) error { return nil },
		Breaker: breaker.New(breaker.Config{Rule: breaker.Rule{Least: 1 << 30}}), // tests of outages end them at once
	})
	log := slog.New(slog.DiscardHandler)
	cfg := engine.Config{
		Connection: engine.Connection{
			ID: config.DefaultConnection, Mapping: setup.Mapping, DatabaseIDs: setup.Databases(w), Rule: merge.Newest,
			Limit: journal.Limit{Number: 1 << 30, Share: 1},
		},
		Ledger: postgres.Ledger{Pool: w.Pool, NewID: newID},
		Leases: postgres.Leases{Pool: w.Pool, TTL: time.Minute},
		Queue:  w,
		Notion: func(k mapping.Kind) engine.Notion { return pages.New(w.Client, k, log) },
		Tables: func(k mapping.Kind) engine.Tables {
			return records.New(w.Pool, config.DefaultConnection, setup.Mapping, k, newID)
		},
		Rehearsal: func(k mapping.Kind, runID string) engine.Tables {
			return records.NewRehearsal(w.Pool, config.DefaultConnection, setup.Mapping, k, newID, runID)
		},
		Now: time.Now, NewID: newID, Log: log, Writers: 1,
	}
	if setup.Change != nil {
		setup.Change(&cfg)
	}
	if cfg.Interactive == nil {
		cfg.Interactive = cfg.Notion
	}
	w.Syncer = engine.New(cfg)
	w.Starter = engine.Starter{
		ConnectionID: cfg.Connection.ID, Kinds: cfg.Connection.Kinds(), Ledger: cfg.Ledger, Queue: w, Now: cfg.Now, NewID: newID, Log: log,
	}
	return w
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// token is a token that does not change.
type token struct{}

// Token returns the token.
func (token) Token(context.Context) (secret.Text, error) {
	return secret.Of(notionsim.IntegrationToken), nil
}

// Invalidate does nothing: there is no other.
func (token) Invalidate(secret.Text) {}

// Send is the queue: messages wait for Drain.
func (w *World) Send(_ context.Context, _ string, m journal.Message) error {
	w.queue = append(w.queue, m)
	return nil
}

// Waiting returns how many messages are queued.
func (w *World) Waiting() int { return len(w.queue) }

// Sync runs a sync of that type of all databases, or of those named, to its end, and gives what it did.
func (w *World) Sync(tb TB, t journal.Type, kinds ...string) Report {
	tb.Helper()
	return w.Report(tb, w.start(tb, engine.Request{Type: t, Kinds: kinds, RequestedBy: "test"}))
}

// Rehearse makes a dry run of that type to its end, and gives its id and what it would have done.
func (w *World) Rehearse(tb TB, t journal.Type, kinds ...string) (runID string, would Report) {
	tb.Helper()
	runID = w.start(tb, engine.Request{Type: t, Kinds: kinds, DryRun: true, RequestedBy: "test"})
	return runID, w.Report(tb, runID)
}

func (w *World) start(tb TB, req engine.Request) (runID string) {
	tb.Helper()
	run, err := w.Starter.Start(tb.Context(), req)
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.Drain(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return run.ID
}

// Within limits the work on each message from now on to so long, of that clock.
func (w *World) Within(limit time.Duration, now func() time.Time) { w.limit, w.now = limit, now }

// Drain works on what is queued until nothing is.
func (w *World) Drain(ctx context.Context) error {
	for len(w.queue) > 0 {
		m := w.queue[0]
		w.queue = w.queue[1:]
		if err := w.work(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) work(ctx context.Context, m journal.Message) error {
	w.Messages++
	if w.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, w.now().Add(w.limit))
		defer cancel()
	}
	return w.Syncer.Work(ctx, m)
}

// Report is what a run did.
type Report struct {
	Status string
	Errors map[string]string // by kind
	journal.Counts
}

// Report tells what a run did, its databases together.
func (w *World) Report(tb TB, runID string) Report {
	tb.Helper()
	r := Report{Errors: map[string]string{}}
	if err := w.Pool.QueryRow(tb.Context(), `select status from integration.sync_runs where id = $1`, runID).Scan(&r.Status); err != nil {
		tb.Fatal(err)
	}
	rows, err := w.Pool.Query(tb.Context(), `select kind, coalesce(error, ''), counts from integration.sync_run_databases where run_id = $1`, runID)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, reason string
		var c journal.Counts
		if err := rows.Scan(&kind, &reason, &c); err != nil {
			tb.Fatal(err)
		}
		if reason != "" {
			r.Errors[kind] = reason
		}
		r.Read += c.Read
		r.RowsCreated += c.RowsCreated
		r.RowsUpdated += c.RowsUpdated
		r.RowsArchived += c.RowsArchived
		r.PagesCreated += c.PagesCreated
		r.PagesUpdated += c.PagesUpdated
		r.PagesArchived += c.PagesArchived
		r.Conflicts += c.Conflicts
		r.Counts.Errors += c.Errors
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return r
}

// Person does something in Notion as a person, and gives the answer. body is marshalled; nil sends none.
func (w *World) Person(tb testing.TB, method, path string, body any) map[string]any {
	tb.Helper()
	status, answer := w.Call(tb, notionsim.PersonToken, method, path, body)
	if status != http.StatusOK {
		tb.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// Call sends a request to the simulator.
func (w *World) Call(tb testing.TB, token, method, path string, body any) (int, map[string]any) {
	tb.Helper()
	var content io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			tb.Fatal(err)
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(tb.Context(), method, w.Address+path, content)
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Notion-Version", notion.DefaultVersion)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request) //nolint:forbidigo // a test's request on loopback
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		tb.Fatal(err)
	}
	return response.StatusCode, answer
}

// Exec does something in Postgres as the application.
func (w *World) Exec(tb TB, sql string, args ...any) {
	tb.Helper()
	if _, err := w.Pool.Exec(tb.Context(), sql, args...); err != nil {
		tb.Fatal(err)
	}
}

// Query returns one value from Postgres.
func Query[T any](tb TB, w *World, sql string, args ...any) T {
	tb.Helper()
	var v T
	if err := w.Pool.QueryRow(tb.Context(), sql, args...).Scan(&v); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
	return v
}
