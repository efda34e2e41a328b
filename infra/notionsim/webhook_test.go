package notionsim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/webhook"
)

// subscriber takes webhooks.
type subscriber struct {
	t      *testing.T
	server *httptest.Server
	mu     sync.Mutex
	token  string
	refuse int // how many to refuse yet
	events []answer
	got    chan struct{}
}

func listen(t *testing.T) *subscriber {
	t.Helper()
	s := &subscriber{t: t, got: make(chan struct{}, 1000)}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

func (s *subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	e := answer{t: s.t, raw: raw, header: r.Header}
	if err := json.Unmarshal(raw, &e.body); err != nil {
		s.t.Errorf("%v in %s", err, raw)
	}
	if token, handshake := e.body["verification_token"]; handshake {
		s.token, _ = token.(string)
		return
	}
	if got := r.Header.Get("X-Notion-Signature"); got != webhook.Sign(s.token, raw) {
		s.t.Errorf("signature %q of %s", got, raw)
	}
	s.events = append(s.events, e)
	s.got <- struct{}{}
}

// take returns what came since it was last called, as "type entity".
func (s *subscriber) take() (kinds []string, events []answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events = s.events
	s.events = nil
	for _, e := range events {
		kinds = append(kinds, e.text("type")+" "+e.text("entity", "id"))
	}
	return kinds, events
}

// subscribed returns a simulator that delivers only when told to, and who is told.
func subscribed(t *testing.T, options string) (*notionsim.Sim, client, *subscriber) {
	t.Helper()
	sim, bot := start(t)
	s := listen(t)
	bot.post("/_sim/options", `{"webhook_background":false}`).ok()
	bot.post("/_sim/options", options).ok()
	a := bot.post("/_sim/webhooks", map[string]any{"url": s.server.URL}).ok()
	if a.text("verification_token") == "" || a.text("verification_token") != s.token || a.text("subscription_id") == "" {
		t.Fatalf("subscribed: %s", a.raw)
	}
	return sim, bot, s
}

func TestWebhooksTellWhatHappened(t *testing.T) {
	t.Parallel()
	sim, bot, s := subscribed(t, `{}`)
	source := bot.source(sim, "projects")
	partner := bot.post("/v1/data_sources/"+bot.source(sim, "partners")+"/query", `{"page_size":1}`).ok().text("results", 0, "id")
	steps := []struct {
		do   func()
		want []string
	}{}
	var page string
	step := func(do func(), want ...string) {
		steps = append(steps, struct {
			do   func()
			want []string
		}{do, want})
	}
	step(func() { page = bot.createIn(source, map[string]any{"Name": title("Told")}) }, "page.created")
	step(func() { bot.patch("/v1/pages/"+page, properties(map[string]any{"Budget": number(1)})).ok() }, "page.properties_updated")
	step(func() { bot.patch("/v1/pages/"+page, properties(map[string]any{"Partners": relation(partner)})).ok() }, "page.properties_updated", "page.properties_updated")
	step(func() { bot.patch("/v1/pages/"+page, `{"is_locked":true}`).ok() }, "page.locked")
	step(func() { bot.patch("/v1/pages/"+page, `{"icon":{"emoji":"🎈"}}`).ok() }, "page.content_updated")
	step(func() { bot.patch("/v1/pages/"+page, `{"in_trash":true}`).ok() }, "page.deleted")
	step(func() { bot.patch("/v1/pages/"+page, `{"in_trash":false}`).ok() }, "page.undeleted")
	step(func() {
		bot.post("/v1/pages/"+page+"/move", map[string]any{"parent": map[string]any{"data_source_id": bot.source(sim, "organizations")}}).ok()
	}, "page.moved", "page.properties_updated")
	step(func() {
		bot.patch("/v1/data_sources/"+source, `{"properties":{"New":{"number":{}},"Lead":{"name":"Led by"},"Tags":null}}`).ok()
	}, "data_source.schema_updated")
	step(func() { bot.patch("/v1/databases/"+sim.Databases()["projects"], `{"in_trash":true}`).ok() }, "database.deleted")
	step(func() { bot.get("/v1/pages/" + page).ok() })
	step(func() { sim.DeletePage(page) }, "page.deleted")
	for i, st := range steps {
		st.do()
		bot.post("/_sim/webhooks/deliver", nil).ok()
		_, events := s.take()
		var kinds []string
		for _, e := range events {
			kinds = append(kinds, e.text("type"))
		}
		slices.Sort(kinds)
		slices.Sort(st.want)
		if !slices.Equal(kinds, st.want) {
			t.Errorf("step %d told %v, want %v", i, kinds, st.want)
		}
		for _, e := range events {
			checkEvent(t, bot, e)
		}
	}
}

func checkEvent(t *testing.T, bot client, e answer) {
	t.Helper()
	me := bot.get("/v1/users/me").ok().text("id")
	if e.text("authors", 0, "type") == "bot" && e.text("authors", 0, "id") != me {
		t.Errorf("the author of %s is not the bot", e.raw)
	}
	switch e.text("type") {
	case "page.created":
		if e.text("data", "parent", "type") != "database" || e.text("data", "parent", "data_source_id") == "" || e.at("attempt_number") != 1.0 {
			t.Errorf("%s", e.raw)
		}
	case "page.properties_updated":
		if len(e.list("data", "updated_properties")) == 0 {
			t.Errorf("no property in %s", e.raw)
		}
	case "data_source.schema_updated":
		var changes []string
		for i := range e.list("data", "updated_properties") {
			changes = append(changes, e.text("data", "updated_properties", i, "name")+" "+e.text("data", "updated_properties", i, "action"))
		}
		slices.Sort(changes)
		if !slices.Equal(changes, []string{"Led by updated", "New created", "Tags deleted"}) {
			t.Errorf("changes %v", changes)
		}
	}
}

// The members of an event are those that Notion documents.
func TestWebhookShape(t *testing.T) {
	t.Parallel()
	sim, bot, s := subscribed(t, `{}`)
	bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Told")})
	bot.post("/_sim/webhooks/deliver", nil).ok()
	_, events := s.take()
	want := recorded(t, "webhook-06-notionrs.json")
	want["workspace_name"] = ""
	if got := keys(events[0].body); !slices.Equal(got, keys(want)) {
		t.Errorf("members\n%v, documented\n%v", got, keys(want))
	}
}

func TestWebhooksMergeAuthors(t *testing.T) {
	t.Parallel()
	sim, bot, s := subscribed(t, `{"webhook_delay_ms":60000}`)
	page := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Merged")})
	bot.patch("/v1/pages/"+page, properties(map[string]any{"Budget": number(1)})).ok()
	bot.person().patch("/v1/pages/"+page, properties(map[string]any{"Featured": map[string]any{"checkbox": true}})).ok()
	if got := bot.post("/_sim/webhooks/deliver", nil).ok(); got.at("delivered") != 0.0 {
		t.Errorf("delivered before it was due: %s", got.raw)
	}
	sim.Clock().Advance(time.Minute)
	bot.post("/_sim/webhooks/deliver", nil).ok()
	kinds, events := s.take()
	if !slices.Equal(kinds, []string{"page.created " + page, "page.properties_updated " + page}) {
		t.Fatalf("told %v", kinds)
	}
	if len(events[1].list("authors")) != 2 || events[1].text("authors", 0, "type") != "bot" || events[1].text("authors", 1, "type") != "person" ||
		len(events[1].list("data", "updated_properties")) != 2 {
		t.Errorf("merged into %s", events[1].raw)
	}
	// What is gone before anybody was told was never there.
	fleeting := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Fleeting")})
	bot.patch("/v1/pages/"+fleeting, `{"in_trash":true}`).ok()
	sim.Clock().Advance(time.Hour)
	bot.post("/_sim/webhooks/deliver", nil).ok()
	if kinds, _ := s.take(); len(kinds) != 0 {
		t.Errorf("told %v", kinds)
	}
}

func TestWebhooksAreTriedAgain(t *testing.T) {
	t.Parallel()
	sim, bot, s := subscribed(t, `{}`)
	s.refuse = 2
	page := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Again")})
	for _, c := range []struct {
		after             time.Duration
		delivered, failed float64
	}{{0, 0, 1}, {30 * time.Second, 0, 0}, {31 * time.Second, 0, 1}, {4 * time.Minute, 0, 0}, {2 * time.Minute, 1, 0}, {time.Hour, 0, 0}} {
		sim.Clock().Advance(c.after)
		if a := bot.post("/_sim/webhooks/deliver", nil).ok(); a.at("delivered") != c.delivered || a.at("failed") != c.failed {
			t.Errorf("%v later: %s", c.after, a.raw)
		}
	}
	kinds, events := s.take()
	if !slices.Equal(kinds, []string{"page.created " + page}) || events[0].at("attempt_number") != 3.0 {
		t.Errorf("told %v: %s", kinds, events[0].raw)
	}
	// Eight tries, and no more.
	s.refuse = 100
	bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("In vain")})
	tries := 0.0
	for range 20 {
		tries += bot.post("/_sim/webhooks/deliver", nil).ok().at("failed").(float64)
		sim.Clock().Advance(24 * time.Hour)
	}
	if tries != 8 {
		t.Errorf("tried %v times", tries)
	}
}

func TestWebhooksAreLostDoubledAndShuffled(t *testing.T) {
	t.Parallel()
	for options, check := range map[string]func(kinds []string) bool{
		`{"webhook_loss":1}`:           func(k []string) bool { return len(k) == 0 },
		`{"webhook_duplication":1}`:    func(k []string) bool { return len(k) == 20 },
		`{"webhook_order":"kept"}`:     func(k []string) bool { return len(k) == 10 },
		`{"webhook_order":"shuffled"}`: func(k []string) bool { return len(k) == 10 },
		`{"webhook_loss":0.5}`:         func(k []string) bool { return len(k) > 0 && len(k) < 10 },
	} {
		sim, bot, s := subscribed(t, options)
		source := bot.source(sim, "projects")
		var want []string
		for range 10 {
			want = append(want, "page.created "+bot.createIn(source, map[string]any{"Name": title("x")}))
		}
		bot.post("/_sim/webhooks/deliver", nil).ok()
		kinds, events := s.take()
		if !check(kinds) {
			t.Errorf("%s: %d told", options, len(kinds))
		}
		ordered := slices.Equal(kinds, want)
		if options == `{"webhook_order":"kept"}` && !ordered || options == `{"webhook_order":"shuffled"}` && ordered {
			t.Errorf("%s: in order is %v", options, ordered)
		}
		ids := make(map[string]bool)
		for _, e := range events {
			ids[e.text("id")] = true
		}
		if len(ids) > 10 {
			t.Errorf("%s: %d ids of ten events", options, len(ids))
		}
	}
}

func TestWebhooksAreDeliveredInTheBackground(t *testing.T) {
	t.Parallel()
	sim, bot, s := subscribed(t, `{"webhook_delay_ms":60000}`)
	bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("x")})
	sim.Clock().Advance(time.Hour)
	bot.post("/_sim/options", `{"webhook_background":true}`).ok()
	select {
	case <-s.got:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody was told")
	}
	bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("y")})
	sim.Clock().Advance(time.Hour) // wakes it
	select {
	case <-s.got:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody was told after the clock moved")
	}
}

func TestWebhooksSurvive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	open := func() (*notionsim.Sim, client) {
		sim, err := notionsim.New(notionsim.Config{Path: path, Demo: true, Now: noon})
		if err != nil {
			t.Fatal(err)
		}
		bot := inProcess(t, sim)
		bot.post("/_sim/options", `{"webhook_background":false}`).ok()
		return sim, bot
	}
	sim, bot := open()
	s := listen(t)
	bot.post("/_sim/webhooks", map[string]any{"url": s.server.URL, "verification_token": "secret_mine"}).ok()
	page := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Kept")})
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	sim, bot = open()
	bot.post("/_sim/webhooks/deliver", nil).ok()
	if kinds, _ := s.take(); !slices.Equal(kinds, []string{"page.created " + page}) || s.token != "secret_mine" {
		t.Errorf("told %v", kinds)
	}
	if got := bot.get("/_sim/webhooks").ok().text("url"); got != s.server.URL {
		t.Errorf("subscribed to %q", got)
	}
	bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Unheard")})
	bot.do(http.MethodDelete, "/_sim/webhooks", nil).ok()
	bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Unheard")})
	if a := bot.post("/_sim/webhooks/deliver", nil).ok(); a.at("delivered") != 0.0 {
		t.Errorf("delivered to nobody: %s", a.raw)
	}
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state file, which holds tokens, is %v, %v", info.Mode(), err)
	}
}

func TestBadHandshake(t *testing.T) {
	t.Parallel()
	_, bot, s := subscribed(t, `{}`)
	was := s.token
	refusing := httptest.NewServer(http.NotFoundHandler())
	defer refusing.Close()
	controlRefused(bot.post("/_sim/webhooks", map[string]any{"url": refusing.URL}), "404 Not Found")
	if got := bot.get("/_sim/webhooks").ok(); got.text("url") != s.server.URL || got.text("verification_token") != was {
		t.Errorf("a handshake that failed replaced the subscription: %s", got.raw)
	}
}
