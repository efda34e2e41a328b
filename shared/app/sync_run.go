package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// SyncRun answers GET /sync/runs/{id}.
func SyncRun() http.Handler { return perConnection("sync-run", deps.answerSyncRun) }

func (p deps) answerSyncRun(pool *postgres.Pool) http.Handler {
	return p.api().Run(postgres.Runs{Pool: pool, ConnectionID: p.id()})
}
