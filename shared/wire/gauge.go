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
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/meter"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/obs"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/trace"
)

// gauge measures a function's calls, and records them where somebody wants to see their traces.
type gauge struct {
	function string
	meter    *meter.Meter
	pool     atomic.Pointer[pgxpool.Pool]
	// spans are recorded where tracing is set; else it is nil, which records nothing.
	spans *trace.Recorder
	// supabase keeps from a database that does not answer.
	supabase *breaker.Breaker
}

// newGauge makes a gauge. Its own lines are metrics, and written whatever level is logged.
func newGauge(stage, function string, log *slog.Logger) *gauge {
	return &gauge{
		function: function,
		meter:    meter.New(time.Now, log, meter.Embedded{Log: obs.NewLogger(os.Stdout, slog.LevelInfo, function), Stage: stage}),
		supabase: breaker.New(breaker.Config{Service: "The database", Failures: 3, Cooldown: 5 * time.Second}),
	}
}

// storeIn has what is counted stored over a pool; without one it is kept.
func (g *gauge) storeIn(pool *pgxpool.Pool) { g.pool.Store(pool) }

// end ends an invocation; failure names how it failed, "" for a success.
type end func(failure string, known ...trace.Attribute)

// begin begins an invocation, in the context that is given.
func (g *gauge) begin(ctx context.Context, name string, kind trace.Kind) (context.Context, end) {
	ctx, span := g.spans.Invocation(ctx, name, kind)
	return ctx, func(failure string, known ...trace.Attribute) {
		span.Set(trace.Text("faas.invocation_id", lambdaio.RequestID(ctx)))
		span.Set(known...)
		span.End(failure)
		g.flush(ctx)
	}
}

// failureOf names how something failed; "" when it did not.
func failureOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.KindOf(err).String()
}

// flush stores what was counted and sends what was recorded, at the end of an invocation.
func (g *gauge) flush(ctx context.Context) {
	var store meter.Store
	if pool := g.pool.Load(); pool != nil {
		store = postgres.Measurements{Pool: pool, ConnectionID: config.DefaultConnection}
	}
	g.meter.Flush(ctx, store)
	g.spans.Flush(ctx)
}

// notion measures an attempt at a request to Notion.
func (g *gauge) notion(ctx context.Context, c notion.Call) {
	operation := c.Method + " " + c.Route
	g.meter.Observe(metric.Sample{Service: metric.Notion, Operation: operation, Outcome: c.Kind, Duration: c.Duration})
	record(ctx, operation, c.Duration, c.Kind, trace.Text("peer.service", "notion"), trace.Text("http.request.method", c.Method),
		trace.Text("url.template", c.Route), trace.Number("http.response.status_code", int64(c.Status)),
		trace.Number("http.request.resend_count", int64(c.Attempt-1)))
}

// record records a call that ended just now.
func record(ctx context.Context, name string, took time.Duration, failure string, known ...trace.Attribute) {
	if trace.Recording(ctx) {
		now := time.Now()
		trace.Record(ctx, name, trace.Client, now.Add(-took), now, failure, known...)
	}
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
		service := middleware.GetServiceID(ctx)
		record(ctx, service+" "+s.Operation, s.Duration, s.Outcome, trace.Text("rpc.system", "aws-api"), trace.Text("rpc.service", service),
			trace.Text("rpc.method", s.Operation))
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
