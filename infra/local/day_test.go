//go:build day

package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/golang-jwt/jwt/v5"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/schedule"
	"github.com/act-platform/enhanced-integration/infra/local/template"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
)

const (
	step      = 5 * time.Minute // in which the day goes on
	tokenLife = 5 * time.Hour   // of an access token, by Notion's clock
)

// day is the system at work, and every secret that was in use at any time of it.
type day struct {
	*tourist
	settings settings
	project  supabaseProject
	template *template.Template
	host     *lambdahost.Host // invokes what schedules do
	log      *kept            // of what it invoked
	answers  output
	secrets  map[string]string // what each is, by the secret
	at       time.Duration     // since the day began

	subscriptions []subscribed
	keyID         string         // of the hour's API key
	invoked       map[string]int // by schedule
	failed        map[string]int
	edits         int
}

type subscribed struct{ id, mailbox, secret string }

// firing is one time at which a schedule of the template is due.
type firing struct {
	at       time.Duration
	function string
	schedule template.Schedule
}

// TestDay: the system works for a day, from midnight to midnight. Every schedule of the template fires as often as it does in a day; Notion's
// clock, and the times in the tables that functions compare with theirs, go on by twenty-four hours. People edit both sides, workspaces
// are connected, tokens end and are refreshed, keys come and go, subscribers are told, and all kinds of calls fail. Then not one of the
// secrets that were ever in use stands in a log line, an answer, a message, an event, a table, or a file of the database.
func TestDay(t *testing.T) {
	d := newDay(t)
	plan := d.plan()
	due := d.firings(t)
	for _, f := range due {
		for d.at+step <= f.at {
			d.pass(t)
			if do := plan[d.at]; do != nil {
				do(t)
			}
			d.work(t)
		}
		d.fire(t, f)
	}
	d.rest(t)
	t.Logf("schedules fired %d times", len(due))
	d.check(t)
	d.search(t)
	d.stop(t)
	removeDatabase(t, d.settings.state)
}

func newDay(t *testing.T) *day {
	t.Helper()
	d := &day{
		project: startProject(t), log: &kept{lines: map[string][]string{}}, secrets: map[string]string{}, invoked: map[string]int{}, failed: map[string]int{},
	}
	given := map[string]string{
		"SUPABASE_URL": d.project.URL, config.SupabaseServiceRoleKey: "sb_secret_" + rand.Text(), config.SupabaseJWTSecret: rand.Text() + rand.Text(),
		config.SupabaseWebhookSecret: rand.Text(), "REAL_TIME_SYNC": "true", "LOG_LEVEL": "debug", "LOG_FORMAT": "json", "NOTION_PLAN": "business",
		"CALLER_LIMIT": "100000", "WEBHOOK_LOOPBACK": "true",
	}
	var environ []string
	for name, value := range given {
		environ = append(environ, name+"="+value)
	}
	state := filepath.Join(t.TempDir(), "state")
	d.tourist = arriveAt(t, state, environ...)
	var err error
	if d.settings, err = load("../..", state, anyPort()); err != nil {
		t.Fatal(err)
	}
	seen := maps.Clone(given)
	maps.Copy(seen, d.env)
	d.template = projectTemplate(t, seen, "127.0.0.1")
	d.host = hostOf(t, d.template, d.log, whole(d.env["AWS_ENDPOINT_URL"]))
	d.simulate(t, "options", fmt.Sprintf(`{"budget":0,"oauth_life_seconds":%d}`, int(tokenLife.Seconds())))
	for _, secret := range d.connect(t, &d.answers) {
		d.secrets[secret] = "of the first connection"
	}
	d.secrets[d.env["NOTION_PERSON_TOKEN"]] = "a person's token"
	for i := range 2 {
		d.subscribe(t, fmt.Sprint("box", i))
	}
	d.note(t)
	return d
}

// firings returns when the template's schedules are due in a day, in order.
func (d *day) firings(t *testing.T) (result []firing) {
	t.Helper()
	midnight := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	for _, f := range d.template.Functions {
		for _, s := range f.Schedules {
			expression, err := schedule.Parse(s.Expression)
			if err != nil {
				t.Fatal(err)
			}
			for at := expression.Next(midnight.Add(-time.Second)); at.Sub(midnight) < 24*time.Hour; at = expression.Next(at) {
				result = append(result, firing{at.Sub(midnight), f.Name, s})
			}
		}
	}
	slices.SortStableFunc(result, func(a, b firing) int { return int(a.at - b.at) })
	return result
}

// fire invokes what a schedule does.
func (d *day) fire(t *testing.T, f firing) {
	t.Helper()
	event := []byte(f.schedule.Input)
	if len(event) == 0 {
		var err error
		if event, err = os.ReadFile("../events/schedule.json"); err != nil {
			t.Fatal(err)
		}
	}
	result, err := d.host.Invoke(t.Context(), f.function, event)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = d.answers.Write(append(result.Payload, '\n'))
	name := f.function + " " + f.schedule.Name
	d.invoked[name]++
	if result.Failed {
		d.failed[name]++
	}
	if f.function == "sync-schedule" {
		d.settle(t)
	}
}

// pass has five minutes pass: for Notion by its clock, for us by putting back what our clock is compared with.
func (d *day) pass(t *testing.T) {
	t.Helper()
	d.at += step
	d.simulate(t, "clock", fmt.Sprintf(`{"advance":%q}`, step))
	for _, sql := range []string{
		`update oauth_tokens set issued_at = issued_at - $1::interval, expires_at = expires_at - $1::interval`,
		`update integration.oauth_attempts set created_at = created_at - $1::interval`,
		`update integration.event_deliveries set next_attempt_at = next_attempt_at - $1::interval where next_attempt_at is not null`,
		`update integration.event_subscriptions set not_before = not_before - $1::interval, old_secret_until = old_secret_until - $1::interval,
			failing_since = failing_since - $1::interval`,
		`update integration.sync_errors set next_attempt_at = next_attempt_at - $1::interval`,
		`update integration.breakers set retry_at = retry_at - $1::interval, opened_at = opened_at - $1::interval`,
		`update integration.cache_entries set stored_at = stored_at - $1::interval, fresh_until = fresh_until - $1::interval, keep_until = keep_until - $1::interval`,
		`delete from integration.caller_windows where $1::interval > interval '1 minute'`,
		`delete from integration.notion_requests where $1::interval > interval '1 minute'`,
	} {
		d.exec(t, sql, step)
	}
}

// plan says what happens once, by when.
func (d *day) plan() map[time.Duration]func(*testing.T) {
	faults := func(rules string) func(*testing.T) {
		return func(t *testing.T) { d.simulate(t, "faults", `{"rules":[`+rules+`]}`) }
	}
	manner := func(body string) func(*testing.T) {
		return func(t *testing.T) {
			for _, s := range d.subscriptions {
				d.put(t, s, body)
			}
		}
	}
	return map[time.Duration]func(*testing.T){
		2 * time.Hour:                 d.drive,
		3 * time.Hour:                 faults(`{"route":"/v1/data_sources/{id}/query","status":401,"times":3},{"method":"PATCH","status":500,"times":20}`),
		4 * time.Hour:                 faults(``),
		5*time.Hour + 30*time.Minute:  manner(`,"status":500,"share":0.7`),
		6 * time.Hour:                 d.rotateSealing,
		7 * time.Hour:                 manner(``),
		8 * time.Hour:                 d.rotateSecrets,
		9 * time.Hour:                 manner(`,"status":429,"retry_after":"3"`),
		9*time.Hour + 30*time.Minute:  manner(``),
		10 * time.Hour:                faults(`{"route":"/v1/oauth/token","status":500},{"route":"/v1/oauth/introspect","status":503,"body":"html"}`),
		13 * time.Hour:                faults(``), // the token ended meanwhile
		14 * time.Hour:                faults(`{"route":"/v1/oauth/token","when":"after","drop":true,"times":1}`),
		20 * time.Hour:                faults(``),
		20*time.Hour + 5*time.Minute:  d.refuse,
		20*time.Hour + 10*time.Minute: d.reconnect,
		21 * time.Hour:                d.drive,
		22 * time.Hour:                d.disconnect,
		22*time.Hour + 30*time.Minute: d.reconnect,
	}
}

// work is what people and applications do all day.
func (d *day) work(t *testing.T) {
	t.Helper()
	switch minute := d.at % time.Hour; minute {
	case 0:
		d.note(t)
		d.changeKey(t)
		d.callAsAPerson(t)
		policy := []string{"newest", "notion", "supabase", "words"}[int(d.at.Hours())%4]
		d.tell(t, "POST", "/config", `{"conflict_policy":"`+policy+`"}`)
		for _, path := range []string{"/health", "/config", "/audit", "/sync/status", "/events?limit=200", "/analytics/dashboard", "/data-consistency", "/alerts", "/breakers", "/sync/conflicts", "/sync/errors"} {
			d.tell(t, "GET", path, "")
		}
	case 15 * time.Minute, 35 * time.Minute:
		d.edits++
		d.editPage(t, partner, fmt.Sprintf(`{"Location":{"rich_text":[{"text":{"content":"Place %d"}}]}}`, d.edits))
		d.exec(t, `update partners set description = $2 where name = $1`, partner, fmt.Sprint("Text ", d.edits))
		d.exec(t, `insert into partners (name, location) values ($1, 'Darwin')`, fmt.Sprint("Friends ", d.edits))
	case 25 * time.Minute: // both sides at once
		d.edits++
		d.editPage(t, partner, fmt.Sprintf(`{"Location":{"rich_text":[{"text":{"content":"There %d"}}]}}`, d.edits))
		d.exec(t, `update partners set location = $2 where name = $1`, partner, fmt.Sprint("Here ", d.edits))
	case 45 * time.Minute:
		d.exec(t, `delete from partners where name = (select min(name) from partners where name like 'Friends %')`)
	case 50 * time.Minute:
		for _, s := range d.subscriptions {
			d.tell(t, "POST", "/events/subscriptions/"+s.id+"/test", "")
			d.tell(t, "GET", "/events/subscriptions/"+s.id+"/deliveries", "")
			d.tell(t, "GET", "/events/subscriptions/"+s.id, "")
		}
	default:
	}
}

// tell calls the API and keeps the answer.
func (d *day) tell(t *testing.T, method, path, body string) (int, []byte) {
	t.Helper()
	status, answer := d.tourist.send(t, method, d.api(path), body)
	_, _ = d.answers.Write(append(answer, '\n'))
	if status >= 500 && path != "/health" {
		t.Errorf("%v: %s %s: %d %s", d.at, method, path, status, answer)
	}
	return status, answer
}

// note remembers what Secrets Manager keeps now.
func (d *day) note(t *testing.T) {
	t.Helper()
	for _, text := range d.tourist.secrets(t) {
		for _, secret := range strings.Fields(text) {
			if d.secrets[secret] == "" {
				d.secrets[secret] = fmt.Sprint("in Secrets Manager at ", d.at)
			}
		}
	}
}

// subscribe makes a subscription whose secret the receiver checks signatures with.
func (d *day) subscribe(t *testing.T, mailbox string) {
	t.Helper()
	_, answer := d.tourist.send(t, "POST", d.api("/events/subscribe"), `{"callback_url":"`+d.env["API_URL"]+`/_receiver/`+mailbox+`","event_types":["*"],"rate_limit":500}`)
	var told struct {
		ID     string `json:"subscription_id"`
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(answer, &told); err != nil || told.Secret == "" {
		t.Fatalf("subscribed: %s", answer)
	}
	s := subscribed{told.ID, mailbox, told.Secret}
	d.subscriptions = append(d.subscriptions, s)
	d.secrets[s.secret] = "a subscription's"
	d.put(t, s, "")
}

// put tells the receiver how to answer.
func (d *day) put(t *testing.T, s subscribed, more string) {
	t.Helper()
	if status, answer := d.tourist.send(t, "PUT", d.env["API_URL"]+"/_receiver/"+s.mailbox, `{"secret":"`+s.secret+`"`+more+`}`); status > 299 {
		t.Fatalf("%d %s", status, answer)
	}
}

func (d *day) rotateSecrets(t *testing.T) {
	t.Helper()
	for i := range d.subscriptions {
		s := &d.subscriptions[i]
		_, answer := d.tourist.send(t, "POST", d.api("/events/subscriptions/"+s.id+"/rotate-secret"), "")
		var told struct{ Secret string }
		if err := json.Unmarshal(answer, &told); err != nil || told.Secret == "" || told.Secret == s.secret {
			t.Fatalf("rotated: %s", answer)
		}
		s.secret = told.Secret
		d.secrets[s.secret] = "a subscription's, rotated"
		d.put(t, *s, "")
	}
}

// rotateSealing puts a new key before the old one, as an operator does; functions that are started afterwards know it, the others find out.
func (d *day) rotateSealing(t *testing.T) {
	t.Helper()
	var key [32]byte
	_, _ = rand.Read(key[:])
	fresh := base64.StdEncoding.EncodeToString(key[:])
	d.secrets[fresh] = "the new sealing key"
	client := newProvision(d.env["AWS_ENDPOINT_URL"]).secrets
	for _, s := range d.template.Secrets {
		if s.ID != appSecret {
			continue
		}
		current, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.Name)})
		if err != nil {
			t.Fatal(err)
		}
		var values map[string]string
		if err := json.Unmarshal([]byte(aws.ToString(current.SecretString)), &values); err != nil {
			t.Fatal("the app secret is no object of strings")
		}
		changed, err := overlay(aws.ToString(current.SecretString), given{values: map[string]string{
			config.WebhookSealingKey: fresh + " " + values[config.WebhookSealingKey],
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String(s.Name), SecretString: aws.String(changed)}); err != nil {
			t.Fatal(err)
		}
	}
	before := d.ask(t, `select string_agg(left(secret, 16), ' ' order by id) from integration.event_subscriptions`)
	d.host = hostOf(t, d.template, d.log, whole(d.env["AWS_ENDPOINT_URL"]))
	d.fire(t, firing{d.at, "event-relay", template.Schedule{Name: "AfterRotation", Input: "{}"}})
	if after := d.ask(t, `select string_agg(left(secret, 16), ' ' order by id) from integration.event_subscriptions`); after == before || !strings.HasPrefix(after, "sealed1:") {
		t.Errorf("sealed as %s before and %s after", before, after)
	}
}

// changeKey makes the hour's API key, uses it, and revokes the one of the hour before.
func (d *day) changeKey(t *testing.T) {
	t.Helper()
	var out strings.Builder
	if err := manageKeys(t.Context(), d.settings, []string{"create", "hourly", "read"}, &out); err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(out.String())
	d.secrets[key] = "an API key"
	if status, answer := d.running.send(t, "GET", "/sync/status", "", caller{"X-API-Key", key, nil}); status != http.StatusOK {
		t.Errorf("with the hour's key: %d %s", status, answer)
	}
	_, answer := d.running.send(t, "GET", "/sync/status", "", caller{"X-API-Key", key + "x", nil})
	_, _ = d.answers.Write([]byte(answer))
	if d.keyID != "" {
		if err := manageKeys(t.Context(), d.settings, []string{"revoke", d.keyID}, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	d.keyID, _ = access.KeyID(key)
}

// callAsAPerson calls with tokens of Supabase's, a good one and one that is over.
func (d *day) callAsAPerson(t *testing.T) {
	t.Helper()
	for _, life := range []time.Duration{time.Hour, -time.Hour} {
		token := d.project.token(t, jwt.SigningMethodES256, d.project.key, func(c jwt.MapClaims) {
			c["exp"], c["jti"] = time.Now().Add(life).Unix(), rand.Text()
		})
		d.secrets[token] = "a person's access token"
		status, answer := d.running.send(t, "GET", "/sync/status", "", caller{"Authorization", "Bearer " + token, nil})
		_, _ = d.answers.Write([]byte(answer))
		if (status == http.StatusOK) != (life > 0) {
			t.Errorf("a token for %v: %d %s", life, status, answer)
		}
	}
}

// callback comes back from Notion's page.
func (d *day) callback(t *testing.T, query string, want int) {
	t.Helper()
	status, answer := d.running.send(t, "GET", "/oauth/notion/callback?"+query, "", caller{"Accept", "application/json", nil})
	_, _ = d.answers.Write([]byte(answer))
	if status != want {
		t.Errorf("%v: the callback answers %d, want %d: %s", d.at, status, want, answer)
	}
}

// refuse goes the round as people who think better of it, and as some who forge.
func (d *day) refuse(t *testing.T) {
	t.Helper()
	denied := d.consent(t, "deny")
	d.secrets[denied.Get("state")] = "a state that was denied"
	d.callback(t, denied.Encode(), http.StatusBadRequest)
	late := d.consent(t, "allow")
	d.secrets[late.Get("state")], d.secrets[late.Get("code")] = "a state that was too late", "a code that was too late"
	d.exec(t, `update integration.oauth_attempts set created_at = created_at - interval '11 minutes'`)
	d.callback(t, late.Encode(), http.StatusBadRequest)
}

// reconnect goes the round again, and once more with what was used.
func (d *day) reconnect(t *testing.T) {
	t.Helper()
	d.note(t)
	back := d.consent(t, "allow")
	d.secrets[back.Get("state")], d.secrets[back.Get("code")] = "a state", "a code"
	d.callback(t, back.Encode(), http.StatusOK)
	d.callback(t, back.Encode(), http.StatusBadRequest)
	d.note(t)
	if status := d.ask(t, `select string_agg(status, ' ') from oauth_tokens`); status != "connected" {
		t.Errorf("%v: after connecting anew: %s", d.at, status)
	}
}

func (d *day) disconnect(t *testing.T) {
	t.Helper()
	if status, answer := d.tell(t, "POST", "/oauth/notion/disconnect", `{"workspace_id":"`+d.ask(t, `select workspace_id from oauth_tokens`)+`"}`); status != http.StatusOK {
		t.Errorf("disconnect: %d %s", status, answer)
	}
}

// drive calls every route, rightly and wrongly. The one that shows the token with which Notion signs is for that.
func (d *day) drive(t *testing.T) {
	t.Helper()
	_, told := d.tourist.send(t, "GET", d.api("/webhooks/notion/token"), "")
	var shown struct {
		Token string `json:"verification_token"`
	}
	if err := json.Unmarshal(told, &shown); err != nil || shown.Token == "" {
		t.Fatalf("Notion's token: %s", told)
	}
	d.secrets[shown.Token] = "the token with which Notion signs"
	calls := slices.DeleteFunc(script(d.template.Functions, d.env["API_KEY"]), func(c call) bool { return strings.HasPrefix(c.path, base+"/webhooks/notion/token") })
	for _, a := range drive(t, d.env["API_URL"], calls, func() { d.settle(t) }) {
		_, _ = d.answers.Write(append(a.body, '\n'))
	}
}

// rest has the day's work end: what is due is delivered, and the two sides are in step.
func (d *day) rest(t *testing.T) {
	t.Helper()
	d.note(t)
	d.sync(t)
	for range 24 * 12 { // what failed is tried again, for as long as a day
		if d.ask(t, `select count(*)::text from integration.event_deliveries where status = 'waiting'`) == "0" {
			break
		}
		d.pass(t)
		d.fire(t, firing{d.at, "event-relay", template.Schedule{Name: "Evening", Input: "{}"}})
		d.await(t, "lanes are free", `select (count(*) = 0)::text from integration.event_subscriptions where lane_until > clock_timestamp()`)
	}
}

// check looks whether the day was one.
func (d *day) check(t *testing.T) {
	t.Helper()
	var tokens, signed int
	for secret := range d.secrets {
		if strings.HasPrefix(secret, "ntn_sim_") && len(secret) > 20 {
			tokens++
		}
	}
	for _, s := range d.subscriptions {
		status, answer := d.tourist.send(t, "GET", d.env["API_URL"]+"/_receiver/"+s.mailbox, "")
		_, _ = d.answers.Write(answer)
		var arrived struct {
			Arrivals []struct {
				Verified *bool  `json:"verified"`
				Problem  string `json:"problem"`
			} `json:"arrivals"`
		}
		if err := json.Unmarshal(answer, &arrived.Arrivals); err != nil {
			if err := json.Unmarshal(answer, &arrived); err != nil {
				t.Fatalf("%d %.200s", status, answer)
			}
		}
		for _, a := range arrived.Arrivals {
			if a.Verified != nil && !*a.Verified {
				t.Errorf("a signature does not hold: %s", a.Problem)
			}
			signed++
		}
	}
	_, stats := d.tourist.send(t, "GET", d.env["NOTION_URL"]+"/_sim/stats", "")
	figures := d.ask(t, `select concat_ws(', ', (select count(*) from integration.sync_runs) || ' runs', (select count(*) from integration.events) || ' events',
		(select count(*) from integration.event_attempts) || ' attempts to deliver', (select count(*) from integration.event_deliveries where status <> 'delivered') || ' not delivered',
		(select count(*) from integration.audit_log) || ' changes audited', (select count(*) from integration.sync_conflicts) || ' conflicts', (select count(*) from integration.api_keys) || ' keys')`)
	t.Logf("%s; %d access tokens by OAuth; %d webhooks, all with a good signature; %d edits; %d secrets in all", figures, tokens, signed, d.edits, len(d.secrets))
	t.Logf("Notion: %.600s", stats)
	for _, name := range slices.Sorted(maps.Keys(d.invoked)) {
		t.Logf("%-28s %5d times, %3d failed", name, d.invoked[name], d.failed[name])
		if d.failed[name] > 0 && !strings.HasPrefix(name, "token-refresh") { // which says so when Notion's endpoint is ill
			t.Errorf("%s failed", name)
		}
	}
	if tokens < 5 || signed < 200 {
		t.Errorf("there was little to keep secret: %d tokens, %d webhooks", tokens, signed)
	}
	if in := d.ask(t, `select location from partners where name = $1`, partner); !strings.Contains(d.page(t, partner), `"plain_text":"`+in+`"`) {
		t.Errorf("the day ends out of step: the row has %s", in)
	}
}

// search looks for every secret in all that was written.
func (d *day) search(t *testing.T) {
	t.Helper()
	d.host.Close(t.Context()) // after which all that was written is in the log
	var invoked, messages strings.Builder
	for function := range d.log.lines {
		_, _ = invoked.WriteString(d.log.of(function))
	}
	queues := newProvision(d.env["AWS_ENDPOINT_URL"]).queues
	for _, q := range d.template.Queues {
		for range 50 {
			out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(q.URL), MaxNumberOfMessages: 10, VisibilityTimeout: 60})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range out.Messages {
				_, _ = messages.WriteString(aws.ToString(m.Body))
			}
			if len(out.Messages) == 0 {
				break
			}
		}
	}
	all := slices.Sorted(maps.Keys(d.secrets))
	t.Logf("searched: %d kB of answers and deliveries, %d kB of logs, all tables", len(d.answers.String())>>10, (len(d.out.String())+invoked.Len())>>10)
	d.searchFor(t, all, map[string]string{"the answers": d.answers.String(), "the schedules' log": invoked.String(), "a queue": messages.String()})
	d.exec(t, `checkpoint`)
	files, size, known := 0, 0, false
	marker := []byte(fmt.Sprint("Text ", d.edits)) // what a search of this kind does find
	err := filepath.WalkDir(d.ask(t, `show data_directory`), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // a file that the server took away meanwhile
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		files, size, known = files+1, size+len(content), known || bytes.Contains(content, marker)
		for _, secret := range all {
			if bytes.Contains(content, []byte(secret)) && !strings.Contains(d.env["DATABASE_URL"], secret) {
				t.Errorf("a secret (%s) is in %s", d.secrets[secret], path)
			}
		}
		return nil
	})
	if err != nil || files < 100 || !known {
		t.Errorf("%d files, what is no secret is found: %v, %v", files, known, err)
	}
	t.Logf("searched: %d files of the database, %d MB, with its log of what was written", files, size>>20)
}
