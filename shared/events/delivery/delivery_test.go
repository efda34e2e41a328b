package delivery_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func TestWants(t *testing.T) {
	t.Parallel()
	about := func(kind event.Type, data string) event.Event {
		return event.Event{Type: kind, Data: json.RawMessage(data), Timestamp: now}
	}
	all := delivery.Subscription{EventTypes: []string{"*"}, State: delivery.Active, CreatedAt: now}
	with := func(change func(*delivery.Subscription)) delivery.Subscription {
		s := all
		change(&s)
		return s
	}
	partners := with(func(s *delivery.Subscription) { s.Databases = []string{"partners"} })
	for name, c := range map[string]struct {
		subscription delivery.Subscription
		event        event.Event
		want         bool
	}{
		"all":                       {all, about(event.Error, `{}`), true},
		"another type":              {with(func(s *delivery.Subscription) { s.EventTypes = []string{"sync_*"} }), about(event.Error, `{}`), false},
		"by a star":                 {with(func(s *delivery.Subscription) { s.EventTypes = []string{"error", "sync_*"} }), about(event.SyncHeld, `{}`), true},
		"paused waits":              {with(func(s *delivery.Subscription) { s.State = delivery.Paused }), about(event.Error, `{}`), true},
		"disabled does not":         {with(func(s *delivery.Subscription) { s.State = delivery.Disabled }), about(event.Error, `{}`), false},
		"before it was there":       {with(func(s *delivery.Subscription) { s.CreatedAt = now.Add(1) }), about(event.Error, `{}`), false},
		"its database":              {partners, about(event.RecordCreated, `{"kind":"partners"}`), true},
		"another database":          {partners, about(event.RecordCreated, `{"kind":"projects"}`), false},
		"a run with its database":   {partners, about(event.SyncCompleted, `{"databases":{"projects":{},"partners":{}}}`), true},
		"a run without it":          {partners, about(event.SyncCompleted, `{"databases":{"projects":{}}}`), false},
		"no database":               {partners, about(event.OAuthRevoked, `{}`), true},
		"data of another form":      {partners, about(event.Error, `{"databases":7,"kind":[]}`), true},
		"no database, another type": {with(func(s *delivery.Subscription) { s.EventTypes = []string{"error"} }), about(event.OAuthRevoked, `{}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.subscription.Wants(c.event); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	const middle = 0.5
	for name, c := range map[string]struct {
		outcome delivery.Outcome
		number  int
		failing time.Duration // since when the endpoint has been failing; 0: it has not
		want    delivery.Decision
	}{
		"200":                  {delivery.Outcome{StatusCode: 200}, 1, 0, delivery.Decision{Status: delivery.Delivered}},
		"299, long failing":    {delivery.Outcome{StatusCode: 299}, 9, 200 * time.Hour, delivery.Decision{Status: delivery.Delivered}},
		"no answer":            {delivery.Outcome{}, 1, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(5 * time.Second)}},
		"a redirection":        {delivery.Outcome{StatusCode: 302}, 2, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(5 * time.Minute)}},
		"404":                  {delivery.Outcome{StatusCode: 404}, 7, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(10 * time.Hour)}},
		"500, the eighth":      {delivery.Outcome{StatusCode: 500}, 8, 0, delivery.Decision{Status: delivery.Dead}},
		"429 waits a minute":   {delivery.Outcome{StatusCode: 429}, 1, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(time.Minute)}},
		"502 waits a minute":   {delivery.Outcome{StatusCode: 502}, 1, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(time.Minute)}},
		"504 waits a minute":   {delivery.Outcome{StatusCode: 504}, 1, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(time.Minute)}},
		"503 waits as usual":   {delivery.Outcome{StatusCode: 503}, 1, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(5 * time.Second)}},
		"429 late":             {delivery.Outcome{StatusCode: 429}, 2, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(5 * time.Minute)}},
		"a rest is asked for":  {delivery.Outcome{StatusCode: 503, RetryAfter: time.Hour}, 1, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(time.Hour), Rest: time.Hour}},
		"a short rest":         {delivery.Outcome{StatusCode: 429, RetryAfter: time.Second}, 1, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(time.Minute), Rest: time.Second}},
		"a year of rest":       {delivery.Outcome{StatusCode: 503, RetryAfter: 8760 * time.Hour}, 1, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(24 * time.Hour), Rest: 24 * time.Hour}},
		"410":                  {delivery.Outcome{StatusCode: 410}, 1, 0, delivery.Decision{Status: delivery.Dead, Disable: "The endpoint answered 410: it is gone."}},
		"119 h 59 min":         {delivery.Outcome{StatusCode: 500}, 8, 120*time.Hour - time.Minute, delivery.Decision{Status: delivery.Dead}},
		"120 h":                {delivery.Outcome{StatusCode: 500}, 8, 120 * time.Hour, delivery.Decision{Status: delivery.Dead, Disable: "Everything has failed for 120 hours."}},
		"a number that is odd": {delivery.Outcome{StatusCode: 500}, 0, 0, delivery.Decision{Status: delivery.Waiting, At: now.Add(5 * time.Second)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var since time.Time
			if c.failing > 0 {
				since = now.Add(-c.failing)
			}
			if got := delivery.UsualSchedule().Decide(c.outcome, c.number, middle, now, since); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestWaitsAreSpread: a wait is the schedule's, a fifth more or less, and never more.
func TestWaitsAreSpread(t *testing.T) {
	t.Parallel()
	schedule := delivery.UsualSchedule()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.IntRange(1, len(schedule)).Draw(t, "number")
		chance := rapid.Float64Range(0, 0.999999).Draw(t, "chance")
		d := schedule.Decide(delivery.Outcome{StatusCode: 500}, number, chance, now, time.Time{})
		wait, planned := d.At.Sub(now), schedule[number-1]
		if d.Status != delivery.Waiting || wait < planned*4/5 || wait > planned*6/5 {
			t.Fatalf("%v instead of %v", wait, planned)
		}
	})
}

func TestParseSchedule(t *testing.T) {
	t.Parallel()
	if s, err := delivery.ParseSchedule([]string{"200ms", "5m"}); err != nil || fmt.Sprint(s) != "[200ms 5m0s]" {
		t.Errorf("%v, %v", s, err)
	}
	for _, bad := range []string{"", "5", "-5s", "0s", "25h", "soon", strings.TrimSpace(strings.Repeat("1s ", 21))} {
		if s, err := delivery.ParseSchedule(strings.Fields(bad)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q is %v", bad, s)
		}
	}
}

// TestSignaturesVerify: what is signed verifies with the official library, by either secret while both hold.
func TestSignaturesVerify(t *testing.T) {
	t.Parallel()
	one, err := delivery.NewSecret(strings.NewReader(strings.Repeat("a", 32)))
	if err != nil {
		t.Fatal(err)
	}
	other, err := delivery.NewSecret(strings.NewReader(strings.Repeat("b", 32)))
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"ping","text":"ü \u0000"}`)
	at := time.Now()
	for name, c := range map[string]struct {
		secrets delivery.Secrets
		holds   map[string]bool
	}{
		"one":                  {delivery.Secrets{Current: one}, map[string]bool{one.Reveal(): true, other.Reveal(): false}},
		"rotated":              {delivery.Secrets{Current: one, Old: []delivery.OldSecret{{Text: other, Until: at.Add(time.Second)}}}, map[string]bool{one.Reveal(): true, other.Reveal(): true}},
		"the overlap is over":  {delivery.Secrets{Current: one, Old: []delivery.OldSecret{{Text: other, Until: at}}}, map[string]bool{one.Reveal(): true, other.Reveal(): false}},
		"rotated to the other": {delivery.Secrets{Current: other}, map[string]bool{one.Reveal(): false, other.Reveal(): true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed, err := delivery.Sign(c.secrets, "0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a", at, body)
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{}
			for name, value := range signed {
				header.Set(name, value)
			}
			for signing, holds := range c.holds {
				verifier, err := webhooks.NewWebhook(signing)
				if err != nil {
					t.Fatal(err)
				}
				if err := verifier.Verify(body, header); (err == nil) != holds {
					t.Errorf("verified: %v, want %v", err, holds)
				}
				if err := verifier.Verify(append(body, ' '), header); err == nil {
					t.Error("another body verifies")
				}
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"whsec_" + strings.Repeat("A", 32), "whsec_" + strings.Repeat("A", 84)} {
		if err := delivery.CheckSecret(secret.Of(good)); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for name, bad := range map[string]string{
		"empty": "", "only the prefix": "whsec_", "no prefix": strings.Repeat("A", 32), "23 bytes": "whsec_" + strings.Repeat("A", 30) + "A=",
		"65 bytes": "whsec_" + strings.Repeat("A", 86) + "A=", "no base64": "whsec_" + strings.Repeat("!", 32), "a line break": "whsec_" + strings.Repeat("A", 32) + "\n",
	} {
		if err := delivery.CheckSecret(secret.Of(bad)); fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), bad) && bad != "" && bad != "whsec_" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := delivery.Sign(delivery.Secrets{Current: secret.Of(bad)}, "id", now, nil); err == nil || bad != "" && bad != "whsec_" && strings.Contains(err.Error(), bad) {
			t.Errorf("%s signs: %v", name, err)
		}
	}
	if _, err := delivery.NewSecret(strings.NewReader("too little")); err == nil {
		t.Error("a secret was made of too little chance")
	}
}

// TestBodyStaysTheSame: the same event has the same bytes, whatever zone its time is told in.
func TestBodyStaysTheSame(t *testing.T) {
	t.Parallel()
	e := event.Draft{Type: event.Ping, Source: event.Integration, Target: event.Integration}.New("1", now)
	one, _ := delivery.Body(e)
	e.Timestamp = e.Timestamp.In(time.FixedZone("", 3600))
	other, err := delivery.Body(e)
	if err != nil || string(one) != string(other) || string(one) != `{"id":"1","type":"ping","source_system":"integration","target_system":"integration","data":{},"timestamp":"2026-11-23T10:00:00Z"}` {
		t.Errorf("%s\n%s\n%v", one, other, err)
	}
}
