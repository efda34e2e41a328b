package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// interrupted is a Notion side with something that happens before a call.
type interrupted struct {
	engine.Notion
	list, update func()
}

func (i interrupted) List(ctx context.Context, dataSourceID string, since time.Time, cursor string) (journal.Listing, error) {
	i.list()
	return i.Notion.List(ctx, dataSourceID, since, cursor)
}

func (i interrupted) Update(ctx context.Context, pageID string, write journal.Write) (record.Page, error) {
	i.update()
	return i.Notion.Update(ctx, pageID, write)
}

// interrupt has something happen before each listing and each update of the runs; looks are not interrupted.
func (h *hooked) interrupt(list, update func()) {
	cfg := h.Syncer.Config
	notionOf := cfg.Notion
	cfg.Notion = func(k mapping.Kind) engine.Notion { return interrupted{notionOf(k), list, update} }
	cfg.Interactive = notionOf
	h.Syncer = engine.New(cfg)
}

// answering is a line for Notion that says how long the wait is.
func answering(wait func() time.Duration) func(context.Context, int) (time.Duration, error) {
	return func(context.Context, int) (time.Duration, error) { return wait(), nil }
}

// note has the desk take what the simulator tells of; the queue's workers are busy.
func (h *hooked) note(t *testing.T) {
	t.Helper()
	for _, s := range h.deliver(t) {
		if err := h.desk.Notion(t.Context(), s.body, s.signature); err != nil {
			t.Fatal(err)
		}
	}
}

// TestALookGoesBetweenTheWritesOfARun of the same database: whoever edits a page while many are written does not wait for all of them, and
// the run goes on where it was.
func TestALookGoesBetweenTheWritesOfARun(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, row := h.partner(t)
	h.Exec(t, `update partners set location = 'Broome' where id <> $1::text::uuid`, row)
	const within = 4 // writes
	writes, arrived := 0, 0
	h.interrupt(func() {}, func() {
		if writes++; writes == 3 {
			edit(t, h.World, page, map[string]any{"Location": rich("rich_text", "Perth")})
			h.note(t)
		}
		if arrived == 0 && location(t, h.World, row) == "Perth" {
			arrived = writes
		}
	})
	before := h.Sim.Stats().Total
	succeeded(t, h.Sync(t, journal.Full, "partners"))
	if arrived == 0 || arrived > 3+within || writes != 24 {
		t.Errorf("the edit was made before write 3 and had arrived before write %d of %d", arrived, writes)
	}
	// One listing for each beginning of the batch, one for the run, the look, and the edit itself; the schema, and two related databases.
	if n := h.Sim.Stats().Total - before; n > writes+8 {
		t.Errorf("%d requests for %d writes", n, writes)
	}
	h.Agree(t)
}

// TestALookGoesBetweenWhatADeadWorkerLeft: the run that makes up for it gives way as well, and goes on.
func TestALookGoesBetweenWhatADeadWorkerLeft(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.Exec(t, `update projects set lead = 'first'`)
	if !death(t, h.World, journal.Full, "projects", 20) {
		t.Fatal("no worker died")
	}
	if left := sidetest.Query[int](t, h.World, `select count(*) from integration.sync_intents`); left <= 4 {
		t.Fatalf("it left %d writes", left)
	}
	h.Exec(t, `update projects set lead = 'second'`)
	run := sidetest.Query[string](t, h.World, `select id::text from integration.sync_runs where status = 'running'`)
	if err := h.Send(t.Context(), "", journal.Message{ConnectionID: config.DefaultConnection, RunID: run, Kind: "projects"}); err != nil {
		t.Fatal(err)
	}
	page, row := someOf(t, h.World, "projects")
	edit(t, h.World, page, map[string]any{"Tags": map[string]any{"multi_select": []any{map[string]any{"name": "of the page"}}}})
	h.note(t)
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ended := sidetest.Query[string](t, h.World, `select r.status || coalesce(' ' || d.error, '') from integration.sync_runs r join integration.sync_run_databases d on d.run_id = r.id where r.id = '`+run+`'`); ended != "succeeded" {
		t.Error(ended)
	}
	if got := plain(t, h.World, page, "Lead"); got != "second" {
		t.Errorf("the page has %q", got)
	}
	if got := sidetest.Query[string](t, h.World, `select tags::text from projects where id = '`+row+`'`); got != `{"of the page"}` {
		t.Errorf("the row has %q", got)
	}
	h.Agree(t, "projects")
}

// TestAFirstSyncIsNotBegunAgainForSomebodyWhoWaits: a look leaves everything to the first listing, which has a write to make and comes in one
// answer. (Found by the histories: the run gave way, looked at nothing, and listed again, without end.)
func TestAFirstSyncIsNotBegunAgainForSomebodyWhoWaits(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, row := h.partner(t)
	h.Exec(t, `update integration.sync_databases set notion_through = null where kind = 'partners'`)
	h.Exec(t, `update partners set archived_at = now() where id = (select max(id::text)::uuid from partners)`) // a page that is looked at before it is written
	lists := 0
	h.interrupt(func() {
		if lists++; lists > 10 {
			t.Fatal("it is listed again and again")
		}
		if lists == 1 {
			edit(t, h.World, page, map[string]any{"Location": rich("rich_text", "Perth")})
			h.note(t)
		}
	}, func() {})
	succeeded(t, h.Sync(t, journal.Full, "partners"))
	if got := location(t, h.World, row); got != "Perth" {
		t.Errorf("the row has %q", got)
	}
	h.Agree(t)
}

// foreseen is a Notion side that tells of each look at a page and of each write.
type foreseen struct {
	engine.Notion
	asked func()
}

func (f foreseen) Page(ctx context.Context, pageID string) (record.Page, error) {
	f.asked()
	return f.Notion.Page(ctx, pageID)
}

func (f foreseen) Update(ctx context.Context, pageID string, write journal.Write) (record.Page, error) {
	f.asked()
	return f.Notion.Update(ctx, pageID, write)
}

// TestALookAtAPageAndItsWriteAreNotWaitedBetween: what somebody writes to the page in that time would be overwritten, and so a page is looked at
// once there is room for both.
func TestALookAtAPageAndItsWriteAreNotWaitedBetween(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.Exec(t, `update partners set archived_at = now() where id in (select id from partners order by id limit 9)`) // each page is looked at
	cfg := h.Syncer.Config
	room, used := 0, 0
	notionOf := cfg.Notion
	cfg.Notion = func(k mapping.Kind) engine.Notion {
		return foreseen{notionOf(k), func() {
			if used++; used > room {
				t.Errorf("request %d of the %d that there was room for", used, room)
			}
		}}
	}
	cfg.Ready = func(_ context.Context, requests int) (time.Duration, error) {
		room, used = requests, 0
		return 0, nil
	}
	cfg.Connection.Limit = journal.Limit{Number: 25, Share: 1}
	h.Syncer = engine.New(cfg)
	if r := h.Sync(t, journal.Full, "partners"); r.PagesArchived != 9 {
		t.Errorf("%+v", r)
	}
	h.Agree(t)
}

// TestALookGoesBeforeARunThatWaits for its place in the line: the place is kept, and what people edit meanwhile, on either side, does not wait.
func TestALookGoesBeforeARunThatWaits(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, row := h.partner(t)
	other := sidetest.Query[string](t, h.World, `select notion_id from notion_partners order by id desc limit 1`)
	listed := 0
	h.interrupt(func() { listed++ }, func() {})
	cfg := h.Syncer.Config
	waits := 0
	cfg.Ready = answering(func() time.Duration {
		switch waits++; waits {
		case 1:
			edit(t, h.World, page, map[string]any{"Location": rich("rich_text", "Perth")})
			h.note(t)
		case 2:
			if got := location(t, h.World, row); got != "Perth" || listed > 0 {
				t.Errorf("the row has %q after %d listings of the run", got, listed)
			}
			h.Exec(t, `update partners set location = 'Derby' where id = (select id from notion_partners where notion_id = $1)`, other)
			h.desk.Changed(t.Context(), "partners")
		case 3:
			if got := plain(t, h.World, other, "Location"); got != "Derby" || listed > 0 {
				t.Errorf("the page has %q after %d listings of the run", got, listed)
			}
		default:
			return 0
		}
		return time.Millisecond
	})
	h.Syncer = engine.New(cfg)
	succeeded(t, h.Sync(t, journal.Full, "partners"))
	if waits < 4 || listed == 0 {
		t.Errorf("asked %d times, %d listings", waits, listed)
	}
	h.Agree(t)
}

// blind is a Notion side that shows no page.
type blind struct{ engine.Notion }

func (blind) Page(context.Context, string) (record.Page, error) {
	return record.Page{}, fault.New(fault.Unavailable, "blind")
}

// TestALookThatFails lets the run go on, which takes in what the look could not, and looks for nobody again; a rehearsal looks for nobody.
func TestALookThatFails(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, row := h.partner(t)
	looks := 0
	cfg := h.Syncer.Config
	cfg.Interactive = func(k mapping.Kind) engine.Notion {
		looks++
		return blind{cfg.Notion(k)}
	}
	asked := 0
	cfg.Ready = answering(func() time.Duration {
		if asked++; asked == 1 {
			edit(t, h.World, page, map[string]any{"Location": rich("rich_text", "Perth")})
			h.note(t)
			return time.Millisecond
		}
		return 0
	})
	h.Syncer = engine.New(cfg)
	if _, would := h.Rehearse(t, journal.Full, "partners"); looks != 1 || would.RowsUpdated != 1 { // its own message's
		t.Fatalf("%d looks, %+v", looks, would)
	}
	looks, asked = 0, 0
	succeeded(t, h.Sync(t, journal.Full, "partners"))
	if got := location(t, h.World, row); got != "Perth" || looks != 2 { // one within the run, and its own message's
		t.Errorf("the row has %q after %d looks", got, looks)
	}
	h.Agree(t)
}

// lossy is a Notion side whose answers to writes are lost.
type lossy struct{ engine.Notion }

func (n lossy) Update(ctx context.Context, pageID string, write journal.Write) (record.Page, error) {
	if _, err := n.Notion.Update(ctx, pageID, write); err != nil {
		return record.Page{}, err
	}
	return record.Page{}, fault.New(fault.Unavailable, "lost")
}

func (n lossy) Create(ctx context.Context, dataSourceID, keyID, rowID string, write journal.Write) (record.Page, error) {
	if _, err := n.Notion.Create(ctx, dataSourceID, keyID, rowID, write); err != nil {
		return record.Page{}, err
	}
	return record.Page{}, fault.New(fault.Unavailable, "lost")
}

// TestALookThatFailsHalfWay leaves the run to find out what it wrote: nothing is made twice. (Found by the histories.)
func TestALookThatFailsHalfWay(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, row := h.partner(t)
	h.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
	succeeded(t, h.Sync(t, journal.Full, "partners"))
	if err := h.Sim.DeletePage(page); err != nil {
		t.Fatal(err)
	}
	cfg := h.Syncer.Config
	cfg.Interactive = func(k mapping.Kind) engine.Notion { return lossy{cfg.Notion(k)} }
	asked := 0
	cfg.Ready = answering(func() time.Duration {
		if asked++; asked == 1 {
			h.Exec(t, `update partners set archived_at = null where id = $1::text::uuid`, row)
			h.desk.Changed(t.Context(), "partners")
			return time.Millisecond
		}
		return 0
	})
	h.Syncer = engine.New(cfg)
	succeeded(t, h.Sync(t, journal.SupabaseToNotion, "partners"))
	if pages, rows := live(t, h.World, "partners"); pages != 25 || rows != 25 {
		t.Errorf("%d pages and %d rows", pages, rows)
	}
	h.Agree(t)
}
