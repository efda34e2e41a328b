package oauth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// unheard is a database that goes away after the commit and before its answer.
type unheard struct {
	oauth.Connections
	lost bool
}

func (u *unheard) Connect(ctx context.Context, g grant.Grant, happened event.Draft) (string, error) {
	replaced, err := u.Connections.Connect(ctx, g, happened)
	if err == nil && u.lost {
		return "", fault.Wrap(errors.New("unexpected EOF"), fault.Unavailable, "The database cannot be reached. Try again in a moment.")
	}
	return replaced, err
}

// TestTheAnswerToConnectingIsLost: where nobody knows whether a grant was stored, its tokens stay good, and so does the workspace.
func TestTheAnswerToConnectingIsLost(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"a new workspace": false, "one that is connected": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if before {
				w.connected()
			}
			c := w.connector()
			c.Connections = &unheard{c.Connections, true}
			if _, err := c.Finish(t.Context(), w.start("desk", "allow")); fault.KindOf(err) != fault.Unavailable {
				t.Fatal(err)
			}
			token, err := w.source("").Token(t.Context())
			if err != nil || !w.works(token.Reveal()) {
				t.Errorf("the workspace is %s, and its token does not work: %v", w.grant().Status, err)
			}
		})
	}
}

// outage is a vault that takes nothing until a time.
type outage struct {
	oauth.Vault
	until time.Time
	since int64 // the version of the first pair that it does not take
}

func (o outage) Put(ctx context.Context, name string, p grant.Pair) error {
	if p.Version >= o.since && time.Now().Before(o.until) {
		return fault.Wrap(errors.New("ServiceUnavailable"), fault.Unavailable, "Secrets Manager cannot be reached")
	}
	return o.Vault.Put(ctx, name, p)
}

// TestTheVaultIsAwayForSeconds: a workspace stays connected whose refresh falls into an outage of the vault.
func TestTheVaultIsAwayForSeconds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]outage{
		"before Notion is asked":    {nil, time.Now().Add(time.Hour), 1},
		"after Notion has answered": {nil, time.Now().Add(5 * time.Second), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			old := w.connected()
			k := w.keeper()
			c.Vault = k.Vault
			k.Vault = c
			_, err := k.Refresh(t.Context(), first, old.Version)
			pair, errAgain := w.keeper().Refresh(t.Context(), first, old.Version)
			if errAgain != nil || !w.works(pair.Access.Reveal()) {
				t.Errorf("%v, then %v: the workspace is %s", err, errAgain, w.grant().Status)
			}
		})
	}
}
