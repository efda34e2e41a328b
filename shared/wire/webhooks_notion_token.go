package wire

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/config"
)

// WebhooksNotionToken answers GET and DELETE /webhooks/notion/token.
func WebhooksNotionToken() http.Handler {
	return handler("webhooks-notion-token", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 1)
		if err != nil {
			return nil, err
		}
		return p.api().NotionWebhookToken(p.noticeStore(pool, config.DefaultConnection)), nil
	})
}
