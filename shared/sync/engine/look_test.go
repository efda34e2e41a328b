package engine_test

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/webhook"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/changes"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// hooked is a world whose simulator's webhooks come in at a desk.
type hooked struct {
	*sidetest.World
	desk   changes.Inbox
	bodies []sent // every webhook that came
}

type sent struct {
	body      []byte
	signature string
}

func newHooked(t *testing.T) *hooked {
	t.Helper()
	w := sidetest.Synced(t, func(cfg *engine.Config) { cfg.Connection.Limit = journal.Limit{Number: 20, Share: 0.1} }, "partners", "projects")
	h := &hooked{World: w}
	sealing := postgres.Sealing{Random: cryptorand.Reader, Keys: func(context.Context, bool) (secret.Text, error) {
		return secret.Of(base64.StdEncoding.EncodeToString(make([]byte, 32))), nil
	}}
	h.desk = changes.Inbox{
		ConnectionID: config.DefaultConnection, Kinds: w.Starter.Kinds, Queue: w, Enabled: true, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Store: postgres.Notices{Pool: w.Pool, ConnectionID: config.DefaultConnection, Mapping: w.Syncer.Connection.Mapping, Sealing: sealing},
		Bot: func(ctx context.Context) (string, error) {
			bot, err := w.Client.Me(ctx)
			if err != nil {
				return "", err
			}
			return string(bot.ID), nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var body strings.Builder
		_, _ = fmt.Fprint(&body, readAll(r))
		s := sent{[]byte(body.String()), r.Header.Get("X-Notion-Signature")}
		if s.signature != "" {
			h.bodies = append(h.bodies, s)
			return // the test hands them over
		}
		if err := h.desk.Notion(r.Context(), s.body, ""); err != nil {
			t.Error(err)
			rw.WriteHeader(http.StatusConflict)
		}
	}))
	t.Cleanup(server.Close)
	if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.WebhookBackground = false }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sim.Subscribe(t.Context(), server.URL, ""); err != nil {
		t.Fatal(err)
	}
	return h
}

func readAll(r *http.Request) string {
	var raw json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
		return ""
	}
	return string(raw)
}

// deliver has the simulator send what is due, and gives what came.
func (h *hooked) deliver(t *testing.T) []sent {
	t.Helper()
	h.bodies = nil
	h.Sim.DeliverWebhooks(t.Context())
	return h.bodies
}

// take hands webhooks to the desk and has the workers do what follows.
func (h *hooked) take(t *testing.T, webhooks ...sent) {
	t.Helper()
	for _, s := range webhooks {
		if err := h.desk.Notion(t.Context(), s.body, s.signature); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (h *hooked) partner(t *testing.T) (page, row string) {
	t.Helper()
	return sidetest.Query[string](t, h.World, `select notion_id from notion_partners order by id limit 1`),
		sidetest.Query[string](t, h.World, `select id::text from notion_partners order by id limit 1`)
}

func location(t *testing.T, w *sidetest.World, row string) string {
	t.Helper()
	return sidetest.Query[string](t, w, `select coalesce(location, '') from partners where id = $1`, row)
}

// TestAPersonsEditIsLookedAt: at that page only, and what follows from it in Postgres comes back as no notice.
func TestAPersonsEditIsLookedAt(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, row := h.partner(t)
	edit(t, h.World, page, map[string]any{"Location": rich("rich_text", "Perth")})
	before := h.Sim.Stats().Total
	h.take(t, h.deliver(t)...)
	if got := location(t, h.World, row); got != "Perth" {
		t.Errorf("%q", got)
	}
	if n := h.Sim.Stats().Total - before; n != 1 {
		t.Errorf("%d requests for one page", n)
	}
	h.Agree(t)
}

// TestEchoesCostNothing: what only our own bot did is no news. What a person had part in is.
func TestEchoesCostNothing(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, row := h.partner(t)
	h.Exec(t, `update partners set location = 'Broome' where id = $1`, row)
	h.desk.Changed(t.Context(), "partners")
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	echoes := h.deliver(t)
	before := h.Sim.Stats().Total
	h.take(t, echoes...)
	if n := h.Sim.Stats().Total - before; len(echoes) == 0 || n != 0 {
		t.Errorf("%d echoes cost %d requests", len(echoes), n)
	}
	h.Exec(t, `update partners set location = 'Derby' where id = $1`, row)
	h.desk.Changed(t.Context(), "partners")
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	edit(t, h.World, page, map[string]any{"Impact Story": rich("rich_text", "by a person")})
	merged := h.deliver(t)
	h.take(t, merged...)
	if story := sidetest.Query[string](t, h.World, `select impact_story from partners where id = $1`, row); story != "by a person" {
		t.Errorf("%d webhooks, and %q", len(merged), story)
	}
	h.Agree(t)
}

// TestNoticesInAnyOrder: repeated, reordered and lost, and the next sync has nothing to mend but what was lost.
func TestNoticesInAnyOrder(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, _ := h.partner(t)
	var all []sent
	for _, text := range []string{"one", "two", "three"} {
		edit(t, h.World, page, map[string]any{"Location": rich("rich_text", text)})
		all = append(all, h.deliver(t)...)
	}
	created := h.Person(t, "POST", "/v1/pages", map[string]any{
		"parent":     map[string]any{"database_id": h.Sim.Databases()["partners"]},
		"properties": map[string]any{"Name": rich("title", "New")},
	})["id"].(string)
	h.Person(t, "PATCH", "/v1/pages/"+created, map[string]any{"in_trash": true})
	all = append(all, h.deliver(t)...)
	other := sidetest.Query[string](t, h.World, `select notion_id from notion_projects order by id limit 1`)
	h.Person(t, "PATCH", "/v1/pages/"+other, map[string]any{"in_trash": true})
	all = append(all, h.deliver(t)...)
	all = append(all, all...)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	h.take(t, all...)
	h.Agree(t)
	if n := sidetest.Query[int](t, h.World, `select count(*) from integration.sync_reported_pages`); n != 0 {
		t.Errorf("%d looks are left", n)
	}
	edit(t, h.World, page, map[string]any{"Location": rich("rich_text", "the webhook is lost")})
	h.deliver(t)
	succeeded(t, h.Sync(t, journal.Incremental))
	h.Agree(t)
}

// TestABurstIsOneMessage: and one look a page.
func TestABurstIsOneMessage(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, _ := h.partner(t)
	edit(t, h.World, page, map[string]any{"Location": rich("rich_text", "Perth")})
	hook := h.deliver(t)[0]
	token := h.Sim.Subscription().Token
	before := h.Sim.Stats().Total
	for range 300 {
		var body map[string]any
		if err := json.Unmarshal(hook.body, &body); err != nil {
			t.Fatal(err)
		}
		body["id"] = uuid.NewString()
		changed, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.desk.Notion(t.Context(), changed, webhook.Sign(token, changed)); err != nil {
			t.Fatal(err)
		}
		h.desk.Changed(t.Context(), "partners")
	}
	if n := h.Waiting(); n != 1 {
		t.Errorf("%d messages", n)
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := h.Sim.Stats().Total - before; n != 1 {
		t.Errorf("%d requests", n)
	}
	h.Agree(t)
}

// TestWebhooksThatAreNotNotions: forged, altered, re-serialised, unsigned, or handshakes of strangers. None leads to anything.
func TestWebhooksThatAreNotNotions(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, _ := h.partner(t)
	edit(t, h.World, page, map[string]any{"Location": rich("rich_text", "Perth")})
	good := h.deliver(t)[0]
	token := h.Sim.Subscription().Token
	pretty := []byte(strings.Replace(string(good.body), `"type"`, ` "type"`, 1))
	for name, c := range map[string]struct {
		body      []byte
		signature string
		want      fault.Kind
	}{
		"unsigned":              {good.body, "", fault.Unauthorized},
		"signed with another":   {good.body, webhook.Sign("secret_another", good.body), fault.Unauthorized},
		"signed with nothing":   {good.body, webhook.Sign("", good.body), fault.Unauthorized},
		"another body":          {append([]byte(" "), good.body...), good.signature, fault.Unauthorized},
		"re-serialised":         {pretty, good.signature, fault.Unauthorized},
		"without the algorithm": {good.body, strings.TrimPrefix(good.signature, "sha256="), fault.Unauthorized},
		"another algorithm":     {good.body, strings.Replace(good.signature, "sha256", "sha1", 1), fault.Unauthorized},
		"half a signature":      {good.body, good.signature[:40], fault.Unauthorized},
		"many signatures":       {good.body, strings.Repeat(good.signature+",", 1000), fault.Unauthorized},
		"no JSON":               {[]byte("{"), good.signature, fault.Invalid},
		"empty":                 {nil, "", fault.Invalid},
		"a stranger's token":    {[]byte(`{"verification_token":"secret_stranger"}`), "", fault.Conflict},
		"a token, signed":       {[]byte(`{"verification_token":"secret_stranger"}`), webhook.Sign("secret_stranger", []byte(`{"verification_token":"secret_stranger"}`)), fault.Conflict},
		"a token with a space":  {[]byte(`{"verification_token":"secret stranger"}`), "", fault.Invalid},
		"a token too long":      {[]byte(`{"verification_token":"` + strings.Repeat("x", 201) + `"}`), "", fault.Invalid},
		"no page": {
			[]byte(`{"id":"1","entity":{"type":"page","id":"x"}}`), webhook.Sign(token, []byte(`{"id":"1","entity":{"type":"page","id":"x"}}`)), fault.Invalid,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := h.desk.Notion(t.Context(), c.body, c.signature); err == nil || fault.KindOf(err) != c.want || strings.Contains(err.Error(), token) {
				t.Errorf("%v", err)
			}
		})
	}
	if n := h.Waiting(); n != 0 {
		t.Errorf("%d messages", n)
	}
	if err := h.desk.Notion(t.Context(), []byte(`{"verification_token":"`+token+`"}`), ""); err != nil {
		t.Errorf("the same handshake again: %v", err)
	}
	var itsID struct{ ID string }
	if err := json.Unmarshal(good.body, &itsID); err != nil {
		t.Fatal(err)
	}
	unknown := strings.NewReplacer(page, uuid.NewString(), itsID.ID, uuid.NewString()).Replace(string(good.body))
	unknown = strings.ReplaceAll(unknown, sidetest.Query[string](t, h.World, `select data_source_id from integration.sync_databases where kind = 'partners'`), uuid.NewString())
	h.take(t, sent{[]byte(unknown), webhook.Sign(token, []byte(unknown))})
	h.desk.Enabled = false
	h.take(t, good)
	if n := sidetest.Query[int](t, h.World, `select count(*) from integration.sync_reported_pages`); n != 0 {
		t.Errorf("%d looks", n)
	}
	h.desk.Enabled = true
	h.take(t, good)
	h.Agree(t)
}

// TestALookThatFailsIsMadeUpFor: Notion away, or the queue: the page stays noted, and a sweep or a sync does it.
func TestALookThatFailsIsMadeUpFor(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	page, row := h.partner(t)
	edit(t, h.World, page, map[string]any{"Location": rich("rich_text", "Perth")})
	hooks := h.deliver(t)
	if err := h.Sim.SetOptions(func(o *notionsim.Options) { o.IntegrationRevoked = true }); err != nil {
		t.Fatal(err)
	}
	h.take(t, hooks...)
	if err := h.Sim.SetOptions(func(o *notionsim.Options) { o.IntegrationRevoked = false }); err != nil {
		t.Fatal(err)
	}
	if got := location(t, h.World, row); got == "Perth" {
		t.Fatal("it was not away")
	}
	h.desk.Now = func() time.Time { return time.Now().Add(time.Hour) }
	h.desk.Queue = broken{}
	if err := h.desk.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	h.desk.Queue = h.World
	if err := h.desk.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	h.take(t)
	if got := location(t, h.World, row); got != "Perth" {
		t.Errorf("%q", got)
	}
	h.Agree(t)
}

type broken struct{}

func (broken) Send(context.Context, string, journal.Message) error { return errors.New("away") }

// TestLooksDoNotGetAroundTheGuard: deletions that come one by one count together.
func TestLooksDoNotGetAroundTheGuard(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	ids := sidetest.Query[[]string](t, h.World, `select array_agg(notion_id order by id) from notion_partners`)
	for _, id := range ids {
		h.Person(t, "PATCH", "/v1/pages/"+id, map[string]any{"in_trash": true})
		h.take(t, h.deliver(t)...)
	}
	gone := sidetest.Query[int](t, h.World, `select count(*) from partners where archived_at is not null`)
	held := sidetest.Query[int](t, h.World, `select count(*) from integration.sync_held_records`)
	if held == 0 || gone+held != len(ids) {
		t.Errorf("of %d, %d rows are gone and %d held", len(ids), gone, held)
	}
}
