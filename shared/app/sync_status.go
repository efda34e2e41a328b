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
		p.status(pool),
		postgres.Events{Pool: pool, ConnectionID: p.id()},
		api.SyncSettings{Interval: p.cfg.SyncSchedule, BatchSize: engine.BatchSize, Realtime: p.cfg.RealTimeSync},
	)
}

// status is what is known of the syncs of the connection's databases.
func (p deps) status(pool *postgres.Pool) postgres.Status {
	return postgres.Status{Pool: pool, ConnectionID: p.id(), Mapping: p.cfg.Mapping, Kinds: append([]string{}, p.connection().Kinds()...)}
}
