// Package stats holds what is known of how the integration is doing, as the dashboard, the health and the alerts tell it. Pure.
package stats

import (
	"time"

	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// Facts are what was measured and what stands in the tables, in a window and now.
type Facts struct {
	Window metric.Window
	Now    time.Time
	// Measured are the window's calls, in stretches of its grain; Recent those of the last quarter of an hour, by minute.
	Measured, Recent []metric.Row

	Today, InWindow Syncs
	LastSync        time.Time // when a run last succeeded; zero: never
	LastFailed      bool      // the last run that ended failed
	FailedInARow    int       // runs that failed since the last success
	Running         int       // runs that are queued or running
	Databases       []Database
	Brought         []Brought // into step
	Conflicts       Conflicts
	Refused         int // records that one side refuses now
	Held            int // deletions that wait for a person
}

// Syncs are runs that ended in a stretch of time.
type Syncs struct {
	Succeeded, Failed int
	Duration          time.Duration // the mean of those that succeeded; zero: none did
}

// Database is how one kind of record stands.
type Database struct {
	Kind      string
	BaseTable string
	Records   int       // that are in step
	Waiting   int       // rows that changed and have not been taken in
	Refused   int       // records that one side refuses now
	LastSync  time.Time // when it was last brought into step; zero: never
}

// Conflicts are values that lost.
type Conflicts struct{ InWindow, All int }

// The states of the whole.
const (
	Healthy   = "healthy"
	Degraded  = "degraded"
	Unhealthy = "unhealthy"
)

// Reachable says what the last check of a service found; false without a check in the last quarter of an hour.
func (f Facts) Reachable(s metric.Service) (reachable, known bool) {
	var last time.Time
	for _, r := range f.Recent {
		if r.Service != metric.Check || r.Operation != string(s) || r.At.Before(last) {
			continue
		}
		if r.At.After(last) {
			last, reachable = r.At, false
		}
		reachable, known = reachable || r.Outcome == "", true
	}
	return reachable, known
}

// State sums up: unhealthy without Postgres, degraded without Notion or when the last sync failed.
func (f Facts) State() string {
	if ok, known := f.Reachable(metric.Supabase); known && !ok {
		return Unhealthy
	}
	if ok, known := f.Reachable(metric.Notion); f.LastFailed || known && !ok {
		return Degraded
	}
	return Healthy
}

// Uptime returns the share of checks, in percent, that found their service; nil without a check.
func (f Facts) Uptime() *float64 {
	checks := metric.Sum(f.Measured, metric.Of(metric.Check))
	rate := checks.ErrorRate()
	if rate == nil {
		return nil
	}
	percent := 100 * (1 - *rate)
	return &percent
}

// Records returns how many records are in step.
func (f Facts) Records() int {
	n := 0
	for _, d := range f.Databases {
		n += d.Records
	}
	return n
}

// Freshness returns how long ago the database that waited longest was brought into step; false while one never was.
func (f Facts) Freshness() (time.Duration, bool) {
	var oldest time.Duration
	for _, d := range f.Databases {
		if d.LastSync.IsZero() {
			return 0, false
		}
		oldest = max(oldest, f.Now.Sub(d.LastSync))
	}
	return oldest, len(f.Databases) > 0
}

// BudgetUsed returns how many attempts at requests reached for Notion in the busiest minute of the window that is known by minute, and in
// the last whole minute.
func (f Facts) BudgetUsed() (peak, last int64) {
	minutes := map[time.Time]int64{}
	for _, r := range f.Recent {
		if r.Service == metric.Notion {
			minutes[r.At] += r.Calls
		}
	}
	for at, n := range minutes {
		peak = max(peak, n)
		if at.Equal(f.Now.UTC().Truncate(time.Minute).Add(-time.Minute)) {
			last = n
		}
	}
	return peak, last
}

// The kinds of entry that are cached.
const (
	SchemaEntry    = "schema"    // a data source's schema
	UserEntry      = "user"      // who the token belongs to
	PageEntry      = "page"      // a page's content
	HealthEntry    = "health"    // whether Notion answers
	DashboardEntry = "dashboard" // the dashboard's figures
	StatusEntry    = "status"    // the sync's status
)

// OfNotion reports whether entries of the kind come from Notion; the others come from Postgres.
func OfNotion(kind string) bool {
	return kind == SchemaEntry || kind == UserEntry || kind == PageEntry || kind == HealthEntry
}
