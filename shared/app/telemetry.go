package app

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
	"github.com/act-platform/enhanced-integration/shared/telemetry/logging"
	"github.com/act-platform/enhanced-integration/shared/telemetry/meter"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// telemetry measures a function's calls, those on behalf of each connection apart, and records them where somebody wants to see their traces.
type telemetry struct {
	newMeter func() *meter.Meter
	mu       sync.Mutex
	meters   map[string]*meter.Meter // by connection
	pool     atomic.Pointer[postgres.Pool]
	// spans are recorded where tracing is set; else it is nil, which records nothing.
	spans *trace.Recorder
	// supabase keeps from a database that does not answer; how it went is told when the database is back.
	supabase *breaker.Breaker
	went     *postgres.OwnBreaker
}

// newTelemetry makes a telemetry. Its own lines are metrics, and written whatever level is logged.
func newTelemetry(stage, function string, log *slog.Logger) *telemetry {
	embedded := meter.Embedded{Log: logging.NewLogger(os.Stdout, slog.LevelInfo, function), Stage: stage}
	went := &postgres.OwnBreaker{ConnectionID: config.DefaultConnection, Service: string(metric.Supabase), Now: time.Now}
	return &telemetry{
		newMeter: func() *meter.Meter { return meter.New(time.Now, log, embedded) },
		meters:   map[string]*meter.Meter{},
		went:     went,
		supabase: breaker.New(breaker.Config{Service: "The database", Rule: databaseRule(), Shared: went}),
	}
}

// databaseRule is that of the database: three connections that fail, and then a look every five seconds.
func databaseRule() breaker.Rule {
	return breaker.Rule{Least: 3, Window: 10 * time.Second, Cooldown: 5 * time.Second, Longest: 5 * time.Second}
}

// storeIn has what is counted stored over a pool; without one it is kept.
func (g *telemetry) storeIn(pool *postgres.Pool) { g.pool.Store(pool) }

// of returns the meter of a connection.
func (g *telemetry) of(connectionID string) *meter.Meter {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, ok := g.meters[connectionID]
	if !ok {
		m = g.newMeter()
		g.meters[connectionID] = m
	}
	return m
}

// end ends an invocation; failure names how it failed, "" for a success.
type end func(failure string, known ...trace.Attribute)

// begin begins an invocation, in the context that is given.
func (g *telemetry) begin(ctx context.Context, name string, kind trace.Kind) (context.Context, end) {
	ctx, span := g.spans.Invocation(ctx, name, kind)
	return ctx, func(failure string, known ...trace.Attribute) {
		span.Set(trace.Text("faas.invocation_id", invocation.RequestID(ctx)))
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
func (g *telemetry) flush(ctx context.Context) {
	g.mu.Lock()
	ids := slices.Sorted(maps.Keys(g.meters))
	g.mu.Unlock()
	for _, id := range ids {
		var store meter.Store
		if pool := g.pool.Load(); pool != nil {
			store = storing{postgres.Measurements{Pool: pool, ConnectionID: id}, g.went}
		}
		g.of(id).Flush(ctx, store)
	}
	g.spans.Flush(ctx)
}

// storing stores what was counted, and once the database is seen to answer, how often it did not.
type storing struct {
	postgres.Measurements
	went *postgres.OwnBreaker
}

// Add adds rows.
func (s storing) Add(ctx context.Context, rows []metric.Row) error {
	err := s.Measurements.Add(ctx, rows)
	if err == nil {
		s.went.Tell(ctx, s.Pool)
	}
	return err
}

type behalfKey struct{}

// onBehalf returns a context in which the calls that all connections share, to the database and to AWS, count as the connection's.
func (p deps) onBehalf(ctx context.Context) context.Context {
	return context.WithValue(ctx, behalfKey{}, p.id())
}

// shared measures a call of what all connections share: for the connection on whose behalf it is made, else for the first.
func (g *telemetry) shared(ctx context.Context, s metric.Sample) {
	id, ok := ctx.Value(behalfKey{}).(string)
	if !ok {
		id = config.DefaultConnection
	}
	g.of(id).Observe(s)
}

// observe measures for the connection.
func (p deps) observe(s metric.Sample) { p.gauge.of(p.id()).Observe(s) }

// called measures and records an attempt at a request to Notion.
func (p deps) called(ctx context.Context, c notion.Call) {
	operation := c.Method + " " + c.Route
	p.observe(metric.Sample{Service: metric.Notion, Operation: operation, Outcome: c.Kind, Duration: c.Duration})
	traced(ctx, operation, c.Duration, c.Kind, trace.Text("peer.service", "notion"), trace.Text("http.request.method", c.Method),
		trace.Text("url.template", c.Route), trace.Number("http.response.status_code", int64(c.Status)),
		trace.Number("http.request.resend_count", int64(c.Attempt-1)))
}

// traced records a call that ended just now.
func traced(ctx context.Context, name string, took time.Duration, failure string, known ...trace.Attribute) {
	if trace.Recording(ctx) {
		now := time.Now()
		trace.Record(ctx, name, trace.Client, now.Add(-took), now, failure, known...)
	}
}

// cloud measures and records the calls of an AWS client, retries included.
func (g *telemetry) cloud(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Measure", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		began := time.Now()
		out, metadata, err := next.HandleInitialize(ctx, in)
		s := metric.Sample{Service: metric.Queue, Operation: middleware.GetOperationName(ctx), Duration: time.Since(began)}
		if middleware.GetServiceID(ctx) == "Secrets Manager" {
			s.Service = metric.Secrets
		}
		s.Outcome = refusedBy(err)
		g.shared(ctx, s)
		service := middleware.GetServiceID(ctx)
		traced(ctx, service+" "+s.Operation, s.Duration, s.Outcome, trace.Text("rpc.system", "aws-api"), trace.Text("rpc.service", service),
			trace.Text("rpc.method", s.Operation))
		return out, metadata, err
	}), middleware.After)
}

// refusedBy names how a call to AWS ended, by its code.
func refusedBy(err error) string {
	refused, answered := errors.AsType[smithy.APIError](err)
	switch {
	case err == nil:
		return ""
	case !answered:
		return fault.Unavailable.String()
	}
	code := refused.ErrorCode()
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(code, w) })
	}
	switch {
	case says("Throttl", "TooMany", "LimitExceeded", "OverLimit"):
		return fault.RateLimited.String()
	case says("AccessDenied", "NotAuthorized"):
		return fault.Forbidden.String()
	case says("Token", "Signature", "UnrecognizedClient"):
		return fault.Unauthorized.String()
	case says("ResourceNotFound"): // a secret; a queue that is not there is no answer to a question
		return fault.NotFound.String()
	case refused.ErrorFault() == smithy.FaultClient:
		return fault.Invalid.String()
	}
	return fault.Unavailable.String()
}

// measuredLedger measures the parts of syncs as they end. A dry run is no sync.
type measuredLedger struct {
	postgres.Ledger
	observe func(metric.Sample)
}

// Finish ends a part.
func (l measuredLedger) Finish(ctx context.Context, lease journal.Lease, part journal.Part, reason string, at time.Time) error {
	err := l.Ledger.Finish(ctx, lease, part, reason, at)
	if err == nil && !part.Run.DryRun {
		s := metric.Sample{Service: metric.Sync, Operation: part.Kind, At: at, Duration: at.Sub(part.Run.CreatedAt)}
		if reason != "" {
			s.Outcome = "failed"
		}
		l.observe(s)
	}
	return err
}
