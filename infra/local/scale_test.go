//go:build scale

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestScale takes large databases in through the whole system, as built: it prints what that costs in requests and in the worker's
// memory, and fails where it is more than it may be.
func TestScale(t *testing.T) {
	const most = 128 << 10 // of the worker's memory, in kB
	for _, c := range []struct {
		pages, requests int
		limit           string
	}{
		{25_000, 258, "120"},
		{100_000, 1020, "10"},
	} {
		t.Run(fmt.Sprintf("%d pages, a function's limit of %s s", c.pages, c.limit), func(t *testing.T) {
			state := filepath.Join(t.TempDir(), "state")
			environ := []string{"NOTION_PLAN=business", "SYNC_SCHEDULE=rate(1 day)", "SYNC_WORKER_TIMEOUT=" + c.limit}
			r := startSystem(t, state, environ...)
			r.sim(t, "/_sim/seed", fmt.Sprintf(`{"records":{"partners":%d}}`, c.pages), nil)
			r.sim(t, "/_sim/stats/reset", "", nil)
			s, err := load("../..", state, anyPort(environ...))
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if err := syncNow(t.Context(), s, []string{"partners"}, t.Output()); err != nil {
				t.Fatal(err)
			}
			took := time.Since(begun)
			var stats struct {
				Total       int `json:"total"`
				RateLimited int `json:"rate_limited"`
			}
			r.sim(t, "/_sim/stats", "", &stats)
			memory := peak(t, filepath.Join(state, functionsDir, "sync-worker"))
			rows, invocations := r.rows(t), strings.Count(r.out.String(), "sync-worker    ")
			t.Logf("%d rows in %s (%.0f a second), %d requests, %d refused, worker's memory at most %.1f MB, %d lines of the worker's",
				rows, took.Round(time.Second), float64(rows)/took.Seconds(), stats.Total, stats.RateLimited, float64(memory)/1024, invocations)
			if rows != c.pages || stats.Total > c.requests || stats.RateLimited > 0 || memory > most || memory == 0 {
				t.Errorf("%d pages have %d rows, %d requests may be %d, %d refused may be 0, %d kB may be %d",
					c.pages, rows, stats.Total, c.requests, stats.RateLimited, memory, most)
			}
		})
	}
}

// TestScalePush pushes rows through the whole system, as built: many of them cost little more than their writes, and one row costs two requests and
// no memory, however much others have edited since the last sync.
func TestScalePush(t *testing.T) {
	const rows, edits, most = 5000, 44_000, 128 << 10
	const anyText = "a-secret-of-the-test"
	state := filepath.Join(t.TempDir(), "state")
	u := arriveAt(t, state, "NOTION_PLAN=business", "SYNC_SCHEDULE=rate(1 day)", "REAL_TIME_SYNC=true", "SUPABASE_WEBHOOK_SECRET="+anyText)
	u.sim(t, "/_sim/seed", fmt.Sprintf(`{"records":{"partners":%d}}`, rows), nil)
	s, err := load("../..", state, anyPort("NOTION_PLAN=business", "SYNC_SCHEDULE=rate(1 day)", "REAL_TIME_SYNC=true", "SUPABASE_WEBHOOK_SECRET="+anyText))
	if err != nil {
		t.Fatal(err)
	}
	pull := func() {
		t.Helper()
		if err := syncNow(t.Context(), s, []string{"partners"}, t.Output()); err != nil {
			t.Fatal(err)
		}
	}
	sent := func(do func()) (n int, took time.Duration) {
		t.Helper()
		u.sim(t, "/_sim/stats/reset", "", nil)
		begun := time.Now()
		do()
		took = time.Since(begun).Round(10 * time.Millisecond)
		var stats struct {
			Total    int            `json:"total"`
			Requests map[string]int `json:"requests"`
		}
		u.sim(t, "/_sim/stats", "", &stats)
		return stats.Total - stats.Requests["GET /v1/users/me"], took // by which the monitor asks each minute whether Notion is there
	}
	noticed := func() {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.api("/webhooks/supabase"),
			strings.NewReader(`{"type":"INSERT","table":"sync_changes","record":{"kind":"partners","connection_id":"`+u.ask(t, `select id::text from integration.connections`)+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Webhook-Secret", anyText)
		client := http.Client{Timeout: time.Minute}
		defer client.CloseIdleConnections()
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("the notice is answered with %d", answer.StatusCode)
		}
		for u.ask(t, `select count(*)::text from integration.sync_changes`) != "0" {
			if t.Context().Err() != nil {
				t.Fatal("the change was not pushed")
			}
			pause := time.NewTimer(20 * time.Millisecond)
			<-pause.C
		}
	}
	pull()
	u.exec(t, `update partners set location = 'moved'`)
	n, took := sent(noticed)
	t.Logf("%d rows: %d requests, %s", rows, n, took)
	if n > rows+rows*3/100 {
		t.Errorf("%d rows took %d requests", rows, n)
	}
	pull()
	u.sim(t, "/_sim/seed", fmt.Sprintf(`{"records":{"partners":%d}}`, rows+edits), nil)
	u.exec(t, `update partners set location = 'moved again' where id = (select id from partners order by id limit 1)`)
	n, took = sent(noticed)
	memory := peak(t, filepath.Join(state, functionsDir, "sync-worker"))
	t.Logf("one row after %d edits: %d requests, %s; worker's memory at most %.1f MB", edits, n, took, float64(memory)/1024)
	if n > 2 || memory > most || memory == 0 {
		t.Errorf("one row took %d requests, and %d kB of %d", n, memory, most)
	}
}

// TestBackfill writes a thousand pages through the whole system, as built: it spends nearly all that Notion allows and meets no refusal, while
// health is told, and the edits of people arrive, at once.
func TestBackfill(t *testing.T) {
	const minutes, allowed, atOnce = 5, 180, 5 * time.Second
	u := arrive(t, "REAL_TIME_SYNC=true")
	u.sync(t)
	u.settle(t)
	project := u.ask(t, `select id::text from projects order by id limit 1`)
	page := u.ask(t, `select notion_id from notion_projects where id = $1::text::uuid`, project)
	partner := u.ask(t, `select id::text from partners order by id limit 1`)
	partnerPage := u.ask(t, `select notion_id from notion_partners where id = $1::text::uuid`, partner)
	u.exec(t, `insert into partners (name) select 'partner ' || n from generate_series(1, 1000) n`)
	var stats struct {
		Total       int `json:"total"`
		RateLimited int `json:"rate_limited"`
	}
	u.sim(t, "/_sim/stats/reset", "", nil)
	begun := time.Now()
	if status, answer := u.send(t, http.MethodPost, u.api("/sync/trigger"), `{"type":"full"}`); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, answer)
	}
	sent := 0 // by a person, who has a limit of their own
	took := map[string][]time.Duration{}
	timed := func(what string, do func()) {
		t.Helper()
		began := time.Now()
		do()
		took[what] = append(took[what], time.Since(began))
	}
	pause := time.NewTicker(15 * time.Second)
	defer pause.Stop()
	for n := 1; time.Since(begun) < minutes*time.Minute; n++ {
		<-pause.C
		timed("GET /health", func() {
			if status, answer := u.send(t, http.MethodGet, u.api("/health"), ""); status != http.StatusOK {
				t.Errorf("%d %s", status, answer)
			}
		})
		if n%3 != 0 {
			continue
		}
		text := fmt.Sprintf("edit %d", n)
		edit := func(page, property, arrives, row string) {
			sent++
			body := `{"properties":{"` + property + `":{"rich_text":[{"text":{"content":"` + text + `"}}]}}}`
			if status, answer := u.send(t, http.MethodPatch, u.env["NOTION_URL"]+"/v1/pages/"+page, body); status != http.StatusOK {
				t.Fatalf("%d %s", status, answer)
			}
			u.await(t, "the edit arrives", arrives, row, text)
		}
		timed("an edit in another database", func() {
			edit(page, "Description", `select (description = $2)::text from projects where id = $1::text::uuid`, project)
		})
		timed("an edit in the same database", func() {
			edit(partnerPage, "Location", `select (location = $2)::text from partners where id = $1::text::uuid`, partner)
		})
	}
	u.sim(t, "/_sim/stats", "", &stats)
	spent := float64(stats.Total-sent) / (time.Since(begun).Minutes() * allowed)
	t.Logf("%d requests in %s, %.1f %% of the budget, %d refused; %s pages made", stats.Total-sent, time.Since(begun).Round(time.Second), 100*spent,
		stats.RateLimited, u.ask(t, `select count(*)::text from notion_partners where name like 'partner %'`))
	for what, durations := range took {
		slices.Sort(durations)
		slowest := durations[len(durations)-1]
		t.Logf("%s: %d times, median %s, the slowest %s", what, len(durations), durations[len(durations)/2].Round(time.Millisecond), slowest.Round(time.Millisecond))
		if slowest > atOnce {
			t.Errorf("%s may take %s at most", what, atOnce)
		}
	}
	if spent < 0.95 || stats.RateLimited > 0 {
		t.Errorf("%.1f %% of the budget may be 95 at least, %d refused may be 0", 100*spent, stats.RateLimited)
	}
}

// sim calls the simulator's controls.
func (r *running) sim(t *testing.T, path, body string, into any) {
	t.Helper()
	method := http.MethodPost
	if into != nil {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(t.Context(), method, r.env["NOTION_URL"]+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 5 * time.Minute}
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d", path, answer.StatusCode)
	}
	if into != nil {
		if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *running) rows(t *testing.T) (n int) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), r.env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	if err := connection.QueryRow(t.Context(), `select count(*) from partners`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// peak is the most memory that a process of a program has had so far, in kB, of the one that had the most.
func peak(t *testing.T, program string) (kB int) {
	t.Helper()
	program, err := filepath.EvalSymlinks(program)
	if err != nil {
		t.Fatal(err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, exe := range processes {
		if target, err := os.Readlink(exe); err != nil || target != program {
			continue
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(exe), "status"))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(status)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
				n, err := strconv.Atoi(fields[1])
				if err != nil {
					t.Fatal(err)
				}
				kB = max(kB, n)
			}
		}
	}
	return kB
}
