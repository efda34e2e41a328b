// Package obs is how functions make themselves heard: one JSON line a thing, on standard output, where CloudWatch takes it up.
package obs

import (
	"context"
	"io"
	"log/slog"

	"github.com/act-platform/enhanced-integration/shared/lambdaio"
)

// NewLogger makes a logger of a function. Each line carries the request's id when there is one, and where a message is worked on, the id
// of the request that it goes back to.
func NewLogger(w io.Writer, level slog.Level, function string) *slog.Logger {
	handler := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	return slog.New(withRequest{handler}).With("function", function)
}

// withRequest adds the request's id to each line.
type withRequest struct{ slog.Handler }

// Handle writes a line.
func (h withRequest) Handle(ctx context.Context, r slog.Record) error {
	if id := lambdaio.RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
		if trace := lambdaio.TraceID(ctx); trace != id {
			r.AddAttrs(slog.String("trace_id", trace))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the wrapping.
func (h withRequest) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the wrapping.
func (h withRequest) WithGroup(name string) slog.Handler {
	return withRequest{h.Handler.WithGroup(name)}
}
