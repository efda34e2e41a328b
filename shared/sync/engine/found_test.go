package engine_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// These cases are what drawn histories found, made small.

// madeAnew is a world in which the page of J, which P names, has been deleted for good and made anew, and nobody has looked at P since.
func madeAnew(t *testing.T) kin {
	t.Helper()
	w := newKin(t)
	w.relate(w.p, "Projects", w.j)
	w.sync()
	if err := w.Sim.DeletePage(w.j); err != nil {
		t.Fatal(err)
	}
	w.Exec(t, `update projects set name = 'J anew' where name = 'J'`)
	succeeded(t, w.Sync(t, journal.Full, "projects"))
	return w
}

// has checks that a partner has those projects on both sides.
func (w kin) has(t *testing.T, partner, page, projects string) {
	t.Helper()
	if notion, postgres := related(t, w.World, page, "Projects"), pairs(t, w.World, "partners", "projects", partner); notion != projects || postgres != projects {
		t.Errorf("%s has %q in Notion and %q in Postgres", partner, notion, postgres)
	}
}

// TestLinksFollowAPageMadeAnew also where the row that has them was deleted before anybody looked, and returns.
func TestLinksFollowAPageMadeAnew(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(w kin){
		"as it is": func(kin) {},
		"the row deleted, its page edited": func(w kin) {
			w.Exec(t, `delete from partners where name = 'P'`)
			edit(t, w.World, w.p, map[string]any{"Description": rich("rich_text", "stays")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := madeAnew(t)
			do(w)
			w.sync()
			succeeded(t, w.Sync(t, journal.Incremental))
			w.has(t, "P", w.p, "J anew")
			w.Agree(t)
		})
	}
}

// TestAPageMadeAnewIsNoEdit of the records that name it: who is deleted stays deleted.
func TestAPageMadeAnewIsNoEdit(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(w kin){
		"trashed": func(w kin) { w.trash(w.p, true) },
		"deleted for good": func(w kin) {
			if err := w.Sim.DeletePage(w.p); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := madeAnew(t)
			remove(w)
			w.sync()
			if n := sidetest.Query[int](t, w.World, `select count(*) from partners where archived_at is null`); n != 0 {
				t.Errorf("%d partners live", n)
			}
			w.Agree(t)
		})
	}
}

// TestASetOutOfStep is known element by element: what both sides have by now, and one of them loses, is lost; and whoever deletes the record
// has seen it.
func TestASetOutOfStep(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		then func(w *sidetest.World, page string)
		want string
	}{
		"an element taken out": {func(w *sidetest.World, page string) { w.Person(t, "PATCH", "/v1/pages/"+page, tagged("notion")) }, "{notion}"},
		"the page deleted": {func(w *sidetest.World, page string) {
			w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
		}, "archived"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "projects")
			page, row := someOf(t, w, "projects")
			w.Person(t, "PATCH", "/v1/pages/"+page, tagged("notion"))
			w.Exec(t, `update projects set tags = '{row}' where id = $1::text::uuid`, row)
			succeeded(t, w.Sync(t, journal.SupabaseToNotion)) // the page has both, the row has yet to take the page's
			c.then(w, page)
			succeeded(t, w.Sync(t, journal.Full))
			if got := sidetest.Query[string](t, w, `select case when archived_at is null then tags::text else 'archived' end from projects where id = $1::text::uuid`, row); got != c.want {
				t.Errorf("the row is %s", got)
			}
			w.Agree(t)
		})
	}
}

// TestARelationOutOfStep is known page by page, as a set is.
func TestARelationOutOfStep(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners", "projects")
	page, row := someOf(t, w, "partners")
	projects := pagesOf(t, w, "projects")
	linked := func(pages ...string) {
		refs := make([]any, len(pages))
		for i, id := range pages {
			refs[i] = map[string]any{"id": id}
		}
		w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"properties": map[string]any{"Projects": map[string]any{"relation": refs}}})
	}
	linked()
	succeeded(t, w.Sync(t, journal.Full))
	linked(projects[0])
	w.Exec(t, `insert into partners_projects (partner_id, project_id) select $1::text::uuid, id from notion_projects where notion_id = $2`, row, projects[1])
	succeeded(t, w.Sync(t, journal.NotionToSupabase)) // the row has both, the page has yet to take the row's
	linked()
	succeeded(t, w.Sync(t, journal.Full))
	if got := sidetest.Query[[]string](t, w, `select array_agg(n.notion_id) from partners_projects p join notion_projects n on n.id = p.project_id where p.partner_id = $1::text::uuid`, row); !slices.Equal(got, projects[1:2]) {
		t.Errorf("the row is linked to %v, and one that both had was taken out in Notion", got)
	}
	w.Agree(t)
}

// watched is a Notion side with something that happens after a page was read.
type watched struct {
	engine.Notion
	read func(pageID string)
}

func (n watched) Page(ctx context.Context, pageID string) (record.Page, error) {
	page, err := n.Notion.Page(ctx, pageID)
	n.read(pageID)
	return page, err
}

// TestAPageThatGoesWhileItsLinksAreLookedAt was live when the first was looked at, and hides the second: nobody took that one out.
func TestAPageThatGoesWhileItsLinksAreLookedAt(t *testing.T) {
	t.Parallel()
	w := newKin(t)
	q := w.create("partners", "Q", nil)
	w.relate(w.p, "Projects", w.j)
	w.relate(q, "Projects", w.j)
	w.sync()
	w.relate(w.p, "Projects")
	w.pair("Q", "K")
	cfg := w.Syncer.Config
	notionOf := cfg.Notion
	var once sync.Once
	cfg.Notion = func(k mapping.Kind) engine.Notion {
		return watched{notionOf(k), func(pageID string) {
			if pageID == w.j {
				once.Do(func() { w.trash(w.j, true) })
			}
		}}
	}
	w.Syncer = engine.New(cfg)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	if got := pairs(t, w.World, "partners", "projects", "Q"); got != "J, K" {
		t.Errorf("Q has %q", got)
	}
	w.sync()
	w.trash(w.j, false)
	w.sync()
	w.has(t, "Q", q, "J, K")
	if got := pairs(t, w.World, "partners", "projects", "P"); got != "" {
		t.Errorf("P has %q", got)
	}
	w.Agree(t)
}

// listed is a Notion side with something that happens after a listing.
type listed struct {
	engine.Notion
	then func()
}

func (n listed) List(ctx context.Context, dataSourceID string, since time.Time, cursor string) (journal.Listing, error) {
	listing, err := n.Notion.List(ctx, dataSourceID, since, cursor)
	n.then()
	return listing, err
}

// TestALinkThatWasSeenBeforeItWasHidden stays when another is written: the listing showed it, and by the time of the write its page is in the trash.
func TestALinkThatWasSeenBeforeItWasHidden(t *testing.T) {
	t.Parallel()
	w := newKin(t)
	w.relate(w.p, "Projects", w.j)
	w.pair("P", "K")
	cfg := w.Syncer.Config
	notionOf := cfg.Notion
	var once sync.Once
	cfg.Notion = func(k mapping.Kind) engine.Notion {
		return listed{notionOf(k), func() { once.Do(func() { w.trash(w.j, true) }) }}
	}
	w.Syncer = engine.New(cfg)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	w.trash(w.j, false)
	w.sync()
	w.sync()
	w.has(t, "P", w.p, "J, K")
	w.Agree(t)
}

// TestALinkThatWasTakenOutBeforeItWasHidden is out once its page is back, which the sync brought back because its row was edited.
func TestALinkThatWasTakenOutBeforeItWasHidden(t *testing.T) {
	t.Parallel()
	w := newKin(t)
	w.relate(w.p, "Projects", w.j)
	w.sync()
	w.relate(w.p, "Projects")
	w.trash(w.j, true)
	w.Exec(t, `update projects set name = 'J again' where name = 'J'`)
	w.Sim.Clock().Advance(10 * time.Minute) // so that no other edit of that minute is to be expected
	w.sync()
	w.sync()
	w.has(t, "P", w.p, "")
	w.Agree(t)
}

// TestAPageThatWasMadeAndTrashedUnheard is known all the same: the answers to both writes were lost, and Notion finds nothing in its trash. The row
// returns, and with it that page.
func TestAPageThatWasMadeAndTrashedUnheard(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "projects")
	cfg := w.Syncer.Config
	notionOf := cfg.Notion
	heard := false
	cfg.Notion = func(k mapping.Kind) engine.Notion {
		if heard {
			return notionOf(k)
		}
		return lossy{notionOf(k)}
	}
	w.Syncer = engine.New(cfg)
	w.Exec(t, `insert into projects (name) values ('made once')`)
	w.Sync(t, journal.Full, "projects")
	w.Exec(t, `update projects set archived_at = now() where name = 'made once'`)
	w.Sync(t, journal.Full, "projects")
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_intents`); n != 2 {
		t.Fatalf("%d writes are open", n)
	}
	heard = true
	succeeded(t, w.Sync(t, journal.Full, "projects"))
	w.Exec(t, `update projects set archived_at = null where name = 'made once'`)
	succeeded(t, w.Sync(t, journal.Full, "projects"))
	all, err := w.Sim.Pages(w.Sim.Databases()["projects"])
	if err != nil {
		t.Fatal(err)
	}
	if pages, rows := live(t, w, "projects"); len(all) != 16 || pages != 16 || rows != 16 {
		t.Errorf("%d pages, of which %d are live, and %d rows", len(all), pages, rows)
	}
	w.Agree(t)
}

// unsent is a Notion side to which nothing can be sent that makes a page.
type unsent struct{ engine.Notion }

func (unsent) Create(context.Context, string, string, string, journal.Write) (record.Page, error) {
	return record.Page{}, fault.New(fault.Unavailable, "not sent")
}

// TestACopyThatNobodyHasSeen is not taken for the page that was meant to be made: a person made it, of the page before that one.
func TestACopyThatNobodyHasSeen(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "projects")
	w.Exec(t, `insert into projects (name) values ('original')`)
	succeeded(t, w.Sync(t, journal.Full, "projects"))
	ids := sidetest.Query[[]string](t, w, `select array[n.id::text, n.notion_id] from notion_projects n join projects p using (id) where p.name = 'original'`)
	w.Person(t, "PATCH", "/v1/pages/"+ids[1], map[string]any{"in_trash": true})
	succeeded(t, w.Sync(t, journal.Full, "projects"))
	w.Person(t, "POST", "/v1/pages", map[string]any{
		"parent":     map[string]any{"data_source_id": sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'projects'`)},
		"properties": map[string]any{"Name": rich("title", "copy"), "Supabase ID": rich("rich_text", ids[0])},
	})
	if err := w.Sim.DeletePage(ids[1]); err != nil {
		t.Fatal(err)
	}
	w.Exec(t, `update projects set archived_at = null where id = $1::text::uuid`, ids[0])
	cfg := w.Syncer.Config
	whole := w.Syncer
	cfg.Interactive = func(k mapping.Kind) engine.Notion { return unsent{whole.Notion(k)} }
	w.Syncer = engine.New(cfg)
	if err := w.Send(t.Context(), "", journal.Message{ConnectionID: cfg.Connection.ID, Kind: "projects", Look: true}); err != nil {
		t.Fatal(err)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_intents where op = 'create'`); n != 1 {
		t.Fatalf("%d pages are meant to be made", n)
	}
	w.Syncer = whole
	succeeded(t, w.Sync(t, journal.Full, "projects"))
	if got := sidetest.Query[string](t, w, `select string_agg(name, ', ' order by name) from projects where name in ('copy', 'original') and archived_at is null`); got != "copy, original" {
		t.Errorf("%q", got)
	}
	w.Agree(t)
}

// TestAPageThatLostToItsRow in a run that writes to Postgres only still has its value, and no listing of what was edited since shows it any more.
// Whoever writes the row's value to the page then puts the page's into the log.
func TestAPageThatLostToItsRow(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "partners")
	page, row := someOf(t, w, "partners")
	edit(t, w, page, map[string]any{"Location": rich("rich_text", "Notion's")})
	w.Sim.Clock().Advance(10 * time.Minute)
	w.Exec(t, `update partners set location = 'Supabase''s' where id = $1::text::uuid`, row)
	w.Exec(t, `update integration.sync_changes set changed_at = changed_at + interval '1 hour'`) // the row is the newest
	succeeded(t, w.Sync(t, journal.NotionToSupabase))
	if got := plain(t, w, page, "Location"); got != "Notion's" {
		t.Fatalf("the page has %q", got)
	}
	if err := w.Send(t.Context(), "", journal.Message{ConnectionID: w.Syncer.Connection.ID, Kind: "partners", Look: true}); err != nil {
		t.Fatal(err)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := plain(t, w, page, "Location"); got != "Supabase's" {
		t.Errorf("the page has %q", got)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_conflicts where field = 'location' and notion_value = '"Notion''s"' and intent_id is null`); n != 1 {
		t.Errorf("what was overwritten stands in the log %d times", n)
	}
	w.Agree(t)
	if mixed := sidetest.Query[int](t, w, `select count(*) from notion_partners where not data ? 'last_edited_time'`); mixed != 0 {
		t.Errorf("%d bases are still mixed", mixed)
	}
}

func tagged(names ...string) map[string]any {
	options := make([]any, len(names))
	for i, name := range names {
		options[i] = map[string]any{"name": name}
	}
	return map[string]any{"properties": map[string]any{"Tags": map[string]any{"multi_select": options}}}
}

// TestAKeyThatAPersonTyped onto a page is an id however it is spelled, and holds up nothing: of a row that has its own page, or of none, the page is a
// record of its own.
func TestAKeyThatAPersonTyped(t *testing.T) {
	t.Parallel()
	for name, spell := range map[string]func(string) string{
		"in capitals":    strings.ToUpper,
		"as an address":  func(id string) string { return "urn:uuid:" + id },
		"in braces":      func(id string) string { return "{" + id + "}" },
		"between blanks": func(id string) string { return " " + id + "\n" },
		"without dashes": func(id string) string { return strings.ReplaceAll(id, "-", "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "projects")
			w.Exec(t, `insert into projects (name) values ('of Postgres')`)
			succeeded(t, w.Sync(t, journal.Full, "projects"))
			for _, id := range []string{uuid.NewString(), sidetest.Query[string](t, w, `select id::text from projects where name = 'of Postgres'`)} {
				w.Person(t, "POST", "/v1/pages", map[string]any{
					"parent":     map[string]any{"data_source_id": sidetest.Query[string](t, w, `select data_source_id from integration.sync_databases where kind = 'projects'`)},
					"properties": map[string]any{"Name": rich("title", "typed"), "Supabase ID": rich("rich_text", spell(id))},
				})
			}
			r := w.Sync(t, journal.Full, "projects")
			if succeeded(t, r); r.RowsCreated != 2 {
				t.Errorf("%+v", r)
			}
			w.Agree(t, "projects")
		})
	}
}

// TestAPageMadeAnewHidesNothing of what the page in whose place it was made was related to: the next sync has nothing to write. (Found by
// the histories.)
func TestAPageMadeAnewHidesNothing(t *testing.T) {
	t.Parallel()
	w := newKin(t)
	w.pair("P", "J")
	w.sync()
	for _, page := range []string{w.p, w.j} {
		if err := w.Sim.DeletePage(page); err != nil {
			t.Fatal(err)
		}
	}
	w.sync()
	w.unpair("P", "J")
	w.Exec(t, `update partners set archived_at = null`)
	w.sync()
	if n := sidetest.Query[int](t, w.World, `select count(*) from partners where archived_at is null`); n != 1 {
		t.Fatalf("%d partners live", n)
	}
	if again := w.Sync(t, journal.Full); again.Written() > 0 {
		t.Errorf("the second sync: %+v", again)
	}
	w.Agree(t)
}

// TestTwoPagesMadeAnew, one related to the other, are related at once: the second is made with the page that the first has by then. (Found by
// the histories.)
func TestTwoPagesMadeAnew(t *testing.T) {
	t.Parallel()
	w := newKin(t)
	w.pair("P", "J")
	w.sync()
	for _, page := range []string{w.p, w.j} {
		if err := w.Sim.DeletePage(page); err != nil {
			t.Fatal(err)
		}
	}
	w.sync()
	w.Exec(t, `update projects set archived_at = null where name = 'J'`)
	w.sync()
	w.Exec(t, `update partners set archived_at = null`)
	w.sync()
	page := sidetest.Query[string](t, w.World, `select notion_id from notion_partners`)
	if got := related(t, w.World, page, "Projects"); got != "J" {
		t.Errorf("the page is related to %q", got)
	}
	if again := w.Sync(t, journal.Full); again.Written() > 0 {
		t.Errorf("the second sync: %+v", again)
	}
	w.Agree(t)
}
