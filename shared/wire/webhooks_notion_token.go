package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// WebhooksNotionToken answers GET and DELETE /webhooks/notion/token.
func WebhooksNotionToken() http.Handler {
	return perConnection("webhooks-notion-token", parts.answerWebhooksNotionToken)
}

func (p parts) answerWebhooksNotionToken(pool *pgxpool.Pool) http.Handler {
	return p.api().NotionWebhookToken(p.noticeStore(pool))
}
