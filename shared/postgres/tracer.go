package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// Measured has every statement, batch and attempt to connect observed, by its verb, and recorded where that is done.
func Measured(now func() time.Time, observe func(context.Context, metric.Sample)) Option {
	return func(c *pgxpool.Config) { c.ConnConfig.Tracer = tracer{now, observe} }
}

// tracer measures for pgx. What is under way stands in the context.
type tracer struct {
	now     func() time.Time
	observe func(context.Context, metric.Sample)
}

type underWay struct {
	operation string
	began     time.Time
	ended     bool // pgx tells twice of a batch that Postgres did not take
}

type (
	underWayKey   struct{}
	unmeasuredKey struct{}
)

// unmeasured returns a context in which nothing is measured.
func unmeasured(ctx context.Context) context.Context {
	return context.WithValue(ctx, unmeasuredKey{}, true)
}

func (t tracer) begin(ctx context.Context, operation string) context.Context {
	if ctx.Value(unmeasuredKey{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, underWayKey{}, &underWay{operation: operation, began: t.now()})
}

func (t tracer) end(ctx context.Context, err error) {
	call, measured := ctx.Value(underWayKey{}).(*underWay)
	if !measured || call.ended || ctx.Value(unmeasuredKey{}) != nil || errors.Is(err, context.Canceled) {
		return // one that the caller gave up says nothing of the database
	}
	call.ended = true
	now, outcome := t.now(), outcomeOf(err)
	t.observe(ctx, metric.Sample{
		Service: metric.Supabase, Operation: call.operation, Outcome: outcome, At: now, Duration: now.Sub(call.began),
	})
	if trace.Recording(ctx) {
		trace.Record(ctx, call.operation, trace.Client, call.began, now, outcome,
			trace.Text("db.system.name", "postgresql"), trace.Text("db.operation.name", call.operation))
	}
}

// outcomeOf names how a statement ended. No row is an answer.
func outcomeOf(err error) string {
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		return ""
	}
	return fault.KindOf(Fault(err)).String()
}

// TraceQueryStart begins a statement.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return t.begin(ctx, verb(data.SQL))
}

// TraceQueryEnd ends it.
func (t tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	t.end(ctx, data.Err)
}

// TraceBatchStart begins a batch, which is one call whatever is in it, or a statement with its settings.
func (t tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	if queued := data.Batch.QueuedQueries; len(queued) == 2 && strings.HasPrefix(queued[0].SQL, settingsFirst) {
		return t.begin(ctx, verb(queued[1].SQL))
	}
	return t.begin(ctx, "batch")
}

// TraceBatchQuery is told of each statement of a batch.
func (t tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd ends it.
func (t tracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	t.end(ctx, data.Err)
}

// TraceConnectStart begins a connection.
func (t tracer) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return t.begin(ctx, "connect")
}

// TraceConnectEnd ends the connecting.
func (t tracer) TraceConnectEnd(ctx context.Context, data pgx.TraceConnectEndData) {
	t.end(ctx, data.Err)
}

// verb returns a statement's first word.
func verb(sql string) string {
	if strings.HasPrefix(sql, settingsFirst) {
		_, sql, _ = strings.Cut(sql, ";\n")
	}
	sql = strings.TrimSpace(sql)
	word, _, _ := strings.Cut(sql, " ")
	word = strings.ToLower(strings.TrimRight(word, ";\n\t"))
	switch word {
	case "select", "insert", "update", "delete", "with", "begin", "commit", "rollback", "set", "copy", "truncate":
		return word
	default:
		return "other"
	}
}
