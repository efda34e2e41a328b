// Package invocation carries in a context what API Gateway and Lambda say about the invocation that is running.
package invocation

import (
	"context"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Call is what API Gateway says about a request beside the request itself.
type Call struct {
	RequestID     string         // API Gateway's id of the request
	SourceIP      string         // the caller's address as API Gateway saw it; never taken from a header
	Authorization map[string]any // the context that the Lambda authorizer returned; nil on a public route
}

type callKey struct{}

// WithCall returns a context that carries call.
func WithCall(ctx context.Context, call Call) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

// RequestID returns API Gateway's id of the request. Outside a request it returns Lambda's id of the invocation, and outside both "".
func RequestID(ctx context.Context) string {
	if call, ok := ctx.Value(callKey{}).(Call); ok {
		return call.RequestID
	}
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		return invocation.AwsRequestID
	}
	return ""
}

// SourceIP returns the caller's address without a port, or "" outside a request.
func SourceIP(ctx context.Context) string {
	call, _ := ctx.Value(callKey{}).(Call)
	return call.SourceIP
}

// Authorization returns the context that the Lambda authorizer attached to the request, or nil where there was none. The map belongs to
// the request and must not be changed.
func Authorization(ctx context.Context) map[string]any {
	call, _ := ctx.Value(callKey{}).(Call)
	return call.Authorization
}
