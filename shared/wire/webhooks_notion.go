package wire

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// WebhooksNotion answers POST /webhooks/notion.
func WebhooksNotion() http.Handler {
	return handler("webhooks-notion", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 1)
		if err != nil {
			return nil, err
		}
		settings, err := postgres.Settings{Pool: pool}.Read(ctx, config.DefaultConnection)
		if err != nil {
			return nil, err
		}
		return p.api().NotionWebhook(p.of(settings).notices(pool)), nil
	})
}
