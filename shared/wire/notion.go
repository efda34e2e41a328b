package wire

import (
	"context"
	"time"

	"github.com/act-platform/enhanced-integration/shared/breaker"
	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secrets"
)

// notion makes the client of Notion's API.
func (p parts) notion() *notion.Client { return p.notionBehind(p.notionBreaker()) }

// notionBreaker keeps from a Notion that does not answer, as far as this function or another found out.
func (p parts) notionBreaker() *breaker.Breaker {
	return breaker.New(breaker.Config{Service: "Notion", Shared: &postgres.SharedBreaker{
		ConnectionID: config.DefaultConnection, Service: string(metric.Notion), Pool: p.gauge.pool.Load, Now: time.Now,
	}})
}

func (p parts) notionBehind(b *breaker.Breaker) *notion.Client {
	return notion.New(notion.Config{
		BaseURL: p.cfg.NotionAPIURL,
		Tokens:  tokenInSecret{p.secret},
		Budget:  notion.NewWindow(notion.WindowConfig{Requests: p.cfg.NotionBudget, Period: time.Minute}),
		Breaker: b,
		Observe: p.gauge.notion,
	})
}

// tokenInSecret takes Notion's token from the app secret.
type tokenInSecret struct{ secret *secrets.App }

// Token gives the token.
func (t tokenInSecret) Token(ctx context.Context) (string, error) {
	token, err := t.secret.Get(ctx, config.NotionToken)
	if err == nil && token == "" {
		return "", fault.New(fault.Unauthorized, "No Notion token is set: put NOTION_TOKEN into the app secret.")
	}
	return token, err
}

// Invalidate has the secret read again: the token may have been replaced.
func (t tokenInSecret) Invalidate(string) { t.secret.Forget() }
