package wire

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go/middleware"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/breaker"
	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/meter"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/obs"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// gauge measures a function's calls.
type gauge struct {
	meter *meter.Meter
	pool  atomic.Pointer[pgxpool.Pool]
	// supabase keeps from a database that does not answer.
	supabase *breaker.Breaker
}

// newGauge makes a gauge. Its own lines are metrics, and written whatever level is logged.
func newGauge(stage, function string, log *slog.Logger) *gauge {
	return &gauge{
		meter:    meter.New(time.Now, log, meter.Embedded{Log: obs.NewLogger(os.Stdout, slog.LevelInfo, function), Stage: stage}),
		supabase: breaker.New(breaker.Config{Service: "The database", Failures: 3, Cooldown: 5 * time.Second}),
	}
}

// storeIn has what is counted stored over a pool; without one it is kept.
func (g *gauge) storeIn(pool *pgxpool.Pool) { g.pool.Store(pool) }

// flush stores what was counted, at the end of an invocation.
func (g *gauge) flush(ctx context.Context) {
	var store meter.Store
	if pool := g.pool.Load(); pool != nil {
		store = postgres.Measurements{Pool: pool, ConnectionID: config.DefaultConnection}
	}
	g.meter.Flush(ctx, store)
}

// notion measures an attempt at a request to Notion.
func (g *gauge) notion(c notion.Call) {
	g.meter.Observe(metric.Sample{
		Service: metric.Notion, Operation: c.Method + " " + c.Route, Outcome: c.Kind, Duration: c.Duration,
	})
}

// cloud measures the calls of an AWS client, retries included.
func (g *gauge) cloud(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Measure", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		began := time.Now()
		out, metadata, err := next.HandleInitialize(ctx, in)
		s := metric.Sample{Service: metric.Queue, Operation: middleware.GetOperationName(ctx), Duration: time.Since(began)}
		if middleware.GetServiceID(ctx) == "Secrets Manager" {
			s.Service = metric.Secrets
		}
		if err != nil {
			s.Outcome = fault.Unavailable.String()
		}
		g.meter.Observe(s)
		return out, metadata, err
	}), middleware.After)
}

// measuredLedger measures the parts of syncs as they end.
type measuredLedger struct {
	postgres.Ledger
	observe func(metric.Sample)
}

// Finish ends a part.
func (l measuredLedger) Finish(ctx context.Context, lease journal.Lease, part journal.Part, reason string, at time.Time) error {
	err := l.Ledger.Finish(ctx, lease, part, reason, at)
	if err == nil {
		s := metric.Sample{Service: metric.Sync, Operation: part.Kind, At: at, Duration: at.Sub(part.Run.CreatedAt)}
		if reason != "" {
			s.Outcome = "failed"
		}
		l.observe(s)
	}
	return err
}
