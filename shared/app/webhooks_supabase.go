package app

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// WebhooksSupabase answers POST /webhooks/supabase.
func WebhooksSupabase() http.Handler {
	return handler("webhooks-supabase", func(ctx context.Context, p deps) (http.Handler, error) {
		pool, err := p.pool(ctx, 1)
		if err != nil {
			return nil, err
		}
		tables := map[string]string{}
		for _, k := range p.cfg.Mapping.Kinds {
			tables[k.Table] = k.Name
		}
		expected := func(ctx context.Context) (secret.Text, error) { return p.secret.Get(ctx, config.SupabaseWebhookSecret) }
		return p.api().SupabaseWebhook(anyConnection{p, pool}, expected, tables), nil
	})
}
