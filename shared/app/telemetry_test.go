package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// measuring makes what measures for the first connection.
func measuring(pool *postgres.Pool) deps {
	g := newTelemetry("test", "test", slog.New(slog.DiscardHandler))
	g.storeIn(pool)
	return deps{settings: settings.Settings{ConnectionID: config.DefaultConnection}, gauge: g, log: slog.New(slog.DiscardHandler)}
}

type fixedToken struct{}

func (fixedToken) Token(context.Context) (secret.Text, error) {
	return secret.Of(notionsim.IntegrationToken), nil
}
func (fixedToken) Invalidate(secret.Text) {}

// BenchmarkMeasuring is a request to a Notion on loopback, unmeasured and measured, its share of an invocation's one statement included;
// a real one takes a hundred times as long.
func BenchmarkMeasuring(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"object":"user","id":"1","type":"bot","bot":{}}`))
	}))
	defer server.Close()
	pool := pgtest.New(b)
	for name, observe := range map[string]func(context.Context, notion.Call){"without": nil, "with": measuring(pool).called} {
		client := notion.New(notion.Config{
			BaseURL: server.URL, Tokens: fixedToken{}, Observe: observe,
			Budget: notion.NewWindow(notion.WindowConfig{Requests: 1 << 30, Period: time.Minute}),
		})
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				if _, err := client.Database(b.Context(), config.DefaultConnection); err != nil {
					b.Fatal(err)
				}
				if n++; observe != nil && n%100 == 0 { // a hundred requests an invocation
					_ = (postgres.Measurements{Pool: pool, ConnectionID: config.DefaultConnection}).Add(b.Context(), []metric.Row{{
						At: time.Now().Truncate(time.Minute), Service: metric.Notion, Operation: "GET", Calls: 100,
					}})
				}
			}
		})
	}
}

// TestDryRunIsNotMeasured: the parts of syncs are measured as they end, those of a dry run are not.
func TestDryRunIsNotMeasured(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var seen []metric.Sample
	newID := func() string { return uuid.Must(uuid.NewV7()).String() }
	ledger := measuredLedger{postgres.Ledger{Pool: pool, NewID: newID}, func(s metric.Sample) { seen = append(seen, s) }}
	end := func(dry bool, reason string) {
		t.Helper()
		run := journal.Run{ID: newID(), ConnectionID: config.DefaultConnection, Type: journal.Full, DryRun: dry, RequestedBy: "test", CreatedAt: time.Now()}
		if _, err := ledger.Create(t.Context(), run, []string{"partners"}, run.CreatedAt); err != nil {
			t.Fatal(err)
		}
		part, err := ledger.Begin(t.Context(), run.ID, "partners", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		leases := postgres.Leases{Pool: pool, TTL: time.Minute}
		lease, err := leases.Acquire(t.Context(), config.DefaultConnection, "partners", newID())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(ledger.Finish(t.Context(), lease, part, reason, time.Now()), leases.Release(t.Context(), lease)); err != nil {
			t.Fatal(err)
		}
	}
	end(true, "")
	end(true, "Notion cannot be reached.")
	if len(seen) != 0 {
		t.Errorf("dry runs count as parts of syncs: %+v", seen)
	}
	end(false, "")
	end(false, "Notion cannot be reached.")
	if len(seen) != 2 || seen[0].Outcome != "" || seen[1].Outcome != "failed" {
		t.Errorf("%+v", seen)
	}
}

// TestErrorsHaveKinds: what a subscriber or AWS answered is counted by what kind of error it is.
func TestErrorsHaveKinds(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		200: "", 204: "", 302: "invalid", 400: "invalid", 401: "unauthorized", 403: "forbidden", 404: "invalid", 410: "invalid", 429: "rate_limited", 500: "unavailable", 503: "unavailable",
	} {
		got := ""
		if kind, failed := answered(status, nil); failed {
			got = kind.String()
		}
		if got != want {
			t.Errorf("%d counts as %q", status, got)
		}
	}
	if kind, failed := answered(0, fault.New(fault.Unavailable, "It did not answer.")); !failed || kind != fault.Unavailable {
		t.Error("no answer counts as", kind)
	}
	client, server := smithy.FaultClient, smithy.FaultServer
	for code, c := range map[string]struct {
		fault smithy.ErrorFault
		want  string
	}{
		"ThrottlingException": {client, "rate_limited"}, "OverLimit": {client, "rate_limited"}, "AccessDeniedException": {client, "forbidden"},
		"UnrecognizedClientException": {client, "unauthorized"}, "ExpiredToken": {client, "unauthorized"}, "ResourceNotFoundException": {client, "not_found"},
		"QueueDoesNotExist": {client, "invalid"}, "InternalServiceError": {server, "unavailable"},
	} {
		if got := refusedBy(&smithy.OperationError{Err: &smithy.GenericAPIError{Code: code, Fault: c.fault}}); got != c.want {
			t.Errorf("%s counts as %q", code, got)
		}
	}
	if got := refusedBy(errors.New("no route")); got != "unavailable" {
		t.Errorf("no answer of AWS counts as %q", got)
	}
}

// TestGates: an endpoint that fails is kept from by itself; where nothing on a host can be connected to, all of its endpoints are.
func TestGates(t *testing.T) {
	t.Parallel()
	slack := func(id, path string) delivery.Lane {
		return delivery.Lane{ID: id, CallbackURL: "https://hooks.slack.com/" + path}
	}
	one, two := slack("1", "one"), slack("2", "two")
	elsewhere := delivery.Lane{ID: "3", CallbackURL: "https://hooks.zapier.com/x"}
	tests := map[string]struct {
		tell            func(report func(endpoint, host breaker.Outcome))
		one, two, other bool // may be sent to afterwards
	}{
		"nothing but 5xx, or answers that come too late": {func(r func(_, _ breaker.Outcome)) { r(breaker.Failed, breaker.Healthy) }, false, true, true},
		"no connection":   {func(r func(_, _ breaker.Outcome)) { r(breaker.Failed, breaker.Failed) }, false, false, true},
		"it is well":      {func(r func(_, _ breaker.Outcome)) { r(breaker.Healthy, breaker.Healthy) }, true, true, true},
		"we cut it short": {func(r func(_, _ breaker.Outcome)) { r(breaker.Unknown, breaker.Unknown) }, true, true, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newHostBreakers(func(_, shown string, r breaker.Rule) *breaker.Breaker {
				return breaker.New(breaker.Config{Service: shown, Rule: r})
			})
			for range 12 {
				if report, err := g.gate(one); err == nil {
					test.tell(report)
				}
			}
			for lane, want := range map[*delivery.Lane]bool{&one: test.one, &two: test.two, &elsewhere: test.other} {
				if _, err := g.gate(*lane); (err == nil) != want {
					t.Errorf("%s: %v", lane.CallbackURL, err)
				}
			}
		})
	}
}

// TestHostsOfSubscribers: addresses of one host share its breaker.
func TestHostsOfSubscribers(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://Hooks.example.org/a": "hooks.example.org", "https://hooks.example.org:443/b?c": "hooks.example.org", "http://127.0.0.1:4003/x": "127.0.0.1:4003", "::": "",
	} {
		if got := hostOf(address); got != want {
			t.Errorf("the host of %s is %q", address, got)
		}
	}
}
