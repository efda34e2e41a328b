package wire

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// SyncRun answers GET /sync/runs/{id}.
func SyncRun() http.Handler {
	return handler("sync-run", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Run(postgres.Runs{Pool: pool, ConnectionID: config.DefaultConnection}), nil
	})
}
