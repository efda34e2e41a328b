package wire

import (
	"context"
	"time"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/secrets"
)

// notion makes the client of Notion's API.
func (p parts) notion() *notion.Client {
	return notion.New(notion.Config{
		BaseURL: p.cfg.NotionAPIURL,
		Tokens:  tokenInSecret{p.secret},
		Budget:  notion.NewWindow(notion.WindowConfig{Requests: p.cfg.NotionBudget, Period: time.Minute}),
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
