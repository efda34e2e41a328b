package lambda

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// Message is one message of an SQS queue. It may come more than once.
type Message struct {
	ID         string
	Body       string // not validated: whoever may write to the queue wrote it
	Group      string // the message group; "" where there is none
	Receives   int    // how often it has been received, this time included; 0 when that is not told
	Receipt    string // by which SQS knows that it is being worked on
	Attributes map[string]string
}

// Queue hands the messages of an SQS event-source mapping to handle, one after the other. It does not return. The mapping must say
// ReportBatchItemFailures.
func Queue(handle func(context.Context, Message) error) {
	awslambda.Start(Batch(handle))
}

// Batch returns the function from event to answer that [Queue] starts: it names the messages that are to come again, which are those
// for which handle gave an error or panicked, those that the deadline left no time for, and in a FIFO queue, to keep its order,
// what follows such a message in its group.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func Batch(handle func(context.Context, Message) error) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return func(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		blocked := map[string]bool{}
		for _, record := range event.Records {
			message, fifo := messageOf(record), strings.HasSuffix(record.EventSourceARN, ".fifo")
			ctx := traced(ctx, message.Attributes[trace.Header])
			err := errBlocked
			if !fifo || !blocked[message.Group] {
				err = handleOne(ctx, message, handle)
			}
			if err == nil {
				continue
			}
			slog.WarnContext(ctx, "message will come again", "request_id", invocation.RequestID(ctx), "trace_id", trace.From(ctx).TraceID.String(), "message_id", message.ID, "group", message.Group,
				"receives", message.Receives, "error", err)
			blocked[message.Group] = true
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.ID})
		}
		return answer, nil
	}
}

var errBlocked = errors.New("an earlier message of its group failed")

func handleOne(ctx context.Context, message Message, handle func(context.Context, Message) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return guard(ctx, func() error { return handle(ctx, message) })
}

func messageOf(record events.SQSMessage) Message {
	message := Message{ID: record.MessageId, Receipt: record.ReceiptHandle, Body: record.Body, Group: record.Attributes["MessageGroupId"]}
	message.Receives, _ = strconv.Atoi(record.Attributes["ApproximateReceiveCount"])
	for name, attribute := range record.MessageAttributes {
		if attribute.StringValue == nil {
			continue
		}
		if message.Attributes == nil {
			message.Attributes = map[string]string{}
		}
		message.Attributes[name] = *attribute.StringValue
	}
	return message
}
