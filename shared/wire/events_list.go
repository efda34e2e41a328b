package wire

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// EventsList answers GET /events.
func EventsList() http.Handler {
	return handler("events-list", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().Events(postgres.Events{Pool: pool, ConnectionID: config.DefaultConnection}), nil
	})
}
