package wire

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// DataConsistencyRepair answers POST /data-consistency/repair.
func DataConsistencyRepair() http.Handler {
	return perConnection("data-consistency-repair", parts.answerDataConsistencyRepair)
}

func (p parts) answerDataConsistencyRepair(pool *pgxpool.Pool) http.Handler {
	return p.api().RepairConsistency(p.auditDesk(pool))
}
