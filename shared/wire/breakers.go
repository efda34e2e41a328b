package wire

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// Breakers answers GET and POST /breakers.
func Breakers() http.Handler {
	return handler("breakers", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Breakers(postgres.Breakers{
			Pool: pool, ConnectionID: config.DefaultConnection, Always: []string{string(metric.Notion), string(metric.Supabase)},
		}), nil
	})
}
