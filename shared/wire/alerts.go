package wire

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/setting"
)

// Alerts answers GET and POST /alerts.
func Alerts() http.Handler {
	return handler("alerts", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Alerts(p.alerts(pool)), nil
	})
}

func (p parts) alerts(pool *pgxpool.Pool) postgres.Alerts {
	return postgres.Alerts{Pool: pool, ConnectionID: config.DefaultConnection, Kinds: p.connection(setting.Settings{ConnectionID: config.DefaultConnection}).Kinds(), NewID: newID}
}
