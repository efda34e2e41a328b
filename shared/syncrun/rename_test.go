package syncrun_test

import (
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/merge"
)

// labelled is a world of partners, more than fit into one answer, the first of which, so many, are Firm, with Land and Water in focus.
func labelled(t *testing.T, many int) (w *sidetest.World, rename func(property, was, is string)) {
	t.Helper()
	w = sidetest.New(t, nil)
	w.Syncer.Connection.Rule = merge.Manual // what looks like a conflict waits
	if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.Budget = 100_000 }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sim.Grow(map[string]int{"partners": 112}, 1); err != nil {
		t.Fatal(err)
	}
	succeeded(t, w.Sync(t, journal.Full))
	w.Exec(t, `update partners set relationship_strength = 'Firm', collaboration_focus = '{Land,Water}' where id in (select id from partners order by id limit $1)`, many)
	succeeded(t, w.Sync(t, journal.Full))
	w.Sim.Clock().Advance(10 * time.Minute)
	succeeded(t, w.Sync(t, journal.Incremental, "partners"))
	return w, func(property, was, is string) {
		t.Helper()
		if err := w.Sim.RenameOption(w.Syncer.Connection.DatabaseIDs["partners"], property, was, is); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOptionsThatAreRenamed reach the rows with the next run, whatever the database's size, at two requests; pages are not written, and nobody is
// asked to decide anything.
func TestOptionsThatAreRenamed(t *testing.T) {
	t.Parallel()
	const strength, focus = "Relationship Strength", "Collaboration Focus"
	type world struct {
		*sidetest.World
		rename func(property, was, is string)
		rows   []string // ids, in order
	}
	set := func(w world, at int, sql string) {
		w.Exec(t, `update partners set `+sql+` where id = $1::text::uuid`, w.rows[at])
	}
	options := func(names ...string) map[string]any {
		list := []any{}
		for _, n := range names {
			list = append(list, map[string]any{"name": n})
		}
		return map[string]any{"multi_select": list}
	}
	page := func(w world, at int) string {
		return sidetest.Query[string](t, w.World, `select notion_id from notion_partners where id = $1::text::uuid`, w.rows[at])
	}
	for _, c := range []struct {
		name      string
		meanwhile func(world)
		want      map[int]string // of rows that end otherwise: "strength | focus"
		firm      string         // what the others have
		land      string
		requests  int // of the next run, beside the schema and the listing
		many      int // rows; 0: five
	}{
		{name: "a select's", firm: "Solid", land: "{Land,Water}", meanwhile: func(w world) { w.rename(strength, "Firm", "Solid") }},
		{name: "a multi_select's", firm: "Firm", land: "{Soil,Water}", meanwhile: func(w world) { w.rename(focus, "Land", "Soil") }},
		{name: "of more than a batch", many: 110, firm: "Solid", land: "{Land,Water}", meanwhile: func(w world) { w.rename(strength, "Firm", "Solid") }},
		{name: "before a run that writes only to Notion", firm: "Solid", land: "{Land,Water}", want: map[int]string{3: "Weak | {Land,Water}"}, meanwhile: func(w world) {
			w.rename(strength, "Firm", "Solid")
			set(w, 3, `relationship_strength = 'Weak'`)
			succeeded(t, w.Sync(t, journal.SupabaseToNotion, "partners"))
		}},
		{name: "in its case only", firm: "FIRM", land: "{Land,Water}", meanwhile: func(w world) { w.rename(strength, "Firm", "FIRM") }},
		{name: "twice", firm: "Solid", land: "{Land,Water}", meanwhile: func(w world) { w.rename(strength, "Firm", "x"); w.rename(strength, "x", "Solid") }},
		{name: "and back", firm: "Firm", land: "{Land,Water}", meanwhile: func(w world) { w.rename(strength, "Firm", "x"); w.rename(strength, "x", "Firm") }},
		{name: "two that change their names", firm: "Firm", land: "{Water,Land}", meanwhile: func(w world) {
			w.rename(focus, "Land", "x")
			w.rename(focus, "Water", "Land")
			w.rename(focus, "x", "Water")
		}},
		{name: "while a row takes another", firm: "Solid", land: "{Land,Water}", want: map[int]string{3: "Weak | {Land,Water}"}, requests: 2, meanwhile: func(w world) {
			set(w, 3, `relationship_strength = 'Weak'`)
			w.rename(strength, "Firm", "Solid")
		}},
		{name: "while a row loses it", firm: "Firm", land: "{Soil,Water}", want: map[int]string{3: "Firm | {Water}"}, requests: 2, meanwhile: func(w world) {
			set(w, 3, `collaboration_focus = '{Water}'`)
			w.rename(focus, "Land", "Soil")
		}},
		{name: "while a row gets one more", firm: "Firm", land: "{Soil,Water}", want: map[int]string{3: "Firm | {Fire,Soil,Water}"}, requests: 2, meanwhile: func(w world) {
			set(w, 3, `collaboration_focus = '{Land,Water,Fire}'`)
			w.rename(focus, "Land", "Soil")
		}},
		{name: "while a page takes another", firm: "Solid", land: "{Land,Water}", want: map[int]string{3: "Weak | {Land,Water}"}, meanwhile: func(w world) {
			edit(t, w.World, page(w, 3), map[string]any{strength: selected("Weak")})
			w.rename(strength, "Firm", "Solid")
		}},
		{name: "while a page loses it", firm: "Firm", land: "{Soil,Water}", want: map[int]string{3: "Firm | {Water}"}, meanwhile: func(w world) {
			edit(t, w.World, page(w, 3), map[string]any{focus: options("Water")})
			w.rename(focus, "Land", "Soil")
		}},
		{name: "and an option of the old name made", firm: "Solid", land: "{Land,Water}", want: map[int]string{3: "Firm | {Land,Water}"}, meanwhile: func(w world) {
			w.rename(strength, "Firm", "Solid")
			edit(t, w.World, page(w, 3), map[string]any{strength: selected("Firm")})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			many := max(c.many, 5)
			in, rename := labelled(t, many)
			w := world{in, rename, sidetest.Query[[]string](t, in, `select array_agg(id::text order by id) from (select id from partners order by id limit $1) p`, many)}
			c.meanwhile(w)
			before := in.Sim.Stats().Total
			succeeded(t, in.Sync(t, journal.Incremental, "partners"))
			if n := in.Sim.Stats().Total - before; n > 2+c.requests {
				t.Errorf("it took %d requests", n)
			}
			land := strings.Split(strings.Trim(c.land, "{}"), ",")
			for at, id := range w.rows {
				got := sidetest.Query[string](t, in, `select relationship_strength || ' | ' || (select array_agg(f order by f) from unnest(collaboration_focus) f)::text from partners where id = $1::text::uuid`, id)
				want, other := c.want[at]
				if !other {
					if land[0] > land[1] {
						land[0], land[1] = land[1], land[0]
					}
					want = c.firm + " | {" + strings.Join(land, ",") + "}"
				}
				if got != want {
					t.Errorf("row %d has %q, want %q", at, got, want)
				}
			}
			in.Agree(t, "partners")
			if n := sidetest.Query[int](t, in, `select count(*) from sync_conflicts`); n > 0 {
				t.Errorf("%d conflicts", n)
			}
			in.Sim.Clock().Advance(10 * time.Minute)
			if r := in.Sync(t, journal.Full, "partners"); r.Written() > 0 || r.Conflicts > 0 {
				t.Errorf("then a sync did %+v", r)
			}
		})
	}
}
