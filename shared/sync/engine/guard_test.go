package engine_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// guarded is a world after its first sync, whose deletions are held as they are by default.
func guarded(t *testing.T) *sidetest.World {
	t.Helper()
	w := sidetest.Synced(t, func(cfg *engine.Config) { cfg.Connection.Limit = journal.Limit{Number: 20, Share: 0.1} })
	return w
}

// trash puts pages of a kind into the trash as a person, as many as asked for.
func trash(t *testing.T, w *sidetest.World, kind string, n int) {
	t.Helper()
	for _, id := range sidetest.Query[[]string](t, w, fmt.Sprintf(`select array_agg(notion_id) from (select notion_id from notion_%s order by id limit %d) p`, kind, n)) {
		w.Person(t, "PATCH", "/v1/pages/"+id, map[string]any{"in_trash": true})
	}
}

// live counts a kind's live pages and rows.
func live(t *testing.T, w *sidetest.World, kind string) (pages, rows int) {
	t.Helper()
	raws, err := w.Sim.Pages(w.Sim.Databases()[kind])
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range raws {
		var page struct {
			InTrash bool `json:"in_trash"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			t.Fatal(err)
		}
		if !page.InTrash {
			pages++
		}
	}
	return pages, sidetest.Query[int](t, w, fmt.Sprintf(`select count(*) from %s where archived_at is null`, kind))
}

func decide(t *testing.T, w *sidetest.World, verdict journal.Verdict) {
	t.Helper()
	w.Exec(t, `update integration.sync_holds set status = $1, decided_by = 'test', decided_at = now() where status = 'waiting'`, verdict)
}

// waiting returns how many records are held.
func waiting(t *testing.T, w *sidetest.World, side merge.Side) int {
	t.Helper()
	return sidetest.Query[int](t, w, `select coalesce(sum(records), 0)::int from integration.sync_holds where status = 'waiting' and side = $1`, side)
}

func TestTooManyDeletedRowsAreHeld(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	w.Exec(t, `delete from projects`)
	w.Exec(t, `update partners set location = 'Perth' where name = (select min(name) from partners)`)
	w.Exec(t, `delete from opportunities where id in (select id from opportunities limit 3)`) // 10 %: no more than that
	r := w.Sync(t, journal.Full)
	succeeded(t, r)
	if pages, _ := live(t, w, "projects"); pages != 15 || waiting(t, w, merge.Notion) != 15 {
		t.Errorf("%d pages of deleted rows are left, %d are held", pages, waiting(t, w, merge.Notion))
	}
	if r.PagesUpdated != 1 || r.PagesArchived != 3 {
		t.Errorf("everything else goes on: %+v", r)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.events where type = 'sync_held'`); n != 1 {
		t.Errorf("told %d times", n)
	}
	before := requests(w)
	if again := w.Sync(t, journal.Full); again.Written() > 0 || requests(w)-before > 13 {
		t.Errorf("a second sync wrote %+v in %d requests", again, requests(w)-before)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.events where type = 'sync_held'`); n != 1 {
		t.Errorf("told %d times", n)
	}

	decide(t, w, journal.Approved)
	if r := w.Sync(t, journal.Full); r.PagesArchived != 15 {
		t.Errorf("approved: %+v", r)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_held_records`); n != 0 {
		t.Errorf("%d records are still held", n)
	}
	w.Agree(t)
}

func TestTooManyPagesInTheTrashAreHeld(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	trash(t, w, "organizations", 20)
	succeeded(t, w.Sync(t, journal.Full))
	if _, rows := live(t, w, "organizations"); rows != 20 || waiting(t, w, merge.Supabase) != 20 {
		t.Errorf("%d rows of trashed pages are left, %d are held", rows, waiting(t, w, merge.Supabase))
	}
	before := requests(w)
	if again := w.Sync(t, journal.Full); again.Written() > 0 || requests(w)-before > 13 {
		t.Errorf("a second sync wrote %+v in %d requests", again, requests(w)-before)
	}

	decide(t, w, journal.Refused)
	if r := w.Sync(t, journal.Full); r.PagesUpdated != 20 {
		t.Errorf("refused: %+v", r)
	}
	if pages, rows := live(t, w, "organizations"); pages != 20 || rows != 20 {
		t.Errorf("refused, and there are %d pages and %d rows", pages, rows)
	}
	w.Agree(t)
	if r := w.Sync(t, journal.Full); r.Written() > 0 {
		t.Errorf("then a sync wrote %+v", r)
	}
}

func TestRefusedDeletedRowsReturn(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	ids := sidetest.Query[string](t, w, `select string_agg(id::text, ',' order by id) from projects`)
	w.Exec(t, `delete from projects`)
	succeeded(t, w.Sync(t, journal.Full))
	decide(t, w, journal.Refused)
	if r := w.Sync(t, journal.Full); r.RowsCreated != 15 || r.Conflicts > 0 {
		t.Errorf("refused: %+v", r)
	}
	if again := sidetest.Query[string](t, w, `select string_agg(id::text, ',' order by id) from projects`); again != ids {
		t.Error("the rows came back under other ids")
	}
	w.Agree(t)
}

func TestWhatPeopleTakeBackIsNotHeld(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	w.Exec(t, `create table saved as select * from projects`)
	w.Exec(t, `delete from projects`)
	trash(t, w, "organizations", 20)
	succeeded(t, w.Sync(t, journal.Full))
	w.Exec(t, `insert into projects select * from saved`)
	for _, id := range sidetest.Query[[]string](t, w, `select array_agg(notion_id) from notion_organizations`) {
		w.Person(t, "PATCH", "/v1/pages/"+id, map[string]any{"in_trash": false})
	}
	if r := w.Sync(t, journal.Full); r.Written() > 0 {
		t.Errorf("taken back, and a sync wrote %+v", r)
	}
	if states := sidetest.Query[string](t, w, `select string_agg(distinct status, ',') from integration.sync_holds`); states != "withdrawn" {
		t.Errorf("the holds are %s", states)
	}
	w.Agree(t)
}

// TestWhatIsGoneOnBothSidesIsNotHeld: nothing is left of it to decide, and no verdict waits for a later deletion of a record that returns.
func TestWhatIsGoneOnBothSidesIsNotHeld(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	trash(t, w, "organizations", 10)
	w.Exec(t, `delete from organizations where id = (select id from notion_organizations order by id limit 1)`)
	succeeded(t, w.Sync(t, journal.Full))
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_held_records`); n != 9 {
		t.Errorf("%d records are held", n)
	}
	decide(t, w, journal.Approved)
	succeeded(t, w.Sync(t, journal.Full))
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_held_records`); n != 0 {
		t.Errorf("%d records are still held", n)
	}
	w.Agree(t)
}

// TestHoldGrows: while a deletion waits, more of them on that side wait with it, however few they are.
func TestHoldGrows(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	trash(t, w, "partners", 10)
	succeeded(t, w.Sync(t, journal.Full))
	trash(t, w, "partners", 12)
	succeeded(t, w.Sync(t, journal.Full))
	if _, rows := live(t, w, "partners"); rows != 25 || waiting(t, w, merge.Supabase) != 12 {
		t.Errorf("%d rows, %d are held", rows, waiting(t, w, merge.Supabase))
	}
	// An edit outlives a deletion, also one that is held.
	w.Exec(t, `update partners set location = 'Perth' where id = (select min(id::text)::uuid from partners)`)
	if r := w.Sync(t, journal.Full); r.PagesUpdated != 1 || r.Conflicts != 1 {
		t.Errorf("edited: %+v", r)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_held_records`); n != 11 {
		t.Errorf("%d records are held", n)
	}
}

// TestRetriesAreNotTakenForAbsences: a run that has not listed the whole database holds only what it has at hand.
func TestRetriesAreNotTakenForAbsences(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	trash(t, w, "partners", 1)
	page := sidetest.Query[string](t, w, `select notion_id from notion_partners order by id limit 1`)
	w.Exec(t, `insert into integration.sync_errors (connection_id, kind, row_id, notion_id, side, reason, first_at, last_at, next_attempt_at)
		select connection_id, 'partners', id, notion_id, 'notion', 'a test', $2, $2, $2 from notion_partners where notion_id = $1`, page, time.Now())
	if r := w.Sync(t, journal.SupabaseToNotion); r.Status != "succeeded" {
		t.Errorf("%+v", r)
	}
	if r := w.Sync(t, journal.Full); r.RowsArchived != 1 {
		t.Errorf("%+v", r)
	}
	if n := waiting(t, w, merge.Supabase); n > 0 {
		t.Errorf("%d records are held", n)
	}
	w.Agree(t)
}
