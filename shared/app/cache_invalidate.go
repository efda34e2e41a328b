package app

import (
	"context"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// CacheInvalidate answers POST /cache/invalidate.
func CacheInvalidate() http.Handler {
	return perConnection("cache-invalidate", deps.answerCacheInvalidate)
}

func (p deps) answerCacheInvalidate(pool *postgres.Pool) http.Handler {
	remembered := postgres.Cache{Pool: pool, ConnectionID: p.id()}
	return p.api().CacheInvalidate(func(ctx context.Context, kinds []string, pattern, by string) (int64, error) {
		return remembered.Invalidate(ctx, kinds, pattern, by, newID(), time.Now())
	})
}
