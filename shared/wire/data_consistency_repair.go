package wire

import (
	"context"
	"net/http"
)

// DataConsistencyRepair answers POST /data-consistency/repair.
func DataConsistencyRepair() http.Handler {
	return handler("data-consistency-repair", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().RepairConsistency(p.auditDesk(pool)), nil
	})
}
