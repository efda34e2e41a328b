package wire

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/act-platform/enhanced-integration/shared/connect"
	"github.com/act-platform/enhanced-integration/shared/oauth"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/trace"
)

// attemptsKept is how long an attempt is kept after its state ended: long after any callback that is under way.
const attemptsKept = oauth.AttemptLife + time.Hour

// TokenRefresh looks after the workspaces that are connected by OAuth: it refreshes what is due, tells of what cannot be refreshed and
// ends soon, and forgets attempts and counts of requests that are over. It may run at any time, also twice at once.
func TokenRefresh() func(context.Context, json.RawMessage) error {
	return func(ctx context.Context, _ json.RawMessage) (err error) {
		p, err := newParts("token-refresh")
		if err != nil {
			return err
		}
		ctx, end := p.gauge.begin(ctx, p.gauge.function, trace.Internal)
		defer func() { end(failureOf(err)) }()
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return err
		}
		defer pool.Close()
		vault := p.vault()
		grants, err := p.grants(pool).List(ctx)
		problems := []error{err}
		for _, g := range grants {
			problems = append(problems, p.keeper(pool, vault).Check(ctx, g.ConnectionID))
		}
		problems = append(problems, connect.Sweep(ctx, postgres.Attempts{Pool: pool}, vault, p.secretName, time.Now().Add(-attemptsKept)),
			postgres.Windows{Pool: pool}.Forget(ctx))
		return errors.Join(problems...)
	}
}
