package engine_test

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// labelled is a world of partners, more than fit into one answer, the first of which, so many, are Firm, with Land and Water in focus.
func labelled(t *testing.T, many int) (w *sidetest.World, rename func(property, was, is string)) {
	t.Helper()
	w = sidetest.New(t, nil, "partners")
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

// TestOptionsThatAreRenamed reach the rows with the next run, whatever the database's size: it asks for the schema and lists what was edited, and
// for the pages of rows that somebody changed meanwhile. Pages are not written, and nobody is asked to decide anything.
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
	change := func(w world, at int, properties map[string]any) {
		edit(t, w.World, sidetest.Query[string](t, w.World, `select notion_id from notion_partners where id = $1::text::uuid`, w.rows[at]), properties)
	}
	for name, c := range sample.Of(map[string]struct {
		meanwhile func(world)
		want      map[int]string // of rows that end otherwise than most
		most      string
		requests  int // of the next run, beside the schema and the listing
		many      int // rows
	}{
		"while rows and pages change": {many: 10, requests: 6, most: "Solid | {Soil,Water}", want: map[int]string{
			0: "Weak | {Soil,Water}", 1: "Solid | {Water}", 2: "Solid | {Fire,Soil,Water}",
			3: "Weak | {Soil,Water}", 4: "Solid | {Water}", 5: "Solid | {Fire,Soil,Water}",
			6: "Firm | {Soil,Water}",
		}, meanwhile: func(w world) {
			set(w, 0, `relationship_strength = 'Weak'`)
			set(w, 1, `collaboration_focus = '{Water}'`)
			set(w, 2, `collaboration_focus = '{Land,Water,Fire}'`)
			change(w, 3, map[string]any{strength: selected("Weak")})
			change(w, 4, map[string]any{focus: chosen("Water")})
			change(w, 5, map[string]any{focus: chosen("Land", "Water", "Fire")})
			w.rename(strength, "Firm", "Solid")
			w.rename(focus, "Land", "Soil")
			change(w, 6, map[string]any{strength: selected("Firm")}) // an option of the old name
		}},
		"of more than a batch, and in its case only": {many: 110, most: "FIRM | {Land,Water}", meanwhile: func(w world) { w.rename(strength, "Firm", "FIRM") }},
		"twice, and two that change their names": {many: 3, most: "Solid | {Land,Water}", meanwhile: func(w world) {
			w.rename(strength, "Firm", "x")
			w.rename(strength, "x", "Solid")
			w.rename(focus, "Land", "x")
			w.rename(focus, "Water", "Land")
			w.rename(focus, "x", "Water")
		}},
		"before a run that writes only to Notion": {many: 3, most: "Solid | {Land,Water}", want: map[int]string{1: "Weak | {Land,Water}"}, meanwhile: func(w world) {
			w.rename(strength, "Firm", "Solid")
			set(w, 1, `relationship_strength = 'Weak'`)
			succeeded(t, w.Sync(t, journal.SupabaseToNotion, "partners"))
		}},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, rename := labelled(t, c.many)
			w := world{in, rename, sidetest.Query[[]string](t, in, `select array_agg(id::text order by id) from (select id from partners order by id limit $1) p`, c.many)}
			c.meanwhile(w)
			before := in.Sim.Stats().Total
			succeeded(t, in.Sync(t, journal.Incremental, "partners"))
			if n := in.Sim.Stats().Total - before; n > 2+c.requests {
				t.Errorf("it took %d requests", n)
			}
			for at, id := range w.rows {
				want, other := c.want[at]
				if !other {
					want = c.most
				}
				got := sidetest.Query[string](t, in, `select relationship_strength || ' | ' || (select array_agg(f order by f) from unnest(collaboration_focus) f)::text from partners where id = $1::text::uuid`, id)
				if got != want {
					t.Errorf("row %d has %q, want %q", at, got, want)
				}
			}
			in.Agree(t, "partners")
			if n := sidetest.Query[int](t, in, `select count(*) from integration.sync_conflicts`); n > 0 {
				t.Errorf("%d conflicts", n)
			}
			in.Sim.Clock().Advance(10 * time.Minute)
			if r := in.Sync(t, journal.Full, "partners"); r.Written() > 0 || r.Conflicts > 0 {
				t.Errorf("then a sync did %+v", r)
			}
		})
	}
}

// TestOpenConflictsFollowRenamedOptions: whichever a person keeps, before or after, no option of an old name is made anew.
func TestOpenConflictsFollowRenamedOptions(t *testing.T) {
	t.Parallel()
	for name, c := range sample.Of(map[string]struct {
		keep  merge.Side
		first bool // it is decided before the options are renamed
		want  string
	}{
		"Notion's, before":   {merge.Notion, true, "Solid"},
		"Notion's, after":    {merge.Notion, false, "Solid"},
		"Supabase's, before": {merge.Supabase, true, "Feeble"},
		"Supabase's, after":  {merge.Supabase, false, "Feeble"},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, rename := labelled(t, 2)
			ids := sidetest.Query[[]string](t, w, `select array_agg(id::text order by id) from partners where relationship_strength = 'Firm'`)
			page := sidetest.Query[string](t, w, `select notion_id from notion_partners where id = $1::text::uuid`, ids[0])
			w.Exec(t, `update partners set relationship_strength = 'Weak' where id = $1::text::uuid`, ids[1])
			edit(t, w, page, map[string]any{"Relationship Strength": selected("Strong")})
			w.Exec(t, `update partners set relationship_strength = 'Weak' where id = $1::text::uuid`, ids[0])
			next := func() {
				t.Helper()
				succeeded(t, w.Sync(t, journal.Incremental, "partners"))
				w.Sim.Clock().Advance(10 * time.Minute)
			}
			next()
			next() // which gets to know the options
			decide := func() {
				settle(t, w, conflicts(t, w, journal.ConflictWaiting)[0].ID, journal.Decision{Keep: c.keep})
			}
			if c.first {
				decide()
			}
			rename("Relationship Strength", "Strong", "Solid")
			rename("Relationship Strength", "Weak", "Feeble")
			next()
			if !c.first {
				decide()
				next()
			}
			row := sidetest.Query[string](t, w, `select relationship_strength from partners where id = $1::text::uuid`, ids[0])
			if got := plain(t, w, page, "Relationship Strength"); got != c.want || row != c.want {
				t.Errorf("%q in Notion, %q in Postgres", got, row)
			}
			if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where status <> 'settled'`); n > 0 {
				t.Errorf("%d conflicts are left", n)
			}
			if told := sidetest.Query[int](t, w, `select count(*) from integration.events where type = 'sync_conflict'`); told != 1 {
				t.Errorf("it was told %d times", told)
			}
			w.Agree(t, "partners")
		})
	}
}

// TestARenamedOptionOutlivesNoDeletion: it is nobody's edit of the page. Whoever edits the page has the record return, with the new name.
func TestARenamedOptionOutlivesNoDeletion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deleted string
		edited  bool
	}{
		"an archived row":                   {deleted: `update partners set archived_at = now() where id = $1::text::uuid`},
		"a deleted row":                     {deleted: `delete from partners where id = $1::text::uuid`},
		"an archived row, an edited page":   {deleted: `update partners set archived_at = now() where id = $1::text::uuid`, edited: true},
		"a deleted row, and an edited page": {deleted: `delete from partners where id = $1::text::uuid`, edited: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners")
			page, row := someOf(t, w, "partners")
			w.Exec(t, `update partners set relationship_strength = 'Firm' where id = $1::text::uuid`, row)
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			w.Exec(t, c.deleted, row)
			if err := w.Sim.RenameOption(w.Syncer.Connection.DatabaseIDs["partners"], "Relationship Strength", "Firm", "Solid"); err != nil {
				t.Fatal(err)
			}
			if c.edited {
				edit(t, w, page, map[string]any{"Location": rich("rich_text", "Perth")})
			}
			w.Sync(t, journal.Full, "partners")
			got := sidetest.Query[string](t, w, `select coalesce(max(relationship_strength || ', ' || location), 'none') from partners where id = $1::text::uuid and archived_at is null`, row)
			if want := map[bool]string{false: "none", true: "Solid, Perth"}[c.edited]; got != want {
				t.Errorf("the row is %s, want %s", got, want)
			}
			w.Agree(t, "partners")
		})
	}
}

// TestARenamedOptionThatTheRowSpellsOtherwise reaches the row all the same: an enum spells its labels in its own letters' case, an application writes
// an option as it likes, and a padded column adds blanks.
func TestARenamedOptionThatTheRowSpellsOtherwise(t *testing.T) {
	t.Parallel()
	w := columned(t, `create extension citext; create type mood as enum ('sad', 'glad', 'merry')`, []column{
		{"mood", property.TypeSelect, "mood", ""},
		{"word", property.TypeSelect, "text", ""},
		{"any_case", property.TypeStatus, "citext", ""},
		{"padded", property.TypeSelect, "char(8)", ""},
		{"moods", property.TypeMultiSelect, "mood[]", ""},
		{"words", property.TypeMultiSelect, "text[]", ""},
		{"padded_words", property.TypeMultiSelect, "char(5)[]", ""},
	})
	w.Person(t, "POST", "/v1/pages", map[string]any{"parent": map[string]any{"data_source_id": source(t, w)}, "properties": map[string]any{
		"Name": rich("title", "First"), "mood": selected("Sad"), "word": selected("One"), "any_case": map[string]any{"status": map[string]any{"name": "Done"}},
		"padded": selected("one"), "moods": chosen("Sad", "Glad"), "words": chosen("One", "Two"), "padded_words": chosen("a", "b"),
	}})
	succeeded(t, w.Sync(t, journal.Full))
	w.Exec(t, `update things set word = 'one', words = '{two,one}', any_case = 'done'`)
	succeeded(t, w.Sync(t, journal.Full))
	for _, r := range []struct{ property, was, is string }{
		{"mood", "Sad", "Merry"}, {"word", "One", "Three"}, {"any_case", "Done", "Over"}, {"padded", "one", "two"}, {"moods", "Glad", "Merry"}, {"words", "Two", "Three"}, {"padded_words", "a", "c"},
	} {
		if err := w.Sim.RenameOption(w.Syncer.Connection.DatabaseIDs["things"], r.property, r.was, r.is); err != nil {
			t.Fatal(err)
		}
	}
	succeeded(t, w.Sync(t, journal.Incremental))
	got := kept(t, w, "First")
	for column, want := range map[string]string{
		"mood": "merry", "word": "Three", "any_case": "Over", "padded": "two     ", "moods": `["sad", "merry"]`, "words": `["One", "Three"]`, "padded_words": `["c    ", "b    "]`,
	} {
		if got[column] != want {
			t.Errorf("%s is %q, want %q", column, got[column], want)
		}
	}
	w.Agree(t)
	if again := w.Sync(t, journal.Full); again.Written() > 0 || again.Conflicts > 0 {
		t.Errorf("a second sync did %+v", again)
	}
	if got := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts`); got > 0 {
		t.Errorf("%d conflicts", got)
	}
}
