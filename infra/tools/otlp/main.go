// Command otlp reads a request of OTLP's JSON with the OpenTelemetry Collector's own decoder, and writes what that found in it, as JSON lines:
// one a span. It is a judge of shared/telemetry/trace, and stands here so that the product's module does not need the collector's.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

func main() {
	if err := judge(os.Stdin, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "otlp:", err)
		os.Exit(1)
	}
}

func judge(in io.Reader, out io.Writer) error {
	sent, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(sent)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	for _, resource := range traces.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				if err := lines.Encode(map[string]any{
					"resource": resource.Resource().Attributes().AsRaw(), "scope": scope.Scope().Name(),
					"trace": span.TraceID().String(), "span": span.SpanID().String(), "parent": span.ParentSpanID().String(), "flags": span.Flags(),
					"name": span.Name(), "kind": span.Kind().String(), "status": span.Status().Code().String(),
					"began": span.StartTimestamp().AsTime(), "took": span.EndTimestamp().AsTime().Sub(span.StartTimestamp().AsTime()).String(),
					"attributes": span.Attributes().AsRaw(),
				}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
