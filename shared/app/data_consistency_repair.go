package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// DataConsistencyRepair answers POST /data-consistency/repair.
func DataConsistencyRepair() http.Handler {
	return perConnection("data-consistency-repair", parts.answerDataConsistencyRepair)
}

func (p parts) answerDataConsistencyRepair(pool *postgres.Pool) http.Handler {
	return p.api().RepairConsistency(p.auditDesk(pool))
}
