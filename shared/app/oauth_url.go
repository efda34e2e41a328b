package app

import (
	"context"
	"net/http"
)

// OAuthURL answers GET /oauth/notion/url.
func OAuthURL() http.Handler {
	return handler("oauth-url", func(ctx context.Context, p deps) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		connect := p.api().OAuthURL(p.connector(pool, nil))
		explain := p.api().OAuthUnconfigured(p.source().Method)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			configured, err := p.oauthConfigured(r.Context())
			switch {
			case err != nil:
				p.api().Failure(err).ServeHTTP(w, r)
			case configured:
				connect.ServeHTTP(w, r)
			default:
				explain.ServeHTTP(w, r)
			}
		}), nil
	})
}
