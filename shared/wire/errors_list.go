package wire

import (
	"context"
	"net/http"
)

// ErrorsList answers GET /sync/errors.
func ErrorsList() http.Handler {
	return handler("errors-list", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Errors(p.decisions(pool)), nil
	})
}
