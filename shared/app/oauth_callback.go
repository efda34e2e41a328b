package app

import (
	"context"
	"net/http"
)

// OAuthCallback answers GET and POST /oauth/notion/callback.
func OAuthCallback() http.Handler {
	return handler("oauth-callback", func(ctx context.Context, p deps) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().OAuthCallback(p.connector(pool, p.vault())), nil
	})
}
