//go:build soak || outage

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/infra/notionsim/webhook"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// These tests run the whole system, with the functions' own binaries, for minutes: make soak.

// ask sends a request and gives status and answer.
func ask(t *testing.T, method, address string, header map[string]string, body any) (int, map[string]any) {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r) //nolint:forbidigo // a test's request on loopback
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	_ = json.NewDecoder(response.Body).Decode(&answer)
	return response.StatusCode, answer
}

func (r *running) ask(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	status, answer := ask(t, method, r.env["API_URL"]+apiPath+path, map[string]string{"X-API-Key": r.env["API_KEY"]}, body)
	if status > 299 {
		t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

func (r *running) database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), r.env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// eventually waits until something is so.
func eventually(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(limit); !so(); {
		select {
		case <-deadline:
			t.Fatalf("%s: not within %v", what, limit)
		case <-ticker.C:
		}
	}
}

func percentile(durations []time.Duration, p float64) time.Duration {
	slices.Sort(durations)
	return durations[min(len(durations)-1, int(float64(len(durations))*p))].Round(time.Millisecond)
}

// taker is a subscriber's endpoint.
type taker struct {
	*httptest.Server
	bad func() (status int, hang time.Duration) // nil: it is healthy

	mu    sync.Mutex
	first map[string]time.Time // by webhook-id
	times int
}

func newTaker(t *testing.T, bad func() (int, time.Duration)) *taker {
	t.Helper()
	e := &taker{bad: bad, first: map[string]time.Time{}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if e.bad != nil {
			status, hang := e.bad()
			timer := time.NewTimer(hang)
			defer timer.Stop()
			<-timer.C
			if status != http.StatusOK {
				w.WriteHeader(status)
				return
			}
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.times++
		if id := r.Header.Get("webhook-id"); e.first[id].IsZero() {
			e.first[id] = time.Now()
		}
	}))
	t.Cleanup(e.Close)
	return e
}

// happen stores events in ten transactions, as syncs do, and has the relay look after each.
func (r *running) happen(t *testing.T, pool *pgxpool.Pool, n int) map[string]time.Time {
	t.Helper()
	queues := newProvision(r.env["AWS_ENDPOINT_URL"]).queues
	outbox, err := queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("act-dev-outbox")})
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]time.Time{}
	for range 10 {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			var events []event.Event
			for range n / 10 {
				e := event.Draft{Type: event.RecordUpdated, Source: event.Notion, Target: event.Supabase, Data: map[string]string{
					"kind": "partners", "id": uuid.NewString(),
				}}.New(uuid.Must(uuid.NewV7()).String(), time.Now())
				events, at[e.ID] = append(events, e), e.Timestamp
			}
			return postgres.StoreEvents(t.Context(), tx, config.DefaultConnection, events...)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: outbox.QueueUrl, MessageBody: aws.String("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

// TestSoakWebhooks: 1,000 events to ten subscriptions, three times: all healthy; every fifth failing at random and slow; and with
// webhook-deliver and event-relay killed ten times meanwhile.
func TestSoakWebhooks(t *testing.T) {
	const events, subscribers = 1000, 10
	r := startSystem(t, t.TempDir()+"/state", "WEBHOOK_RETRIES=200ms 500ms 1s 1s 2s 2s 2s")
	pool := r.database(t)
	for _, round := range []struct {
		name    string
		failing bool
		kills   int
	}{{"all healthy", false, 0}, {"every fifth fails", true, 0}, {"and ten kills", true, 10}} {
		var ends []*taker
		var ids []string
		for i := range subscribers {
			var bad func() (int, time.Duration)
			if round.failing && i%5 == 4 {
				bad = func() (int, time.Duration) {
					if rand.IntN(10) < 6 {
						return []int{500, 503, 404, 302}[rand.IntN(4)], time.Duration(rand.IntN(1000)) * time.Millisecond
					}
					return http.StatusOK, 0
				}
			}
			e := newTaker(t, bad)
			s := r.ask(t, "POST", "/events/subscribe", map[string]any{"callback_url": e.URL, "event_types": []string{"record_*"}, "rate_limit": 1000})
			ends, ids = append(ends, e), append(ids, s["subscription_id"].(string))
		}
		began := time.Now()
		at := r.happen(t, pool, events)
		killed := 0
		for range round.kills {
			timer := time.NewTimer(200 * time.Millisecond)
			<-timer.C
			for _, process := range children(t) {
				pid, command, _ := strings.Cut(process, " ")
				if n, err := strconv.Atoi(pid); err == nil && (strings.HasSuffix(command, "/webhook-deliver") || strings.HasSuffix(command, "/event-relay")) {
					_ = syscall.Kill(n, syscall.SIGKILL)
					killed++
				}
			}
		}
		open := func() (n int) {
			if err := pool.QueryRow(t.Context(), `select (select count(*) from integration.event_deliveries where status = 'waiting')
				+ (select count(*) from integration.events where relayed_at is null)`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		eventually(t, 10*time.Minute, "everything is delivered or dead", func() bool { return open() == 0 })
		took := time.Since(began)
		var healthy []time.Duration
		delivered, dead, again := 0, 0, 0
		for i, e := range ends {
			e.mu.Lock()
			lost := map[string]bool{}
			rows, err := pool.Query(t.Context(), `select event_id::text from integration.event_deliveries where subscription_id = $1 and status = 'dead'`, ids[i])
			if err != nil {
				t.Fatal(err)
			}
			gone, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range gone {
				lost[id] = true
			}
			for id, happened := range at {
				arrived, ok := e.first[id]
				if !ok && !lost[id] {
					t.Errorf("%s: %s is neither delivered to %d nor dead", round.name, id, i)
				}
				if ok && e.bad == nil {
					healthy = append(healthy, arrived.Sub(happened))
				}
				if ok {
					delivered++
				} else {
					dead++
				}
			}
			again += e.times - len(e.first)
			e.mu.Unlock()
			r.ask(t, "DELETE", "/events/subscriptions/"+ids[i], nil)
		}
		t.Logf("%-18s %5d delivered, %3d dead, %4d again, %2d killed, in %5.1f s; healthy endpoints: p50 %v, p99 %v",
			round.name, delivered, dead, again, killed, took.Seconds(), percentile(healthy, 0.5), percentile(healthy, 0.99))
	}
}

// TestSoakRealtime: 200 edits a side reach the other within a second at p95, and with webhooks lost a sync repairs it.
func TestSoakRealtime(t *testing.T) {
	const edits = 200
	r := startSystem(t, t.TempDir()+"/state", "REAL_TIME_SYNC=true", "NOTION_PLAN=business")
	pool := r.database(t)
	options := func(o map[string]any) {
		if status, answer := ask(t, "POST", r.env["NOTION_URL"]+"/_sim/options", nil, o); status != 200 {
			t.Fatal(answer)
		}
	}
	options(map[string]any{"budget": 600})
	r.sync(t, pool)
	person := map[string]string{"Authorization": "Bearer " + r.env["NOTION_PERSON_TOKEN"], "Notion-Version": "2026-03-11", "Content-Type": "application/json"}
	var page, row string
	if err := pool.QueryRow(t.Context(), `select notion_id, id::text from notion_partners order by id limit 1`).Scan(&page, &row); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		body := map[string]any{"properties": map[string]any{"Location": map[string]any{"rich_text": []any{map[string]any{"text": map[string]any{"content": text}}}}}}
		if status, answer := ask(t, "PATCH", r.env["NOTION_URL"]+"/v1/pages/"+page, person, body); status != 200 {
			t.Fatal(answer)
		}
	}
	inPostgres := func(text string) bool {
		var is string
		if err := pool.QueryRow(t.Context(), `select coalesce(location, '') from partners where id = $1`, row).Scan(&is); err != nil {
			t.Fatal(err)
		}
		return is == text
	}
	inNotion := func(text string) bool {
		_, answer := ask(t, "GET", r.env["NOTION_URL"]+"/v1/pages/"+page, person, nil)
		data, _ := json.Marshal(answer["properties"])
		return bytes.Contains(data, []byte(`"plain_text":"`+text+`"`))
	}
	took := map[string][]time.Duration{}
	for i := range edits {
		for side, edit := range map[string]func(string) func() bool{
			"Notion to Postgres": func(text string) func() bool {
				write(text)
				return func() bool { return inPostgres(text) }
			},
			"Postgres to Notion": func(text string) func() bool {
				if _, err := pool.Exec(t.Context(), `update partners set location = $2 where id = $1`, row, text); err != nil {
					t.Fatal(err)
				}
				return func() bool { return inNotion(text) }
			},
		} {
			began := time.Now()
			arrived := edit(fmt.Sprintf("%s %d", side, i))
			eventually(t, 30*time.Second, side, arrived)
			took[side] = append(took[side], time.Since(began))
			timer := time.NewTimer(150 * time.Millisecond) // within the budget of 600 requests in a minute
			<-timer.C
		}
	}
	for side, durations := range took {
		t.Logf("%s: %d edits, p50 %v, p95 %v, p99 %v, max %v", side, len(durations),
			percentile(durations, 0.5), percentile(durations, 0.95), percentile(durations, 0.99), percentile(durations, 1))
		if p := percentile(durations, 0.95); p > time.Second {
			t.Errorf("%s: p95 is %v", side, p)
		}
	}
	options(map[string]any{"webhook_loss": 1})
	write("its webhook is lost")
	r.sync(t, pool)
	if !inPostgres("its webhook is lost") {
		t.Error("the sync did not repair it")
	}
}

// TestSoakBurst: ten thousand of Notion's webhooks at once.
func TestSoakBurst(t *testing.T) {
	const webhooks, callers = 10_000, 32
	r := startSystem(t, t.TempDir()+"/state", "REAL_TIME_SYNC=true")
	pool := r.database(t)
	r.sync(t, pool)
	rows, err := pool.Query(t.Context(), `select b.notion_id, d.data_source_id from notion_partners b, integration.sync_databases d where d.kind = 'partners'`)
	if err != nil {
		t.Fatal(err)
	}
	type target struct{ Page, Source string }
	pages, err := pgx.CollectRows(rows, pgx.RowToStructByPos[target])
	if err != nil {
		t.Fatal(err)
	}
	_, subscription := ask(t, "GET", r.env["NOTION_URL"]+"/_sim/webhooks", nil, nil)
	token, _ := subscription["verification_token"].(string)
	stats := func() (total, limited float64) {
		_, s := ask(t, "GET", r.env["NOTION_URL"]+"/_sim/stats", nil, nil)
		total, _ = s["total"].(float64)
		limited, _ = s["rate_limited"].(float64)
		return total, limited
	}
	before, _ := stats()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var took []time.Duration
	answers := map[int]int{}
	var sending sync.WaitGroup
	began := time.Now()
	for c := range callers {
		sending.Go(func() {
			for i := c; i < webhooks; i += callers {
				p := pages[i%len(pages)]
				body, _ := json.Marshal(map[string]any{
					"id": uuid.NewString(), "type": "page.properties_updated", "authors": []any{map[string]string{"id": uuid.NewString(), "type": "person"}},
					"entity": map[string]string{"id": p.Page, "type": "page"}, "data": map[string]any{"parent": map[string]string{"data_source_id": p.Source}},
				})
				request, _ := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, r.env["API_URL"]+apiPath+"/webhooks/notion", bytes.NewReader(body))
				request.Header.Set("X-Notion-Signature", webhook.Sign(token, body))
				sent := time.Now()
				response, err := client.Do(request)
				status := 0
				if err == nil {
					status = response.StatusCode
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
				mu.Lock()
				took, answers[status] = append(took, time.Since(sent)), answers[status]+1
				mu.Unlock()
			}
		})
	}
	sending.Wait()
	burst := time.Since(began)
	eventually(t, 5*time.Minute, "every page is looked at", func() bool {
		var n int
		if err := pool.QueryRow(t.Context(), `select (select count(*) from integration.sync_reported_pages) + (select count(*) from integration.sync_wakeups)`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
	after, limited := stats()
	t.Logf("%d webhooks of %d pages in %.1f s by %d callers: answers %v, p50 %v, p99 %v; %v requests to Notion, %v refused",
		webhooks, len(pages), burst.Seconds(), callers, answers, percentile(took, 0.5), percentile(took, 0.99), after-before, limited)
	if answers[http.StatusOK] != webhooks || limited > 0 {
		t.Errorf("answers %v, %v requests above the budget", answers, limited)
	}
}

// sync runs a full sync to its end.
func (r *running) sync(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	run := r.ask(t, "POST", "/sync/trigger", map[string]string{"type": "full"})
	eventually(t, 2*time.Minute, "the sync", func() bool {
		var status string
		if err := pool.QueryRow(t.Context(), `select status from integration.sync_runs where id = $1`, run["sync_id"]).Scan(&status); err != nil {
			t.Fatal(err)
		}
		return status == "succeeded" || status == "failed"
	})
}
