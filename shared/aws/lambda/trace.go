package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// traced returns the context of an invocation that goes on with the trace which parent names, or begins one.
func traced(ctx context.Context, parent string) context.Context {
	return trace.Begin(ctx, parent, rand.Reader)
}

// parentOf returns the trace of an event that is of messages, the first one's: whoever takes the event as a whole, such as the relay, does
// the same for one as for ten.
func parentOf(event json.RawMessage) string {
	var batch events.SQSEvent
	if json.Unmarshal(event, &batch) != nil || len(batch.Records) == 0 {
		return ""
	}
	return messageOf(batch.Records[0]).Attributes[trace.Header]
}
