package lambdaio

import (
	"context"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Call is what API Gateway says about a request beside the request itself.
type Call struct {
	RequestID     string         // API Gateway's id of the request
	SourceIP      string         // the caller's address as API Gateway saw it; never taken from a header
	Authorization map[string]any // the context that the Lambda authorizer gave; nil on a public route
}

type callKey struct{}

// WithCall gives a context that carries call.
func WithCall(ctx context.Context, call Call) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

// RequestID gives API Gateway's id of the request; outside of a request Lambda's id of the invocation; outside of both "".
func RequestID(ctx context.Context) string {
	if call, ok := ctx.Value(callKey{}).(Call); ok {
		return call.RequestID
	}
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		return invocation.AwsRequestID
	}
	return ""
}

// SourceIP gives the caller's address without a port; outside of a request "".
func SourceIP(ctx context.Context) string {
	call, _ := ctx.Value(callKey{}).(Call)
	return call.SourceIP
}

// Authorization gives the context that the Lambda authorizer attached to the request; nil when there was none. The map belongs to
// the request: read it only.
func Authorization(ctx context.Context) map[string]any {
	call, _ := ctx.Value(callKey{}).(Call)
	return call.Authorization
}

// TraceAttribute is the attribute of a message that carries the trace of whoever sent it.
const TraceAttribute = "trace_id"

// traceMost is how long a trace's id may be; what is longer was not written by us.
const traceMost = 100

type traceKey struct{}

// withTrace gives a context that goes on with the trace of a message.
func withTrace(ctx context.Context, message Message) context.Context {
	if id := message.Attributes[TraceAttribute]; id != "" && len(id) <= traceMost {
		return context.WithValue(ctx, traceKey{}, id)
	}
	return ctx
}

// TraceID gives the id of what began all this: the request or invocation itself, or the one whose message is being worked on.
func TraceID(ctx context.Context) string {
	if id, ok := ctx.Value(traceKey{}).(string); ok {
		return id
	}
	return RequestID(ctx)
}
