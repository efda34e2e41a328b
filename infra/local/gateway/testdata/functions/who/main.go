// The authorizer of the test template: it knows one key.
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Authorizer(decide) }

func decide(_ context.Context, r events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
	switch r.Headers["x-api-key"] {
	case "good":
		return events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: map[string]any{"client": "c1"}}, nil
	case "trouble":
		return events.APIGatewayV2CustomAuthorizerSimpleResponse{}, errors.New("trouble")
	}
	return events.APIGatewayV2CustomAuthorizerSimpleResponse{}, nil
}
