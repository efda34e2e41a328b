package app

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/auth/authorizer"
	"github.com/act-platform/enhanced-integration/shared/auth/supabasejwt"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// admitLimit is how long it may take to find out who is calling. The function that is called needs time as well, and where the authorizer does
// not answer, API Gateway does, with 500.
const admitLimit = 4 * time.Second

// keyTTL is how long a key that was looked up is remembered.
const keyTTL = time.Minute

// Authorizer says who is calling. It lets every request through: the function decides, and refuses in the API's own shape.
func Authorizer() lambda.Decider {
	type asked struct {
		events.APIGatewayV2CustomAuthorizerV2Request
		caller *access.Principal
	}
	admit := function("authorizer", trace.Server, func(ctx context.Context, p deps) (*authorizer.Gate, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return authorizer.New(authorizer.Config{
			Keys: postgres.Keys{Pool: pool}, Tokens: p.people(), Counter: postgres.Windows{Pool: pool}, Limit: p.cfg.CallerLimit,
			TTL: keyTTL, Now: time.Now, Log: p.log,
		}), nil
	}, func(ctx context.Context, g *authorizer.Gate, a asked) (err error) {
		*a.caller, err = g.Admit(ctx, a.Headers, a.RequestContext.HTTP.SourceIP)
		return err
	})
	return func(ctx context.Context, r events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, admitLimit)
		defer cancel()
		var caller access.Principal
		err := admit(ctx, asked{r, &caller})
		return events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: access.Context(caller, err)}, nil
	}
}

// people checks the tokens of people who signed in with Supabase; nil without a project.
func (p deps) people() authorizer.Tokens {
	if p.cfg.SupabaseURL == "" {
		return nil
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute}
	return supabasejwt.NewVerifier(supabasejwt.Config{
		URL: p.cfg.SupabaseURL, Keys: supabasejwt.NewKeySet(p.cfg.SupabaseURL, transport, time.Now), Now: time.Now,
		Secret: func(ctx context.Context) (secret.Text, error) { return p.secret.Get(ctx, config.SupabaseJWTSecret) },
	})
}
