package wire

import (
	"context"
	"net/http"
)

// ErrorsRetry answers POST /sync/errors/retry.
func ErrorsRetry() http.Handler {
	return handler("errors-retry", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().ErrorsRetry(p.decisions(pool), p.carry(pool)), nil
	})
}
