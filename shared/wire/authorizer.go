package wire

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/shared/access"
	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/gate"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/supabase"
)

// keyTTL is how long a key that was looked up is remembered.
const keyTTL = time.Minute

// Authorizer says who is calling. It lets every request through: the function decides, and refuses in the API's own shape.
func Authorizer() lambdaio.Decider {
	type made struct {
		*gate.Gate
		gauge *gauge
	}
	get := onFirstUse(func(ctx context.Context) (made, error) {
		p, err := newParts("authorizer")
		if err != nil {
			return made{}, err
		}
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return made{}, err
		}
		return made{gate.New(gate.Config{
			Keys: postgres.Keys{Pool: pool}, Tokens: p.people(), Counter: postgres.Windows{Pool: pool}, Limit: p.cfg.CallerLimit,
			TTL: keyTTL, Now: time.Now, Log: p.log,
		}), p.gauge}, nil
	})
	return func(ctx context.Context, r events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
		var caller access.Principal
		g, err := get(ctx)
		if err == nil {
			defer g.gauge.flush(ctx)
			caller, err = g.Admit(ctx, r.Headers, r.RequestContext.HTTP.SourceIP)
		}
		return events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: access.Context(caller, err)}, nil
	}
}

// people checks the tokens of people who signed in with Supabase; nil without a project.
func (p parts) people() gate.Tokens {
	if p.cfg.SupabaseURL == "" {
		return nil
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute}
	return supabase.NewVerifier(supabase.Config{
		URL: p.cfg.SupabaseURL, Keys: supabase.NewKeySet(p.cfg.SupabaseURL, transport, time.Now), Now: time.Now,
		Secret: func(ctx context.Context) (string, error) { return p.secret.Get(ctx, config.SupabaseJWTSecret) },
	})
}
