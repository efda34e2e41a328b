//go:build !race

package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	client "github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/notion/pages"
	pg "github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// histories is how many are drawn, by two workers a processor: one waits for the database while the other does not.
var (
	histories = flag.Int("histories", usual, "how many histories are drawn")
	workers   = 2 * runtime.GOMAXPROCS(0)
)

// usual is how many histories are drawn when nobody says how many: always the same ones, so that a change is to blame when one fails. More
// are drawn anew each time.
const usual = 500

// TestMain has histories of 50 steps drawn, unless it is told otherwise: that is what rapid draws when it is to draw 56.
func TestMain(m *testing.M) {
	set := func(name, value string) {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	set("rapid.steps", "56")
	flag.Parse()
	if *histories == usual && flag.Lookup("rapid.seed").Value.String() == "0" {
		set("rapid.seed", "1")
	}
	set("rapid.checks", strconv.Itoa((*histories+workers-1)/workers))
	os.Exit(pgtest.Main(m))
}

// things is what the histories are about. mark is a record's name for the test, written once and never again. Every other worker's things
// are of every type of property that there is, those are told at more length, and so are dearer.
const things = `{"kinds":[{"name":"things","table":"things","base_table":"notion_things","database_id_variable":"T","row_key_property":"Supabase ID","fields":[
	{"property":"Name","type":"title","column":"name"},
	{"property":"Text","type":"rich_text","column":"text"},
	{"property":"Number","type":"number","column":"number"},
	{"property":"Choice","type":"select","column":"choice"},
	{"property":"Tags","type":"multi_select","column":"tags"},
	{"property":"Day","type":"date","column":"day"},
	{"property":"Moment","type":"date","column":"moment","column_type":"timestamptz"},
	{"property":"Link","type":"url","column":"link"},
	{"property":"Box","type":"checkbox","column":"box"},
	{"property":"Mark","type":"email","column":"mark"},
	{"property":"People","type":"people","column":"people"},
	{"property":"Links","type":"relation","column":"links","join":{"kind":"things","table":"things_links","from":"thing_id","to":"link_id"}},%s
	{"property":"Twice","type":"formula","column":"twice"}]}]}`

const others = `
	{"property":"Phone","type":"phone_number","column":"phone"},
	{"property":"Stage","type":"status","column":"stage"},
	{"property":"Docs","type":"files","column":"docs"},
	{"property":"Serial","type":"unique_id","column":"serial"},
	{"property":"Made","type":"created_time","column":"made"},
	{"property":"Maker","type":"created_by","column":"maker"},
	{"property":"Touched","type":"last_edited_time","column":"touched"},
	{"property":"Toucher","type":"last_edited_by","column":"toucher"},
	{"property":"Tally","type":"rollup","column":"tally"},`

const table = `create table things (
	id uuid primary key default gen_random_uuid(),
	connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id),
	name text, text text, number numeric, choice text, tags text[], day date, moment timestamptz, link text, box boolean not null default false, mark text, people text[], twice jsonb,
	phone text, stage text, docs jsonb, serial text, made timestamptz, maker jsonb, touched timestamptz, toucher jsonb, tally jsonb,
	archived_at timestamptz, created_at timestamptz not null default now(), updated_at timestamptz not null default now());
	call integration.keep_in_step('things', 'things', 'notion_things');
	call integration.keep_relation_in_step('things', 'links', 'things_links', 'things', 'notion_things', 'thing_id', 'things', 'notion_things', 'link_id');
	alter table integration.sync_changes alter column changed_at set default coalesce(nullif(current_setting('test.now', true), '')::timestamptz, now())`

// arena is where a history takes place. Its database is used by one history after the other.
type arena struct {
	worker  int
	wide    bool // its things are of every type of property
	pool    *pg.Pool
	person  *pgx.Conn // whose session people use
	app     application
	mapping mapping.Mapping
	begun   int // histories so far
	steps   int // of all of them
	// of the history
	sim       *notionsim.Sim
	world     *sidetest.World
	database  string // Notion's
	source    string
	elsewhere string // another data source
	effects   effects
	queue     []journal.Message
	model     *model
	trace     []string
	wrote     writes            // of the sync
	cut       int               // how many references Notion shows
	users     []string          // of the workspace
	names     map[string]bool   // the fields whose properties have been renamed
	without   map[string]bool   // those whose properties were taken away
	dropped   map[string]bool   // and those whose columns were
	options   map[string]string // what options of the choice and of the tags were called at first, by the names that people gave them since
	outlived  map[string]string // by field, the id that the sync knew of its property when that was replaced
	hooks     int               // webhooks that came
	created   int               // pages that the sync has made in this minute
	started   int               // the model's step when the sync began
	listed    int               // and at its last listing
	read      map[string]int    // and at the last reading of each page, and of each property by itself
	readings  map[string]page   // of pages, by how they are told
	total     map[trouble]int
	syncs     int
	all       int // effects of all histories
	lines     int // of the sync's log

	isUnshared, isFull bool // the database; the workspace
	anew               bool // the column of a choice has another name
	migrations         int  // how often a column was added again in this table
	counts             counts
}

func newArena(t *testing.T, worker int) *arena {
	t.Helper()
	a := &arena{worker: worker, wide: worker%2 == 1, total: map[trouble]int{}}
	more := ""
	if a.wide {
		more = others
	}
	var err error
	if a.mapping, err = mapping.Parse(fmt.Appendf(nil, things, more)); err != nil {
		t.Fatal(err)
	}
	address := pgtest.URL(t)
	if a.pool, err = pg.Open(t.Context(), secret.Of(address), 4, prepared); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.pool.Close)
	a.person, a.app.conn = connect(t, address), connect(t, address)
	if err := a.makeTables(); err != nil {
		t.Fatal(err)
	}
	return a
}

// connect opens a session in which nothing waits for long: what has to wait for somebody else's lock waits for ever, since there is one thread.
func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), `select set_config('test.now', now()::text, false), set_config('lock_timeout', '5s', false)`); err != nil {
		t.Fatal(err)
	}
	return conn
}

// prepared has the server parse and plan each statement once, where the product, which may be behind a pooler, has that done each time.
func prepared(c *pgxpool.Config) {
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	c.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	c.ConnConfig.RuntimeParams["lock_timeout"] = "5s" // see connect
}

// begin makes everything new for a history.
func (a *arena) begin(t *rapid.T) {
	var err error
	a.effects = effects{plan: map[int]trouble{}, made: a.total}
	a.model, a.queue, a.created, a.listed, a.read = newModel(), nil, 0, 0, map[string]int{}
	a.names, a.without, a.hooks, a.trace, a.readings = map[string]bool{}, map[string]bool{}, 0, nil, map[string]page{}
	a.renewTables(t)
	a.isUnshared, a.isFull, a.outlived, a.options = false, false, map[string]string{}, map[string]string{}
	if a.sim != nil {
		if err := a.sim.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if a.sim, err = notionsim.New(notionsim.Config{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	a.sim.Clock().Set(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	rounding := rapid.SampledFrom([]string{"rounded", "raw"}).Draw(t, "rounding")
	// Of relations Notion says that it cut them; of anything else one has to know that it cuts at 25.
	a.cut = rapid.SampledFrom([]int{3, 25}).Draw(t, "cuts at")
	if err := a.sim.SetOptions(func(o *notionsim.Options) {
		o.Budget, o.RowCap, o.Truncation, o.Rounding, o.CommittedResourceID = 0, 8, a.cut, rounding, rapid.Bool().Draw(t, "names what it saved")
	}); err != nil {
		t.Fatal(err)
	}
	properties := map[string]any{}
	for _, f := range a.mapping.Kinds[0].Fields {
		properties[f.Property] = map[string]any{string(f.Type): map[string]any{}}
	}
	delete(properties, "Links") // leads to the database itself, once it is there
	delete(properties, "Tally") // and counts what that leads to
	properties["Twice"] = map[string]any{"formula": map[string]any{"expression": `prop("Number") * 2`}}
	if a.wide {
		properties["Stage"] = map[string]any{"status": map[string]any{"options": stages()}}
	}
	made := a.call(t, "POST", "/v1/databases", map[string]any{
		"parent": map[string]any{"type": "workspace", "workspace": true}, "title": rich("Things"),
		"initial_data_source": map[string]any{"properties": properties},
	})
	a.database = made["id"].(string)
	a.source = made["data_sources"].([]any)[0].(map[string]any)["id"].(string)
	a.call(t, "PATCH", "/v1/data_sources/"+a.source, map[string]any{"properties": map[string]any{"Links": map[string]any{"relation": map[string]any{
		"data_source_id": a.source, "type": "dual_property", "dual_property": map[string]any{"synced_property_name": "Linked by"},
	}}}})
	if a.wide {
		a.shape(t, "Tally", map[string]any{"rollup": map[string]any{"relation_property_name": "Links", "rollup_property_name": "Name", "function": "count"}})
	}
	other := a.call(t, "POST", "/v1/databases", map[string]any{
		"parent": map[string]any{"type": "workspace", "workspace": true}, "title": rich("Others"),
		"initial_data_source": map[string]any{"properties": map[string]any{"Title": map[string]any{"title": map[string]any{}}, "Number": map[string]any{"number": map[string]any{}}}},
	})
	a.elsewhere = other["data_sources"].([]any)[0].(map[string]any)["id"].(string)
	a.empty(t)
	a.users = a.usersOf(t)
	a.tick(t, 0)
	a.build(rapid.SampledFrom([]journal.Limit{{Number: 1 << 30, Share: 1}, {Number: 3, Share: 1}, {Number: 3, Share: 0.2}}).Draw(t, "limit of deletions"))
}

// leftBehind are the tables that a history leaves something in, each before those that its deletions are noted in.
func leftBehind() []string {
	return []string{
		"things_links", "things", "notion_things", "sync_waiting_relations", "sync_row_id_changes", "sync_stale_row_keys", "sync_replaced_pages", "sync_databases", "sync_leases", "sync_intents", "sync_conflicts",
		"sync_errors", "sync_listed_pages", "sync_run_databases", "sync_previews", "sync_match_pages", "sync_match_rows", "sync_runs", "events", "sync_reported_pages",
		"sync_wakeups", "notion_webhook_events", "sync_held_records", "sync_holds", "sync_changes", "full_workspaces",
	}
}

// empty forgets the history before.
func (a *arena) empty(t *rapid.T) {
	a.app.forget()
	run := func(sql string) {
		if _, err := a.person.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	run("set search_path = public, integration; delete from " + strings.Join(leftBehind(), "; delete from ")) // of a few rows, quicker than to truncate
	if a.begun++; a.begun%100 == 0 {
		run("vacuum " + strings.Join(leftBehind(), ", ")) // else what is deleted is read past for ever
	}
}

// TestNothingIsLeftBehind: ids are the same in every history, so that what one leaves would be the next one's.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	rows, err := newArena(t, 0).pool.Query(t.Context(), `
		select relname from pg_class where relnamespace::regnamespace::text in ('public', 'integration') and relkind = 'r' and starts_with(relname, 'sync_') and relname <> all($1)`, leftBehind())
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(kept) > 0 {
		t.Errorf("the tables %v are not emptied: %v", kept, err)
	}
}

// build puts the sync together, with every effect passing through a.effects.
func (a *arena) build(limit journal.Limit) {
	ids := 0
	newID := func() string {
		ids++
		return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, ids)).String()
	}
	log := slog.New(slog.NewTextHandler(traced{a}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	notionClient := client.New(client.Config{
		BaseURL: "http://notion", Tokens: token1{}, Now: a.sim.Clock().Now,
		Transport: transport{&a.effects, func() http.Handler { return a.sim }, a.sent},
		Wait:      func(context.Context, time.Duration) error { return nil },
		Jitter:    func() float64 { return 0 },
		Breaker:   breaker.New(breaker.Config{Rule: breaker.Rule{Least: 1 << 30}}),
		Budget:    client.NewWindow(client.WindowConfig{Requests: 1 << 30, Period: time.Minute}),
	})
	notionOf := func(k mapping.Kind) engine.Notion { return pages.New(notionClient, k, log) }
	cfg := engine.Config{
		Connection: engine.Connection{
			ID: config.DefaultConnection, Mapping: a.mapping, DatabaseIDs: map[string]string{"things": a.database}, Rule: merge.Newest,
			Limit: limit,
		},
		Ledger:      ledger{pg.Ledger{Pool: a.pool, NewID: newID}, &a.effects},
		Leases:      leases{pg.Leases{Pool: a.pool, TTL: time.Minute}, &a.effects},
		Queue:       a,
		Notion:      notionOf,
		Interactive: notionOf,
		Tables: func(k mapping.Kind) engine.Tables {
			return tables{records.New(a.pool, config.DefaultConnection, a.mapping, k, newID), &a.effects}
		},
		Now: a.sim.Clock().Now, NewID: newID, Log: log, Writers: 1,
	}
	a.world = &sidetest.World{Sim: a.sim, Pool: a.pool, Syncer: engine.New(cfg)}
	a.world.Starter = engine.Starter{
		ConnectionID: cfg.Connection.ID, Kinds: []string{"things"}, Ledger: cfg.Ledger, Queue: a, Now: cfg.Now, NewID: newID, Log: log,
	}
}

type token1 struct{}

func (token1) Token(context.Context) (secret.Text, error) {
	return secret.Of(notionsim.IntegrationToken), nil
}
func (token1) Invalidate(secret.Text) {}

// Send is the queue, an effect as well.
func (a *arena) Send(_ context.Context, _ string, m journal.Message) error {
	return a.effects.run(func() error {
		a.queue = append(a.queue, m)
		return nil
	})
}

// call does something in Notion as a person.
func (a *arena) call(t *rapid.T, method, path string, body any) map[string]any {
	var content io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = strings.NewReader(string(data))
	}
	r := httptest.NewRequest(method, path, content)
	r.Header.Set("Authorization", "Bearer "+notionsim.PersonToken)
	r.Header.Set("Notion-Version", client.DefaultVersion)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.sim.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body.String())
	}
	return answer
}

// exec does something in Postgres as a person.
func (a *arena) exec(t *rapid.T, sql string, args ...any) {
	a.note("%s %v", sql, args)
	if _, err := a.person.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// tick moves all clocks on.
func (a *arena) tick(t *rapid.T, d time.Duration) {
	a.sim.Clock().Advance(d)
	a.note("the clock says %s", a.sim.Clock().Now().Format(time.TimeOnly))
	if d >= time.Minute {
		a.created = 0
	}
	for _, at := range []session{a.person, a.app.conn} {
		if _, err := at.Exec(context.Background(), `select set_config('test.now', $1, false)`, a.sim.Clock().Now().Format(time.RFC3339Nano)); err != nil {
			t.Fatal(err)
		}
	}
}

// sent is told of each request of the sync. It keeps the clock ahead of the row cap, and notes what may be overwritten unseen.
func (a *arena) sent(r *http.Request) {
	body := ""
	if r.GetBody != nil {
		if b, err := r.GetBody(); err == nil {
			data, _ := io.ReadAll(b)
			body = string(data)
		}
	}
	a.note("  effect %d: %s %s %s", a.effects.n-1, r.Method, r.URL.Path, body)
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/query"):
		a.listed = a.model.step
	case r.Method == http.MethodPost && r.URL.Path == "/v1/pages" && a.isFull:
		a.counts.refused++
	case r.Method == http.MethodPost && r.URL.Path == "/v1/pages":
		a.wrote.made++
		if a.created++; a.created >= 4 {
			a.sim.Clock().Advance(time.Minute)
			a.created = 0
		}
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1/pages/"):
		a.read[whatIsRead(r.URL.Path)] = a.model.step
	case r.Method == http.MethodPatch && strings.HasPrefix(r.URL.Path, "/v1/pages/"):
		if a.wrote.pages++; strings.Contains(body, `"in_trash":false`) {
			a.wrote.made++
		}
		a.race(r)
	}
}

// writes counts what a sync writes to Notion.
type writes struct {
	made  int // pages that are there now, and were not: made, or taken out of the trash
	pages int // others that were changed
}

// later reports whether the next sync may find what these changed on other pages: links to a page that is there again, which Notion hid, or
// that waited for it; and where things have a rollup, what it counts.
func (w writes) later(wide bool) bool { return w.made > 0 || wide && w.pages > 0 }

// whatIsRead says of the path of a page, or of one of its properties, what of arena.read it is.
func whatIsRead(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) < 6 {
		return parts[3]
	}
	return parts[3] + " " + property.CanonicalID(parts[5])
}

// race marks the values that a person wrote to the page since the sync last read it, and that this request overwrites.
func (a *arena) race(r *http.Request) {
	id := r.URL.Path[len("/v1/pages/"):]
	body, _ := r.GetBody()
	var patch struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	_ = json.NewDecoder(body).Decode(&patch)
	raw, there := a.sim.Page(id)
	if !there {
		return // it is gone for good, and refused
	}
	page := a.readPage(raw)
	for _, f := range a.mapping.Kinds[0].Fields {
		field := a.fieldOf(f.Column)
		propertyID := page.ids[field]
		if _, ok := patch.Properties[propertyID]; !ok {
			continue
		}
		seen := max(a.listed, a.read[id], a.read[id+" "+propertyID], a.started)
		for _, text := range page.values[field] {
			if w := a.model.tokens[token{field, text}]; w != nil && w.mark == page.mark && w.side == notion && w.at > seen {
				w.raced = true
			}
		}
		a.model.race(page.mark, field, seen)
	}
	a.read[id] = a.model.step
}

// page is a page as a person sees it.
type page struct {
	id, mark string
	trashed  bool
	values   map[string][]string // by field
	refs     map[string][]string // related pages by field; values has their marks
	ids      map[string]string   // the properties' ids by field
	whole    map[string]string   // what a column may show a part of, whole
	options  map[string][]string // those of the choice and of the tags, by the names that they have now; values has what they were called at first
	key      string              // the row's key that it carries
}

// readPage reads a page, once for as long as it stays as it is: most do, from one person to the next.
func (a *arena) readPage(raw json.RawMessage) page {
	p, read := a.readings[string(raw)]
	if !read {
		p = reading(raw)
		p.options = map[string][]string{}
		for _, field := range renamable() {
			p.options[field], p.values[field] = p.values[field], a.allAtFirst(field, p.values[field])
		}
		a.readings[string(raw)] = p
	}
	p.values = maps.Clone(p.values)
	return p
}

func reading(raw json.RawMessage) page {
	parsed, err := client.ParsePage(raw)
	if err != nil {
		return page{}
	}
	p := page{id: parsed.ID, trashed: parsed.InTrash, values: map[string][]string{}, refs: map[string][]string{}, ids: map[string]string{}, whole: map[string]string{}}
	for name, raw := range parsed.Properties {
		decoded, err := property.Decode(raw)
		if err != nil {
			continue
		}
		field := strings.ToLower(strings.TrimSuffix(name, " "))
		p.ids[field] = decoded.ID
		switch v := decoded.Value.(type) {
		case property.Text:
			p.values[field] = []string{property.PlainText(v)}
		case property.Number:
			p.values[field] = []string{canonical(field, fmt.Sprint(float64(v)))}
		case property.Option:
			p.values[field] = []string{string(v)}
		case property.Options:
			p.values[field] = v
		case property.Line:
			p.values[field] = []string{string(v)}
		case property.Date:
			p.values[field], p.whole[field] = []string{canonical(field, v.Start)}, v.Start+" "+v.End
		case property.Checked:
			p.values[field] = []string{fmt.Sprint(bool(v))}
		case property.People:
			p.values[field] = v.IDs()
		case property.Files:
			for _, f := range v {
				p.values[field] = append(p.values[field], f.Name)
			}
		case property.Refs:
			p.refs[field] = v
		}
		if name == "Supabase ID" && len(p.values[field]) > 0 && decoded.Type == property.TypeRichText {
			p.key = p.values[field][0]
		}
	}
	if m := p.values["mark"]; len(m) > 0 {
		p.mark = m[0]
	}
	return p
}

// pages returns all pages, those in the trash too, in the order of their creation.
func (a *arena) pages(t *rapid.T) []page {
	raws, err := a.sim.Pages(a.database)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]page, len(raws))
	marks := map[string]string{}
	for i, raw := range raws {
		all[i] = a.readPage(raw)
		marks[all[i].id] = all[i].mark
	}
	for _, p := range all {
		for field, ids := range p.refs {
			for _, id := range ids {
				if marks[id] != "" { // else it is in another database
					p.values[field] = append(p.values[field], marks[id])
				}
			}
		}
	}
	return all
}

// row is a row as a person sees it.
type row struct {
	id, mark string
	archived bool
	values   map[string][]string
	whole    map[string]string // what Notion may round, whole
	tags     []string          // by the names that they have; values has what they were called at first
}

// rows returns all rows that are committed.
func (a *arena) rows(t *rapid.T) []row { return a.rowsAt(t, a.person) }

// session is a session of Postgres, or a transaction in one.
type session interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// rowsAt returns all rows as a session sees them.
func (a *arena) rowsAt(t *rapid.T, at session) []row {
	found, err := at.Query(context.Background(), `
		select id::text, coalesce(mark, ''), archived_at is not null, name, text, number::text, `+a.column("choice")+`, tags, day::text,
			replace((`+a.column("moment")+` at time zone 'UTC')::text, ' ', 'T') || 'Z', `+a.column("link")+`, box::text,
			people, (select array_agg(o.mark order by o.mark) from things_links j join things o on o.id = j.link_id where j.thing_id = things.id),
			phone, stage, (select array_agg(d->>'name') from jsonb_array_elements(docs) d)
		from things order by mark, id`)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := pgx.CollectRows(found, func(c pgx.CollectableRow) (r row, err error) {
		var name, text, number, choice, day, moment, link, box, phone, stage *string
		var tags, people, links, docs []string
		err = c.Scan(&r.id, &r.mark, &r.archived, &name, &text, &number, &choice, &tags, &day, &moment, &link, &box, &people, &links, &phone, &stage, &docs)
		r.whole = map[string]string{}
		r.tags = tags
		r.values = map[string][]string{"tags": a.allAtFirst("tags", tags), "people": people, "links": links, "docs": docs}
		for field, v := range map[string]*string{
			"name": name, "text": text, "number": number, "choice": choice, "day": day, "moment": moment, "link": link, "box": box, "phone": phone, "stage": stage,
		} {
			if v != nil && *v != "" {
				r.values[field], r.whole[field] = []string{a.atFirst(field, shownIn(r.mark, field, *v))}, *v
			}
		}
		return r, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// unanswered reports whether a write of such a kind to the page was begun whose answer the sync has not had.
func (a *arena) unanswered(t *rapid.T, pageID, op string) (is bool) {
	if err := a.person.QueryRow(context.Background(), `select exists (select from integration.sync_intents where notion_id = $1 and op like $2)`, pageID, op).Scan(&is); err != nil {
		t.Fatal(err)
	}
	return is
}

// views returns what both sides show.
func (a *arena) views(t *rapid.T) (n, p view) {
	n, p = view{}, view{}
	add := func(v view, mark string, live bool, values map[string][]string) {
		s := v[mark]
		s.count++
		if live && !s.live {
			s.live, s.values = true, nil
		}
		if live == s.live {
			s.values = together(s.values, values) // of a record that is there twice, either may show what a person wrote
		}
		v[mark] = s
	}
	for _, page := range a.pages(t) {
		add(n, page.mark, !page.trashed, page.values)
	}
	for _, row := range a.rows(t) {
		add(p, row.mark, !row.archived, row.values)
	}
	for _, v := range []view{n, p} {
		for mark, s := range v {
			s.bad = a.model.bads(mark, s.values)
			v[mark] = s
		}
	}
	return n, p
}

// together returns the values of two records of one mark.
func together(one, other map[string][]string) map[string][]string {
	both := maps.Clone(other)
	for field, values := range one {
		both[field] = slices.Concat(values, other[field])
	}
	return both
}

// logged returns the values that lost, in the conflict log.
func (a *arena) logged(t *rapid.T) map[token]bool {
	rows, err := a.person.Query(context.Background(), `
		select field, coalesce(case winner when 'notion' then supabase_value else notion_value end, 'null')::text
		from integration.sync_conflicts where intent_id is null and field <> ''`)
	if err != nil {
		t.Fatal(err)
	}
	logged := map[token]bool{}
	var field, value string
	if _, err := pgx.ForEachRow(rows, []any{&field, &value}, func() error {
		field := a.fieldOf(field)
		var text string
		if json.Unmarshal([]byte(value), &text) != nil {
			text = value
		}
		logged[token{field, a.atFirst(field, canonical(field, strings.ReplaceAll(text, "\ufffd", "\x00")))}] = true // which Postgres cannot keep
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return logged
}

// sync runs syncs until the queue is empty, or the worker dies. It reports whether the one that was asked for succeeded.
func (a *arena) sync(t *rapid.T, typ journal.Type, plan map[int]trouble) (succeeded bool) {
	a.syncs++
	a.started = a.model.step
	a.note("sync %s, troubles %v", typ, plan)
	a.effects.begin(plan, func() { a.meanwhile(t) })
	before := a.runs(t)
	run, started := a.world.Starter.Start(context.Background(), engine.Request{Type: typ, RequestedBy: "oracle"})
	if started != nil && !a.effects.dead && fault.KindOf(started) != fault.Conflict && fault.KindOf(started) != fault.Unavailable {
		t.Fatalf("start: %v", started)
	}
	a.work(t, plan)
	a.besideTransaction(t)
	begun := a.runs(t) > before // else one that nobody worked on was handed over, which may have listed before what people did last
	if begun && started == nil && len(plan) == 0 && (typ == journal.Full || typ == journal.Incremental) && len(a.queue) == 0 {
		a.rest(t, run.ID)
	}
	if err := a.person.QueryRow(context.Background(), `select coalesce(max(status), '') = 'succeeded' from integration.sync_runs where id::text = $1`, run.ID).Scan(&succeeded); err != nil {
		t.Fatal(err)
	}
	return succeeded
}

// runs counts the runs of the history.
func (a *arena) runs(t *rapid.T) (n int) {
	if err := a.person.QueryRow(context.Background(), `select count(*) from integration.sync_runs`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// work has workers take messages until the queue is empty, or one dies.
func (a *arena) work(t *rapid.T, plan map[int]trouble) {
	for tries := 0; len(a.queue) > 0 && !a.effects.dead && tries < 5; tries++ {
		m := a.queue[0]
		a.queue = a.queue[1:]
		a.exec(t, `update integration.sync_leases set expires_at = now()`) // whoever died, or could not give it back, did so long ago
		err := a.world.Syncer.Work(context.Background(), m)
		if a.effects.n >= endless {
			t.Fatalf("it does not come to an end\n%s", a.dump(t))
		}
		if err != nil || a.effects.dead {
			a.queue = append(a.queue, m) // comes again
			if err != nil && !a.effects.dead && !errors.Is(err, errCrashed) && fault.KindOf(err) == fault.Internal && len(plan) == 0 {
				t.Fatalf("work: %v", err)
			}
		}
	}
}

// rest notes that a sync of both sides ended well, with nothing left over but fields with values that cannot pass.
func (a *arena) rest(t *rapid.T, runID string) {
	var clean bool
	if err := a.person.QueryRow(context.Background(), `
		select (select status = 'succeeded' from integration.sync_runs where id = $1) and not exists (select from integration.sync_held_records)
		and not exists (select from integration.sync_errors where fields = '{}' or waits) and not exists (select from integration.sync_intents) and not exists (select from integration.sync_changes)`, runID).Scan(&clean); err != nil {
		t.Fatal(err)
	}
	if !clean {
		return
	}
	a.model.clean = a.model.step
	a.model.rest(a.views(t))
}

// settle has everybody rest, and the sync come to rest.
func (a *arena) settle(t *rapid.T) {
	a.endTransaction(t, true)
	for _, field := range removable() {
		if a.without[field] {
			a.giveBack(t, field)
		}
	}
	for _, field := range droppable() {
		a.returnColumn(t, field)
	}
	a.share(t, true)
	a.fill(t, false)
	a.quieten(t)
	if a.spoilt(t) {
		a.check(t)
		a.mend(t)
		a.quieten(t)
	}
}

// quieten has nobody do anything but decide about deletions that are held, and syncs run until one has nothing left to do: that is the second since
// anybody did something, or the one after a sync that changed what Notion shows of other pages. It writes nothing on either side, and logs nothing.
func (a *arena) quieten(t *rapid.T) {
	const tries = 10
	todo := true // what people did, or what the sync before did to other pages
	for range tries {
		a.tick(t, 5*time.Minute)
		a.exec(t, `update integration.sync_errors set next_attempt_at = '2000-01-01'`)
		todo = a.decide(t, journal.Approved) || todo
		a.wrote = writes{}
		a.requeue(t)
		a.work(t, nil) // what is left of an earlier run
		todo = todo || a.wrote != writes{}
		before := a.traces(t)
		a.wrote = writes{}
		if !a.sync(t, journal.Full, nil) {
			todo = true
			continue // on a machine that is busy enough its transactions may be over before their statements are
		}
		if a.model.clean == a.model.step && a.traces(t) == before {
			return
		}
		if !todo {
			break
		}
		todo = a.wrote.later(a.wide)
	}
	t.Fatalf("it does not come to rest: the last sync wrote %d times\n%s", a.written(t), a.dump(t))
}

// traces tells of all that a sync with nothing to do leaves as it is: rows, pages, and what people are told.
func (a *arena) traces(t *rapid.T) (all string) {
	if err := a.person.QueryRow(context.Background(), `
		select concat_ws(E'\n', (select string_agg(id || ' ' || xmin, ', ' order by id) from things), (select string_agg(xmin::text, ', ' order by thing_id, link_id) from things_links),
			(select count(*) || ' conflicts' from integration.sync_conflicts),
			(select count(*) || ' events' from integration.events where type not in ('sync_started', 'sync_completed')))`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	listed, err := a.sim.Pages(a.database)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s\n%s\n%d lines of the log", all, listed, a.lines)
}

// written returns how often the last sync wrote.
func (a *arena) written(t *rapid.T) (n int) {
	if err := a.person.QueryRow(context.Background(), `
		select coalesce(sum((v.value)::int), 0) from integration.sync_run_databases d join integration.sync_runs r on r.id = d.run_id, jsonb_each_text(d.counts) v
		where v.key not in ('read', 'errors') and r.created_at = (select max(created_at) from integration.sync_runs)`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// requeue is what the schedule does for parts that nobody works on.
func (a *arena) requeue(t *rapid.T) {
	a.effects.begin(nil, nil)
	a.exec(t, `update integration.sync_leases set expires_at = now()`)
	if len(a.queue) == 0 {
		if err := a.world.Starter.Requeue(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// check holds everything against the model.
func (a *arena) check(t *rapid.T) {
	n, p := a.views(t)
	logged := a.logged(t)
	wrong := join(a.model.lost(n, p, logged), a.model.lives(n, p, logged), a.model.belong(n, p), a.fine(t), a.waiting(t, n, p), a.differences(t, n, p))
	if wrong != "" {
		t.Fatalf("%s\n%s", wrong, a.dump(t))
	}
}

// dump shows where a history ended.
func (a *arena) dump(t *rapid.T) string {
	var out strings.Builder
	for _, line := range a.trace {
		fmt.Fprintln(&out, line)
	}
	for _, p := range a.pages(t) {
		fmt.Fprintf(&out, "page %s %s trashed=%t key=%s %v\n", p.mark, p.id, p.trashed, p.key, p.values)
	}
	for _, r := range a.rows(t) {
		fmt.Fprintf(&out, "row  %s %s archived=%t %v\n", r.mark, r.id, r.archived, r.values)
	}
	for _, q := range []string{
		`select 'base ' || coalesce(row_data->>'mark', '') || ' ' || id || ' ' || notion_id || ' ' || state || ' ' || row_data::text from notion_things order by 1`,
		`select 'error ' || row_id || ' ' || coalesce(notion_id, '') || ' ' || side || ' ' || reason from integration.sync_errors`,
		`select 'waiting ' || row_id || ' ' || page_id from integration.sync_waiting_relations`,
		`select 'intent ' || row_id || ' ' || op from integration.sync_intents`,
		`select 'conflict ' || row_id || ' ' || field || ' ' || rule || ' ' || winner || ' N=' || coalesce(notion_value::text, '') || ' P=' || coalesce(supabase_value::text, '') || case when intent_id is null then '' else ' pending' end from integration.sync_conflicts`,
		`select 'change ' || row_id || ' ' || coalesce(changed_at::text, 'to be looked at') from integration.sync_changes`,
		`select 'held ' || row_id || ' ' || h.side || ' ' || h.status from integration.sync_held_records r join integration.sync_holds h on h.id = r.hold_id`,
		`select 'run ' || type || ' ' || r.status || ' ' || coalesce(d.error, '') || ' ' || counts::text from integration.sync_runs r join integration.sync_run_databases d on d.run_id = r.id order by r.created_at`,
	} {
		rows, err := a.person.Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[*string])
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l != nil {
				fmt.Fprintln(&out, *l)
			}
		}
	}
	return out.String()
}

func rich(text string) []any {
	if text == "" {
		return []any{}
	}
	return []any{map[string]any{"type": "text", "text": map[string]any{"content": text}}}
}

// traced keeps the sync's own log in the trace.
type traced struct{ *arena }

func (a traced) Write(line []byte) (int, error) {
	a.note("  log %s", line)
	a.lines++
	return len(line), nil
}
