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
