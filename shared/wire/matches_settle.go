package wire

import (
	"context"
	"net/http"
)

// MatchesSettle answers POST /sync/matches/{page_id}.
func MatchesSettle() http.Handler {
	return handler("matches-settle", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().MatchSettle(p.doubts(pool), p.carry(pool)), nil
	})
}
