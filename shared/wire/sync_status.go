package wire

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/httpapi"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/syncrun"
)

// SyncStatus answers GET /sync/status.
func SyncStatus() http.Handler {
	return handler("sync-status", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().SyncStatus(
			postgres.Status{Pool: pool, ConnectionID: config.DefaultConnection, Mapping: p.cfg.Mapping},
			postgres.Events{Pool: pool, ConnectionID: config.DefaultConnection},
			httpapi.SyncSettings{Interval: p.cfg.SyncSchedule, BatchSize: syncrun.BatchSize, Realtime: p.cfg.RealTimeSync},
		), nil
	})
}
