package lambda_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

const caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// TestTraceOfARequest: it is the caller's where that is told as W3C says, whatever case the gateway leaves the header's name in; else a new one.
func TestTraceOfARequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers map[string]string
		same    bool
	}{
		"the caller's":     {map[string]string{"traceparent": caller}, true},
		"in another case":  {map[string]string{"Traceparent": caller}, true},
		"none":             {nil, false},
		"not one":          {map[string]string{"traceparent": "00-" + caller}, false},
		"two, with commas": {map[string]string{"traceparent": caller + "," + caller}, false},
	} {
		var at trace.Context
		_, err := lambda.Proxy(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { at = trace.From(r.Context()) }))(
			t.Context(), events.APIGatewayV2HTTPRequest{RawPath: "/", Headers: c.headers})
		if err != nil || !at.Valid() || at.Sampled != c.same || (at.TraceID.String() == caller[3:35]) != c.same || at.SpanID.String() == caller[36:52] {
			t.Errorf("%s: %s, %v", name, at, err)
		}
	}
}

// TestTraceOfEachMessage: messages of one batch are of the traces that they came from.
func TestTraceOfEachMessage(t *testing.T) {
	t.Parallel()
	with := func(parent string) events.SQSMessage {
		return events.SQSMessage{MessageAttributes: map[string]events.SQSMessageAttribute{trace.Header: {StringValue: &parent}}}
	}
	seen := map[trace.ID]bool{}
	var first trace.Context
	_, err := lambda.Batch(func(ctx context.Context, _ lambda.Message) error {
		at := trace.From(ctx)
		if len(seen) == 0 {
			first = at
		}
		seen[at.TraceID] = at.Valid()
		return nil
	})(t.Context(), events.SQSEvent{Records: []events.SQSMessage{with(caller), with(""), {}}})
	if err != nil || len(seen) != 3 || first.TraceID.String() != caller[3:35] {
		t.Errorf("%v, the first in %s, %v", seen, first, err)
	}
}
