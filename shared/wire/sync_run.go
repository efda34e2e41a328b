package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// SyncRun answers GET /sync/runs/{id}.
func SyncRun() http.Handler { return perConnection("sync-run", parts.answerSyncRun) }

func (p parts) answerSyncRun(pool *pgxpool.Pool) http.Handler {
	return p.api().Run(postgres.Runs{Pool: pool, ConnectionID: p.id()})
}
