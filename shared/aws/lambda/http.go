package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// MaxBody is how many bytes a request's body may have, decoded. Nothing that the project accepts comes near it.
const MaxBody = 1 << 20

// HTTP serves handler behind an API Gateway HTTP API, payload format 2.0. It does not return.
func HTTP(handler http.Handler) {
	awslambda.Start(Proxy(handler))
}

// Proxy returns the function from event to answer that [HTTP] starts.
//
// The conversion is aws-lambda-go-api-proxy's. Around it, Proxy gives the handler the request as API Gateway has it: headers
// unsplit, the path as it stands, each cookie once, the body as raw bytes, the stage taken off the path, an address with a port.
// The client gets the answer as net/http would: 200 when nothing is said, the first status and not the last, and 500 in the
// contract's shape when the handler panics. The request's context carries a [invocation.Call], the trace that the request belongs to, and Lambda's
// deadline.
//
// The event: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func Proxy(handler http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		ctx = traced(invocation.WithCall(ctx, callOf(event)), headerOf(event).Get(trace.Header))
		serve := func(w http.ResponseWriter, r *http.Request) {
			answer := newRecorder()
			r, err := restore(r, event)
			if err != nil {
				writeError(ctx, answer, err)
			} else {
				answer = contain(ctx, handler, r)
			}
			answer.copyTo(w)
		}
		return httpadapter.NewV2(http.HandlerFunc(serve)).ProxyWithContext(ctx, harmless(event))
	}
}

func callOf(event events.APIGatewayV2HTTPRequest) invocation.Call {
	call := invocation.Call{RequestID: event.RequestContext.RequestID, SourceIP: event.RequestContext.HTTP.SourceIP}
	if event.RequestContext.Authorizer != nil {
		call.Authorization = event.RequestContext.Authorizer.Lambda
	}
	return call
}

// contain runs handler and gives its answer, or 500 in place of whatever it had written when it panicked.
func contain(ctx context.Context, handler http.Handler, r *http.Request) (answer *recorder) {
	defer func() {
		if reason := recover(); reason != nil {
			logPanic(ctx, reason)
			answer = newRecorder()
			writeError(ctx, answer, fault.New(fault.Internal, "panic"))
		}
	}()
	answer = newRecorder()
	handler.ServeHTTP(answer, r)
	return answer
}

func logPanic(ctx context.Context, reason any) {
	slog.ErrorContext(ctx, "panic", "request_id", invocation.RequestID(ctx), "trace_id", trace.From(ctx).TraceID.String(), "reason", fmt.Sprint(reason), "stack", string(debug.Stack()))
}

// writeError answers in the contract's error shape, with api's names, for what goes wrong before or beneath the handlers.
func writeError(ctx context.Context, w http.ResponseWriter, err error) {
	status, name, kind := http.StatusInternalServerError, "Internal error", fault.KindOf(err)
	switch kind {
	case fault.Invalid:
		status, name = http.StatusBadRequest, "Invalid request"
	case fault.TooLarge:
		status, name = http.StatusRequestEntityTooLarge, "Too large"
	default:
		kind = fault.Internal
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // a recorder does not fail
		"success":    false,
		"error":      name,
		"code":       kind.String(),
		"message":    fault.Message(err),
		"request_id": invocation.RequestID(ctx),
		"timestamp":  time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
	})
}
