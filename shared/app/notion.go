package app

import (
	"context"
	"time"

	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/aws/secretsmanager"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/notion/ratelimit"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// tokenTTL is how long a Notion token is used without looking whether the workspace was connected or disconnected meanwhile.
const tokenTTL = 30 * time.Second

// notion makes the client of Notion's API that takes its token from a source and its requests from a budget.
func (p deps) notion(source *oauth.Source, budget notion.Budget) *notion.Client {
	return p.notionBehind(p.notionBreaker(), source, budget)
}

// budget is the function's share of what all functions together may ask of the connection's workspace. interactive: somebody waits for
// the answers.
func (p deps) budget(interactive bool) *notion.Shared {
	return notion.NewShared(notion.SharedConfig{
		Bank: bank{p}, Requests: p.requests(), Interactive: interactive, NewID: newID,
	})
}

// bank keeps the connection's budget in a database that is opened when something is asked of it.
type bank struct{ deps }

// Take returns requests.
func (b bank) Take(ctx context.Context, ask ratelimit.Ask) (time.Duration, error) {
	pool, err := b.pool(ctx, 2)
	if err != nil {
		return 0, err
	}
	return postgres.Budget{Pool: pool, ConnectionID: b.id(), Requests: b.requests()}.Take(ctx, ask)
}

// notionBreaker keeps from a workspace that does not answer, as far as this function or another found out.
func (p deps) notionBreaker() *breaker.Breaker {
	return breaker.New(breaker.Config{Service: "Notion", Shared: &postgres.SharedBreaker{
		ConnectionID: p.id(), Service: string(metric.Notion), Pool: p.gauge.pool.Load, Now: time.Now,
	}})
}

func (p deps) notionBehind(b *breaker.Breaker, source *oauth.Source, budget notion.Budget) *notion.Client {
	return notion.New(notion.Config{
		BaseURL: p.cfg.NotionAPIURL,
		Tokens:  source,
		Budget:  budget,
		Breaker: b,
		Observe: p.called,
	})
}

// source returns the connection's token: OAuth's where the workspace is connected, else NOTION_TOKEN for the connection that is there from
// the start. It only reads.
func (p deps) source() *oauth.Source {
	return &oauth.Source{
		ConnectionID: p.id(),
		Grants:       grantsOf{p},
		Vault:        secretsmanager.Readable{Client: awssecrets.NewFromConfig(p.aws)},
		Fixed: func(ctx context.Context) (secret.Text, error) {
			if p.id() != config.DefaultConnection {
				return secret.Text{}, nil
			}
			return p.secret.Get(ctx, config.NotionToken)
		},
		Reread: p.secret.Reread,
		TTL:    tokenTTL,
		Now:    time.Now,
	}
}

// grantsOf reads grants from a database that is opened when one is asked for.
type grantsOf struct{ deps }

// Find returns a connection's grant.
func (g grantsOf) Find(ctx context.Context, connectionID string) (grant.Grant, error) {
	pool, err := g.pool(ctx, 2)
	if err != nil {
		return grant.Grant{}, err
	}
	return postgres.Grants{Pool: pool}.Find(ctx, connectionID)
}
