package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/events/safehttp"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
	"github.com/act-platform/enhanced-integration/shared/telemetry/meter"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// known is a load whose every figure is known.
type known struct {
	*sidetest.World
	at   time.Time // when all of it was measured: in the middle of a minute
	now  time.Time // when it is looked at: a minute later
	took map[string][]time.Duration
}

// observe measures calls of a service, each of the same time and outcome.
func (k *known) observe(p deps, s metric.Service, operation, outcome string, d time.Duration, calls int) {
	for range calls {
		p.observe(metric.Sample{Service: s, Operation: operation, Outcome: outcome, Duration: d})
		k.took[string(s)] = append(k.took[string(s)], d)
	}
}

// notionCalls asks a Notion twenty times, which three times is ill, once is busy, and twice takes its time.
func (k *known) notionCalls(t *testing.T, p deps) {
	t.Helper()
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
			return &chaos.Fault{LatencyMS: 160}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	defer func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	}()
	slow := 0
	client := notion.New(notion.Config{BaseURL: server.URL, Tokens: fixedToken{}, Attempts: 1, Observe: func(ctx context.Context, c notion.Call) {
		p.called(ctx, c)
		k.took["notion"] = append(k.took["notion"], c.Duration)
		if c.Duration >= 160*time.Millisecond {
			slow++
		}
	}})
	for range 20 {
		_, _ = client.Me(t.Context())
	}
	if slow < 2 {
		t.Fatalf("%d calls took their time", slow)
	}
}

// deliveries are five: one endpoint fails, one is busy.
func (k *known) deliveries(t *testing.T, p deps) {
	t.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fails":
			w.WriteHeader(http.StatusInternalServerError)
		case "/busy":
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer endpoint.Close()
	client := safehttp.New(safehttp.Config{Loopback: true, Now: time.Now})
	defer client.Close()
	post := p.posting(client)
	for _, path := range []string{"/", "/", "/", "/fails", "/busy"} {
		if _, err := post(t.Context(), endpoint.URL+path, nil, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
}

// runs are three that succeeded today or a little before, two that failed since, one under way, and one of sixty days ago.
func (k *known) runs(t *testing.T) (today, failedToday int) {
	t.Helper()
	k.Exec(t, `delete from integration.sync_runs`)
	midnight := k.now.UTC().Truncate(24 * time.Hour)
	for _, r := range []struct {
		ago, took time.Duration
		status    string
	}{
		{60 * 24 * time.Hour, 40 * time.Second, "succeeded"},
		{50 * time.Minute, time.Second, "succeeded"},
		{40 * time.Minute, 2 * time.Second, "succeeded"},
		{30 * time.Minute, 6 * time.Second, "succeeded"},
		{20 * time.Minute, time.Second, "failed"},
		{10 * time.Minute, time.Second, "failed"},
		{0, 0, "running"},
	} {
		end, id := k.now.Add(-r.ago), newID()
		var finished *time.Time
		if r.status != "running" {
			finished = &end
			if !end.Before(midnight) {
				today++
				if r.status == "failed" {
					failedToday++
				}
			}
		}
		k.Exec(t, `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, started_at, finished_at) values ($1, $2, 'full', $3, 'test', $4, $4, $5)`,
			id, config.DefaultConnection, r.status, end.Add(-r.took), finished)
		if r.status == "succeeded" {
			k.Exec(t, `insert into integration.sync_run_databases (run_id, kind, status, queued_at, started_at, finished_at)
				select $1, kind, 'succeeded', $2, $2, $2 from unnest($3::text[]) kind`, id, end, mapping.ACT().Names())
		}
	}
	return today, failedToday
}

// TestKnownLoadIsWhatTheDashboardShows: of a load whose numbers, errors and latencies are fixed, by the simulator's faults too, every figure
// of the dashboard is the known one, quantiles within their bucket, in every range; and the same once it is folded into hours and days.
func TestKnownLoadIsWhatTheDashboardShows(t *testing.T) {
	t.Parallel()
	at := time.Now().UTC().Truncate(time.Minute).Add(-90 * time.Second)
	k := &known{World: sidetest.Synced(t, nil), at: at, now: at.Add(time.Minute), took: map[string][]time.Duration{}}
	k.Exec(t, `delete from integration.measurements`)
	log := slog.New(slog.DiscardHandler)
	p := measuring(k.Pool)
	p.gauge.newMeter = func() *meter.Meter { return meter.New(func() time.Time { return k.at }, log, meter.Embedded{Log: log}) }

	k.notionCalls(t, p)
	k.deliveries(t, p)
	k.observe(p, metric.Supabase, "select", "", 40*time.Millisecond, 9)
	k.observe(p, metric.Supabase, "with", "unavailable", 90*time.Millisecond, 1)
	k.observe(p, metric.Secrets, "GetSecretValue", "", 4*time.Millisecond, 2)
	k.observe(p, metric.Secrets, "GetSecretValue", "forbidden", 6*time.Millisecond, 1)
	k.observe(p, metric.Queue, "SendMessage", "", 8*time.Millisecond, 4)
	k.observe(p, metric.Sync, "partners", "", 1250*time.Millisecond, 3)
	k.observe(p, metric.Sync, "projects", "failed", 250*time.Millisecond, 1)
	k.observe(p, metric.Cache, stats.SchemaEntry, metric.Hit, 0, 8)
	k.observe(p, metric.Cache, stats.PageEntry, metric.Stale, 0, 1)
	k.observe(p, metric.Cache, stats.SchemaEntry, metric.Miss, 0, 1)
	k.observe(p, metric.Cache, stats.StatusEntry, metric.Hit, 0, 3)
	k.observe(p, metric.Cache, stats.StatusEntry, metric.Miss, 0, 2)
	k.observe(p, metric.Cache, stats.StatusEntry, metric.Evicted, 0, 70)
	k.observe(p, metric.Check, "notion", "unavailable", time.Second, 1)
	k.observe(p, metric.Check, "notion", "", time.Millisecond, 3)
	k.observe(p, metric.Check, "supabase", "", time.Millisecond, 4)
	p.gauge.flush(t.Context())
	p.observe(metric.Sample{Service: metric.Notion, Operation: "GET /v1/users/me", At: k.at.Add(-5 * time.Minute), Duration: 5 * time.Millisecond}) // one comes late
	k.took["notion"] = append(k.took["notion"], 5*time.Millisecond)
	k.at = k.at.Add(2 * time.Second) // it stores once a second
	p.gauge.flush(t.Context())

	today, failedToday := k.runs(t)
	conflict := func(ago time.Duration) {
		k.Exec(t, `insert into integration.sync_conflicts (id, connection_id, kind, row_id, field, rule, winner, notion_value, supabase_value, base_value, detected_at)
			values ($1, $2, 'partners', $1, 'location', 'newest', 'notion', '"a"', '"b"', null, $3)`, newID(), config.DefaultConnection, k.now.Add(-ago))
	}
	conflict(time.Minute)
	conflict(2 * time.Minute)
	conflict(200 * 24 * time.Hour)
	k.Exec(t, `insert into integration.sync_holds (id, connection_id, kind, side, records, total, created_at) values ($1, $2, 'partners', 'notion', 7, 9, $3)`, newID(), config.DefaultConnection, k.now)
	k.Exec(t, `insert into integration.sync_errors (connection_id, kind, row_id, side, reason, attempts, first_at, last_at, next_attempt_at)
		values ($1, 'partners', $2, 'notion', 'too long', 1, $3, $3, $3)`, config.DefaultConnection, newID(), k.now)
	k.Exec(t, `update partners set location = 'Moved' where id = (select id from partners order by id limit 1)`)

	for _, folded := range []time.Duration{0, 5 * time.Hour, 10 * 24 * time.Hour} {
		if err := (postgres.Measurements{Pool: k.Pool, ConnectionID: config.DefaultConnection}).Fold(t.Context(), time.Now().Add(folded)); err != nil {
			t.Fatal(err)
		}
		for _, w := range metric.Windows() {
			if folded > 0 && w.Name == "1h" {
				continue // an hour's stretches are minutes, which are kept for three hours
			}
			want := k.figures(today, failedToday)
			if w.Name == "90d" {
				want["sync_metrics.total_syncs"], want["sync_metrics.avg_sync_duration_ms"] = 6, 12250
			}
			shown, series := k.dashboard(t, w.Name)
			if folded > 0 { // what the last quarter of an hour says is not asked of what is folded
				for _, path := range []string{"overview.active_connections", "performance_metrics.api_budget.last_minute", "performance_metrics.api_budget.peak_minute"} {
					delete(want, path)
					delete(shown, path)
				}
			}
			k.compare(t, fmt.Sprintf("%s, folded after %v", w.Name, folded), want, shown)
			k.series(t, fmt.Sprintf("%s, folded after %v", w.Name, folded), series)
		}
	}
}

// figures are every figure that is known.
func (k *known) figures(today, failedToday int) map[string]any {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	want := map[string]any{
		"overview.total_integrations": 2, "overview.active_connections": 2, "overview.sync_status": "degraded", "overview.running_syncs": 1,
		"overview.last_sync": k.now.Add(-30 * time.Minute), "overview.uptime_percentage": 87.5,

		"sync_metrics.total_syncs_today": today, "sync_metrics.successful_syncs": today - failedToday, "sync_metrics.failed_syncs": failedToday,
		"sync_metrics.total_syncs": 5, "sync_metrics.total_failed_syncs": 2, "sync_metrics.consecutive_failures": 2,
		"sync_metrics.avg_sync_duration_ms": 3000, "sync_metrics.data_freshness_minutes": 30,

		"conflicts.in_range": 2, "conflicts.total": 3, "conflicts.refused_records": 1, "conflicts.held_deletes": 7, "data_volumes.total_records_synced": 90,

		"performance_metrics.error_rates.notion": 4.0 / 21, "performance_metrics.error_rates.supabase": 0.1, "performance_metrics.error_rates.sync": 0.25,
		"performance_metrics.cache_hit_rates.notion": 0.9, "performance_metrics.cache_hit_rates.supabase": 0.6, "performance_metrics.cache_hit_rates.overall": 0.8,
		"performance_metrics.api_budget.limit_per_minute": 180, "performance_metrics.api_budget.last_minute": 20, "performance_metrics.api_budget.peak_minute": 20,
		"performance_metrics.delivery_success_rate": 0.6,
	}
	for database, records := range map[string]int{"partners": 25, "projects": 15, "opportunities": 30, "organizations": 20} {
		waiting := 0
		if database == "partners" {
			waiting = 1
		}
		want["data_volumes.notion_"+database] = records
		want["data_freshness."+database] = fmt.Sprint(database, " ", records, " ", waiting, " ", 30)
	}
	for service, s := range map[string]struct {
		calls, errors int
		kinds         map[string]int
	}{
		"notion": {21, 4, map[string]int{"unavailable": 3, "rate_limited": 1}}, "supabase": {10, 1, map[string]int{"unavailable": 1}},
		"sync": {4, 1, map[string]int{"failed": 1}}, "secrets": {3, 1, map[string]int{"forbidden": 1}}, "queue": {4, 0, nil},
		"subscriber": {5, 2, map[string]int{"unavailable": 1, "rate_limited": 1}},
	} {
		path := "performance_metrics.services." + service + "."
		want[path+"calls"], want[path+"errors"] = s.calls, s.errors
		for kind, n := range s.kinds {
			want[path+"errors_by_kind."+kind] = n
		}
		took := slices.Sorted(slices.Values(k.took[service]))
		if len(took) == 0 { // loopback's, which nobody fixed
			continue
		}
		var sum time.Duration
		for _, d := range took {
			sum += d
		}
		mean := ms(sum) / float64(len(took))
		want[path+"avg_ms"] = about(mean)
		if service == "notion" || service == "supabase" || service == "sync" {
			want["performance_metrics.api_response_times."+service+"_avg_ms"] = about(mean)
		}
		for name, q := range map[string]float64{"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99} {
			want[path+name] = bucketOf(took[int(math.Ceil(q*float64(len(took))))-1])
		}
	}
	return want
}

type (
	about    float64 // to a hundredth
	bucketOf time.Duration
)

// dashboard returns every figure of the answer by its path, and its series.
func (k *known) dashboard(t *testing.T, window string) (map[string]any, []stretchShown) {
	t.Helper()
	read := postgres.Insight{Pool: k.Pool, ConnectionID: config.DefaultConnection, Kinds: mapping.ACT().Kinds}
	a := api.API{Now: func() time.Time { return k.now }, Log: slog.New(slog.DiscardHandler)}
	h := a.Dashboard(func(ctx context.Context, w metric.Window) (stats.Facts, bool, error) {
		f, err := read.Read(ctx, w, k.now)
		return f, false, err
	}, postgres.Events{Pool: k.Pool, ConnectionID: config.DefaultConnection}, 180)
	ctx := invocation.WithCall(t.Context(), invocation.Call{Authorization: access.Context(access.Principal{Client: "test", Scopes: []access.Scope{access.Read}}, nil)})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/?time_range="+window, http.NoBody))
	var answer struct {
		Data map[string]any `json:"dashboard_data"`
	}
	var shape struct {
		Data struct {
			Performance struct{ Series []stretchShown } `json:"performance_metrics"`
		} `json:"dashboard_data"`
	}
	for _, into := range []any{&answer, &shape} {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body, err)
		}
	}
	flat := map[string]any{}
	flatten("", answer.Data, flat)
	return flat, shape.Data.Performance.Series
}

func flatten(path string, v any, into map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			flatten(strings.TrimPrefix(path+"."+name, "."), inner, into)
		}
	case []any:
		if strings.HasSuffix(path, ".series") {
			return
		}
		for _, one := range v {
			d, _ := one.(map[string]any)
			into[fmt.Sprint(path, ".", d["database"])] = fmt.Sprint(d["database"], " ", d["records"], " ", d["waiting_changes"], " ", d["minutes"])
		}
	default:
		into[path] = v
	}
}

// compare holds that every figure that is shown is known, and is that one.
func (k *known) compare(t *testing.T, when string, want, shown map[string]any) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(shown)) {
		got := shown[path]
		expected, is := want[path]
		if !is && strings.HasPrefix(path, "performance_metrics.services.subscriber.") && strings.HasSuffix(path, "_ms") {
			if ms, ok := got.(float64); !ok || ms <= 0 {
				t.Errorf("%s: %s is %v", when, path, got)
			}
			continue
		}
		if !is {
			t.Errorf("%s: %s is %v, and nothing is known of it", when, path, got)
			continue
		}
		number, _ := got.(float64)
		var ok bool
		switch e := expected.(type) {
		case int:
			ok = number == float64(e)
		case float64:
			ok = math.Abs(number-e) < 1e-4
		case about:
			ok = math.Abs(number-float64(e)) < 0.01
			if strings.HasSuffix(path, "_ms") { // whole ones, and few to a tenth
				ok = number == math.Round(number) && math.Abs(number-float64(e)) < 0.51 || e < 10 && math.Abs(number-float64(e)) < 0.06
			}
		case bucketOf:
			ok = sameBucket(time.Duration(number*float64(time.Millisecond)), time.Duration(e))
		case time.Time:
			at, err := time.Parse(time.RFC3339, fmt.Sprint(got))
			ok = err == nil && at.Sub(e).Abs() < time.Millisecond
		default:
			ok = got == expected
		}
		if !ok {
			t.Errorf("%s: %s is %v, not %v", when, path, got, expected)
		}
	}
	for path := range want {
		if _, is := shown[path]; !is {
			t.Errorf("%s: %s is not shown", when, path)
		}
	}
}

// sameBucket reports whether two durations are of one bucket; a quantile may be where its bucket begins.
func sameBucket(a, b time.Duration) bool {
	place := func(d time.Duration) int {
		var h metric.Histogram
		h.Add(d)
		return slices.Index(h[:], 1)
	}
	return place(a) == place(b) || place(a+time.Microsecond) == place(b)
}

type stretchShown struct {
	At       time.Time
	Fresh    *float64 `json:"data_freshness_minutes"`
	Services map[string]struct{ Calls, Errors int }
}

// series holds that the stretches have the same calls as the range, and as fresh as the last run left them.
func (k *known) series(t *testing.T, when string, stretches []stretchShown) {
	t.Helper()
	calls, errors := map[string]int{}, map[string]int{}
	for _, s := range stretches {
		for name, of := range s.Services {
			calls[name] += of.Calls
			errors[name] += of.Errors
		}
	}
	if fmt.Sprint(calls) != "map[notion:21 queue:4 secrets:3 subscriber:5 supabase:10 sync:4]" || errors["notion"] != 4 || errors["subscriber"] != 2 {
		t.Errorf("%s: the series has %v calls, %v errors", when, calls, errors)
	}
	if fresh := stretches[len(stretches)-1].Fresh; fresh == nil || *fresh < 30 {
		t.Errorf("%s: the last stretch is as fresh as %v", when, fresh)
	}
}
