package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
)

// SyncStatus answers GET /sync/status.
func SyncStatus() http.Handler { return perConnection("sync-status", deps.answerSyncStatus) }

func (p deps) answerSyncStatus(pool *postgres.Pool) http.Handler {
	return p.api().SyncStatus(
		postgres.Status{Pool: pool, ConnectionID: p.id(), Mapping: p.cfg.Mapping},
		postgres.Events{Pool: pool, ConnectionID: p.id()},
		api.SyncSettings{Interval: p.cfg.SyncSchedule, BatchSize: engine.BatchSize, Realtime: p.cfg.RealTimeSync},
	)
}
