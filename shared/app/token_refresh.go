package app

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
)

// attemptsKept is how long an attempt is kept after its state ended: long after any callback that is under way.
const attemptsKept = grant.AttemptLife + time.Hour

// TokenRefresh looks after the workspaces that are connected by OAuth: it refreshes what is due, tells of what cannot be refreshed and
// ends soon, and forgets attempts and counts of requests that are over. It may run at any time, also twice at once.
func TokenRefresh() func(context.Context, json.RawMessage) error {
	return seldom("token-refresh", 2, func(ctx context.Context, all allConnections) error {
		vault := all.vault()
		grants, err := all.grants(all.db).List(ctx)
		problems := []error{err}
		for _, g := range grants {
			p := all.of(settings.Settings{ConnectionID: g.ConnectionID})
			problems = append(problems, p.keeper(all.db, vault).Check(p.onBehalf(ctx), g.ConnectionID))
		}
		problems = append(problems, oauth.Sweep(ctx, postgres.Attempts{Pool: all.db}, vault, all.secretName, time.Now().Add(-attemptsKept)),
			postgres.Windows{Pool: all.db}.Forget(ctx))
		return errors.Join(problems...)
	})
}
