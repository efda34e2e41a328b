// Package logging is how functions make themselves heard: one JSON line a thing, on standard output, where CloudWatch takes it up.
package logging

import (
	"context"
	"io"
	"log/slog"

	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// NewLogger makes a logger of a function. Each line carries the request's id, the trace that it belongs to and its place in it, and where
// it is about a sync, the sync's id. What looks like a secret is not written; see redact.
func NewLogger(w io.Writer, level slog.Level, function string) *slog.Logger {
	handler := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: redact})
	return slog.New(placed{handler}).With("function", function)
}

type syncKey struct{}

// OfSync returns a context whose lines are about a sync.
func OfSync(ctx context.Context, id string) context.Context {
	if id == "" {
		return ctx
	}
	return context.WithValue(ctx, syncKey{}, id)
}

// placed adds to each line where it belongs.
type placed struct{ slog.Handler }

// Handle writes a line.
func (h placed) Handle(ctx context.Context, r slog.Record) error {
	if id := invocation.RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if at := trace.From(ctx); at.Valid() {
		r.AddAttrs(slog.String("trace_id", at.TraceID.String()), slog.String("span_id", at.SpanID.String()))
	}
	if id, ok := ctx.Value(syncKey{}).(string); ok {
		r.AddAttrs(slog.String("sync_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the wrapping.
func (h placed) WithAttrs(attrs []slog.Attr) slog.Handler { return placed{h.Handler.WithAttrs(attrs)} }

// WithGroup keeps the wrapping.
func (h placed) WithGroup(name string) slog.Handler { return placed{h.Handler.WithGroup(name)} }
