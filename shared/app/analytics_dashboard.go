package app

import (
	"context"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// AnalyticsDashboard answers GET /analytics/dashboard.
func AnalyticsDashboard() http.Handler {
	return perConnection("analytics-dashboard", deps.answerAnalyticsDashboard)
}

func (p deps) answerAnalyticsDashboard(pool *postgres.Pool) http.Handler {
	read, remembered := p.insight(pool), p.cache()
	facts := func(ctx context.Context, w metric.Window) (stats.Facts, bool, error) {
		f, info, err := cache.Get(ctx, remembered, dashboardCache(), w.Name, func(ctx context.Context) (stats.Facts, error) {
			return read.Read(ctx, w, time.Now())
		})
		f.Window = w // what is remembered knows it by name only
		return f, info.Outcome == metric.Stale, err
	}
	return p.api().Dashboard(facts, postgres.Events{Pool: pool, ConnectionID: p.id()}, p.requests())
}

func (p deps) insight(pool *postgres.Pool) postgres.Insight {
	return postgres.Insight{Pool: pool, ConnectionID: p.id(), Kinds: p.synced()}
}

// synced returns the kinds of the connection that are synced.
func (p deps) synced() []mapping.Kind {
	var kinds []mapping.Kind
	for _, name := range p.connection().Kinds() {
		k, _ := p.cfg.Mapping.Kind(name) // it is the mapping's own
		kinds = append(kinds, k)
	}
	return kinds
}
