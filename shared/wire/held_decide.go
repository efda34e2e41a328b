package wire

import (
	"context"
	"net/http"
)

// HeldDecide answers GET and POST /sync/held/{id}.
func HeldDecide() http.Handler {
	return handler("held-decide", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Held(p.decisions(pool), p.carry(pool)), nil
	})
}
