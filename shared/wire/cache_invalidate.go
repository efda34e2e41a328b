package wire

import (
	"context"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// CacheInvalidate answers POST /cache/invalidate.
func CacheInvalidate() http.Handler {
	return handler("cache-invalidate", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		remembered := postgres.Cache{Pool: pool, ConnectionID: config.DefaultConnection}
		return p.api().CacheInvalidate(func(ctx context.Context, kinds []string, pattern, by string) (int64, error) {
			return remembered.Invalidate(ctx, kinds, pattern, by, newID(), time.Now())
		}), nil
	})
}
