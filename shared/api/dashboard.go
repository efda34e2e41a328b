package api

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// usualWindow is what the dashboard shows of when nobody says.
const usualWindow = "7d"

// Facts reads how the integration is doing, in a window that ends now. stale: they are from before, and their source is away.
type Facts func(ctx context.Context, w metric.Window) (f stats.Facts, stale bool, err error)

type dashboard struct {
	Overview    dashboardOverview `json:"overview"`
	Syncs       dashboardSyncs    `json:"sync_metrics"`
	Volumes     map[string]int    `json:"data_volumes"`
	Freshness   []freshness       `json:"data_freshness"`
	Conflicts   map[string]int    `json:"conflicts"`
	Performance *performance      `json:"performance_metrics,omitempty"`
}

type dashboardOverview struct {
	Integrations int      `json:"total_integrations"`
	Active       int      `json:"active_connections"`
	SyncStatus   string   `json:"sync_status"`
	LastSync     *string  `json:"last_sync"`
	Uptime       *float64 `json:"uptime_percentage"`
	Running      int      `json:"running_syncs"`
}

type dashboardSyncs struct {
	Today        int      `json:"total_syncs_today"`
	Successful   int      `json:"successful_syncs"`
	Failed       int      `json:"failed_syncs"`
	AvgDuration  *float64 `json:"avg_sync_duration_ms"`
	Freshness    *float64 `json:"data_freshness_minutes"`
	Total        int      `json:"total_syncs"`
	FailedInAll  int      `json:"total_failed_syncs"`
	FailedInARow int      `json:"consecutive_failures"`
}

type freshness struct {
	Database string   `json:"database"`
	Records  int      `json:"records"`
	Waiting  int      `json:"waiting_changes"`
	Refused  int      `json:"refused_records"`
	LastSync *string  `json:"last_sync"`
	Minutes  *float64 `json:"minutes"`
}

type performance struct {
	ResponseTimes map[string]*float64         `json:"api_response_times"`
	ErrorRates    map[string]*float64         `json:"error_rates"`
	HitRates      map[string]*float64         `json:"cache_hit_rates"`
	Services      map[string]servicePerformed `json:"services"`
	Budget        map[string]int64            `json:"api_budget"`
	Delivery      *float64                    `json:"delivery_success_rate"`
	Series        []stretch                   `json:"series"`
}

type servicePerformed struct {
	Calls  int64            `json:"calls"`
	Errors int64            `json:"errors"`
	Kinds  map[string]int64 `json:"errors_by_kind"`
	Avg    *float64         `json:"avg_ms"`
	P50    *float64         `json:"p50_ms"`
	P95    *float64         `json:"p95_ms"`
	P99    *float64         `json:"p99_ms"`
}

type stretch struct {
	At       string                     `json:"at"`
	Fresh    *float64                   `json:"data_freshness_minutes"`
	Services map[string]stretchMeasured `json:"services"`
}

type stretchMeasured struct {
	Calls  int64    `json:"calls"`
	Errors int64    `json:"errors"`
	P95    *float64 `json:"p95_ms"`
}

// timeRange names a window.
type timeRange string

type dashboardAnswer struct {
	Envelope
	TimeRange   string       `json:"time_range"`
	GeneratedAt string       `json:"generated_at"`
	Stale       bool         `json:"stale,omitempty"`
	Data        dashboard    `json:"dashboard_data"`
	Events      []eventShown `json:"recent_events,omitempty"`
}

func analyticsDashboardRoute() Route {
	return Route{Path: "/analytics/dashboard", Function: "analytics-dashboard", Group: Overview, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Read, Does: "The dashboard's figures. [METRICS.md](METRICS.md) defines each one.",
		Query: []Parameter{
			{"time_range", timeRange(""), "What the figures cover."},
			{"include_events", false, "false leaves recent events out."},
			{"include_performance", false, "false leaves performance out."},
		},
		Answers: []Answer{{http.StatusOK, dashboardAnswer{}}},
	}}}
}

// Dashboard answers GET /analytics/dashboard. budget is Notion's limit on requests in a minute. docs/METRICS.md defines each figure; one
// of which nothing was measured is null.
func (a API) Dashboard(facts Facts, events EventLister, budget int) http.Handler {
	return a.serve(analyticsDashboardRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		values := r.URL.Query()
		window, err := windowOf(values)
		if err != nil {
			return 0, nil, err
		}
		withEvents, err := yesNo(values, "include_events", true)
		if err != nil {
			return 0, nil, err
		}
		withPerformance, err := yesNo(values, "include_performance", true)
		if err != nil {
			return 0, nil, err
		}
		f, stale, err := facts(r.Context(), window)
		if err != nil {
			return 0, nil, err
		}
		data := dashboardOf(f)
		if withPerformance {
			p := performanceOf(f, budget)
			data.Performance = &p
		}
		var recent []eventShown
		if withEvents {
			page, err := events.List(r.Context(), event.Filter{Limit: recentEvents})
			if err != nil {
				return 0, nil, err
			}
			recent = shown(page.Events)
		}
		return http.StatusOK, dashboardAnswer{a.ok(), window.Name, stamp(f.Now), stale, data, recent}, nil
	}})
}

func windowOf(values url.Values) (metric.Window, error) {
	name, err := one(values, "time_range")
	if err != nil {
		return metric.Window{}, err
	}
	if !values.Has("time_range") {
		name = usualWindow
	}
	w, ok := metric.WindowOf(name)
	if !ok {
		var names []string
		for _, w := range metric.Windows() {
			names = append(names, w.Name)
		}
		return w, fault.New(fault.Invalid, "time_range must be %s.", fault.OneOf(names))
	}
	return w, nil
}

// yesNo returns a parameter that is true or false, otherwise when it is not there.
func yesNo(values url.Values, name string, otherwise bool) (bool, error) {
	text, err := one(values, name)
	switch {
	case err != nil || !values.Has(name):
		return otherwise, err
	case text == "true":
		return true, nil
	case text == "false":
		return false, nil
	}
	return false, fault.New(fault.Invalid, "%s must be true or false.", name)
}

func dashboardOf(f stats.Facts) dashboard {
	d := dashboard{
		Overview: dashboardOverview{
			Integrations: 2, SyncStatus: f.State(), LastSync: stampOrNull(f.LastSync), Uptime: rounded(f.Uptime(), 2), Running: f.Running,
		},
		Syncs: dashboardSyncs{
			Today: f.Today.Succeeded + f.Today.Failed, Successful: f.Today.Succeeded, Failed: f.Today.Failed,
			Total: f.InWindow.Succeeded + f.InWindow.Failed, FailedInAll: f.InWindow.Failed, FailedInARow: f.FailedInARow,
		},
		Volumes:   map[string]int{"total_records_synced": f.Records()},
		Freshness: []freshness{},
		Conflicts: map[string]int{"in_range": f.Conflicts.InWindow, "total": f.Conflicts.All, "refused_records": f.Refused, "held_deletes": f.Held},
	}
	for _, s := range []metric.Service{metric.Notion, metric.Supabase} {
		if ok, known := f.Reachable(s); ok || !known && s == metric.Supabase { // it has just answered
			d.Overview.Active++
		}
	}
	if f.InWindow.Succeeded > 0 {
		d.Syncs.AvgDuration = milliseconds(f.InWindow.Duration)
	}
	if age, known := f.Freshness(); known {
		d.Syncs.Freshness = minutes(age)
	}
	for _, db := range f.Databases {
		d.Volumes[db.BaseTable] = db.Records
		fresh := freshness{Database: db.Kind, Records: db.Records, Waiting: db.Waiting, Refused: db.Refused, LastSync: stampOrNull(db.LastSync)}
		if !db.LastSync.IsZero() {
			fresh.Minutes = minutes(f.Now.Sub(db.LastSync))
		}
		d.Freshness = append(d.Freshness, fresh)
	}
	return d
}

// charted are the services whose calls are drawn.
func charted() []metric.Service {
	return []metric.Service{metric.Notion, metric.Supabase, metric.Sync, metric.Secrets, metric.Queue, metric.Subscriber}
}

func performanceOf(f stats.Facts, budget int) performance {
	total := func(s metric.Service) metric.Total { return metric.Sum(f.Measured, metric.Of(s)) }
	notion, supabase, sync := total(metric.Notion), total(metric.Supabase), total(metric.Sync)
	peak, last := f.BudgetUsed()
	p := performance{
		ResponseTimes: map[string]*float64{
			"notion_avg_ms": latency(notion.Mean()), "supabase_avg_ms": latency(supabase.Mean()), "sync_avg_ms": latency(sync.Mean()),
		},
		ErrorRates: map[string]*float64{
			"notion": share(notion.ErrorRate()), "supabase": share(supabase.ErrorRate()), "sync": share(sync.ErrorRate()),
		},
		HitRates: map[string]*float64{
			"notion":   share(metric.HitRate(f.Measured, stats.OfNotion)),
			"supabase": share(metric.HitRate(f.Measured, func(kind string) bool { return !stats.OfNotion(kind) })),
			"overall":  share(metric.HitRate(f.Measured, func(string) bool { return true })),
		},
		Services: map[string]servicePerformed{},
		Budget:   map[string]int64{"limit_per_minute": int64(budget), "last_minute": last, "peak_minute": peak},
		Series:   []stretch{},
	}
	if delivered := total(metric.Subscriber).ErrorRate(); delivered != nil {
		p.Delivery = share(new(1 - *delivered))
	}
	fresh := f.Fresh()
	for n, s := range charted() {
		p.Services[string(s)] = performedOf(f.Measured, s)
		for i, point := range f.Window.Series(f.Measured, f.Now, metric.Of(s)) {
			if n == 0 {
				p.Series = append(p.Series, stretch{At: stamp(point.At), Services: map[string]stretchMeasured{}})
				if fresh[i] != nil {
					p.Series[i].Fresh = minutes(*fresh[i])
				}
			}
			if point.Calls > 0 {
				p.Series[i].Services[string(s)] = stretchMeasured{point.Calls, point.Errors, latency(point.Quantile(0.95))}
			}
		}
	}
	return p
}

func performedOf(rows []metric.Row, s metric.Service) servicePerformed {
	t := metric.Sum(rows, metric.Of(s))
	p := servicePerformed{
		Calls: t.Calls, Errors: t.Errors, Kinds: map[string]int64{},
		Avg: latency(t.Mean()), P50: latency(t.Quantile(0.5)), P95: latency(t.Quantile(0.95)), P99: latency(t.Quantile(0.99)),
	}
	for _, r := range rows {
		if r.Service == s && r.Outcome != "" {
			p.Kinds[r.Outcome] += r.Calls
		}
	}
	return p
}

// rounded returns a figure to so many places, nil for none. What is measured is not told more exactly than it is known.
func rounded(v *float64, places int) *float64 {
	if v == nil {
		return nil
	}
	of := math.Pow10(places)
	return new(math.Round(*v*of) / of)
}

// share rounds a share of calls: to a hundredth of a percent.
func share(v *float64) *float64 { return rounded(v, 4) }

// latency rounds milliseconds: to whole ones, and few to a tenth.
func latency(v *float64) *float64 {
	if v != nil && *v < 10 {
		return rounded(v, 1)
	}
	return rounded(v, 0)
}

func milliseconds(d time.Duration) *float64 {
	return latency(new(float64(d) / float64(time.Millisecond)))
}

// minutes rounds an age to a tenth of a minute.
func minutes(d time.Duration) *float64 { return rounded(new(max(0, d.Minutes())), 1) }
