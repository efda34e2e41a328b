package engine_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// rowOf returns the id of the row of a page, by the base.
func rowOf(t *testing.T, w *sidetest.World, kind, page string) string {
	t.Helper()
	return sidetest.Query[string](t, w, `select id::text from notion_`+kind+` where notion_id = $1`, page)
}

// TestARowWhoseIDChanges is the same record: its page stays, with all that is known of it, and carries the new id.
func TestARowWhoseIDChanges(t *testing.T) {
	t.Parallel()
	w := newKin(t)
	w.relate(w.p, "Projects", w.j)
	succeeded(t, w.Sync(t, journal.Full))
	w.Exec(t, `insert into partners (name) values ('of the row')`)
	succeeded(t, w.Sync(t, journal.Full))
	own := pageOf(t, w.World, "partners", "of the row")
	moves := map[string]string{}
	for _, page := range []string{w.p, w.j, own} {
		moves[page] = uuid.NewString()
	}
	for kind, pages := range map[string][]string{"partners": {w.p, own}, "projects": {w.j}} {
		for _, page := range pages {
			w.Exec(t, `update `+kind+` set id = $2::text::uuid where id = $1::text::uuid`, rowOf(t, w.World, kind, page), moves[page])
		}
	}
	w.Exec(t, `update partners set description = 'and edited' where name = 'of the row'`)
	edit(t, w.World, w.p, map[string]any{"Description": rich("rich_text", "in Notion")})
	w.unpair("P", "J")
	w.pair("P", "K")
	r := w.Sync(t, journal.Incremental)
	if succeeded(t, r); r.PagesCreated+r.PagesArchived+r.RowsCreated+r.RowsArchived > 0 || r.Conflicts > 0 {
		t.Errorf("%+v", r)
	}
	for page, id := range moves {
		kind := "partners"
		if page == w.j {
			kind = "projects"
		}
		if got := rowOf(t, w.World, kind, page); got != id {
			t.Errorf("the record of page %s is %s, want %s", page, got, id)
		}
	}
	if got := plain(t, w.World, own, "Supabase ID"); got != moves[own] {
		t.Errorf("the page carries %s, want %s", got, moves[own])
	}
	if got := plain(t, w.World, own, "Description"); got != "and edited" {
		t.Errorf("the edit of the row is %q on its page", got)
	}
	if got := sidetest.Query[string](t, w.World, `select description from partners where name = 'P'`); got != "in Notion" {
		t.Errorf("the edit of the page is %q in its row", got)
	}
	if row, page := w.shows(), related(t, w.World, w.p, "Projects"); row != "K" || page != "K" {
		t.Errorf("row %s, page %s", row, page)
	}
	w.Agree(t)
	w.Sync(t, journal.Full) // sees what the sync wrote to the pages
	if r := w.Sync(t, journal.Full); r.Written() > 0 {
		t.Errorf("then a sync wrote %+v", r)
	}
	if n := sidetest.Query[int](t, w.World, `select (select count(*) from integration.sync_row_id_changes) + (select count(*) from integration.sync_stale_row_keys) + (select count(*) from integration.sync_changes) + (select count(*) from integration.sync_waiting_relations)`); n > 0 {
		t.Errorf("%d notes are left", n)
	}
}

// TestIDsThatChangeSeveralTimes: chains, ids that are exchanged, ids that return, and ids of rows that were deleted.
func TestIDsThatChangeSeveralTimes(t *testing.T) {
	t.Parallel()
	x, y := uuid.NewString(), uuid.NewString()
	for name, c := range map[string]struct {
		sql  []string
		want map[string]string // the title of the record that an id is of: P, Q, or none
	}{
		"a chain":                        {[]string{"update {P} {x}", "update {x} {y}"}, map[string]string{"{y}": "P", "{Q}": "Q"}},
		"there and back":                 {[]string{"update {P} {x}", "update {x} {P}"}, map[string]string{"{P}": "P", "{Q}": "Q"}},
		"exchanged":                      {[]string{"update {P} {x}", "update {Q} {P}", "update {x} {Q}"}, map[string]string{"{Q}": "P", "{P}": "Q"}},
		"the id of one that was deleted": {[]string{"delete {Q}", "update {P} {Q}"}, map[string]string{"{Q}": "P"}},
		"moved, and deleted":             {[]string{"update {P} {x}", "delete {x}"}, map[string]string{"{Q}": "Q"}},
		"one after the other in one id":  {[]string{"update {P} {x}", "delete {x}", "update {Q} {x}"}, map[string]string{"{x}": "Q"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newKin(t)
			q := w.create("partners", "Q", nil)
			succeeded(t, w.Sync(t, journal.Full))
			names := strings.NewReplacer("{P}", rowOf(t, w.World, "partners", w.p), "{Q}", rowOf(t, w.World, "partners", q), "{x}", x, "{y}", y)
			for _, statement := range c.sql {
				words := strings.Fields(names.Replace(statement))
				if words[0] == "update" {
					w.Exec(t, `update partners set id = $2::text::uuid where id = $1::text::uuid`, words[1], words[2])
				} else {
					w.Exec(t, `delete from partners where id = $1::text::uuid`, words[1])
				}
			}
			r := w.Sync(t, journal.Incremental, "partners")
			if succeeded(t, r); r.PagesCreated > 0 || r.RowsCreated > 0 || r.PagesArchived != 2-len(c.want) {
				t.Errorf("%+v", r)
			}
			for id, title := range c.want {
				page := map[string]string{"P": w.p, "Q": q}[title]
				if got := rowOf(t, w.World, "partners", page); got != names.Replace(id) {
					t.Errorf("%s is %s, want %s", title, got, names.Replace(id))
				}
				if got := sidetest.Query[string](t, w.World, `select name from partners where id = $1::text::uuid`, names.Replace(id)); got != title {
					t.Errorf("the row of %s is %s", title, got)
				}
			}
			w.Agree(t, "partners")
		})
	}
}

// TestAnIDThatChangesInTheMiddleOfARun: wherever in a run it happens, no page goes and none is made.
func TestAnIDThatChangesInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	w := newKin(t)
	for at := range 9 {
		next := uuid.NewString()
		w.Exec(t, `update partners set description = $1`, next)
		edit(t, w.World, w.j, map[string]any{"Name": rich("title", "J"+next)})
		calls := 0
		w.Before(func() {
			if calls++; calls == at+1 {
				w.Exec(t, `update partners set id = $1::text::uuid`, next)
			}
		})
		r := w.Sync(t, journal.Full)
		w.Before(nil)
		again := w.Sync(t, journal.Full)
		if r.PagesCreated+r.PagesArchived+r.RowsCreated+again.PagesCreated+again.PagesArchived+again.RowsCreated > 0 || r.Status != "succeeded" || again.Status != "succeeded" {
			t.Errorf("before call %d: %+v, then %+v", at, r, again)
		}
		w.Agree(t)
	}
}
