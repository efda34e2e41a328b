package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

const subscriptionID, deliveryID = "0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a", "0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6b"

// desk remembers what it was asked for.
type desk struct {
	kept   delivery.Subscription
	secret string
	filter delivery.Filter
	list   []delivery.Delivery
	since  time.Time
	calls  []string
	err    error
}

func (d *desk) call(name string) error {
	d.calls = append(d.calls, name)
	return d.err
}

func (d *desk) Subscribe(_ context.Context, s delivery.Subscription, text secret.Text, _ delivery.Once) (delivery.Subscription, secret.Text, error) {
	s.ID, s.State, s.CreatedAt, s.UpdatedAt = subscriptionID, delivery.Active, now, now
	d.kept, d.secret = s, text.Reveal()
	return s, secret.Of("whsec_shown"), d.call("subscribe")
}

func (d *desk) List(context.Context) ([]delivery.Subscription, error) {
	return []delivery.Subscription{d.kept}, d.call("list")
}

func (d *desk) Find(_ context.Context, id string) (delivery.Subscription, error) {
	return d.kept, d.call("find " + id)
}

func (d *desk) Change(_ context.Context, id string, change func(*delivery.Subscription)) (delivery.Subscription, error) {
	change(&d.kept)
	return d.kept, d.call("change " + id)
}

func (d *desk) Delete(_ context.Context, id string) error { return d.call("delete " + id) }

func (d *desk) Rotate(context.Context, string) (delivery.Subscription, secret.Text, time.Time, error) {
	return d.kept, secret.Of("whsec_new"), now.Add(24 * time.Hour), d.call("rotate")
}

func (d *desk) Pause(context.Context, string) (delivery.Subscription, error) {
	return d.kept, d.call("pause")
}

func (d *desk) Resume(context.Context, string) (delivery.Subscription, error) {
	return d.kept, d.call("resume")
}

func (d *desk) Test(context.Context, string) (string, error) { return deliveryID, d.call("test") }

func (d *desk) ReplayDead(_ context.Context, _ string, since time.Time) (int, error) {
	d.since = since
	return 7, d.call("replay dead")
}

func (d *desk) Replay(_ context.Context, _, id string) (string, error) {
	return deliveryID, d.call("replay " + id)
}

func (d *desk) Deliveries(_ context.Context, _ string, f delivery.Filter) ([]delivery.Delivery, error) {
	d.filter = f
	return d.list[:min(len(d.list), f.Limit)], d.call("deliveries")
}

func (d *desk) Delivery(context.Context, string, string) (delivery.Delivery, []delivery.Attempt, error) {
	return d.list[0], []delivery.Attempt{{Number: 1, StartedAt: now, Duration: 12 * time.Millisecond, StatusCode: 500, Answer: "no"}}, d.call("delivery")
}

const base = "/api/enhanced-integration/events/subscriptions/" + subscriptionID

func subscriber() *access.Principal {
	return &access.Principal{Client: "app", Scopes: []access.Scope{access.Events}}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	d := &desk{}
	h := newAPI().Subscribe(d, []string{"partners", "projects"})
	status, _, answer := call(t, h, subscriber(), "POST", "/", `{"event_types":["sync_*","error","error"],"callback_url":"https://example.com/x","databases":["projects"],"rate_limit":5}`)
	if status != 201 || answer["subscription_id"] != subscriptionID || answer["secret"] != "whsec_shown" || answer["status"] != "active" ||
		answer["callback_url"] != "https://example.com/x" || answer["created_at"] != "2026-11-23T10:00:00.250Z" {
		t.Errorf("%d %v", status, answer)
	}
	if d.kept.CreatedBy != "app" || d.kept.RateLimit != 5 || strings.Join(d.kept.EventTypes, " ") != "error sync_*" || d.secret != "" {
		t.Errorf("%+v", d.kept)
	}
	brought := "whsec_" + strings.Repeat("A", 32)
	if status, _, _ := call(t, h, subscriber(), "POST", "/", `{"event_types":["*"],"callback_url":"https://example.com/x","secret":"`+brought+`"}`); status != 201 || d.secret != brought || d.kept.RateLimit != 50 {
		t.Errorf("%d, %q, %+v", status, d.secret, d.kept)
	}
	types := func(n int) string { return `["` + strings.Repeat(`error","`, n-1) + `error"]` }
	for name, c := range map[string]struct{ body, says string }{
		"nothing":            {`{}`, "Give callback_url and event_types"},
		"no types":           {`{"callback_url":"https://example.com/"}`, "Give callback_url and event_types"},
		"null":               {`{"callback_url":null,"event_types":null}`, "Give callback_url and event_types"},
		"an empty list":      {`{"callback_url":"https://example.com/","event_types":[]}`, "1 to 50"},
		"an unknown type":    {`{"callback_url":"https://example.com/","event_types":["sync_ended"]}`, "no event type"},
		"an empty type":      {`{"callback_url":"https://example.com/","event_types":[""]}`, "no event type"},
		"a star in front":    {`{"callback_url":"https://example.com/","event_types":["*_started"]}`, "no event type"},
		"51 types":           {`{"callback_url":"https://example.com/","event_types":` + types(51) + `}`, "1 to 50"},
		"ten thousand types": {`{"callback_url":"https://example.com/","event_types":` + types(10_000) + `}`, "1 to 50"},
		"a type that is 1":   {`{"callback_url":"https://example.com/","event_types":[1]}`, "event_types"},
		"an empty address":   {`{"callback_url":"","event_types":["*"]}`, "callback_url is empty"},
		"an empty secret":    {`{"callback_url":"https://example.com/","event_types":["*"],"secret":""}`, "secret must be whsec_"},
		"a short secret":     {`{"callback_url":"https://example.com/","event_types":["*"],"secret":"whsec_AAAA"}`, "secret must be whsec_"},
		"an unknown kind":    {`{"callback_url":"https://example.com/","event_types":["*"],"databases":["people"]}`, "no database"},
		"a rate of nothing":  {`{"callback_url":"https://example.com/","event_types":["*"],"rate_limit":0}`, "rate_limit"},
		"a rate of 1e9":      {`{"callback_url":"https://example.com/","event_types":["*"],"rate_limit":1000000000}`, "rate_limit"},
		"a long description": {`{"callback_url":"https://example.com/","event_types":["*"],"description":"` + strings.Repeat("x", 201) + `"}`, "description"},
		"a NUL":              {`{"callback_url":"https://example.com/","event_types":["*"],"description":"\u0000"}`, "description"},
		"an unknown field":   {`{"callback_url":"https://example.com/","event_types":["*"],"status":"paused"}`, "no field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, _, answer := call(t, h, subscriber(), "POST", "/", c.body)
			if message, _ := answer["message"].(string); status != 400 || !strings.Contains(message, c.says) || len(message) > 1000 {
				t.Errorf("%d %v", status, answer)
			}
		})
	}
	if status, _, _ := call(t, h, &access.Principal{Client: "reader", Scopes: []access.Scope{access.Read}}, "POST", "/", `{}`); status != 403 {
		t.Errorf("a reader: %d", status)
	}
}

func TestSubscriptionCalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handler      func(d *desk) http.Handler
		method, path string
		body         string
		status       int
		calls        string
		shows        map[string]any
	}{
		"list":             {func(d *desk) http.Handler { return newAPI().Subscriptions(d) }, "GET", "/", "", 200, "list", map[string]any{"total_subscriptions": 1.0}},
		"one":              {one, "GET", base, "", 200, "find " + subscriptionID, map[string]any{"subscription_id": subscriptionID, "failing_since": nil}},
		"in capitals":      {one, "GET", strings.Replace(base, subscriptionID, strings.ToUpper(subscriptionID), 1), "", 200, "find " + subscriptionID, nil},
		"change":           {one, "PATCH", base, `{"event_types":["error"],"description":"mine"}`, 200, "change " + subscriptionID, map[string]any{"description": "mine", "rate_limit": 50.0}},
		"change nothing":   {one, "PATCH", base, `{}`, 200, "change " + subscriptionID, map[string]any{"description": ""}},
		"change badly":     {one, "PATCH", base, `{"event_types":[]}`, 400, "", nil},
		"change the state": {one, "PATCH", base, `{"status":"active"}`, 400, "", nil},
		"delete":           {one, "DELETE", base, "", 200, "delete " + subscriptionID, map[string]any{"deleted": true}},
		"put":              {one, "PUT", base, "", 405, "", nil},
		"no id":            {one, "GET", strings.Replace(base, subscriptionID, "1", 1), "", 404, "", nil},
		"a braced id":      {one, "GET", strings.Replace(base, subscriptionID, "%7B"+subscriptionID+"%7D", 1), "", 404, "", nil},
		"rotate":           {action, "POST", base + "/rotate-secret", "", 200, "rotate", map[string]any{"secret": "whsec_new", "old_secret_until": "2026-11-24T10:00:00.250Z"}},
		"pause":            {action, "POST", base + "/pause", "", 200, "pause", map[string]any{"subscription_id": subscriptionID}},
		"resume":           {action, "POST", base + "/resume", "", 200, "resume", nil},
		"test":             {action, "POST", base + "/test", "", 202, "test", map[string]any{"delivery_id": deliveryID}},
		"replay dead":      {action, "POST", base + "/replay", `{"since":"2026-11-23T00:00:00Z"}`, 202, "replay dead", map[string]any{"replayed": 7.0}},
		"since when":       {action, "POST", base + "/replay", `{}`, 400, "", nil},
		"since nonsense":   {action, "POST", base + "/replay", `{"since":"yesterday"}`, 400, "", map[string]any{"message": "Give since, a time such as 2026-11-23T10:00:00Z: what failed for good from then on is sent again."}},
		"another action":   {action, "POST", base + "/explode", "", 404, "", nil},
		"read an action":   {action, "GET", base + "/pause", "", 405, "", nil},
		"replay":           {func(d *desk) http.Handler { return newAPI().Replay(d) }, "POST", base + "/deliveries/" + deliveryID + "/replay", "", 202, "replay " + deliveryID, map[string]any{"replay_of": deliveryID}},
		"replay no id":     {func(d *desk) http.Handler { return newAPI().Replay(d) }, "POST", base + "/deliveries/x/replay", "", 404, "", nil},
		"a delivery":       {func(d *desk) http.Handler { return newAPI().Delivery(d) }, "GET", base + "/deliveries/" + deliveryID, "", 200, "delivery", map[string]any{"subscription_id": subscriptionID}},
		"deliveries":       {list, "GET", base + "/deliveries?limit=1&status=dead", "", 200, "deliveries", nil},
		"an odd status":    {list, "GET", base + "/deliveries?status=lost", "", 400, "", nil},
		"an empty status":  {list, "GET", base + "/deliveries?status=", "", 400, "", nil},
		"an odd cursor":    {list, "GET", base + "/deliveries?cursor=x", "", 400, "", nil},
		"too many":         {list, "GET", base + "/deliveries?limit=501", "", 400, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &desk{
				kept: delivery.Subscription{ID: subscriptionID, State: delivery.Active, RateLimit: 50, CreatedAt: now, UpdatedAt: now},
				list: []delivery.Delivery{{ID: deliveryID, EventType: event.Error, Status: delivery.Dead, FinishedAt: now}, {ID: subscriptionID}},
			}
			status, _, answer := call(t, c.handler(d), subscriber(), c.method, c.path, c.body)
			if status != c.status || strings.Join(d.calls, ",") != c.calls || answer["success"] != (status < 300) {
				t.Errorf("%d, %v, %v", status, d.calls, answer)
			}
			for name, want := range c.shows {
				if answer[name] != want {
					t.Errorf("%s is %v, want %v", name, answer[name], want)
				}
			}
		})
	}
}

func one(d *desk) http.Handler    { return newAPI().Subscription(d, []string{"partners"}) }
func action(d *desk) http.Handler { return newAPI().SubscriptionAction(d) }
func list(d *desk) http.Handler   { return newAPI().Deliveries(d) }

func TestDeliveriesPageOn(t *testing.T) {
	t.Parallel()
	d := &desk{list: []delivery.Delivery{
		{ID: deliveryID, EventType: event.Error, Status: delivery.Waiting}, {ID: subscriptionID, EventType: event.Error, Status: delivery.Waiting},
	}}
	_, _, answer := call(t, list(d), subscriber(), "GET", base+"/deliveries?limit=1", "")
	cursor, _ := answer["next_cursor"].(string)
	if shown, _ := answer["deliveries"].([]any); len(shown) != 1 || cursor == "" || d.filter.Limit != 2 {
		t.Fatalf("%v, asked for %+v", answer, d.filter)
	}
	d.list = d.list[:1]
	_, _, answer = call(t, list(d), subscriber(), "GET", base+"/deliveries?limit=1&cursor="+cursor, "")
	if d.filter.Before != deliveryID || answer["next_cursor"] != nil {
		t.Errorf("asked for %+v, %v", d.filter, answer)
	}
}

// hooks remembers what it was told.
type hooks struct {
	body, signature string
	kinds           []string
	token           string
	err             error
}

func (h *hooks) Notion(_ context.Context, body []byte, signature string) error {
	h.body, h.signature = string(body), signature
	return h.err
}

func (h *hooks) Changed(_ context.Context, connectionID, kind string) {
	h.kinds = append(h.kinds, connectionID+kind)
}

func (h *hooks) Token(context.Context) (secret.Text, []string, error) {
	return secret.Of(h.token), nil, h.err
}

func (h *hooks) ForgetToken(context.Context) (bool, error) {
	h.token = ""
	return true, h.err
}

func TestNotionWebhook(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	raw := " {\"id\": \"1\" }\n"
	if status, _, answer := call(t, newAPI().NotionWebhook(h), nil, "POST", "/", raw); status != 200 || answer["success"] != true || h.body != raw {
		t.Errorf("%d %v, %q", status, answer, h.body)
	}
	h.err = fault.New(fault.Unauthorized, "no")
	if status, _, _ := call(t, newAPI().NotionWebhook(h), nil, "POST", "/", raw); status != 401 {
		t.Errorf("%d", status)
	}
	if status, _, _ := call(t, newAPI().NotionWebhook(h), nil, "POST", "/", strings.Repeat(" ", 300<<10)); status != 413 {
		t.Errorf("too large: %d", status)
	}
	h = &hooks{}
	admin := &access.Principal{Client: "me", Scopes: []access.Scope{access.Admin}}
	token := newAPI().NotionWebhookToken(h)
	if status, _, _ := call(t, token, admin, "GET", "/", ""); status != 404 {
		t.Errorf("no token yet: %d", status)
	}
	h.token = "secret_x"
	if status, _, answer := call(t, token, admin, "GET", "/", ""); status != 200 || answer["verification_token"] != "secret_x" {
		t.Errorf("%d %v", status, answer)
	}
	if status, _, answer := call(t, token, admin, "GET", "/?no_such_parameter=1", ""); status != 400 || answer["verification_token"] != nil {
		t.Errorf("a parameter that there is not: %d %v", status, answer)
	}
	if status, _, answer := call(t, token, subscriber(), "GET", "/", ""); status != 403 || answer["verification_token"] != nil {
		t.Errorf("not an admin: %d %v", status, answer)
	}
	if status, _, answer := call(t, token, admin, "DELETE", "/", ""); status != 200 || answer["deleted"] != true || h.token != "" {
		t.Errorf("%d %v", status, answer)
	}
}

func TestSupabaseWebhook(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set, given, body string
		status           int
		kinds            string
	}{
		"a change":          {"s3cret", "s3cret", `{"type":"INSERT","table":"sync_changes","schema":"public","record":{"kind":"partners"},"old_record":null}`, 200, "partners"},
		"a table in step":   {"s3cret", "s3cret", `{"table":"partner_rows","record":{"kind":"odd"}}`, 200, "partners"},
		"of a connection":   {"s3cret", "s3cret", `{"table":"sync_changes","record":{"connection_id":"c2 ","kind":"partners"}}`, 200, "c2 partners"},
		"a row is gone":     {"s3cret", "s3cret", `{"type":"DELETE","table":"partner_rows","record":null,"old_record":{"connection_id":"c2 "}}`, 200, "c2 partners"},
		"another table":     {"s3cret", "s3cret", `{"table":"users"}`, 400, ""},
		"no table":          {"s3cret", "s3cret", `{}`, 400, ""},
		"no JSON":           {"s3cret", "s3cret", `x`, 400, ""},
		"another secret":    {"s3cret", "S3cret", `{"table":"partner_rows"}`, 401, ""},
		"a longer one":      {"s3cret", "s3cret ", `{"table":"partner_rows"}`, 401, ""},
		"none given":        {"s3cret", "", `{"table":"partner_rows"}`, 401, ""},
		"none set":          {"", "", `{"table":"partner_rows"}`, 401, ""},
		"none set, given":   {"", "s3cret", `{"table":"partner_rows"}`, 401, ""},
		"too large":         {"s3cret", "s3cret", strings.Repeat(" ", 300<<10), 413, ""},
		"deep":              {"s3cret", "s3cret", strings.Repeat("[", 20_000), 400, ""},
		"a kind of numbers": {"s3cret", "s3cret", `{"table":"sync_changes","record":{"kind":7}}`, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &hooks{}
			handler := newAPI().SupabaseWebhook(h, func(context.Context) (secret.Text, error) { return secret.Of(c.set), nil }, map[string]string{"partner_rows": "partners"})
			status, _, answer := call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.given != "" {
					r.Header.Set("X-Webhook-Secret", c.given)
				}
				handler.ServeHTTP(w, r)
			}), nil, "POST", "/", c.body)
			if status != c.status || strings.Join(h.kinds, ",") != c.kinds {
				t.Errorf("%d %v, %v", status, answer, h.kinds)
			}
		})
	}
}
