package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// environment is what a new environment of a function is made of, whose database and Notion are a world's.
func environment(t *testing.T, w *sidetest.World, vault string) deps {
	t.Helper()
	env := environ(vault, w.Address)
	p, err := partsOf("test", func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	p.opened.pool = w.Pool
	p.gauge.storeIn(w.Pool)
	return p
}

// notionNow is what GET /sync/conflicts/{id} says that Notion shows.
type notionNow struct {
	State, Value, Message string
	Complete, Stale       bool
	ReadAt                time.Time `json:"read_at"`
	EditedBy              struct{ ID, Name string }
}

func (p deps) conflictNow(t *testing.T, id string) notionNow {
	t.Helper()
	ctx := invocation.WithCall(t.Context(), invocation.Call{Authorization: access.Context(access.Principal{Client: "test", Scopes: []access.Scope{access.Read, access.Sync}}, nil)})
	w := httptest.NewRecorder()
	p.api().Conflict(p.decisions(p.opened.pool), p.carry(p.opened.pool), p.reviewer(p.opened.pool).Conflict).
		ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/sync/conflicts/"+id, http.NoBody))
	var answer struct {
		Now struct {
			notionNow
			EditedBy struct{ ID, Name string } `json:"edited_by"`
		} `json:"notion_now"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body, err)
	}
	answer.Now.notionNow.EditedBy = answer.Now.EditedBy
	return answer.Now.notionNow
}

// TestConflictShowsWhatNotionShowsNow: a page and its editor's name are asked for once for all functions, given marked while Notion is away,
// asked for anew once invalidated; and a sync goes by none of it.
func TestConflictShowsWhatNotionShowsNow(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil)
	vault := vaultWith(t, map[string]string{config.NotionToken: notionsim.IntegrationToken})
	page, id := sidetest.Query[string](t, w, `select min(notion_id) from notion_partners`), newID()
	row := sidetest.Query[string](t, w, `select id::text from notion_partners where notion_id = $1`, page)
	w.Exec(t, `insert into integration.sync_conflicts (id, connection_id, kind, row_id, notion_id, field, rule, winner, notion_value, supabase_value, base_value, detected_at, status)
		values ($1, $2, 'partners', $3, $4, 'location', 'manual', '', '"Here"', '"There"', null, now(), 'waiting')`, id, config.DefaultConnection, row, page)
	move := func(to string) {
		t.Helper()
		w.Person(t, http.MethodPatch, "/v1/pages/"+page, map[string]any{"properties": map[string]any{
			"Location": map[string]any{"rich_text": []any{map[string]any{"text": map[string]any{"content": to}}}},
		}})
	}
	move("Hobart")
	now := environment(t, w, vault).conflictNow(t, id)
	if now.Value != "Hobart" || now.State != "live" || !now.Complete || now.Stale || now.ReadAt.IsZero() || now.EditedBy.Name == "" {
		t.Fatalf("%+v", now)
	}
	move("Perth")
	asked := w.Sim.Stats().Total
	if again := environment(t, w, vault).conflictNow(t, id); again != now || w.Sim.Stats().Total != asked {
		t.Errorf("another function asked again: %+v", again)
	}
	w.Exec(t, `update integration.cache_entries set fresh_until = stored_at`)
	w.Exec(t, `insert into integration.breakers (connection_id, service, status, opened_at, retry_at) values ($1, 'notion', 'open', now(), now() + interval '1 minute')`, config.DefaultConnection)
	if away := environment(t, w, vault).conflictNow(t, id); !away.Stale || away.Value != "Hobart" || !away.ReadAt.Equal(now.ReadAt) || away.EditedBy != now.EditedBy {
		t.Errorf("while Notion is away: %+v", away)
	}
	remembered := postgres.Cache{Pool: w.Pool, ConnectionID: config.DefaultConnection}
	if n, err := remembered.Invalidate(t.Context(), []string{"page", "user"}, "*", "test", newID(), time.Now()); n != 2 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
	if unknown := environment(t, w, vault).conflictNow(t, id); unknown.Message == "" || unknown.Value != "" || unknown.Stale {
		t.Errorf("nothing is known: %+v", unknown)
	}
	if err := (postgres.Breakers{Pool: w.Pool, ConnectionID: config.DefaultConnection}).Reset(t.Context(), "notion"); err != nil {
		t.Fatal(err)
	}
	p := environment(t, w, vault)
	if back := p.conflictNow(t, id); back.Value != "Perth" {
		t.Errorf("Notion is back: %+v", back)
	}
	p.gauge.flush(t.Context())
	rows, err := postgres.Measurements{Pool: w.Pool, ConnectionID: config.DefaultConnection}.Read(t.Context(), time.Now().Add(-time.Hour), metric.Minute)
	if err != nil || metric.Sum(rows, func(r metric.Row) bool {
		return r.Service == metric.Cache && r.Operation == "page" && r.Outcome == metric.Miss
	}).Calls != 1 {
		t.Errorf("%+v, %v", rows, err)
	}
	move("Darwin") // the cache has Perth
	w.Exec(t, `delete from integration.sync_conflicts`)
	w.Sync(t, journal.Full)
	if got := sidetest.Query[string](t, w, `select location from partners where id = $1`, row); got != "Darwin" {
		t.Errorf("the sync took %q", got)
	}
	w.Person(t, http.MethodPatch, "/v1/pages/"+page, map[string]any{"in_trash": true})
	w.Exec(t, `delete from integration.cache_entries`)
	w.Exec(t, `insert into integration.sync_conflicts (id, connection_id, kind, row_id, notion_id, field, rule, winner, notion_value, supabase_value, base_value, detected_at, status)
		values ($1, $2, 'partners', $3, $4, 'location', 'manual', '', '"Here"', '"There"', null, now(), 'waiting')`, id, config.DefaultConnection, row, page)
	if gone := environment(t, w, vault).conflictNow(t, id); gone.State != "archived" {
		t.Errorf("in the trash: %+v", gone)
	}
}
