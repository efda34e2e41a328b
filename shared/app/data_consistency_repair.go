package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// DataConsistencyRepair answers POST /data-consistency/repair.
func DataConsistencyRepair() http.Handler {
	return perConnection("data-consistency-repair", deps.answerDataConsistencyRepair)
}

func (p deps) answerDataConsistencyRepair(pool *postgres.Pool) http.Handler {
	return p.api().RepairConsistency(p.consistencyRequests(pool))
}
