package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// Schedule hands the event of an EventBridge schedule to handle: the schedule's Input, or where it has none EventBridge's own
// event. It does not return. An error makes Lambda try again, twice.
func Schedule(handle func(context.Context, json.RawMessage) error) {
	awslambda.Start(func(ctx context.Context, event json.RawMessage) error {
		ctx = traced(ctx, parentOf(event))
		return guard(ctx, func() error { return handle(ctx, event) })
	})
}

// Task hands the payload of an on-demand invocation to handle and its result, as JSON, to the invoker, who also reads the error.
// It does not return.
func Task(handle func(context.Context, json.RawMessage) (any, error)) {
	awslambda.Start(func(ctx context.Context, payload json.RawMessage) (result any, err error) {
		ctx = traced(ctx, "")
		err = guard(ctx, func() (err error) {
			result, err = handle(ctx, payload)
			return err
		})
		return result, err
	})
}

// Authorizer lets decide say who may call an HTTP API (payload format 2.0, simple answers); it sees the headers' names in lower case.
// It does not return. An error, or a panic, refuses the caller with 500.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
func Authorizer(decide Decider) {
	awslambda.Start(func(ctx context.Context, request events.APIGatewayV2CustomAuthorizerV2Request) (answer events.APIGatewayV2CustomAuthorizerSimpleResponse, err error) {
		request.Headers = lower(request.Headers)
		ctx = traced(ctx, request.Headers[trace.Header])
		err = guard(ctx, func() (err error) {
			answer, err = decide(ctx, request)
			return err
		})
		return answer, err
	})
}

// lower returns headers with their names in lower case, as an HTTP API sends them and sam local does not.
func lower(headers map[string]string) map[string]string {
	result := make(map[string]string, len(headers))
	for name, value := range headers {
		result[strings.ToLower(name)] = value
	}
	return result
}

// Decider says whether a request is let through and what its handler is to know about the caller.
type Decider func(context.Context, events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error)

var errPanic = errors.New("the handler panicked; its stack is in the log")

// guard turns a panic of f into an error, so that the environment lives on, and logs its stack.
func guard(ctx context.Context, f func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			logPanic(ctx, reason)
			err = errPanic
		}
	}()
	return f()
}
