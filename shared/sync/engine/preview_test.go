package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// untouched is what both sides and the sync hold: every page and schema in Notion, every row of every table with the transaction that
// wrote it, but for runs, previews, events and the lease.
func untouched(t *testing.T, w *sidetest.World) map[string]string {
	t.Helper()
	all := map[string]string{}
	for kind, id := range w.Syncer.Connection.DatabaseIDs {
		pages, err := w.Sim.Pages(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pages {
			all["notion "+kind] += string(p) + "\n"
		}
		all["schema "+kind] = fmt.Sprint(w.Person(t, "GET", "/v1/databases/"+id, nil)["data_sources"])
	}
	tables := sidetest.Query[[]string](t, w, `select array_agg(format('%I.%I', schemaname, tablename)) from pg_tables where schemaname in ('public', 'integration')
		and tablename <> all('{sync_runs,sync_run_databases,sync_previews,events,sync_leases}')`)
	for _, table := range tables {
		all[table] = sidetest.Query[string](t, w, fmt.Sprintf(`select coalesce(string_agg(r.xmin || ' ' || r::text, E'\n' order by r::text), '') from %s r`, table))
	}
	return all
}

// preview returns what a dry run would do, page by page.
func preview(t *testing.T, w *sidetest.World, runID string) []journal.Preview {
	t.Helper()
	var all []journal.Preview
	for f := (journal.PreviewFilter{RunID: runID, Limit: 7}); ; {
		page, err := postgres.Runs{Pool: w.Pool, ConnectionID: config.DefaultConnection}.Preview(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Records...)
		if f.After = page.Next; f.After == 0 {
			if len(all) != page.Total {
				t.Fatalf("%d records were shown of %d", len(all), page.Total)
			}
			return all
		}
	}
}

// rehearse makes a dry run, and fails the test if it changed anything.
func rehearse(t *testing.T, w *sidetest.World, kind journal.Type) ([]journal.Preview, sidetest.Report) {
	t.Helper()
	before := untouched(t, w)
	runID, would := w.Rehearse(t, kind)
	if would.Status != "succeeded" {
		t.Fatalf("%+v", would)
	}
	if diff := cmp.Diff(before, untouched(t, w)); diff != "" {
		t.Fatalf("the dry run changed something:\n%s", diff)
	}
	return preview(t, w, runID), would
}

// foretold makes a dry run and the real one, and fails the test unless the one said what the other did: as many of each, and each
// value where it was said to be.
func foretold(t *testing.T, w *sidetest.World, kind journal.Type) ([]journal.Preview, sidetest.Report) {
	t.Helper()
	said, would := rehearse(t, w, kind)
	did := w.Sync(t, kind)
	if diff := cmp.Diff(would, did); diff != "" {
		t.Errorf("-would +did:\n%s", diff)
	}
	for _, p := range said {
		if p.Refusal == nil && !p.Held && !p.Doubtful {
			cameTrue(t, w, p)
		}
	}
	return said, did
}

// cameTrue fails the test unless both sides hold what the preview said of a record.
func cameTrue(t *testing.T, w *sidetest.World, p journal.Preview) {
	t.Helper()
	kind, _ := w.Syncer.Connection.Mapping.Kind(p.Kind)
	page := sidetest.Query[string](t, w, fmt.Sprintf(`select notion_id from %s where id = $1`, kind.BaseTable), p.Key.RowID)
	raw, found := w.Sim.Page(page)
	if !found {
		t.Fatalf("%s %q has no page", p.Kind, p.Title)
	}
	shown, err := notion.ParsePage(raw)
	if err != nil {
		t.Fatal(err)
	}
	is := func(side string, field journal.Field, has json.RawMessage) {
		f, _ := kind.Field(field.Field)
		if !record.SameColumn(f.ColumnType, field.Gets, has) {
			t.Errorf("%s %q: %s was to get %s in %s, and has %s", p.Kind, p.Title, field.Field, field.Gets, side, has)
		}
	}
	if p.Notion != nil {
		if shown.InTrash != (p.Notion.Op == merge.Archive) {
			t.Errorf("%s %q: %s in Notion, in the trash %t", p.Kind, p.Title, p.Notion.Op, shown.InTrash)
		}
		for _, field := range p.Notion.Fields {
			f, _ := kind.Field(field.Field)
			decoded, err := property.Decode(shown.Properties[f.Property])
			if err != nil {
				t.Fatal(err)
			}
			is("Notion", field, record.Column(f, decoded.Value))
		}
	}
	if p.Supabase != nil {
		known, err := w.Syncer.Tables(kind).Look(t.Context(), []journal.Key{p.Key})
		if err != nil {
			t.Fatal(err)
		}
		row := known[0].Row
		if row == nil || (row.State == record.Archived) != (p.Supabase.Op == merge.Archive) {
			t.Fatalf("%s %q: %s in Supabase, and the row is %+v", p.Kind, p.Title, p.Supabase.Op, row)
		}
		for _, field := range p.Supabase.Fields {
			is("Supabase", field, row.Columns[field.Field])
		}
	}
}

// busy leaves something of every sort to be done.
func busy(t *testing.T, w *sidetest.World) {
	t.Helper()
	name := func(n int) string { return some(t, w, "partners", n) }
	page := func(n int) string { return pageOf(t, w, "partners", name(n)) }
	edit(t, w, page(1), map[string]any{"Location": rich("rich_text", "moved in Notion"), "Featured": map[string]any{"checkbox": true}})
	edit(t, w, page(2), map[string]any{"Location": rich("rich_text", "one place"), "Category": selected("Regional")})
	edit(t, w, page(6), map[string]any{"Location": rich("rich_text", "both")})
	w.Person(t, "PATCH", "/v1/pages/"+page(3), map[string]any{"in_trash": true})
	source := sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'partners'`)
	w.Person(t, "POST", "/v1/pages", map[string]any{
		"parent":     map[string]any{"type": "data_source_id", "data_source_id": source},
		"properties": map[string]any{"Name": rich("title", "born in Notion"), "Type": selected("NGO")},
	})
	id := func(n int) string {
		return sidetest.Query[string](t, w, `select id::text from partners where name = $1`, name(n))
	}
	two, four, five, six, seven, eight, nine := id(2), id(4), id(5), id(6), id(7), id(8), id(9)
	w.Exec(t, `update partners set location = 'another place', status = 'Pending' where id = $1`, two)
	w.Exec(t, `delete from partners where id = $1`, four)
	w.Exec(t, `update partners set archived_at = now() where id = $1`, five)
	w.Exec(t, `update partners set location = 'both' where id = $1`, six)
	w.Exec(t, `update partners set name = 'renamed', collaboration_focus = '{one,two}', established_date = '2001-02-03' where id = $1`, seven)
	w.Exec(t, `update partners set collaboration_focus = (select array_agg('option ' || n) from generate_series(1, 101) n) where id = $1`, eight)
	w.Exec(t, `update partners set category = category || 'x' where id = $1`, nine)
	w.Exec(t, `update partners set category = left(category, -1) where id = $1`, nine)
	w.Exec(t, `insert into partners (name, type, logo_url) values ('born in Postgres', 'Academic', 'https://example.com/logo.png')`)
	w.Exec(t, `alter table projects add constraint small check (budget < 1e6 or budget is null) not valid`)
	edit(t, w, pageOf(t, w, "projects", some(t, w, "projects", 0)), map[string]any{"Budget": map[string]any{"number": 2e6}})
	edit(t, w, pageOf(t, w, "projects", some(t, w, "projects", 1)), map[string]any{"Budget": map[string]any{"number": 1234}})
}

// TestADryRunSaysWhatTheRealOneDoes, of every type of run, and changes nothing.
func TestADryRunSaysWhatTheRealOneDoes(t *testing.T) {
	t.Parallel()
	for _, kind := range sample.List(journal.Types()) {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil)
			busy(t, w)
			said, did := foretold(t, w, kind)
			if did.Written() == 0 {
				t.Error("nothing was done")
			}
			if kind != journal.Full && kind != journal.Incremental {
				return
			}
			if did.Counts.Errors != 2 || did.Conflicts != 1 {
				t.Errorf("%+v", did)
			}
			sides := map[merge.Side]bool{}
			var conflicts []journal.Overruled
			for _, p := range said {
				conflicts = append(conflicts, p.Conflicts...)
				if p.Refusal != nil {
					sides[p.Refusal.Side] = true
				}
			}
			want := []journal.Overruled{{
				Field: "location", Rule: merge.Newest, Winner: merge.Notion,
				Notion: json.RawMessage(`"one place"`), Supabase: json.RawMessage(`"another place"`),
			}}
			if diff := cmp.Diff(want, conflicts); diff != "" || !sides[merge.Notion] || !sides[merge.Supabase] {
				t.Errorf("refusals foreseen by %v; conflicts, -want +got:\n%s", sides, diff)
			}
		})
	}
}

// TestADryRunAtFirstContact foretells every record.
func TestADryRunAtFirstContact(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil)
	if said, _ := foretold(t, w, journal.Full); len(said) != 90 {
		t.Errorf("%d records, want 90", len(said))
	}
	w.Agree(t)
}

// TestARecordIsOneErrorOfARun, though the run comes to it twice: when options were renamed, and in the listing.
func TestARecordIsOneErrorOfARun(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	page, row := someOf(t, w, "partners")
	w.Exec(t, `update partners set relationship_strength = 'Firm' where id = $1::text::uuid`, row)
	for range 2 { // the second gets to know the option
		succeeded(t, w.Sync(t, journal.Full, "partners"))
	}
	edit(t, w, page, map[string]any{"Location": rich("rich_text", "a\x00b")})
	if err := w.Sim.RenameOption(w.Syncer.Connection.DatabaseIDs["partners"], "Relationship Strength", "Firm", "Solid"); err != nil {
		t.Fatal(err)
	}
	w.Exec(t, `update partners set collaboration_focus = (select array_agg('option ' || n) from generate_series(1, 101) n) where id = $1::text::uuid`, row)
	if _, did := foretold(t, w, journal.Full); did.Counts.Errors != 1 {
		t.Errorf("%+v", did)
	}
}

// TestADryRunTellsValues: of each field what a side has, and what it would get.
func TestADryRunTellsValues(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	name := some(t, w, "partners", 1)
	page, id := pageOf(t, w, "partners", name), sidetest.Query[string](t, w, `select id::text from partners where name = $1`, name)
	w.Exec(t, `update partners set location = 'here', featured = false where id = $1`, id)
	succeeded(t, w.Sync(t, journal.Full))
	edit(t, w, page, map[string]any{"Featured": map[string]any{"checkbox": true}})
	w.Exec(t, `update partners set location = 'there' where id = $1`, id)
	said, _ := foretold(t, w, journal.Incremental)
	want := []journal.Preview{{
		Kind: "partners", Key: journal.Key{PageID: page, RowID: id}, Title: name, Conflicts: []journal.Overruled{},
		Notion:   &journal.Effect{Op: merge.Update, Fields: []journal.Field{{Field: "location", Has: json.RawMessage(`"here"`), Gets: json.RawMessage(`"there"`)}}},
		Supabase: &journal.Effect{Op: merge.Update, Fields: []journal.Field{{Field: "featured", Has: json.RawMessage(`false`), Gets: json.RawMessage(`true`)}}},
	}}
	for i := range said {
		said[i].Place = 0
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestADryRunGoesOnWhereItsWorkerDied, and over several invocations, without a word said twice.
func TestADryRunGoesOnWhereItsWorkerDied(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil, "partners")
	if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.RowCap = 4 }); err != nil {
		t.Fatal(err)
	}
	deadline, limit := time.Now(), time.Hour
	w.Syncer.Now = func() time.Time { deadline = deadline.Add(time.Minute); return deadline }
	w.Syncer.Reserve = limit
	run, err := w.Starter.Start(t.Context(), engine.Request{Type: journal.Full, Kinds: []string{"partners"}, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{}
	mortal(w, l)
	segments := 0
	for part := "running"; part != "succeeded"; segments++ {
		// A few batches fit in before the reserve begins, and the worker hands over; every other worker dies at its third effect.
		ctx, cancel := context.WithDeadline(t.Context(), deadline.Add(15*time.Minute)) // of which a third is kept in reserve
		if *l = (life{}); segments%2 == 1 {
			ctx, l.ends = t.Context(), 3
		}
		_ = w.Syncer.Work(ctx, journal.Message{RunID: run.ID, Kind: "partners"})
		cancel()
		part = sidetest.Query[string](t, w, `select status from integration.sync_run_databases where run_id = $1`, run.ID)
		if part == "failed" || segments > 200 {
			t.Fatalf("the run is %s after %d segments", part, segments)
		}
		w.Exec(t, `update integration.sync_leases set expires_at = now()`)
	}
	if segments < 5 {
		t.Errorf("%d segments", segments)
	}
	if n := len(preview(t, w, run.ID)); n != 25 {
		t.Errorf("%d records", n)
	}
}

// TestDryAndRealRunsDoNotBlockEachOther, and two dry runs of a type do.
func TestDryAndRealRunsDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil)
	starter := w.Starter
	starter.Queue = discard{}
	var got []string
	for _, dry := range []bool{true, false, true, false} {
		_, err := starter.Start(t.Context(), engine.Request{Type: journal.Full, DryRun: dry})
		if err != nil {
			got = append(got, strings.Join(strings.Fields(err.Error())[:4], " "))
		} else {
			got = append(got, "started")
		}
	}
	if want := []string{"started", "started", "A full dry run", "A full sync is"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestADryRunAndHeldDeletions: what would be held is said to be.
func TestADryRunAndHeldDeletions(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, func(cfg *engine.Config) { cfg.Connection.Limit = journal.Limit{Number: 20, Share: .1} }, "partners")
	w.Exec(t, `delete from partners`)
	said, did := foretold(t, w, journal.Incremental)
	held := 0
	for _, p := range said {
		if p.Held && p.Notion.Op == merge.Archive {
			held++
		}
	}
	if held != 25 || did.Written() != 0 {
		t.Errorf("%d held, %+v", held, did)
	}
}
