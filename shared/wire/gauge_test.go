package wire

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/access"
	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/httpapi"
	"github.com/act-platform/enhanced-integration/shared/insight"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/outbound"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

type fixedToken struct{}

func (fixedToken) Token(context.Context) (secret.Text, error) {
	return secret.Of(notionsim.IntegrationToken), nil
}
func (fixedToken) Invalidate(secret.Text) {}

// TestKnownLoadIsWhatTheDashboardShows: requests whose number, failures and latencies are fixed through the simulator are the dashboard's
// figures, and stay so when they are folded.
func TestKnownLoadIsWhatTheDashboardShows(t *testing.T) {
	t.Parallel()
	const slow = 150 * time.Millisecond
	n := 0
	sim, err := notionsim.New(notionsim.Config{Seed: 1, OnRequest: func(_ *http.Request, saved bool) *chaos.Fault {
		if saved {
			return nil
		}
		n++
		switch {
		case n <= 3:
			return &chaos.Fault{Status: 503, Code: "service_unavailable"}
		case n == 4:
			return &chaos.Fault{Status: 429, Code: "rate_limited", RetryAfter: 1}
		case n <= 6:
			return &chaos.Fault{LatencyMS: int(slow / time.Millisecond)}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	server := httptest.NewServer(sim)
	defer server.Close()
	pool := pgtest.New(t)
	g := newGauge("test", "test", slog.New(slog.DiscardHandler))
	g.storeIn(pool)
	client := notion.New(notion.Config{BaseURL: server.URL, Tokens: fixedToken{}, Attempts: 1, Observe: g.notion})
	for range 20 {
		_, _ = client.Me(t.Context())
	}
	for range 9 {
		g.meter.Observe(metric.Sample{Service: metric.Cache, Operation: insight.SchemaEntry, Outcome: metric.Hit})
	}
	g.meter.Observe(metric.Sample{Service: metric.Cache, Operation: insight.SchemaEntry, Outcome: metric.Miss})
	g.meter.Observe(metric.Sample{Service: metric.Cache, Operation: insight.StatusEntry, Outcome: metric.Miss})
	for range 3 {
		g.meter.Observe(metric.Sample{Service: metric.Check, Operation: "notion"})
	}
	g.meter.Observe(metric.Sample{Service: metric.Check, Operation: "notion", Outcome: "unavailable"})
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer endpoint.Close()
	post := g.posting(outbound.New(outbound.Config{Loopback: true, Now: time.Now}))
	for _, path := range []string{"/", "/", "/", "/fails"} {
		if _, err := post(t.Context(), endpoint.URL+path, nil, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	g.flush(t.Context())

	now := time.Now()
	for _, folded := range []time.Duration{0, 5 * time.Hour, 10 * 24 * time.Hour} {
		if err := (postgres.Measurements{Pool: pool, ConnectionID: config.DefaultConnection}).Fold(t.Context(), now.Add(folded)); err != nil {
			t.Fatal(err)
		}
		data := dashboardAt(t, pool, now)
		p := data.Performance
		if s := p.Services["notion"]; s.Calls != 20 || s.Errors != 4 || s.Kinds["unavailable"] != 3 || s.Kinds["rate_limited"] != 1 || p.Rates["notion"] != 0.2 {
			t.Errorf("after %s: %+v, rates %v", folded, s, p.Rates)
		}
		if s := p.Services["notion"]; s.P99 < 150 || s.P99 > 300 || s.P50 > 50 || s.Avg < 15 || s.Avg > 100 || s.Avg != p.Times["notion_avg_ms"] {
			t.Errorf("after %s: latencies %+v", folded, s)
		}
		if p.Hits["notion"] != 0.9 || p.Hits["supabase"] != 0 || p.Hits["overall"] != 0.8182 {
			t.Errorf("after %s: hit rates %v", folded, p.Hits)
		}
		if p.Delivery != 0.75 {
			t.Errorf("after %s: %v of the deliveries were taken", folded, p.Delivery)
		}
		if data.Overview.Uptime != 75 {
			t.Errorf("after %s: uptime %v", folded, data.Overview.Uptime)
		}
	}
}

type dashboardShown struct {
	Overview struct {
		Uptime float64 `json:"uptime_percentage"`
	} `json:"overview"`
	Performance struct {
		Times    map[string]float64 `json:"api_response_times"`
		Rates    map[string]float64 `json:"error_rates"`
		Hits     map[string]float64 `json:"cache_hit_rates"`
		Delivery float64            `json:"delivery_success_rate"`
		Services map[string]struct {
			Calls  int64            `json:"calls"`
			Errors int64            `json:"errors"`
			Kinds  map[string]int64 `json:"errors_by_kind"`
			Avg    float64          `json:"avg_ms"`
			P50    float64          `json:"p50_ms"`
			P99    float64          `json:"p99_ms"`
		} `json:"services"`
	} `json:"performance_metrics"`
}

func dashboardAt(t *testing.T, pool *pgxpool.Pool, now time.Time) dashboardShown {
	t.Helper()
	read := postgres.Insight{Pool: pool, ConnectionID: config.DefaultConnection}
	api := httpapi.API{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	h := api.Dashboard(func(ctx context.Context, w metric.Window) (insight.Facts, bool, error) {
		f, err := read.Read(ctx, w, now)
		return f, false, err
	},
		postgres.Events{Pool: pool, ConnectionID: config.DefaultConnection}, 180)
	ctx := lambdaio.WithCall(t.Context(), lambdaio.Call{Authorization: access.Context(access.Principal{Client: "test", Scopes: []access.Scope{access.Read}}, nil)})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/?time_range=90d", http.NoBody))
	var answer struct {
		Data dashboardShown `json:"dashboard_data"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body, err)
	}
	return answer.Data
}

// BenchmarkMeasuring is a request to a Notion on loopback, unmeasured and measured, its share of an invocation's one statement included;
// a real one takes a hundred times as long.
func BenchmarkMeasuring(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"object":"user","id":"1","type":"bot","bot":{}}`))
	}))
	defer server.Close()
	pool := pgtest.New(b)
	g := newGauge("test", "test", slog.New(slog.DiscardHandler))
	g.storeIn(pool)
	for name, observe := range map[string]func(context.Context, notion.Call){"without": nil, "with": g.notion} {
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
