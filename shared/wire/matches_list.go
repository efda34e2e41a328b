package wire

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/pgside"
)

// MatchesList answers GET /sync/matches.
func MatchesList() http.Handler {
	return handler("matches-list", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Matches(p.doubts(pool)), nil
	})
}

// doubts are the pages of the default connection of which somebody has to say which row they are.
func (p parts) doubts(pool *pgxpool.Pool) pgside.Doubts {
	return pgside.Doubts{Pool: pool, ConnectionID: config.DefaultConnection, Mapping: p.cfg.Mapping}
}
