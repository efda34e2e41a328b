package app

import (
	"context"
	"net/http"
)

// WebhooksNotionToken answers GET and DELETE /webhooks/notion/token. The subscription is the integration's, with which all workspaces are
// connected: its token is kept with the first connection.
func WebhooksNotionToken() http.Handler {
	return handler("webhooks-notion-token", func(ctx context.Context, p deps) (http.Handler, error) {
		pool, err := p.pool(ctx, 1)
		if err != nil {
			return nil, err
		}
		return p.api().NotionWebhookToken(p.noticeStore(pool)), nil
	})
}
