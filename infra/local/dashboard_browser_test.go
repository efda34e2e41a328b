//go:build browser

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// onlooker looks at the dashboard of a running system in Chromium.
type onlooker struct {
	*tourist
	browser context.Context
	axe     string
	// endpoint is a subscriber's address.
	endpoint string

	mu       sync.Mutex
	asked    []string // the addresses that the browser asked for
	troubles []string // what it complained of since somebody last looked
}

// TestDashboardInABrowser uses the dashboard as a person does, from the sign-in to the sign-out. It needs Chromium and npm.
func TestDashboardInABrowser(t *testing.T) {
	if out, err := npm("ci", "--no-audit", "--no-fund"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	axe, err := os.ReadFile("browser/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(endpoint.Close)
	o := &onlooker{tourist: arrive(t), browser: startBrowser(t), axe: string(axe), endpoint: endpoint.URL}
	if err := chromedp.Listen(o.browser, o.note); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"no key", o.withoutKey},
		{"a wrong key", o.withWrongKey},
		{"signing in", o.signIn},
		{"a sync", o.syncs},
		{"all that waits", o.waiting},
		{"how it looks", func(t *testing.T) { o.looks(t, "dashboard") }},
		{"by keyboard", o.byKeyboard},
		{"decisions", o.decides},
		{"consistency", o.checks},
		{"an outage", o.outage},
		{"a day later", o.aDayLater},
		{"no network", o.alone},
		{"a key that may only read", o.reads},
		{"another connection", o.chooses},
		{"signing out", o.signOut},
	} {
		if !t.Run(step.name, step.do) {
			return
		}
		o.quiet(t)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, address := range o.asked {
		if !strings.HasPrefix(address, o.env["API_URL"]+"/") && !strings.HasPrefix(address, "data:") {
			t.Errorf("the browser asked %s", address)
		}
	}
	t.Logf("%d requests, all to %s", len(o.asked), o.env["API_URL"])
}

func npm(arguments ...string) ([]byte, error) {
	command := exec.Command("npm", arguments...)
	command.Dir = "browser"
	return command.CombinedOutput()
}

// note keeps what the browser tells. A policy that is violated is an error of the log.
func (o *onlooker) note(event any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		o.asked = append(o.asked, e.Request.URL)
	case *log.EventEntryAdded:
		o.troubles = append(o.troubles, fmt.Sprint(e.Entry.Source, ": ", e.Entry.Text, " ", e.Entry.URL))
	case *runtime.EventExceptionThrown:
		o.troubles = append(o.troubles, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		o.troubles = append(o.troubles, "console."+string(e.Type))
	}
}

// quiet holds that the browser complained of nothing since it was last asked, but of what has one of these texts.
func (o *onlooker) quiet(t *testing.T, but ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, trouble := range o.troubles {
		if !slices.ContainsFunc(but, func(text string) bool { return strings.Contains(trouble, text) }) {
			t.Errorf("the browser says %s", trouble)
		}
	}
	o.troubles = nil
}

func (o *onlooker) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	limited, cancel := context.WithTimeout(o.browser, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(limited, steps...); err != nil {
		t.Fatalf("%v\nthe page shows\n%s", err, see(o.browser, t, chromedp.Text("body")))
	}
}

// awaitPage waits until an expression is true in the page, and gives how long that took.
func (o *onlooker) awaitPage(t *testing.T, within time.Duration, what, expression string) time.Duration {
	t.Helper()
	begin := time.Now()
	poll := chromedp.Poll[bool]("Boolean("+expression+")", chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(within))
	if _, err := chromedp.Run(o.browser, poll); err != nil {
		t.Fatalf("in vain within %v: %s: %v\nthe page shows\n%s", within, what, err, see(o.browser, t, chromedp.Text("body")))
	}
	return time.Since(begin)
}

// soon is how long the page may take to show what is.
const soon = 15 * time.Second

// text returns what an element shows, "" for one that is not seen.
func (o *onlooker) text(t *testing.T, selector string) string {
	t.Helper()
	return see(o.browser, t, chromedp.Evaluate[string](fmt.Sprintf(`(() => { const e = document.querySelector(%q); return e?.checkVisibility() ? e.innerText : ""; })()`, selector)))
}

// nothingKept holds that the page stores nothing and shows the key nowhere.
func (o *onlooker) nothingKept(t *testing.T) {
	t.Helper()
	kept := see(o.browser, t, chromedp.Evaluate[string](`(async () => JSON.stringify([localStorage.length, sessionStorage.length, document.cookie,
		(await indexedDB.databases()).length, location.search + location.hash, JSON.stringify(history.state), window.name]))()`, chromedp.EvalAwaitPromise))
	if kept != `[0,0,"",0,"","null",""]` {
		t.Errorf("the page keeps %s", kept)
	}
	if strings.Contains(see(o.browser, t, chromedp.Evaluate[string](`document.documentElement.outerHTML + [...document.querySelectorAll("input")].map((i) => i.value)`)), o.env["API_KEY"]) {
		t.Error("the key is in the page")
	}
}

func (o *onlooker) withoutKey(t *testing.T) {
	o.do(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(o.api("/dashboard")), chromedp.WaitVisible(chromedp.CSS("#door")))
	if focus := o.focused(t).Name; focus != "key" {
		t.Errorf("the focus is on %s", focus)
	}
	o.do(t, chromedp.KeyEvent(kb.Enter))
	if o.text(t, "#door h1") == "" || o.text(t, "#board") != "" {
		t.Errorf("without a key the page shows %s", o.text(t, "body"))
	}
	if focus := o.focused(t); focus.Name != "key" || focus.Outline < 2 {
		t.Errorf("the focus: %+v", focus)
	}
	o.nothingKept(t)
	o.looks(t, "sign-in")
}

// typed types a key, in place of what was there, and sends it.
func typed(key string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](`document.getElementById("key").focus(), document.getElementById("key").select(), true`)(ctx, target)
		return err
	}), chromedp.KeyEvent(key+kb.Enter))
}

func (o *onlooker) withWrongKey(t *testing.T) {
	for key, message := range map[string]string{"act_0123456789abcdef_wrong": "not valid", "two words": "no spaces"} {
		o.do(t, typed(key))
		o.awaitPage(t, soon, "a message", fmt.Sprintf(`document.getElementById("door-error").textContent.includes(%q)`, message))
		if o.text(t, "#board") != "" {
			t.Errorf("with the key %s the page shows %s", key, o.text(t, "#board"))
		}
	}
	keepPicture(o.browser, t, "sign-in-refused")
	o.nothingKept(t)
	o.quiet(t, "status of 401")
}

func (o *onlooker) signIn(t *testing.T) {
	o.do(t, typed(o.env["API_KEY"]), chromedp.WaitVisible(chromedp.CSS("#board")), chromedp.WaitVisible(chromedp.CSS("#databases td")))
	o.nothingKept(t)
}

// figures are some of what the API tells of itself.
type figures struct {
	Data struct {
		Overview struct {
			Uptime float64 `json:"uptime_percentage"`
		}
		Syncs struct {
			Today int `json:"total_syncs_today"`
		} `json:"sync_metrics"`
		Freshness []struct {
			Database string
			Records  int
		} `json:"data_freshness"`
		Performance struct {
			Services map[string]struct{ Calls int }
		} `json:"performance_metrics"`
	} `json:"dashboard_data"`
}

// syncs: a sync by the page's button, while Notion takes its time.
func (o *onlooker) syncs(t *testing.T) {
	o.send(t, http.MethodPost, o.env["NOTION_URL"]+"/_sim/faults", `{"rules":[{"who":"bot","latency_ms":700,"probability":1}]}`)
	o.do(t, chromedp.Click(chromedp.CSS("#sync")))
	o.awaitPage(t, soon, "the button says so", `document.getElementById("sync").textContent === "Syncing…"`)
	o.awaitPage(t, soon, "progress", `document.querySelector("#databases [role=progressbar]") && document.getElementById("link").dataset.state === "running"`)
	keepPicture(o.browser, t, "syncing")
	o.awaitPage(t, time.Minute, "the sync ends", `document.getElementById("sync").textContent === "Sync now"`)
	o.send(t, http.MethodDelete, o.env["NOTION_URL"]+"/_sim/faults", "")
	for database, records := range map[string]string{"partners": "25", "projects": "15", "opportunities": "30", "organizations": "20"} {
		row := fmt.Sprintf(`[...document.querySelectorAll("#databases tbody tr")].find((r) => r.cells[0].textContent === %q)`, database)
		o.awaitPage(t, soon, database+" are in step", fmt.Sprintf(`/ (s|min) ago/.test(%s?.innerText) && %s.cells[1].textContent === %q && %s.innerText.includes("in step")`, row, row, records, row))
	}
	var told figures
	o.get(t, "/analytics/dashboard?time_range=24h", &told)
	tile := func(name string) string {
		return fmt.Sprintf(`[...document.querySelectorAll(".tile")].find((x) => x.querySelector("dt").textContent === %q).querySelector(".value").textContent`, name)
	}
	o.awaitPage(t, soon, "the syncs of today", fmt.Sprintf(`%s === "%d"`, tile("Syncs today"), told.Data.Syncs.Today))
	o.awaitPage(t, soon, "the freshness", fmt.Sprintf(`/^\d+ (s|min)$/.test(%s)`, tile("Freshness")))
	if told.Data.Syncs.Today == 0 || told.Data.Performance.Services["notion"].Calls == 0 {
		t.Errorf("%+v", told)
	}
	o.awaitPage(t, soon, "Notion's calls", fmt.Sprintf(`Number(/calls (\d+)/.exec(document.getElementById("service-notion").innerText)[1]) >= %d`, told.Data.Performance.Services["notion"].Calls))
	for _, chart := range []string{"latency", "errors"} {
		o.awaitPage(t, soon, chart, fmt.Sprintf(`["notion", "supabase", "sync"].every((s) => /^M[\d.]+ [\d.]+/.test(document.querySelector("#%s path.s-" + s)?.getAttribute("d")))`, chart))
	}
	o.awaitPage(t, soon, "events", `["sync started", "record created × ", "sync completed"].every((e) => document.getElementById("events").innerText.includes(e))`)
}

const darwin = `{"Location":{"rich_text":[{"text":{"content":"Darwin"}}]}}`

// waiting makes all that a person is to decide, and waits until the page shows it.
func (o *onlooker) waiting(t *testing.T) {
	if status, answer := o.send(t, http.MethodPost, o.api("/events/subscribe"), `{"callback_url":"`+o.endpoint+`/hook","event_types":["alert_*"]}`); status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	second := o.ask(t, `select max(name) from partners where name <> $1`, partner)
	o.editPage(t, partner, hobart)
	o.exec(t, `update partners set location = 'Broome' where name = $1`, partner)
	o.sync(t)
	if status, answer := o.send(t, http.MethodPost, o.api("/config"), `{"conflict_policy":"manual"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	o.editPage(t, second, darwin)
	o.exec(t, `update partners set location = 'Broome' where name = $1`, second)
	o.exec(t, `update opportunities set tags = (select array_agg('option '||n) from generate_series(1, 101) n) where id in (select id from opportunities order by name limit 10)`)
	o.exec(t, `delete from projects`)
	o.exec(t, `delete from organizations`)
	o.exec(t, `insert into integration.breakers (connection_id, service, status, opened_at, retry_at, openings) select id, $1, 'open', now(), now() + interval '1 hour', 1 from integration.connections`,
		"subscriber:"+strings.TrimPrefix(o.endpoint, "http://"))
	o.sync(t)
	for what, expression := range map[string]string{
		"the conflict that a rule settled":   fmt.Sprintf(`document.getElementById("conflicts").innerText.includes(%q)`, partner),
		"the conflict that waits":            fmt.Sprintf(`document.getElementById("conflicts").innerText.includes(%q) && document.getElementById("conflicts").innerText.includes("waits for you")`, second),
		"the deletions of projects":          `/15 deletions held/.test(document.getElementById("problems").innerText)`,
		"the deletions of organizations":     `/20 deletions held/.test(document.getElementById("problems").innerText)`,
		"the refused record":                 `/at most 100 options/.test(document.getElementById("problems").innerText)`,
		"what Notion shows of it now":        `/Notion now: Darwin · edited by \w+/.test(document.getElementById("conflicts").innerText)`,
		"the subscription's host":            `document.getElementById("subscriptions").innerText.includes("circuit breaker open")`,
		"the subscription":                   `/127.0.0.1:\d+\/hook/.test(document.getElementById("subscriptions").innerText)`,
		"the databases that are not in step": `/held/.test(document.getElementById("databases").innerText) && /10 refused/.test(document.getElementById("databases").innerText)`,
		"that not all refused are listed":    `/and 2 more/.test(document.getElementById("problems").innerText)`,
	} {
		o.awaitPage(t, soon, what, expression)
	}
	// The watch is kept every minute.
	o.awaitPage(t, 90*time.Second, "alerts", `document.querySelectorAll("#alerts [data-key^=ack-]").length >= 2`)
}

// alertsTold are the alerts by title.
func (o *onlooker) alertsTold(t *testing.T) map[string]string {
	t.Helper()
	var told struct {
		Alerts []struct{ Title, Status string }
	}
	o.get(t, "/alerts?status=all", &told)
	result := map[string]string{}
	for _, a := range told.Alerts {
		result[a.Title] = a.Status
	}
	return result
}

// press presses a button of the entry that has a text, with the mouse.
func (o *onlooker) press(t *testing.T, section, entry, button string) {
	t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll("#%s li")].find((li) => li.innerText.includes(%q))?.querySelectorAll("button")`, section, entry)
	o.awaitPage(t, soon, "a button "+button+" of "+entry, fmt.Sprintf(`[...(%s ?? [])].some((b) => b.textContent === %q)`, find, button))
	key := see(o.browser, t, chromedp.Evaluate[string](fmt.Sprintf(`[...%s].find((b) => b.textContent === %q).dataset.key`, find, button)))
	for range 10 {
		limited, cancel := context.WithTimeout(o.browser, soon)
		// To the middle, where the header, which stays in view, does not lie over it.
		_ = see(o.browser, t, chromedp.Evaluate[bool](`!document.querySelector('[data-key="`+key+`"]')?.scrollIntoView({block: "center", behavior: "instant"})`))
		err := chromedp.Do(limited, chromedp.Click(chromedp.CSS(`[data-key="`+key+`"]`)))
		cancel()
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "Could not find node") { // it was drawn anew between the look and the press
			t.Fatal(err)
		}
	}
	t.Fatalf("%s of %s does not stand still", button, entry)
}

func (o *onlooker) gone(t *testing.T, section, entry string) {
	t.Helper()
	o.awaitPage(t, soon, entry+" is gone", fmt.Sprintf(`!document.getElementById(%q).innerText.includes(%q)`, section, entry))
}

// decides presses every button, and asks the API and both sides what came of it.
func (o *onlooker) decides(t *testing.T) {
	second := o.ask(t, `select max(name) from partners where name <> $1`, partner)
	o.press(t, "conflicts", partner, "Keep Supabase’s")
	o.awaitPage(t, soon, "an answer", `document.querySelector(".toast.on")`)
	o.await(t, "the loser is put back", `select (location = 'Broome')::text from partners where name = $1`, partner)
	o.press(t, "conflicts", second, "Keep Notion’s")
	o.await(t, "the winner is taken", `select (location = 'Darwin')::text from partners where name = $1`, second)
	o.await(t, "both are settled", `select (count(*) = 2)::text from integration.sync_conflicts where status = 'settled'`)
	o.awaitPage(t, soon, "the page says so", `(document.getElementById("conflicts").innerText.match(/settled/g) ?? []).length === 2 && !document.querySelector("#conflicts button")`)

	o.press(t, "problems", "projects", "Bring them back")
	o.await(t, "the rows return", `select (count(*) = 15)::text from projects`)
	o.gone(t, "problems", "15 deletions held")
	o.press(t, "problems", "organizations", "Delete them")
	if n := o.ask(t, `select count(*)::text from integration.sync_holds where status = 'approved'`); n != "0" {
		t.Error("records are deleted unasked")
	}
	o.press(t, "problems", "organizations", "Really delete 20")
	o.await(t, "the pages are in the trash", `select (count(*) = 0)::text from notion_organizations where state = 'live'`)
	o.gone(t, "problems", "deletions held")

	o.exec(t, `update opportunities set tags = '{one}' where cardinality(tags) > 100`)
	o.press(t, "problems", "and 2 more", "Try all again")
	o.await(t, "the records are taken", `select (count(*) = 0)::text from integration.sync_errors`)
	o.gone(t, "problems", "at most 100 options")
	var refused struct{ Errors []any }
	if o.get(t, "/sync/errors", &refused); len(refused.Errors) > 0 {
		t.Errorf("%v", refused)
	}
	o.press(t, "subscriptions", "/hook", "Reset")
	o.gone(t, "subscriptions", "circuit breaker")
	o.awaitPage(t, soon, "nothing is left", `document.getElementById("problems").innerText.startsWith("None.")`)
}

// checks has the page look for what differs, in Notion too, and repairs it.
func (o *onlooker) checks(t *testing.T) {
	o.settle(t)
	o.do(t, chromedp.Click(chromedp.CSS(`[data-key="deep"]`)))
	o.awaitPage(t, time.Minute, "the check ends", `/consistent[^]*last \d/.test(document.getElementById("consistency").innerText)`)
}

// outage: Notion answers nobody but people, and then everybody again.
func (o *onlooker) outage(t *testing.T) {
	healthy := func(name string) string {
		return fmt.Sprintf(`document.getElementById("service-%s").dataset.state === "healthy"`, name)
	}
	o.awaitPage(t, soon, "both are well", healthy("notion")+"&&"+healthy("supabase"))
	o.send(t, http.MethodPost, o.env["NOTION_URL"]+"/_sim/faults", `{"rules":[{"who":"bot","status":503,"code":"service_unavailable","message":"Away.","probability":1}]}`)
	t.Logf("an outage turns the page after %.1f s", o.awaitPage(t, 2*soon, "the page turns", `document.getElementById("service-notion").dataset.state === "unhealthy" &&
		document.getElementById("link").dataset.state === "broken" && document.getElementById("databases").innerText.includes("waits for Notion") && !document.getElementById("databases").innerText.includes("in step") && document.getElementById("overall").textContent !== "healthy" && document.title.startsWith("● ")`).Seconds())
	if said := o.text(t, "#service-notion .message"); said == "" {
		t.Error("the page does not say what is wrong")
	}
	o.looks(t, "outage")
	o.send(t, http.MethodDelete, o.env["NOTION_URL"]+"/_sim/faults", "")
	t.Logf("it clears after %.1f s", o.awaitPage(t, time.Minute, "the page clears", healthy("notion")+` && document.getElementById("link").dataset.state !== "broken"`).Seconds())
	o.settle(t)
	o.exec(t, `with run as (insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, finished_at)
		select gen_random_uuid(), id, 'full', 'failed', 'test', now(), current_timestamp from integration.connections returning id)
		insert into integration.sync_run_databases (run_id, kind, status, queued_at, finished_at, error) select id, 'partners', 'failed', now(), current_timestamp, 'Notion did not answer.' from run`)
	o.awaitPage(t, soon, "that a sync failed", `document.getElementById("databases").innerText.includes("not in step") && document.getElementById("link-text").innerText.startsWith("the last sync failed") &&
		document.getElementById("problems").innerText.includes("Notion did not answer.")`)
	o.sync(t)
	o.awaitPage(t, soon, "all is well", `document.getElementById("overall").textContent === "healthy"`)
}

// aDayLater: the page was left open, and its machine slept. It goes on, writes yesterday's moments with their day, and does not grow with
// each round.
func (o *onlooker) aDayLater(t *testing.T) {
	size := func() int {
		return see(o.browser, t, chromedp.Evaluate[int](`document.querySelectorAll("*").length`))
	}
	round := func() {
		t.Helper()
		see(o.browser, t, chromedp.Evaluate[bool](`document.getElementById("updated").textContent = "", dispatchEvent(new Event("online")), true`))
		o.awaitPage(t, soon, "a round", `document.getElementById("updated").textContent`)
	}
	round()
	before := size()
	see(o.browser, t, chromedp.Evaluate[bool](`(() => { const Real = Date, day = 86400000;
		globalThis.Real = Real;
		globalThis.Date = class extends Real { constructor(...a) { if (a.length) super(...a); else super(Real.now() + day); } static now() { return Real.now() + day; } };
		return true; })()`))
	for range 20 {
		round()
	}
	o.awaitPage(t, soon, "moments have their day", `/\d{1,2} \w{3,4} \d\d:\d\d:\d\d/.test(document.querySelector(".feed time").innerText) && /(24 h|1 d) ago/.test(document.getElementById("databases").innerText + document.getElementById("link-text").innerText)`)
	if after := size(); after > before+before/5 {
		t.Errorf("%d elements became %d", before, after)
	} else {
		t.Logf("%d elements before, %d after", before, after)
	}
	see(o.browser, t, chromedp.Evaluate[bool](`globalThis.Date = globalThis.Real, true`))
	round()
}

// alone: the page cannot reach the API, says so, and goes on by itself.
func (o *onlooker) alone(t *testing.T) {
	cut := func(offline bool) {
		t.Helper()
		if _, err := chromedp.Call(o.browser, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	cut(true)
	o.awaitPage(t, soon, "the page says so", `document.getElementById("banner").checkVisibility() && document.getElementById("banner").innerText.includes("does not answer")`)
	if o.text(t, "#databases td") == "" {
		t.Error("what was seen is gone")
	}
	if green := see(o.browser, t, chromedp.Evaluate[string](`[...document.querySelectorAll("main [data-state=healthy], header [data-state=healthy], #databases .good")].map((e) => e.innerText).join(", ")`)); green != "" {
		t.Errorf("nobody knows whether it is well: %s", green)
	}
	keepPicture(o.browser, t, "offline")
	o.quiet(t, "ERR_INTERNET_DISCONNECTED")
	cut(false)
	o.awaitPage(t, soon, "it goes on", `!document.getElementById("banner").checkVisibility()`)
	o.quiet(t, "ERR_INTERNET_DISCONNECTED")
}

// reads: a key that may only read sees what it may see, and is told what it may not do.
func (o *onlooker) reads(t *testing.T) {
	text, key, err := access.NewKey("reader", []access.Scope{access.Read}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := addKey(t.Context(), o.env["DATABASE_URL"], key); err != nil {
		t.Fatal(err)
	}
	o.do(t, chromedp.Click(chromedp.CSS("#sign-out")), chromedp.WaitVisible(chromedp.CSS("#door")), typed(text), chromedp.WaitVisible(chromedp.CSS("#databases td")))
	o.awaitPage(t, soon, "why there are no subscriptions", `document.getElementById("subscriptions").innerText.includes("scope")`)
	o.do(t, chromedp.Click(chromedp.CSS("#sync")))
	o.awaitPage(t, soon, "why it may not", `document.getElementById("toast").classList.contains("on") && document.getElementById("toast").innerText.includes("scope")`)
	o.awaitPage(t, soon, "the button is free again", `document.getElementById("sync").getAttribute("aria-disabled") === "false"`)
	if err := withKeys(t.Context(), o.env["DATABASE_URL"], func(keys postgres.Keys) error { return keys.Revoke(t.Context(), key.ID) }); err != nil {
		t.Fatal(err)
	}
	o.awaitPage(t, 2*time.Minute, "the page closes", `document.getElementById("door").checkVisibility() && document.getElementById("door-error").innerText.includes("not valid any more")`)
	o.do(t, typed(o.env["API_KEY"]), chromedp.WaitVisible(chromedp.CSS("#databases td")))
	o.quiet(t, "status of 403", "status of 401")
}

// chooses shows another connection, and the first again.
func (o *onlooker) chooses(t *testing.T) {
	if o.text(t, "#connections") != "" {
		t.Error("there is a choice of one connection")
	}
	conn, err := pgx.Connect(t.Context(), o.env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	const id = "0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a"
	if _, err := conn.Exec(t.Context(), `insert into integration.connections (id, name) values ($1, 'Second workspace')`, id); err != nil {
		t.Fatal(err)
	}
	records := o.text(t, "#link-records")
	if records == "" || strings.HasPrefix(records, "0 ") {
		t.Fatalf("the first connection has %q", records)
	}
	choose := func(value, what, expression string) {
		t.Helper()
		see(o.browser, t, chromedp.Evaluate[bool](fmt.Sprintf(`(() => { const s = document.getElementById("connection"); s.value = %q; s.dispatchEvent(new Event("change")); return true; })()`, value)))
		o.awaitPage(t, soon, what, expression)
	}
	o.awaitPage(t, time.Minute, "a choice", `document.getElementById("connections").checkVisibility() && document.getElementById("connection").options.length === 2`)
	choose(id, "a connection without anything", `document.getElementById("link-records").innerText === "0 records" && document.getElementById("databases").innerText.includes("No database")`)
	if !strings.Contains(o.text(t, "#service-notion"), "unhealthy") {
		t.Errorf("a workspace without a token: %s", o.text(t, "#service-notion"))
	}
	choose("", "the first again", fmt.Sprintf(`document.getElementById("link-records").innerText === %q`, records))
	if _, err := conn.Exec(t.Context(), `delete from integration.connections where id = $1`, id); err != nil {
		t.Fatal(err)
	}
}

func (o *onlooker) signOut(t *testing.T) {
	o.do(t, chromedp.Click(chromedp.CSS("#sign-out")), chromedp.WaitVisible(chromedp.CSS("#door")))
	if left := see(o.browser, t, chromedp.Evaluate[string](`[...document.querySelectorAll("#board .body, #board article, #board dl")].map((e) => e.textContent).join("")`)); strings.TrimSpace(left) != "" {
		t.Errorf("what is left: %s", left)
	}
	o.nothingKept(t)
	o.do(t, chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("#door")))
	o.nothingKept(t)
}

// looks holds what must be true of the page at each width and in each scheme, and leaves pictures.
func (o *onlooker) looks(t *testing.T, name string) {
	t.Helper()
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			o.do(t, chromedp.EmulateViewport(width, 900))
			if _, err := chromedp.Call(o.browser, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}}); err != nil {
				t.Fatal(err)
			}
			see(o.browser, t, chromedp.Evaluate[bool](`scrollTo(0, 0), document.activeElement.blur(), true`))
			keepPicture(o.browser, t, fmt.Sprintf("%s-%d-%s", name, width, scheme))
			if over := see(o.browser, t, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); over > 0 {
				t.Errorf("%d wide, the page is %d wider", width, over)
			}
			for _, found := range o.faults(t) {
				t.Errorf("%d wide, %s: %s", width, scheme, found)
			}
		}
	}
	o.do(t, chromedp.EmulateViewport(1280, 900))
}

// faults are what axe-core finds that keeps people from using the page.
func (o *onlooker) faults(t *testing.T) []string {
	t.Helper()
	see(o.browser, t, chromedp.Evaluate[bool](`(() => { if (!window.axe) {`+o.axe+`} return true; })()`))
	told := see(o.browser, t, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify({passes: r.passes.length, found:
		r.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => v.id + ": " + v.nodes.map((n) => n.target + " " + n.failureSummary).join("; "))}))`, chromedp.EvalAwaitPromise))
	var result struct {
		Passes int
		Found  []string
	}
	if err := json.Unmarshal([]byte(told), &result); err != nil || result.Passes < 10 {
		t.Fatalf("axe-core says %s, %v", told, err)
	}
	return result.Found
}

// stop is where the focus is.
type stop struct {
	Name    string
	Outline float64 // its width; 0 where none is seen
	Seen    bool    // it is on the screen, and nothing lies over it
}

func (o *onlooker) focused(t *testing.T) stop {
	t.Helper()
	text := see(o.browser, t, chromedp.Evaluate[string](`(() => {
		const at = document.activeElement, shown = at.type === "radio" ? at.nextElementSibling : at, style = getComputedStyle(shown), r = shown.getBoundingClientRect();
		const top = document.elementFromPoint(r.x + r.width / 2, Math.max(r.y, 0) + Math.min(r.height, innerHeight) / 2);
		return JSON.stringify({name: `+nameOf("at")+`, outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
			seen: Boolean(top) && (at === document.body || top === at || shown.contains(top))});
	})()`))
	var s stop
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// nameOf is an expression for the name of an element.
func nameOf(element string) string {
	return strings.ReplaceAll(`(X === document.body ? "BODY" : X.type === "radio" ? "range" : X.dataset.key || X.id || X.getAttribute("href") || X.textContent || X.tagName)`, "X", element)
}

// byKeyboard reaches every control by Tab, sees where it is, and uses some.
func (o *onlooker) byKeyboard(t *testing.T) {
	controls := func() []string {
		return strings.Split(see(o.browser, t, chromedp.Evaluate[string](`[...new Set([...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")].filter((e) => e.checkVisibility() && !e.disabled).map((e) => `+nameOf("e")+`))].join("\n")`)), "\n")
	}
	o.do(t, chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("#door")))
	o.do(t, chromedp.KeyEvent(o.env["API_KEY"]+kb.Enter), chromedp.WaitVisible(chromedp.CSS("#alerts button")), chromedp.WaitVisible(chromedp.CSS("#problems button")), chromedp.WaitVisible(chromedp.CSS(".feed")))
	before := controls()
	reached := map[string]bool{}
	for range 3 * len(before) {
		o.do(t, chromedp.KeyEvent(kb.Tab))
		s := o.focused(t)
		if s.Name == "BODY" {
			continue
		}
		if s.Outline < 2 || !s.Seen {
			t.Errorf("the focus cannot be seen: %+v", s)
		}
		reached[s.Name] = true
	}
	for _, name := range before {
		if !reached[name] && slices.Contains(controls(), name) {
			t.Errorf("%s cannot be reached by Tab", name)
		}
	}
	t.Logf("%d controls, reached by Tab: %s", len(before), strings.Join(before, ", "))
	to := func(selector string) {
		t.Helper()
		for range 2 * len(before) {
			if see(o.browser, t, chromedp.Evaluate[bool](fmt.Sprintf(`document.activeElement.matches(%q)`, selector))) {
				return
			}
			o.do(t, chromedp.KeyEvent(kb.Tab))
		}
		t.Fatalf("%s cannot be reached", selector)
	}
	to("input[name=range]")
	o.do(t, chromedp.KeyEvent(kb.ArrowRight))
	o.awaitPage(t, soon, "another range", `document.querySelector("input[name=range]:checked").value === "7d" && document.getElementById("tiles").innerText.includes("in 7 d")`)
	o.do(t, chromedp.KeyEvent(kb.ArrowLeft))
	to("[data-key^=ack-]")
	o.do(t, chromedp.KeyEvent(kb.Enter))
	o.awaitPage(t, soon, "it is acknowledged", `/seen by/.test(document.getElementById("alerts").innerText)`)
	if o.focused(t).Name == "BODY" {
		t.Error("the focus is lost with the button")
	}
	to("[data-key^=mute-]")
	o.do(t, chromedp.KeyEvent(" "))
	o.awaitPage(t, soon, "it is silent", `/silent until/.test(document.getElementById("alerts").innerText)`)
	told := o.alertsTold(t)
	statuses := map[string]int{}
	for _, status := range told {
		statuses[status]++
	}
	if statuses["acknowledged"] != 1 || statuses["silenced"] != 1 {
		t.Errorf("%v", told)
	}
	to("#sync")
	o.do(t, chromedp.KeyEvent(" "))
	o.awaitPage(t, soon, "a sync begins", `document.getElementById("sync").textContent === "Syncing…"`)
	o.awaitPage(t, soon, "the focus stays", `document.activeElement.id === "sync"`)
	o.awaitPage(t, time.Minute, "it ends", `document.getElementById("sync").textContent === "Sync now"`)
}
