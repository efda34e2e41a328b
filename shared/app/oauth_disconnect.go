package app

import (
	"context"
	"net/http"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// OAuthDisconnect answers POST /oauth/notion/disconnect.
func OAuthDisconnect() http.Handler {
	return handler("oauth-disconnect", func(ctx context.Context, p deps) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		vault := p.vault()
		grants, keeper := p.grants(pool), p.keeper(pool, vault)
		return p.api().OAuthDisconnect(func(ctx context.Context, workspaceID, client string) (grant.Grant, error) {
			all, err := grants.List(ctx)
			if err != nil {
				return grant.Grant{}, err
			}
			granted, err := pick(all, workspaceID)
			if err != nil {
				return grant.Grant{}, err
			}
			return keeper.Disconnect(ctx, vault, granted.ConnectionID, client)
		}), nil
	})
}

// pick returns the grant of a workspace; without a name the only one that is not disconnected yet.
func pick(grants []grant.Grant, workspaceID string) (grant.Grant, error) {
	fits := slices.DeleteFunc(grants, func(g grant.Grant) bool {
		if workspaceID == "" {
			return g.Status == grant.Disconnected
		}
		return g.ID != workspaceID
	})
	switch {
	case len(fits) == 0:
		return grant.Grant{}, fault.New(fault.NotFound, "No such workspace is connected by OAuth.")
	case len(fits) > 1:
		return grant.Grant{}, fault.New(fault.Invalid, "Several workspaces are connected: say which, by workspace_id. GET /config lists them.")
	}
	return fits[0], nil
}
