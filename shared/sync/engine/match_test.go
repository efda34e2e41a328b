package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

const people = `{"kinds":[{"name":"people","table":"people","base_table":"notion_people","database_id_variable":"P","row_key_property":"Supabase ID","key":"email","fields":[
	{"property":"Name","type":"title","column":"name"},
	{"property":"Email","type":"email","column":"email"},
	{"property":"Note","type":"rich_text","column":"note"}]}]}`

const peopleTable = `create table people (
	id uuid primary key default gen_random_uuid(),
	connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id),
	name text, email text, note text,
	archived_at timestamptz, created_at timestamptz not null default now(), updated_at timestamptz not null default now())`

// person is a record on one side. ID is the row's, or the one that the page says is its row's.
type person struct{ Name, Email, Note, ID string }

// meeting is a world in which pages and rows were there before any sync. Rows were there before anybody thought of one.
func meeting(t *testing.T, pages, rows []person) *sidetest.World {
	t.Helper()
	m, err := mapping.Parse([]byte(people))
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]any{"rich_text": map[string]any{}}
	var source string
	w := sidetest.Build(t, sidetest.Setup{
		Sim: notionsim.Config{Seed: 1}, Mapping: m,
		Databases: func(w *sidetest.World) map[string]string {
			made := w.Person(t, "POST", "/v1/databases", map[string]any{
				"parent": map[string]any{"type": "workspace", "workspace": true}, "title": rich("title", "People")["title"],
				"initial_data_source": map[string]any{"properties": map[string]any{
					"Name": map[string]any{"title": map[string]any{}}, "Email": map[string]any{"email": map[string]any{}}, "Note": text, "Supabase ID": text,
				}},
			})
			source = made["data_sources"].([]any)[0].(map[string]any)["id"].(string)
			return map[string]string{"people": made["id"].(string)}
		},
	})
	for _, p := range pages {
		w.Sim.Clock().Advance(20 * time.Second) // no more of them in one minute than the smallest row cap
		addPage(t, w, source, p)
	}
	w.Exec(t, peopleTable)
	for _, p := range rows {
		w.Exec(t, `insert into people (id, name, email, note) values (coalesce(nullif($1, '')::uuid, gen_random_uuid()), $2, nullif($3, ''), nullif($4, ''))`, p.ID, p.Name, p.Email, p.Note)
	}
	w.Exec(t, `call integration.keep_in_step('people', 'people', 'notion_people')`)
	return w
}

func addPage(t *testing.T, w *sidetest.World, source string, p person) string {
	t.Helper()
	properties := map[string]any{"Name": rich("title", p.Name), "Note": rich("rich_text", p.Note), "Supabase ID": rich("rich_text", p.ID)}
	if p.Email != "" {
		properties["Email"] = map[string]any{"email": p.Email}
	}
	return w.Person(t, "POST", "/v1/pages", map[string]any{
		"parent": map[string]any{"type": "data_source_id", "data_source_id": source}, "properties": properties,
	})["id"].(string)
}

// met tells, for each record that both sides have, the notes of the row as it was and of the page as it was.
func doubts(t *testing.T, w *sidetest.World) []journal.Doubt {
	t.Helper()
	var all []journal.Doubt
	list := records.Doubts{Pool: w.Pool, ConnectionID: config.DefaultConnection, Mapping: w.Syncer.Connection.Mapping}
	for f := (journal.FindDoubts{Limit: 1}); ; {
		page, err := list.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if f.After = page.Next; f.After == 0 {
			if len(all) != page.Total {
				t.Fatalf("%d doubts were listed of %d", len(all), page.Total)
			}
			return all
		}
	}
}

func settleDoubt(t *testing.T, w *sidetest.World, pageID, rowID string) (journal.Settlement, error) {
	t.Helper()
	return records.Doubts{Pool: w.Pool, ConnectionID: config.DefaultConnection, Mapping: w.Syncer.Connection.Mapping}.Settle(t.Context(),
		journal.Settling{PageID: pageID, RowID: rowID, By: "somebody", At: time.Now()})
}

// atRest fails the test unless another sync finds nothing to do.
func atRest(t *testing.T, w *sidetest.World) {
	t.Helper()
	again := w.Sync(t, journal.Full)
	succeeded(t, again)
	if again.Written() != 0 || again.Conflicts != 0 {
		t.Errorf("not at rest: %+v", again)
	}
}

var one, two = uuid.NewSHA1(uuid.Nil, []byte("one")).String(), uuid.NewSHA1(uuid.Nil, []byte("two")).String()

// TestMatching: which page is which row when two filled sides meet. The notes say it afterwards: Notion's was written later, and of a
// record that both sides had it stays, the other standing in the log.
func TestMatching(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		pages, rows []person
		want        string // matched pairs as page=row by their notes, how many pages and rows were made, and how many pages are in doubt
	}{
		"by title":                          {[]person{{"Ada", "", "p1", ""}, {"Bob", "", "p2", ""}}, []person{{"Bob", "", "r2", ""}, {"Ada", "", "r1", ""}}, "p1=r1 p2=r2, 0 pages, 0 rows, 0 in doubt"},
		"case and surrounding space":        {[]person{{" ÉMILE Zola ", "", "p1", ""}}, []person{{"émile zola\t", "", "r1", ""}}, "p1=r1, 0 pages, 0 rows, 0 in doubt"},
		"one side has more":                 {[]person{{"Ada", "", "p1", ""}, {"Cy", "", "p3", ""}}, []person{{"Ada", "", "r1", ""}, {"Bob", "", "r2", ""}}, "p1=r1, 1 pages, 1 rows, 0 in doubt"},
		"empty titles never match":          {[]person{{"", "", "p1", ""}}, []person{{" ", "", "r1", ""}}, ", 1 pages, 1 rows, 0 in doubt"},
		"a title twice in Notion":           {[]person{{"Ada", "", "p1", ""}, {"Ada", "", "p2", ""}, {"Bob", "", "p3", ""}}, []person{{"Ada", "", "r1", ""}, {"Bob", "", "r3", ""}}, "p3=r3, 0 pages, 0 rows, 2 in doubt"},
		"a title twice in Postgres":         {[]person{{"Ada", "", "p1", ""}}, []person{{"Ada", "", "r1", ""}, {"Ada", "", "r2", ""}}, ", 0 pages, 0 rows, 1 in doubt"},
		"twice on a side that is alone":     {[]person{{"Ada", "", "p1", ""}, {"Ada", "", "p2", ""}, {"Cy", "", "p3", ""}}, []person{{"Bob", "", "r1", ""}}, ", 1 pages, 3 rows, 0 in doubt"},
		"the key wins over the title":       {[]person{{"Ada", "a@x", "p1", ""}}, []person{{"Ada", "b@x", "r1", ""}, {"Augusta", "A@X", "r2", ""}}, "p1=r2, 1 pages, 0 rows, 0 in doubt"},
		"other keys are other records":      {[]person{{"Ada", "a@x", "p1", ""}}, []person{{"Ada", "b@x", "r1", ""}}, ", 1 pages, 1 rows, 0 in doubt"},
		"a key on one side only":            {[]person{{"Ada", "a@x", "p1", ""}}, []person{{"Ada", "", "r1", ""}}, "p1=r1, 0 pages, 0 rows, 0 in doubt"},
		"a key twice, titles would tell":    {[]person{{"Ada", "a@x", "p1", ""}, {"Bob", "a@x", "p2", ""}}, []person{{"Ada", "a@x", "r1", ""}}, ", 0 pages, 0 rows, 2 in doubt"},
		"the row's key wins over all":       {[]person{{"Ada", "a@x", "p1", two}}, []person{{"Ada", "a@x", "r1", one}, {"Bob", "b@x", "r2", two}}, "p1=r2, 1 pages, 0 rows, 0 in doubt"},
		"a page that was duplicated":        {[]person{{"Ada", "", "p1", one}, {"Ada", "", "p2", one}}, []person{{"Ada", "", "r1", one}}, ", 0 pages, 0 rows, 2 in doubt"},
		"a row's key that no row has":       {[]person{{"Ada", "", "p1", two}, {"Bob", "", "p2", "no id"}}, []person{{"Ada", "", "r1", one}, {"Bob", "", "r2", ""}}, "p1=r1 p2=r2, 0 pages, 0 rows, 0 in doubt"},
		"what the stronger one has settled": {[]person{{"Ada", "a@x", "p1", ""}, {"Ada", "", "p2", ""}}, []person{{"Ada", "a@x", "r1", ""}, {"Ada", "", "r2", ""}}, "p1=r1 p2=r2, 0 pages, 0 rows, 0 in doubt"},
	}
	for name, c := range sample.Of(cases) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := meeting(t, c.pages, c.rows)
			said, did := foretold(t, w, journal.Full)
			succeeded(t, did)
			pairs := sidetest.Query[string](t, w, `select coalesce(string_agg((notion_value #>> '{}') || '=' || (supabase_value #>> '{}'), ' ' order by notion_value), '') from integration.sync_conflicts where field = 'note'`)
			got := fmt.Sprintf("%s, %d pages, %d rows, %d in doubt", pairs, did.PagesCreated, did.RowsCreated, len(doubts(t, w)))
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			matched, doubtful := 0, 0
			for _, p := range said {
				if p.Doubtful {
					doubtful++
				} else if p.Match != "" {
					matched++
				}
			}
			if matched != strings.Count(pairs, "=") || doubtful != len(doubts(t, w)) {
				t.Errorf("the dry run said that %d would match and %d be in doubt", matched, doubtful)
			}
			atRest(t, w)
			if len(doubts(t, w)) == 0 {
				w.Agree(t)
			}
		})
	}
}

// TestBothSidesFilledWithTheSame 25 records under other ids: nothing is made, and nothing is written.
func TestBothSidesFilledWithTheSame(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	w.Exec(t, `truncate notion_partners, integration.sync_databases`)
	w.Exec(t, `update partners set id = gen_random_uuid()`)
	w.Exec(t, `truncate integration.sync_changes`)
	before := requests(w)
	said, did := foretold(t, w, journal.Full)
	if did.RowsCreated != 65 || did.PagesCreated+did.PagesUpdated+did.Conflicts != 0 { // the other three databases' rows
		t.Errorf("%+v", did)
	}
	for _, p := range said {
		if p.Match != "" && p.Supabase != nil { // relations to what Postgres does not have yet
			for _, f := range p.Supabase.Fields {
				if field, _ := w.Syncer.Connection.Mapping.Kinds[0].Field(f.Field); field.Join == nil {
					t.Errorf("%s: %s would get %s", p.Title, f.Field, f.Gets)
				}
			}
		}
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_match_pages where state = 'matched' and matched_by = 'title' and run_id is null`); n != 25 {
		t.Errorf("%d were matched", n)
	}
	if n := requests(w) - before; n > 37 {
		t.Errorf("%d requests", n)
	}
	w.Agree(t)
	atRest(t, w)
}

// TestMatchedRecordsMerge: with no base, the rule says which of two values stays, and the other is kept.
func TestMatchedRecordsMerge(t *testing.T) {
	t.Parallel()
	for rule, want := range map[merge.Rule]string{merge.Newest: "row", merge.NotionWins: "page", merge.SupabaseWins: "row"} {
		t.Run(string(rule), func(t *testing.T) {
			t.Parallel()
			w := meeting(t, []person{{"Ada", "", "page", ""}}, []person{{"Ada", "ada@example.com", "row", ""}})
			w.Syncer.Connection.Rule = rule
			w.Exec(t, `alter table people disable trigger user`)
			w.Exec(t, `update people set updated_at = now() + interval '1 hour'`)
			w.Exec(t, `alter table people enable trigger user; alter table people enable always trigger note_sync_change`)
			said, did := foretold(t, w, journal.Full)
			if did.Conflicts != 1 || len(said) != 1 || said[0].Match != journal.ByTitle {
				t.Errorf("%+v, %+v", did, said)
			}
			if got := sidetest.Query[string](t, w, `select note || ' ' || email from people`); got != want+" ada@example.com" {
				t.Errorf("the row has %s", got)
			}
			w.Agree(t)
			atRest(t, w)
		})
	}
}

// TestDoubtsAreSettled by somebody; until then both sides keep what they have, and everything else goes on.
func TestDoubtsAreSettled(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (w *sidetest.World, pages, rows map[string]string) {
		t.Helper()
		w = meeting(t, []person{{"Ada", "", "p1", ""}, {"Ada", "", "p2", ""}, {"Bob", "", "", ""}}, []person{{"Ada", "", "r1", ""}, {"ada", "", "r2", ""}, {"Bob", "", "", ""}})
		succeeded(t, w.Sync(t, journal.Full))
		w.Exec(t, `update people set note = note || '!' where note = 'r1'`)
		w.Exec(t, `update people set note = 'goes on' where name = 'Bob'`)
		if did := w.Sync(t, journal.Incremental); did.Written() != 1 {
			t.Fatalf("%+v", did)
		}
		pages, rows = map[string]string{}, map[string]string{}
		for _, d := range doubts(t, w) {
			pages[plain(t, w, d.PageID, "Note")] = d.PageID
			if d.Rows != 2 || d.Pages != 2 || d.By != journal.ByTitle || d.Value != "ada" || d.Title != "Ada" {
				t.Errorf("%+v", d)
			}
			for _, c := range d.Candidates {
				rows[strings.Trim(string(c.Columns["note"]), `"`)] = c.RowID
			}
		}
		if len(pages) != 2 || len(rows) != 2 {
			t.Fatalf("pages %v, rows %v", pages, rows)
		}
		return w, pages, rows
	}
	count := func(t *testing.T, w *sidetest.World) string {
		t.Helper()
		w.Agree(t)
		atRest(t, w)
		return sidetest.Query[string](t, w, `select string_agg(distinct n.notion_id || '=' || p.id, ' ') || ' ' || count(*) from people p join notion_people n using (id) where p.name ilike 'ada'`)
	}
	t.Run("each its row", func(t *testing.T) {
		t.Parallel()
		w, pages, rows := start(t)
		for page, row := range map[string]string{"p1": "r2", "p2": "r1!"} {
			if done, err := settleDoubt(t, w, pages[page], rows[row]); err != nil || done != (journal.Settlement{Kind: "people"}) {
				t.Fatal(done, err)
			}
		}
		_, did := foretold(t, w, journal.Incremental)
		succeeded(t, did)
		if did.RowsCreated+did.PagesCreated != 0 || did.Conflicts != 3 {
			t.Errorf("%+v", did)
		}
		if got := count(t, w); !strings.HasSuffix(got, " 2") || !strings.Contains(got, pages["p1"]+"="+rows["r2"]) {
			t.Error(got)
		}
	})
	t.Run("all are new", func(t *testing.T) {
		t.Parallel()
		w, pages, _ := start(t)
		for i, page := range []string{"p1", "p2"} {
			done, err := settleDoubt(t, w, pages[page], "")
			if err != nil || done.NewRows != 2*i {
				t.Fatal(done, err)
			}
		}
		if did := w.Sync(t, journal.Incremental); did.RowsCreated != 2 || did.PagesCreated != 2 {
			t.Errorf("%+v", did)
		}
		if got := count(t, w); !strings.HasSuffix(got, " 4") {
			t.Error(got)
		}
	})
	t.Run("one is its row, the other new, and a row is left over", func(t *testing.T) {
		t.Parallel()
		w, pages, rows := start(t)
		if _, err := settleDoubt(t, w, pages["p1"], rows["r1!"]); err != nil {
			t.Fatal(err)
		}
		if done, err := settleDoubt(t, w, pages["p2"], ""); err != nil || done.NewRows != 1 {
			t.Fatal(done, err)
		}
		if did := w.Sync(t, journal.Incremental); did.RowsCreated != 1 || did.PagesCreated != 1 {
			t.Errorf("%+v", did)
		}
		if got := count(t, w); !strings.HasSuffix(got, " 3") {
			t.Error(got)
		}
	})
	t.Run("what cannot be decided", func(t *testing.T) {
		t.Parallel()
		w, pages, rows := start(t)
		bob := sidetest.Query[string](t, w, `select id::text from people where name = 'Bob'`)
		if _, err := settleDoubt(t, w, pages["p1"], bob); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a row that is another's: %v", err)
		}
		if _, err := settleDoubt(t, w, uuid.NewString(), ""); fault.KindOf(err) != fault.NotFound {
			t.Errorf("an unknown page: %v", err)
		}
		if _, err := settleDoubt(t, w, pages["p1"], rows["r2"]); err != nil {
			t.Fatal(err)
		}
		if _, err := settleDoubt(t, w, pages["p1"], ""); fault.KindOf(err) != fault.Conflict {
			t.Errorf("decided twice: %v", err)
		}
		if _, err := settleDoubt(t, w, pages["p2"], rows["r2"]); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a row that has been given away: %v", err)
		}
	})
}

// TestARowIsLeft: of two pages and one row, once one page has it, the other is a record of its own.
func TestARowForOneOfTwoPages(t *testing.T) {
	t.Parallel()
	w := meeting(t, []person{{"Ada", "", "p1", ""}, {"Ada", "", "p2", ""}}, []person{{"Ada", "", "r1", ""}})
	succeeded(t, w.Sync(t, journal.Full))
	d := doubts(t, w)
	if done, err := settleDoubt(t, w, d[1].PageID, d[1].Candidates[0].RowID); err != nil || done.NewPages != 1 {
		t.Fatal(done, err)
	}
	if did := w.Sync(t, journal.Incremental); did.RowsCreated != 1 || did.PagesCreated != 0 {
		t.Errorf("%+v", did)
	}
	w.Agree(t)
	atRest(t, w)
}

// TestAPersonEditsBetweenPreviewAndRun: the run does what is right then, and nothing that the preview said.
func TestAPersonEditsBetweenPreviewAndRun(t *testing.T) {
	t.Parallel()
	w := meeting(t, []person{{"Ada", "", "p1", ""}, {"Bob", "", "", ""}}, []person{{"Ada", "", "r1", ""}, {"Bob", "", "", ""}})
	said, _ := rehearse(t, w, journal.Full)
	if len(said) != 2 || said[0].Match != journal.ByTitle {
		t.Fatalf("%+v", said)
	}
	w.Exec(t, `update people set name = 'Cy' where name = 'Ada'`)
	did := w.Sync(t, journal.Full)
	succeeded(t, did)
	if did.PagesCreated != 1 || did.RowsCreated != 1 || did.Conflicts != 0 {
		t.Errorf("%+v", did)
	}
	w.Agree(t)
	atRest(t, w)
}

// several are pages and rows of which some match, some are new, and some in doubt; over several answers, of four rows each.
func several(t *testing.T) *sidetest.World {
	t.Helper()
	w := meeting(t,
		[]person{{"A", "", "p", ""}, {"B", "", "p", ""}, {"C", "", "p", ""}, {"C", "", "p", ""}, {"D", "", "", ""}, {"E", "", "", ""}, {"F", "f@x", "", ""}, {"G", "", "", ""}, {"only page", "", "", ""}},
		[]person{{"G", "", "", ""}, {"Eff", "F@x", "", ""}, {"E", "", "", ""}, {"D", "", "r", ""}, {"C", "", "r", ""}, {"B", "", "r", ""}, {"A", "", "p", ""}, {"only row", "", "", ""}})
	if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.RowCap = 4 }); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestAWorkerDiesWhileRecordsAreMatched, between any two effects: the next one goes on, and nothing is doubled.
func TestAWorkerDiesWhileRecordsAreMatched(t *testing.T) {
	t.Parallel()
	for _, dry := range []bool{true, false} {
		t.Run(fmt.Sprintf("dry run %t", dry), func(t *testing.T) {
			t.Parallel()
			for ends, reached := 1, true; reached; ends += sample.Step() {
				w := several(t)
				l := &life{ends: ends}
				mortal(w, l)
				run, err := w.Starter.Start(t.Context(), engine.Request{Type: journal.Full, DryRun: dry})
				if err != nil {
					t.Fatal(err)
				}
				_ = w.Drain(t.Context())
				reached = l.dead
				l.dead, l.ends = false, 0
				w.Exec(t, `update integration.sync_leases set expires_at = now()`)
				if err := w.Syncer.Work(t.Context(), journal.Message{RunID: run.ID, Kind: "people"}); err != nil {
					t.Fatal(err)
				}
				would := w.Report(t, run.ID)
				if dry {
					if len(preview(t, w, run.ID)) != 10 { // six pairs, two new, two in doubt
						t.Fatalf("effect %d: %+v", ends, preview(t, w, run.ID))
					}
					would = w.Sync(t, journal.Full)
				}
				succeeded(t, would)
				pages, err := w.Sim.Pages(w.Syncer.Connection.DatabaseIDs["people"])
				if err != nil {
					t.Fatal(err)
				}
				if rows := sidetest.Query[int](t, w, `select count(*) from people`); len(pages) != 10 || rows != 9 || len(doubts(t, w)) != 2 {
					t.Fatalf("effect %d: %d pages, %d rows, %d in doubt", ends, len(pages), rows, len(doubts(t, w)))
				}
				if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where field = 'note'`); n != 1 { // B's; D's is on one side only
					t.Fatalf("effect %d: %d conflicts", ends, n)
				}
				atRest(t, w)
			}
		})
	}
}

// TestMatchingOverSeveralAnswers: what is unique is only known once all is listed.
func TestMatchingOverSeveralAnswers(t *testing.T) {
	t.Parallel()
	var pages, rows []person
	for n := range 260 {
		pages = append(pages, person{fmt.Sprintf("Person %d", n%250), "", "", ""})
		rows = append(rows, person{fmt.Sprintf("person %d", 259-n), "", "", ""})
	}
	w := meeting(t, pages, rows)
	before := requests(w)
	did := w.Sync(t, journal.Full)
	succeeded(t, did)
	// Ten titles stand on two pages; ten rows have no page.
	if n := len(doubts(t, w)); n != 20 || did.RowsCreated != 0 || did.PagesCreated != 10 {
		t.Errorf("%d in doubt, %+v", n, did)
	}
	if n := requests(w) - before; n > 30 {
		t.Errorf("%d requests: %v", n, w.Sim.Stats().Requests)
	}
	atRest(t, w)
}

// TestRowsWithoutATimeOfChange: an application may say that a row was changed at no time that there is. The record is as any other.
func TestRowsWithoutATimeOfChange(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"infinity", "-infinity", "0044-03-15 BC", "12026-01-01"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			w := sidetest.New(t, nil, "projects")
			w.Exec(t, `alter table projects disable trigger user`)
			w.Exec(t, `insert into projects (name, updated_at, created_at) values ('of Postgres', $1::text::timestamptz, $1::text::timestamptz)`, at)
			w.Exec(t, `alter table projects enable trigger user`)
			succeeded(t, w.Sync(t, journal.Full, "projects"))
			w.Agree(t, "projects")
		})
	}
}
