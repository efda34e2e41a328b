// Package killed kills workers.
package killed

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

var kills = flag.Int("kills", 5, "how often a worker is killed")

// bootstrap is the built sync-worker.
var bootstrap string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "killed")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	bootstrap = filepath.Join(dir, "bootstrap")
	if err := lambdahost.Build(context.Background(), filepath.Join("..", "..", ".."), bootstrap, "./functions/sync-worker"); err != nil {
		panic(err)
	}
	return pgtest.Main(m)
}

// cloud answers as Secrets Manager and SQS do, as far as a worker asks: it gives the app secret, and takes messages.
type cloud struct {
	secret string

	mu   sync.Mutex
	sent int
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ MessageBody string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	answer := map[string]string{"Name": "app", "SecretString": c.secret}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "SendMessage") {
		c.mu.Lock()
		c.sent++
		c.mu.Unlock()
		sum := md5.Sum([]byte(in.MessageBody))
		answer = map[string]string{"MessageId": uuid.NewString(), "MD5OfMessageBody": hex.EncodeToString(sum[:])}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(answer)
}

// log keeps what workers print.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Line(_ string, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(append(line, '\n'))
}

func (l *log) Report(lambdahost.Report) {}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// murder is a worker, those who edit on both sides, and who kills the worker.
type murder struct {
	*sidetest.World
	t     *testing.T
	dice  *rand.Rand
	host  *lambdahost.Host
	log   *log
	names int // of records that people made
	edits int
	pages []string // in Notion, live
}

// TestKilled kills the built worker with SIGKILL at random moments of runs that read and write, while people go on editing both sides. In
// the end both sides hold the same, nothing is there twice, nothing is missing, and nothing was written to Notion twice.
func TestKilled(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	m := newMurder(t, seed)
	m.finish(m.start())
	hit, ended, reads, writes := 0, 0, 0, 0
	patience := 400 * time.Millisecond // the longest that a worker is let live
	runID := ""
	for hit < *kills {
		if runID == "" {
			m.people()
			runID = m.start()
		}
		before := m.Sim.Stats().Requests
		if m.work(runID, time.Duration(m.dice.Int64N(int64(patience)))) {
			ended++
			runID, patience = "", max(patience*9/10, 50*time.Millisecond)
			continue
		}
		hit++
		patience += patience / 50
		after := m.Sim.Stats().Requests
		if after["POST /v1/pages"]+after["PATCH /v1/pages/{id}"] > before["POST /v1/pages"]+before["PATCH /v1/pages/{id}"] {
			writes++
		} else if !maps.Equal(before, after) {
			reads++
		}
		m.Exec(t, `update integration.sync_leases set expires_at = now()`) // as time does
		m.Exec(t, `delete from integration.notion_requests`)
		if m.dice.IntN(3) == 0 {
			m.people()
		}
	}
	if runID != "" {
		m.finish(runID)
	}
	for range 3 {
		m.Exec(t, `update integration.sync_errors set next_attempt_at = now()`)
		m.finish(m.start())
	}
	m.check()
	stats := m.Sim.Stats()
	t.Logf("%d workers killed, %d ended by themselves; %d of the killed had written to Notion, %d had only read; %d edits on both sides; %d pages",
		hit, ended, writes, reads, m.edits, len(m.pages))
	if stats.UnchangedWrites > 0 {
		t.Errorf("%d writes to Notion changed nothing: they were made twice", stats.UnchangedWrites)
	}
}

func newMurder(t *testing.T, seed uint64) *murder {
	t.Helper()
	w := sidetest.New(t, nil)
	if _, err := w.Sim.Grow(map[string]int{"partners": 250}, 1); err != nil {
		t.Fatal(err)
	}
	if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.Budget = 0 }); err != nil {
		t.Fatal(err)
	}
	if err := w.Sim.SetFaults(1, chaos.Rule{Fault: chaos.Fault{LatencyMS: 8}}); err != nil {
		t.Fatal(err)
	}
	secret, err := json.Marshal(map[string]string{config.DatabaseURL: w.Pool.Config().ConnString(), config.NotionToken: notionsim.IntegrationToken})
	if err != nil {
		t.Fatal(err)
	}
	aws := httptest.NewServer(&cloud{secret: string(secret)})
	t.Cleanup(aws.Close)
	m := &murder{World: w, t: t, dice: rand.New(rand.NewPCG(seed, 0)), log: &log{}}
	m.host = lambdahost.New(lambdahost.Config{
		Functions: []lambdahost.Function{{Name: "sync-worker", Bootstrap: bootstrap, Timeout: 2 * time.Minute, MemoryMB: 256, Environment: map[string]string{
			"APP_SECRET_ARN": "app", "SYNC_QUEUE_URL": aws.URL + "/queue", "AWS_ENDPOINT_URL": aws.URL,
			"NOTION_API_URL": w.Address, "NOTION_PLAN": "business", "NOTION_PARTNERS_DATABASE_ID": w.Sim.Databases()["partners"],
		}}},
		Environments: 1, Idle: time.Hour, Region: "us-east-1", AccountID: "000000000000", Sink: m.log, Now: time.Now, NewID: uuid.NewString,
	})
	t.Cleanup(func() { m.host.Close(context.Background()) })
	raws, err := w.Sim.Pages(w.Sim.Databases()["partners"])
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range raws {
		var page struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			t.Fatal(err)
		}
		m.pages = append(m.pages, page.ID)
	}
	return m
}

// start begins a run whose message nobody has yet.
func (m *murder) start() string {
	m.t.Helper()
	starter := m.Starter
	starter.Queue = nowhere{}
	run, err := starter.Start(m.t.Context(), engine.Request{Type: journal.Full, Kinds: []string{"partners"}, RequestedBy: "test"})
	if err != nil {
		m.t.Fatalf("%v\n%s", err, m.log)
	}
	return run.ID
}

type nowhere struct{}

func (nowhere) Send(context.Context, string, journal.Message) error { return nil }

// work hands the run to a worker, which it kills after a while; 0 lets it live. It reports whether the worker ended by itself.
func (m *murder) work(runID string, after time.Duration) bool {
	m.t.Helper()
	body, err := json.Marshal(journal.Message{RunID: runID, Kind: "partners"})
	if err != nil {
		m.t.Fatal(err)
	}
	event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"messageId": uuid.NewString(), "body": string(body), "eventSource": "aws:sqs", "attributes": map[string]string{}, "messageAttributes": map[string]any{},
	}}})
	if err != nil {
		m.t.Fatal(err)
	}
	ended := make(chan lambdahost.Result, 1)
	go func() {
		result, err := m.host.Invoke(context.WithoutCancel(m.t.Context()), "sync-worker", event)
		if err != nil {
			result.Failed = true
		}
		ended <- result
	}()
	var kill <-chan time.Time
	if after > 0 {
		timer := time.NewTimer(after)
		defer timer.Stop()
		kill = timer.C
	}
	select {
	case <-kill:
		m.kill()
		<-ended
		status := m.Report(m.t, runID).Status
		return status == "succeeded" || status == "failed"
	case result := <-ended:
		if result.Failed || strings.Contains(string(result.Payload), "itemIdentifier") {
			m.t.Fatalf("the worker failed by itself: %s\n%s", result.Payload, m.log)
		}
		return true
	}
}

// kill kills every process of the worker's program.
func (m *murder) kill() {
	m.t.Helper()
	out, err := exec.Command("ps", "-axo", "pid=,args=").Output()
	if err != nil {
		m.t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == bootstrap {
			pid, err := strconv.Atoi(fields[0])
			if err != nil {
				m.t.Fatal(err)
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// finish has the run worked on to its end.
func (m *murder) finish(runID string) {
	m.t.Helper()
	m.work(runID, 0)
	if r := m.Report(m.t, runID); r.Status != "succeeded" || r.Counts.Errors > 0 {
		m.t.Fatalf("%+v\n%s", r, m.log)
	}
}

// people edit a little of everything on both sides.
func (m *murder) people() {
	m.t.Helper()
	text := func(value string) []any {
		return []any{map[string]any{"type": "text", "text": map[string]any{"content": value}}}
	}
	for range 12 {
		m.edits++
		switch page := m.pages[m.dice.IntN(len(m.pages))]; m.dice.IntN(8) {
		case 0:
			m.names++
			page := m.Person(m.t, "POST", "/v1/pages", map[string]any{
				"parent":     map[string]any{"database_id": m.Sim.Databases()["partners"]},
				"properties": map[string]any{"Name": map[string]any{"title": text(fmt.Sprint("made ", m.names))}},
			})
			m.pages = append(m.pages, page["id"].(string))
		case 1, 2:
			m.names++
			m.Exec(m.t, `insert into partners (name) values ($1)`, fmt.Sprint("made ", m.names))
		case 3, 4:
			m.Person(m.t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{
				"Location": map[string]any{"rich_text": text(fmt.Sprint("in Notion ", m.edits))},
			}})
		default:
			m.Exec(m.t, `update partners set impact_story = $2 where id = (select id from notion_partners where notion_id = $1)`, page, fmt.Sprint("in Postgres ", m.edits))
		}
	}
}

// check holds both sides against each other and against what people made.
func (m *murder) check() {
	m.t.Helper()
	m.pages = nil
	names := map[string]int{}
	raws, err := m.Sim.Pages(m.Sim.Databases()["partners"])
	if err != nil {
		m.t.Fatal(err)
	}
	for _, raw := range raws {
		var page struct {
			ID         string `json:"id"`
			Properties struct {
				Name struct {
					Title []struct {
						PlainText string `json:"plain_text"`
					} `json:"title"`
				}
			} `json:"properties"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			m.t.Fatal(err)
		}
		m.pages = append(m.pages, page.ID)
		names[page.Properties.Name.Title[0].PlainText]++
	}
	for i := range m.names {
		name := fmt.Sprint("made ", i+1)
		if rows := sidetest.Query[int](m.t, m.World, `select count(*) from partners where name = $1`, name); names[name] != 1 || rows != 1 {
			m.t.Errorf("%s: %d pages, %d rows", name, names[name], rows)
		}
	}
	if rows := sidetest.Query[int](m.t, m.World, `select count(*) from partners`); rows != len(m.pages) || rows != 250+m.names {
		m.t.Errorf("%d pages, %d rows, %d were made", len(m.pages), rows, 250+m.names)
	}
	for _, table := range []string{"sync_intents", "sync_changes", "sync_errors"} {
		if n := sidetest.Query[int](m.t, m.World, `select count(*) from integration.`+table); n > 0 {
			m.t.Errorf("%d are left in %s", n, table)
		}
	}
	for _, d := range m.Differences(m.t, "partners") {
		m.t.Error(d)
	}
}
