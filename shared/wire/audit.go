package wire

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// Audit answers GET /audit.
func Audit() http.Handler {
	return handler("audit", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Audit(postgres.Trail{Pool: pool, ConnectionID: config.DefaultConnection}), nil
	})
}
