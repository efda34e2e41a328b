package oauth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// TestTheTokenEndpointIsIll: whatever it answers, nothing is connected and nothing ends; a refresh goes well as soon as it is well.
func TestTheTokenEndpointIsIll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connected()
	faults := func(rules ...chaos.Rule) {
		t.Helper()
		if err := w.sim.SetFaults(1, rules...); err != nil {
			t.Fatal(err)
		}
	}
	for name, ill := range map[string]chaos.Fault{
		"200 with no token": {Status: 200, Body: `{"token_type":"bearer","bot_id":"b"}`},
		"an empty token":    {Status: 200, Body: `{"access_token":""}`},
		"200 and HTML":      {Status: 200, Body: "html"},
		"200 and 10 MB":     {Status: 200, Body: "huge"},
		"half of an answer": {Status: 200, Body: "garbage"},
		"502 and HTML":      {Status: 502, Body: "html"},
		"429":               {Status: 429, Code: "rate_limited", RetryAfter: 30},
		"a broken line":     {Drop: true},
		"silence":           {Status: 200, Body: `{}`, LatencyMS: 1000}, // for as long as three times our patience
	} {
		before, old := w.grant(), w.pair()
		back := w.start("desk", "allow")
		faults(chaos.Rule{Fault: ill, Route: "/v1/oauth/token", Who: "any"})
		if name == "silence" {
			w.patience = 300 * time.Millisecond
		}
		if _, err := w.connector().Finish(t.Context(), back); fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Message(err), "Try again") {
			t.Errorf("%s: the callback: %v", name, err)
		}
		if pair, err := w.keeper().Refresh(t.Context(), first, old.Version); fault.KindOf(err) != fault.Unavailable || !pair.Access.Empty() {
			t.Errorf("%s: a refresh: %v", name, err)
		}
		w.patience = 0
		faults()
		if g := w.grant(); g.SecretID != before.SecretID || g.Status != grant.Connected || g.Version != old.Version {
			t.Errorf("%s: %+v", name, g)
		}
		if pair, err := w.keeper().Refresh(t.Context(), first, old.Version); err != nil || pair.Version != old.Version+1 || !w.works(pair.Access.Reveal()) {
			t.Errorf("%s: when it is well: %v", name, err)
		}
	}
}

// away is a vault in which some things fail.
type away struct {
	oauth.Vault
	oauth.Creator
	read, create, remove bool
}

var errAway = fault.Wrap(errors.New("ThrottlingException"), fault.Unavailable, "Secrets Manager cannot be reached")

func (v away) Read(ctx context.Context, name string) (grant.Pair, error) {
	if v.read {
		return grant.Pair{}, errAway
	}
	return v.Vault.Read(ctx, name)
}

func (v away) Create(ctx context.Context, name string, p grant.Pair) error {
	if v.create {
		return errAway
	}
	return v.Creator.Create(ctx, name, p)
}

func (v away) Delete(ctx context.Context, name string) error {
	if v.remove {
		return errAway
	}
	return v.Creator.Delete(ctx, name)
}

// TestTheVaultIsAway: a pair that cannot be kept is revoked at Notion; a connection whose pair cannot be read has not ended; what cannot be
// deleted is not called disconnected.
func TestTheVaultIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	connector := w.connector()
	connector.Vault = away{Creator: w.vault(), create: true}
	given := &remembering{Exchanger: w.notion()}
	connector.Notion = given
	if _, err := connector.Finish(t.Context(), w.start("desk", "allow")); !errors.Is(err, errAway) {
		t.Errorf("%v", err)
	}
	if given.access.Empty() || w.works(given.access.Reveal()) {
		t.Error("a token that nobody keeps works")
	}
	if _, err := w.grants().Find(t.Context(), first); fault.KindOf(err) != fault.NotFound {
		t.Errorf("something was connected: %v", err)
	}

	old := w.connected()
	keeper := w.keeper()
	keeper.Vault = away{Vault: w.vault(), read: true}
	source := w.source("a fixed token")
	source.Vault = keeper.Vault
	_, errRefresh := keeper.Refresh(t.Context(), first, old.Version)
	_, errToken := source.Token(t.Context())
	for what, err := range map[string]error{"a refresh": errRefresh, "a check": keeper.Check(t.Context(), first), "a token": errToken} {
		if !errors.Is(err, errAway) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if g := w.grant(); g.Status != grant.Connected || !w.works(old.Access.Reveal()) || w.refreshes.Load() != 0 {
		t.Errorf("%+v", g)
	}

	if _, err := w.keeper().Disconnect(t.Context(), away{Creator: w.vault(), remove: true}, first, "desk"); !errors.Is(err, errAway) || w.grant().Status != grant.Connected {
		t.Errorf("%v, %+v", err, w.grant())
	}
	if gone, err := w.keeper().Disconnect(t.Context(), w.vault(), first, "desk"); err != nil || gone.Status != grant.Disconnected {
		t.Errorf("once more: %v", err)
	}
	if h := w.happened(); h[len(h)-1] != event.OAuthRevoked {
		t.Errorf("%v", h)
	}
}

// remembering remembers the token that it was given.
type remembering struct {
	oauth.Exchanger
	access secret.Text
}

func (r *remembering) Exchange(ctx context.Context, code string) (grant.Answer, error) {
	answer, err := r.Exchanger.Exchange(ctx, code)
	r.access = answer.Access
	return answer, err
}

// nobody has no grants.
type nobody struct{}

func (nobody) Find(context.Context, string) (grant.Grant, error) {
	return grant.Grant{}, fault.New(fault.NotFound, "none")
}

// TestAFixedTokenThatIsRefusedIsReadAgain: what a person puts into the app secret in its place is used at once, and not when it is forgotten.
func TestAFixedTokenThatIsRefusedIsReadAgain(t *testing.T) {
	t.Parallel()
	remembered, set := "old", "old"
	source := &oauth.Source{
		Grants: nobody{}, TTL: time.Minute, Now: time.Now, Reread: func() { remembered = set },
		Fixed: func(context.Context) (secret.Text, error) { return secret.Of(remembered), nil },
	}
	token := func() string {
		t.Helper()
		text, err := source.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return text.Reveal()
	}
	first := token()
	set = "new"
	if token() != first {
		t.Error("it is not remembered")
	}
	source.Invalidate(secret.Of(first))
	if token() != "new" {
		t.Error("a refused token is given again")
	}
}
