package sqsqueue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/obs"
	"github.com/act-platform/enhanced-integration/shared/sqsqueue"
)

// client keeps what is sent.
type client struct{ sent []*sqs.SendMessageInput }

func (c *client) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	c.sent = append(c.sent, in)
	return &sqs.SendMessageOutput{}, nil
}

// TestTraceGoesThroughEveryHop: what a worker logs, and the continuation that it queues, name the request that it all goes back to.
func TestTraceGoesThroughEveryHop(t *testing.T) {
	t.Parallel()
	c := &client{}
	queue := sqsqueue.Sync{Client: c, NewID: func() string { return "id" }}
	send := func(ctx context.Context) error {
		return queue.Send(ctx, "connection", journal.Message{RunID: "run", Kind: "partners"})
	}
	if err := send(lambdaio.WithCall(t.Context(), lambdaio.Call{RequestID: "request-1"})); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	logger := obs.NewLogger(&log, slog.LevelInfo, "sync-worker")
	work := lambdaio.Batch(func(ctx context.Context, _ lambdaio.Message) error {
		ctx = lambdaio.WithCall(ctx, lambdaio.Call{RequestID: "invocation-2"})
		logger.InfoContext(ctx, "working")
		return send(ctx)
	})
	value := c.sent[0].MessageAttributes[lambdaio.TraceAttribute]
	answer, err := work(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "m", MessageAttributes: map[string]events.SQSMessageAttribute{lambdaio.TraceAttribute: {StringValue: value.StringValue}},
	}}})
	if err != nil || len(answer.BatchItemFailures) > 0 {
		t.Fatal(answer, err)
	}
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil || line["trace_id"] != "request-1" || line["request_id"] != "invocation-2" {
		t.Error(log.String(), err)
	}
	if again := c.sent[1].MessageAttributes[lambdaio.TraceAttribute].StringValue; again == nil || *again != "request-1" {
		t.Error("the continuation does not know what it goes back to")
	}
	if err := send(t.Context()); err != nil || c.sent[2].MessageAttributes != nil {
		t.Error("outside of a request there is nothing to go back to", err)
	}
}
