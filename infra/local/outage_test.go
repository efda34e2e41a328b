//go:build outage

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/infra/local/postgres"
)

// These tests take the database away, and lock a row, in the middle of a run of the whole system: make outage.

// gap is a way to a server that can be cut.
type gap struct {
	target string
	mu     sync.Mutex
	listen net.Listener
	open   map[net.Conn]bool
	port   string
}

func newGap(t *testing.T, target string) *gap {
	t.Helper()
	g := &gap{target: target, open: map[net.Conn]bool{}, port: "0"}
	g.mend(t)
	t.Cleanup(g.cut)
	return g
}

// mend lets connections through.
func (g *gap) mend(t *testing.T) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:"+g.port)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listen = listener
	_, g.port, _ = net.SplitHostPort(listener.Addr().String())
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go g.join(in)
		}
	}()
}

func (g *gap) join(in net.Conn) {
	out, err := new(net.Dialer).DialContext(context.Background(), "tcp", g.target)
	if err != nil {
		in.Close()
		return
	}
	g.mu.Lock()
	g.open[in], g.open[out] = true, true
	g.mu.Unlock()
	end := func() {
		in.Close()
		out.Close()
		g.mu.Lock()
		delete(g.open, in)
		delete(g.open, out)
		g.mu.Unlock()
	}
	go func() { _, _ = io.Copy(out, in); end() }()
	_, _ = io.Copy(in, out)
	end()
}

// cut ends all connections, and lets none through.
func (g *gap) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listen.Close()
	for c := range g.open {
		c.Close()
	}
}

// diary notes what the system says, once it says something else.
type diary struct {
	t     *testing.T
	r     *running
	began time.Time
	last  string
	codes map[string]int
}

func (d *diary) look() (status map[string]any) {
	d.t.Helper()
	key := map[string]string{"X-API-Key": d.r.env["API_KEY"]}
	code, answer := ask(d.t, http.MethodGet, d.r.env["API_URL"]+apiPath+"/health", nil, nil)
	h, _ := answer["health"].(map[string]any)
	_, status = ask(d.t, http.MethodGet, d.r.env["API_URL"]+apiPath+"/sync/status", key, nil)
	_, open := ask(d.t, http.MethodGet, d.r.env["API_URL"]+apiPath+"/alerts", key, nil)
	var alerts []string
	list, _ := open["alerts"].([]any)
	for _, a := range list {
		alerts = append(alerts, fmt.Sprint(a.(map[string]any)["condition"], " ", a.(map[string]any)["subject"]))
	}
	s, _ := status["sync_statistics"].(map[string]any)
	s, _ = s["status"].(map[string]any)
	says := fmt.Sprintf("health %d %v; running %v, errors %v, locked %v; alerts %q", code, h["overall"], s["isRunning"], shortened(s["errors"]), shortened(s["locked"]), alerts)
	if says != d.last {
		d.t.Logf("%6.1f s: %s", time.Since(d.began).Seconds(), says)
		d.last = says
	}
	return s
}

func shortened(v any) string {
	text := fmt.Sprint(v)
	return text[:min(len(text), 160)]
}

// trigger asks for a full sync and gives its id, "" where it was refused.
func (d *diary) trigger() string {
	d.t.Helper()
	code, answer := ask(d.t, http.MethodPost, d.r.env["API_URL"]+apiPath+"/sync/trigger", map[string]string{"X-API-Key": d.r.env["API_KEY"]}, map[string]string{"type": "full"})
	d.codes[fmt.Sprint(code)]++
	if code != http.StatusAccepted {
		return ""
	}
	id, _ := answer["sync_id"].(string)
	return id
}

func newDiary(t *testing.T, r *running) *diary {
	return &diary{t: t, r: r, began: time.Now(), codes: map[string]int{}}
}

func pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// TestOutageOfTheDatabase: the database is away for 24 s in the middle of a run; within 30 s of its return a run has succeeded.
func TestOutageOfTheDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "database")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	server, err := postgres.Start(t.Context(), postgres.Config{Dir: filepath.Join(dir, "postgres"), Cache: filepath.Join(cache, "enhanced-integration"), Ephemeral: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Stop()
		_ = postgres.Remove(context.Background(), filepath.Join(dir, "postgres"))
	})
	address, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	g := newGap(t, address.Host)
	direct := address.String()
	address.Host = "127.0.0.1:" + g.port
	r := startSystem(t, filepath.Join(t.TempDir(), "state"), "DATABASE_URL="+address.String())
	pool, err := pgxpool.New(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	r.sync(t, pool)
	slow(t, r)
	for _, away := range []time.Duration{24 * time.Second, 90 * time.Second} {
		t.Run(away.String(), func(t *testing.T) {
			d := newDiary(t, r)
			eventually(t, time.Minute, "a run is asked for", func() bool { return d.trigger() != "" })
			eventually(t, time.Minute, "it is at work", func() bool {
				var n int
				err := pool.QueryRow(t.Context(), `select count(*) from integration.sync_leases where expires_at > clock_timestamp()`).Scan(&n)
				return err == nil && n > 0
			})
			pause(300 * time.Millisecond)
			g.cut()
			cut := time.Now()
			for time.Since(cut) < away {
				d.look()
				pause(time.Second)
			}
			g.mend(t)
			back := time.Now()
			succeeded := func() bool {
				var n int
				err := pool.QueryRow(t.Context(), `select count(*) from integration.sync_runs where status = 'succeeded' and type = 'full' and finished_at > $1`, back).Scan(&n)
				return err == nil && n > 0
			}
			for !succeeded() {
				d.look()
				d.trigger()
				pause(500 * time.Millisecond)
				if time.Since(back) > 3*time.Minute {
					t.Fatal("no run succeeds")
				}
			}
			took := time.Since(back)
			d.look()
			t.Logf("away for %s; %.1f s after its return a run had succeeded; triggers answered %v", away, took.Seconds(), d.codes)
			if took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
			eventually(t, 2*time.Minute, "all runs end", func() bool {
				var n int
				err := pool.QueryRow(t.Context(), `select count(*) from integration.sync_runs where status in ('queued', 'running')`).Scan(&n)
				return err == nil && n == 0
			})
		})
	}
}

// slow has Notion take its time, so that a run is in the middle for a while.
func slow(t *testing.T, r *running) {
	t.Helper()
	if code, answer := ask(t, http.MethodPost, r.env["NOTION_URL"]+"/_sim/faults", nil, []any{map[string]any{"latency_ms": 300}}); code > 299 {
		t.Fatalf("%d %v", code, answer)
	}
}

// TestOutageOfARow: an application locks a row for a minute; the others go on within a second or two, and the row follows once it is free.
func TestOutageOfARow(t *testing.T) {
	r := startSystem(t, filepath.Join(t.TempDir(), "state"))
	pool := r.database(t)
	r.sync(t, pool)
	type row struct{ ID, Page string }
	var rows [2]row
	for i := range rows {
		if err := pool.QueryRow(t.Context(), `select b.id::text, b.notion_id from notion_partners b order by b.id offset $1 limit 1`, i).Scan(&rows[i].ID, &rows[i].Page); err != nil {
			t.Fatal(err)
		}
	}
	person := map[string]string{"Authorization": "Bearer " + r.env["NOTION_PERSON_TOKEN"], "Notion-Version": "2026-03-11", "Content-Type": "application/json"}
	write := func(page, text string) {
		body := map[string]any{"properties": map[string]any{"Location": map[string]any{"rich_text": []any{map[string]any{"text": map[string]any{"content": text}}}}}}
		if code, answer := ask(t, http.MethodPatch, r.env["NOTION_URL"]+"/v1/pages/"+page, person, body); code != http.StatusOK {
			t.Fatalf("%d %v", code, answer)
		}
	}
	location := func(id string) (text string) {
		if err := pool.QueryRow(t.Context(), `select coalesce(location, '') from partners where id = $1`, id).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `update partners set status = status where id = $1`, rows[0].ID); err != nil {
		t.Fatal(err)
	}
	locked := time.Now()
	d := newDiary(t, r)
	write(rows[0].Page, "locked")
	write(rows[1].Page, "free")
	asked := time.Now()
	for runs := 0; time.Since(locked) < time.Minute; runs++ {
		began := time.Now()
		r.sync(t, pool)
		t.Logf("%6.1f s: a full sync beside the lock took %.1f s", time.Since(d.began).Seconds(), time.Since(began).Seconds())
		if runs == 0 {
			t.Logf("the free row had the edit %.1f s after it was asked for", time.Since(asked).Seconds())
			if location(rows[1].ID) != "free" || location(rows[0].ID) == "locked" {
				t.Errorf("rows: %q, %q", location(rows[0].ID), location(rows[1].ID))
			}
		}
		d.look()
		pause(5 * time.Second)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	released := time.Now()
	r.sync(t, pool)
	took := time.Since(released)
	t.Logf("locked for %.0f s; %.1f s after its release the next run had succeeded, and the row was at %q", time.Since(locked).Seconds(), took.Seconds(), location(rows[0].ID))
	d.look()
	if took > 30*time.Second || location(rows[0].ID) != "locked" {
		t.Errorf("after %s the row is at %q", took, location(rows[0].ID))
	}
}
