package checker_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/notion/pages"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/sync/checker"
	"github.com/act-platform/enhanced-integration/shared/sync/consistency"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// office is a world with somebody who checks it.
type office struct {
	*sidetest.World
	desk *checker.Requests
	sent []string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{World: sidetest.Synced(t, nil)}
	tables := func(k mapping.Kind) *records.Tables {
		return records.New(o.Pool, config.DefaultConnection, mapping.ACT(), k, newID)
	}
	history := postgres.Consistency{Pool: o.Pool, ConnectionID: config.DefaultConnection, NewID: newID, Now: time.Now}
	o.desk = &checker.Requests{
		Checker: checker.New(checker.Config{
			ConnectionID: config.DefaultConnection, Kinds: mapping.ACT().Kinds, History: history, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Tables: func(k mapping.Kind) checker.Tables { return tables(k) },
			Notion: func(k mapping.Kind) checker.Notion { return pages.New(o.Client, k, slog.New(slog.DiscardHandler)) },
		}),
		Reports: history, Mender: func(k mapping.Kind) checker.Mender { return tables(k) }, NewID: newID,
		Send: func(_ context.Context, id string) error { o.sent = append(o.sent, id); return nil },
		Sync: func(ctx context.Context, kinds []string) error {
			_, err := o.Starter.Start(ctx, engine.Request{Type: journal.Incremental, Kinds: kinds, RequestedBy: "repair"})
			return err
		},
	}
	return o
}

// unseen does something to tables that no trigger notes.
func (o *office) unseen(t *testing.T, sql string, args ...any) {
	t.Helper()
	tx, err := o.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		sql  string
		args []any
	}{{`select set_config('integration.origin', 'sync', true)`, nil}, {sql, args}} {
		if _, err := tx.Exec(t.Context(), s.sql, s.args...); err != nil {
			t.Fatal(s.sql, err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// deep checks against Notion, as if the sync had seen every edit up to now, and gives what it found: problems by name.
func (o *office) deep(t *testing.T) (consistency.Run, map[string]consistency.Problem) {
	t.Helper()
	o.Exec(t, `update integration.sync_databases set notion_through = now() + interval '1 hour'`)
	id, err := o.desk.Start(t.Context(), "test")
	if err != nil || !slices.Equal(o.sent[len(o.sent)-1:], []string{id}) {
		t.Fatal(id, err)
	}
	if _, err := o.desk.Start(t.Context(), "test"); fault.KindOf(err) != fault.Conflict {
		t.Fatal("two checks at once:", err)
	}
	for range 2 { // a message may come twice
		if err := o.desk.Work(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	report, err := o.desk.Read(t.Context(), "test")
	if err != nil || report.Deep == nil || report.Deep.ID != id || report.Deep.Status != "succeeded" {
		t.Fatalf("%+v %v", report.Deep, err)
	}
	found := map[string]consistency.Problem{}
	for _, r := range report.Deep.Results {
		for _, f := range r.Findings {
			name := f.Name
			if f.Problem == consistency.RelationBroken {
				name = string(f.Problem)
			}
			found[f.Kind+" "+name] = f.Problem
		}
		if len(r.Findings) != r.Found {
			t.Errorf("%s %s: %d findings, %d counted", r.Check, r.Kind, len(r.Findings), r.Found)
		}
	}
	return *report.Deep, found
}

type rec struct{ row, page, name string }

func (o *office) records(t *testing.T, kind string) []rec {
	t.Helper()
	rows, err := o.Pool.Query(t.Context(), fmt.Sprintf(`select id::text, notion_id, name from notion_%s order by name`, kind))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []rec
	for rows.Next() {
		var r rec
		if err := rows.Scan(&r.row, &r.page, &r.name); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// TestDeepCheckFindsAllDamageAndRepairsWhatMayBe does twelve kinds of damage by hand.
func TestDeepCheckFindsAllDamageAndRepairsWhatMayBe(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if run, found := o.deep(t); len(found) != 0 {
		t.Fatalf("a healthy system: %v %+v", found, run.Results)
	}
	partners, projects, opportunities := o.records(t, "partners"), o.records(t, "projects"), o.records(t, "opportunities")
	want := map[string]consistency.Problem{}
	damage := func(kind string, r rec, p consistency.Problem) string {
		want[kind+" "+r.name] = p
		return r.row
	}
	o.unseen(t, `update partners set location = 'Elsewhere' where id = $1`, damage("partners", partners[0], consistency.RowDiffers))
	o.unseen(t, `delete from partners where id = $1`, damage("partners", partners[1], consistency.RowMissing))
	o.unseen(t, `update partners set archived_at = now() where id = $1`, damage("partners", partners[2], consistency.RowState))
	o.unseen(t, `insert into partners (id, name) values ($1, 'Nobody knows')`, damage("partners", rec{row: newID(), name: "Nobody knows"}, consistency.RowUnlinked))
	o.unseen(t, `update notion_projects set row_data = row_data || '{"area": "Wrong"}' where id = $1`, damage("projects", projects[0], consistency.RowDiffers))
	o.unseen(t, `update notion_projects set data = jsonb_set(data, '{properties,Featured,checkbox}', to_jsonb(not (data#>>'{properties,Featured,checkbox}')::boolean)) where id = $1`,
		damage("projects", projects[1], consistency.PageDiffers))
	o.unseen(t, `delete from notion_projects where id = $1`, damage("projects", projects[2], consistency.Unlinked))
	o.unseen(t, `update notion_projects set data = '{"properties": {"X": 5}}' where id = $1`, damage("projects", projects[3], consistency.BaseBroken))
	damage("opportunities", opportunities[0], consistency.PageDiffers)
	o.Person(t, http.MethodPatch, "/v1/pages/"+opportunities[0].page, map[string]any{"properties": map[string]any{"Description": map[string]any{"rich_text": []any{map[string]any{"text": map[string]any{"content": "edited"}}}}}})
	damage("opportunities", opportunities[1], consistency.PageTrashed)
	o.Person(t, http.MethodPatch, "/v1/pages/"+opportunities[1].page, map[string]any{"in_trash": true})
	damage("opportunities", opportunities[2], consistency.PageMissing)
	for _, kind := range []string{"partners", "projects", "organizations"} { // whose pages lose a relation by it
		for _, r := range o.records(t, kind) {
			if sidetest.Query[bool](t, o.World, fmt.Sprintf(`select row_data::text ~ ($2 || '|' || $3) from notion_%s where id = $1`, kind), r.row, opportunities[1].page, opportunities[2].page) {
				damage(kind, r, consistency.PageDiffers)
			}
		}
	}
	if status, answer := o.Call(t, notionsim.PersonToken, http.MethodPost, "/_sim/pages/"+opportunities[2].page+"/delete", map[string]any{}); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	source := sidetest.Query[string](t, o.World, `select data_source_id from integration.sync_databases where kind = 'organizations'`)
	o.Person(t, http.MethodPost, "/v1/pages", map[string]any{
		"parent":     map[string]any{"type": "data_source_id", "data_source_id": source},
		"properties": map[string]any{"title": map[string]any{"title": []any{map[string]any{"text": map[string]any{"content": "Unseen"}}}}},
	})
	want["organizations "] = consistency.PageUnlinked
	for _, kind := range []string{"partners", "opportunities", "organizations"} { // which lead to the project that is not in step any more
		want[kind+" relation_broken"] = consistency.RelationBroken
	}

	run, found := o.deep(t)
	if diff := cmp.Diff(want, found); diff != "" {
		t.Fatalf("found (-want +got): %s", diff)
	}

	var named []checker.Named
	unrepairable := 0
	for _, r := range run.Results {
		for _, f := range r.Findings {
			if f.Problem == consistency.RelationBroken {
				continue
			}
			named = append(named, checker.Named{Kind: f.Kind, RecordID: f.RecordID, PageID: f.PageID})
			if ok, advice := f.Repairable(); !ok && advice != "" {
				unrepairable++
			}
		}
	}
	stranger := checker.Named{Kind: "partners", RecordID: partners[5].row}
	queued, refused, err := o.desk.Repair(t.Context(), append(named, stranger, checker.Named{Kind: "cats", RecordID: newID()}))
	if err != nil || unrepairable != 1 || len(queued) != len(named)-1 || len(refused) != 3 {
		t.Fatalf("%d queued, refused %+v, %d not repairable, %v", len(queued), refused, unrepairable, err)
	}
	if err := o.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.Sync(t, journal.Full)
	if _, found := o.deep(t); !cmp.Equal(found, map[string]consistency.Problem{"projects " + projects[3].name: consistency.BaseBroken}) {
		t.Errorf("after the repair: %v", found)
	}
	if got := sidetest.Query[string](t, o.World, `select location from partners where id = $1`, partners[0].row); got != "Elsewhere" {
		t.Errorf("the row's edit became %q", got)
	}
	if got := sidetest.Query[int](t, o.World, `select count(*) from integration.events where type = 'consistency_checked' and (data->>'deep')::boolean`); got != 3 {
		t.Errorf("%d events of three checks", got)
	}
}

// TestWaitingIsNoDamage: what somebody changed since the last sync is no inconsistency.
func TestWaitingIsNoDamage(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Exec(t, `update partners set location = 'Moved' where id = $1`, o.records(t, "partners")[0].row)
	results, err := o.desk.Check(t.Context(), "partners")
	if err != nil || len(results) != 1 || results[0].Found != 0 || results[0].Waiting != 1 || results[0].Checked != 25 {
		t.Errorf("%+v %v", results, err)
	}
}

// TestDisputesAreNoDamage: a field that a person was asked about differs until that person decides; another field of the record does not.
func TestDisputesAreNoDamage(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	one := o.records(t, "partners")[0]
	o.unseen(t, `update partners set location = 'Moved' where id = $1`, one.row)
	o.Exec(t, `insert into integration.sync_conflicts (id, connection_id, kind, row_id, notion_id, field, rule, winner, notion_value, supabase_value, base_value, detected_at, status)
		values ($1, $2, 'partners', $3, $4, 'location', 'manual', '', '"Here"', '"Moved"', null, now(), 'waiting')`, newID(), config.DefaultConnection, one.row, one.page)
	for _, step := range []struct {
		sql            string
		found, waiting int
	}{{"", 0, 1}, {`update partners set description = 'Changed' where id = $1`, 1, 0}} {
		if step.sql != "" {
			o.unseen(t, step.sql, one.row)
		}
		results, err := o.desk.Check(t.Context(), "partners")
		if err != nil || len(results) != 1 || results[0].Found != step.found || results[0].Waiting != step.waiting {
			t.Errorf("%+v %v", results, err)
		}
	}
}
