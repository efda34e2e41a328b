package wire

import (
	"context"
	"net/http"
)

// ConflictsList answers GET /sync/conflicts.
func ConflictsList() http.Handler {
	return handler("conflicts-list", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Conflicts(p.decisions(pool)), nil
	})
}
