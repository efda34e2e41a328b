package app

import (
	"context"
	"net/http"
)

// WebhooksNotion answers POST /webhooks/notion.
func WebhooksNotion() http.Handler {
	return handler("webhooks-notion", func(ctx context.Context, p deps) (http.Handler, error) {
		pool, err := p.pool(ctx, 1)
		if err != nil {
			return nil, err
		}
		return p.api().NotionWebhook(anyConnection{p, pool}), nil
	})
}
