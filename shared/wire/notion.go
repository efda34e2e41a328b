package wire

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/quota"
	"github.com/act-platform/enhanced-integration/shared/secrets"
)

// notion makes the client of Notion's API.
func (p parts) notion(budget notion.Budget) *notion.Client {
	return notion.New(notion.Config{BaseURL: p.cfg.NotionAPIURL, Tokens: tokenInSecret{p.secret}, Budget: budget})
}

// budget is the function's share of what all functions together may ask of Notion. interactive: somebody waits for the answers.
func (p parts) budget(pool pools, interactive bool) *notion.Shared {
	return notion.NewShared(notion.SharedConfig{
		Bank: bank{pool, p.cfg.NotionBudget}, Requests: p.cfg.NotionBudget, Interactive: interactive, NewID: newID,
	})
}

// pools gives the pool of connections to the database, which is opened when it is first asked for.
type pools func(context.Context) (*pgxpool.Pool, error)

// bank keeps the budget in a database that may be away.
type bank struct {
	pool     pools
	requests int
}

// Take gives requests.
func (b bank) Take(ctx context.Context, ask quota.Ask) (time.Duration, error) {
	pool, err := b.pool(ctx)
	if err != nil {
		return 0, err
	}
	return postgres.Budget{Pool: pool, ConnectionID: config.DefaultConnection, Requests: b.requests}.Take(ctx, ask)
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
