package wire

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/shared/access"
	"github.com/act-platform/enhanced-integration/shared/gate"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// keyTTL is how long a key that was looked up is remembered.
const keyTTL = time.Minute

// Authorizer says who is calling. It lets every request through: the function decides, and refuses in the API's own shape.
func Authorizer() func(context.Context, events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
	type made struct {
		*gate.Gate
		gauge *gauge
	}
	get := onFirstUse(func(ctx context.Context) (made, error) {
		p, err := newParts("authorizer")
		if err != nil {
			return made{}, err
		}
		pool, err := p.pool(context.WithoutCancel(ctx), 2)
		if err != nil {
			return made{}, err
		}
		return made{gate.New(postgres.Keys{Pool: pool}, keyTTL, time.Now), p.gauge}, nil
	})
	return func(ctx context.Context, r events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
		var caller access.Principal
		g, err := get(ctx)
		if err == nil {
			defer g.gauge.flush(ctx)
			caller, err = g.Identify(ctx, r.Headers)
		}
		return events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: access.Context(caller, err)}, nil
	}
}
