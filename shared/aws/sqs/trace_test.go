package sqs_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
	"github.com/act-platform/enhanced-integration/shared/telemetry/logging"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// client keeps what is sent.
type client struct{ sent []*awssqs.SendMessageInput }

func (c *client) SendMessage(_ context.Context, in *awssqs.SendMessageInput, _ ...func(*awssqs.Options)) (*awssqs.SendMessageOutput, error) {
	c.sent = append(c.sent, in)
	return &awssqs.SendMessageOutput{}, nil
}

// TestTraceGoesThroughEveryHop: what a worker logs and what it queues belong to the trace of the request that it all goes back to, each
// invocation at its own place in it.
func TestTraceGoesThroughEveryHop(t *testing.T) {
	t.Parallel()
	c := &client{}
	sync := sqs.Sync{Client: c, NewID: func() string { return "id" }}
	for name, send := range map[string]func(context.Context) error{
		"sync": func(ctx context.Context) error {
			return sync.Send(ctx, "connection", journal.Message{RunID: "run", Kind: "partners"})
		},
		"delivery":    func(ctx context.Context) error { return sqs.Deliveries{Client: c}.Wake(ctx, "s", 0) },
		"outbox":      sqs.Outbox{Client: c}.Nudge,
		"consistency": func(ctx context.Context) error { return sqs.Consistency{Client: c}.Send(ctx, "run") },
	} {
		c.sent = nil
		request := trace.Begin(t.Context(), "", rand.Reader)
		if err := send(request); err != nil {
			t.Fatal(name, err)
		}
		var log bytes.Buffer
		logger := logging.NewLogger(&log, slog.LevelInfo, "sync-worker")
		work := lambda.Batch(func(ctx context.Context, _ lambda.Message) error {
			ctx = invocation.WithCall(ctx, invocation.Call{RequestID: "invocation-2"})
			logger.InfoContext(logging.OfSync(ctx, "run-1"), "working")
			return send(ctx)
		})
		sent := c.sent[0].MessageAttributes[trace.Header].StringValue
		if sent == nil || *sent != trace.From(request).String() {
			t.Fatalf("%s: the message does not say what it belongs to", name)
		}
		answer, err := work(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{
			MessageId: "m", MessageAttributes: map[string]events.SQSMessageAttribute{trace.Header: {StringValue: sent}},
		}}})
		if err != nil || len(answer.BatchItemFailures) > 0 {
			t.Fatal(name, answer, err)
		}
		again, ok := trace.Parse(*c.sent[1].MessageAttributes[trace.Header].StringValue)
		if !ok || again.TraceID != trace.From(request).TraceID || again.SpanID == trace.From(request).SpanID {
			t.Errorf("%s: what was queued in turn is at %s, the request at %s", name, again, trace.From(request))
		}
		want := map[string]any{"trace_id": again.TraceID.String(), "span_id": again.SpanID.String(), "request_id": "invocation-2", "sync_id": "run-1"}
		var line map[string]any
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatal(name, err)
		}
		for key, value := range want {
			if line[key] != value {
				t.Errorf("%s: %s is %v, want %v", name, key, line[key], value)
			}
		}
		if err := send(t.Context()); err != nil || c.sent[2].MessageAttributes != nil {
			t.Errorf("%s: outside of a trace there is none to go on with: %v", name, err)
		}
	}
}
