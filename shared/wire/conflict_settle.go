package wire

import (
	"context"
	"net/http"
)

// ConflictSettle answers GET and POST /sync/conflicts/{id}.
func ConflictSettle() http.Handler {
	return handler("conflict-settle", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Conflict(p.decisions(pool), p.carry(pool), p.glance(pool).Conflict), nil
	})
}
