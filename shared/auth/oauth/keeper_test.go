package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Fifty who find the token stale at once make one refresh, and all have the new token. Notion ends a connection whose refresh token comes twice.
func TestFiftyRefreshersMakeOneRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.connected()
	tokens := make([]grant.Pair, 50)
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() {
			var err error
			if tokens[i], err = w.keeper().Refresh(t.Context(), first, old.Version); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := w.refreshes.Load(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	for _, p := range tokens {
		if !p.Access.Equal(tokens[0].Access) || !p.Refresh.Equal(tokens[0].Refresh) || p.Version != old.Version+1 {
			t.Errorf("%v and %v", p, tokens[0])
		}
	}
	if !w.works(tokens[0].Access.Reveal()) || w.works(old.Access.Reveal()) {
		t.Error("the new token does not work, or the old one does")
	}
	if g := w.grant(); !g.Worked || g.Version != 2 {
		t.Errorf("%+v", g)
	}
	if h := w.happened(); !slices.Equal(h, []event.Type{event.OAuthConnected, event.OAuthRefresh}) {
		t.Errorf("%v", h)
	}
}

// A process that dies at any step of a refresh leaves a connection that works, or one that says that it has to be made again. The dead
// token is never given out as a live one.
func TestRefreshSurvivesACrashAtEachStep(t *testing.T) {
	t.Parallel()
	lost := 0
	for at := 1; ; at++ {
		reached := false
		for _, after := range []bool{false, true} {
			w := newWorld(t)
			old := w.connected()
			p := &process{at: at, after: after}
			_, err := p.keeper(w.keeper()).Refresh(t.Context(), first, old.Version)
			if !p.dead {
				if err != nil {
					t.Errorf("nobody died: %v", err)
				}
				continue
			}
			reached = true
			w.expireLease()
			name := fmt.Sprintf("step %d, after %v", at, after)
			pair, err := w.keeper().Refresh(t.Context(), first, old.Version)
			switch {
			case err == nil:
				if !w.works(pair.Access.Reveal()) || w.grant().Status != grant.Connected {
					t.Errorf("%s: a dead token is taken for a live one", name)
				}
			case fault.KindOf(err) == fault.Unauthorized:
				lost++
				if w.grant().Status != grant.Revoked || !slices.Contains(w.happened(), event.OAuthRevoked) {
					t.Errorf("%s: the end is not told: %+v %v", name, w.grant(), w.happened())
				}
				if token, err := w.source("").Token(t.Context()); !token.Empty() || err != nil {
					t.Errorf("%s: a token of what ended is given out: %v", name, err)
				}
			default:
				t.Errorf("%s: %v", name, err)
			}
		}
		if !reached {
			if at < 7 {
				t.Errorf("a refresh has but %d steps", at-1)
			}
			break
		}
	}
	// Between Notion's answer and the vault nobody can help: the answer, or the process that had it, is gone.
	if lost != 2 {
		t.Errorf("%d crashes cost the connection", lost)
	}
}

// A refresh whose answer is lost: before Notion rotated nothing is lost; after it the connection says that it has to be made again.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		notion  func(oauth.Refresher) oauth.Refresher
		revoked bool
	}{
		"before Notion rotated": {func(n oauth.Refresher) oauth.Refresher { return losing{Refresher: n} }, false},
		"after Notion rotated":  {func(n oauth.Refresher) oauth.Refresher { return losing{n, true} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			old := w.connected()
			k := w.keeper()
			k.Notion = c.notion(k.Notion)
			if _, err := k.Refresh(t.Context(), first, old.Version); fault.KindOf(err) != fault.Unavailable {
				t.Fatal(err)
			}
			pair, err := w.keeper().Refresh(t.Context(), first, old.Version)
			if c.revoked != (fault.KindOf(err) == fault.Unauthorized) || c.revoked != (w.grant().Status == grant.Revoked) || !c.revoked && !w.works(pair.Access.Reveal()) {
				t.Errorf("%v, %+v", err, w.grant())
			}
		})
	}
}

type losing struct {
	oauth.Refresher
	after bool
}

func (l losing) Refresh(ctx context.Context, refresh secret.Text) (grant.Answer, error) {
	if l.after {
		if _, err := l.Refresher.Refresh(ctx, refresh); err != nil {
			return grant.Answer{}, err
		}
	}
	return grant.Answer{}, fault.Wrap(errors.New("silence"), fault.Unavailable, "Notion does not answer")
}

// What the vault cannot take at once is put there later, even when the caller has gone: the pair exists nowhere else.
func TestVaultThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.connected()
	ctx, cancel := context.WithCancel(t.Context())
	k := w.keeper()
	k.Vault = &throttled{Vault: k.Vault, left: 3, first: cancel}
	pair, _ := k.Refresh(ctx, first, old.Version)
	if now := w.pair(); now.Version != 2 || !w.works(now.Access.Reveal()) {
		t.Errorf("%v, and was given %v", now, pair)
	}
}

type throttled struct {
	oauth.Vault
	left  int
	first func()
}

func (v *throttled) Put(ctx context.Context, name string, p grant.Pair) error {
	if p.Version == 1 { // which is there
		return v.Vault.Put(ctx, name, p)
	}
	v.first()
	if v.left--; v.left >= 0 {
		return fault.Wrap(errors.New("ThrottlingException"), fault.Unavailable, "Secrets Manager cannot be reached")
	}
	return v.Vault.Put(ctx, name, p)
}

// Where the current pair was never given and the one before it is good, that one saves the connection.
func TestThePairBeforeHelps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.connected()
	false2 := grant.Pair{Version: 2, Access: secret.Of("never given"), Refresh: secret.Of("never given")}
	if err := w.vault().Put(t.Context(), w.grant().SecretID, false2); err != nil {
		t.Fatal(err)
	}
	pair, err := w.keeper().Refresh(t.Context(), first, 2)
	if err != nil || pair.Version != 3 || !w.works(pair.Access.Reveal()) || w.works(old.Access.Reveal()) {
		t.Errorf("%v, %v", pair, err)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world){
		"revoked at Notion": func(w *world) {
			if err := w.notion().Revoke(t.Context(), w.pair().Access); err != nil {
				t.Error(err)
			}
		},
		"the secret deleted by hand": func(w *world) {
			if err := w.vault().Delete(t.Context(), w.grant().SecretID); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			old := w.connected()
			source := w.source("")
			if token, err := source.Token(t.Context()); err != nil || token.Reveal() != old.Access.Reveal() {
				t.Fatal(err)
			}
			spoil(w)
			if err := w.keeper().Check(t.Context(), first); fault.KindOf(err) != fault.Unauthorized {
				t.Errorf("%v", err)
			}
			if err := w.keeper().Check(t.Context(), first); err != nil {
				t.Errorf("what has ended is told again: %v", err)
			}
			if h := w.happened(); !slices.Equal(h, []event.Type{event.OAuthConnected, event.OAuthRevoked}) {
				t.Errorf("%v", h)
			}
			source.Invalidate(old.Access)
			if token, err := source.Token(t.Context()); err != nil || !token.Empty() {
				t.Errorf("%v", err)
			}
			// Connecting again makes it good, under a version of its own.
			if again := w.connected(); again.Version != old.Version+1 || w.grant().Status != grant.Connected || !w.works(again.Access.Reveal()) {
				t.Errorf("%v, %+v", again, w.grant())
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.connected()
	check := func() error { return w.keeper().Check(t.Context(), first) }
	w.now = w.now.Add(11 * time.Hour)
	if err := check(); err != nil || w.pair().Version != old.Version {
		t.Errorf("before half of its life is over: %v", err)
	}
	w.now = w.now.Add(2 * time.Hour)
	if err := check(); err != nil || w.pair().Version != 2 || !w.works(w.pair().Access.Reveal()) {
		t.Errorf("after: %v, %v", err, w.pair())
	}
	// Away: told once that it is about to end, and refreshed when Notion is back.
	away := w.keeper()
	away.Notion = losing{Refresher: away.Notion}
	w.now = w.now.Add(13 * time.Hour)
	for range 2 {
		if err := away.Check(t.Context(), first); fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
	}
	if err := check(); err != nil || w.pair().Version != 3 {
		t.Errorf("%v, %v", err, w.pair())
	}
	want := []event.Type{event.OAuthConnected, event.OAuthRefresh, event.OAuthExpiring, event.OAuthRefresh}
	if h := w.happened(); !slices.Equal(h, want) {
		t.Errorf("%v", h)
	}
}

// A token that Notion refuses is refreshed in the middle of a sync, and a fixed token stands in only where none was connected.
func TestSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tell := func(s *oauth.Source) (secret.Text, oauth.Method) {
		t.Helper()
		token, err := s.Token(t.Context())
		method, errMethod := s.Method(t.Context())
		if err = errors.Join(err, errMethod); err != nil {
			t.Fatal(err)
		}
		return token, method
	}
	if token, method := tell(w.source("")); !token.Empty() || method != oauth.ByNone {
		t.Errorf("nothing: %s", method)
	}
	source := w.source(notionsim.IntegrationToken)
	if token, method := tell(source); token.Reveal() != notionsim.IntegrationToken || method != oauth.ByToken {
		t.Errorf("before: %s", method)
	}
	old := w.connected()
	w.now = w.now.Add(2 * time.Minute)
	if token, method := tell(source); token.Reveal() != old.Access.Reveal() || method != oauth.ByOAuth {
		t.Errorf("connected: %s", method)
	}
	if _, err := w.keeper().Refresh(t.Context(), first, old.Version); err != nil {
		t.Fatal(err)
	}
	source.Invalidate(old.Access)
	if token, _ := tell(source); token.Reveal() != w.pair().Access.Reveal() || w.refreshes.Load() != 1 {
		t.Error("a refresh of somebody else's is not taken")
	}
	source.Invalidate(w.pair().Access)
	if token, _ := tell(source); token.Reveal() != w.pair().Access.Reveal() || w.refreshes.Load() != 2 || !w.works(token.Reveal()) {
		t.Error("a refused token is not refreshed")
	}
	gone, err := w.keeper().Disconnect(t.Context(), w.vault(), first, "desk")
	if err != nil || gone.Status != grant.Disconnected {
		t.Fatal(err)
	}
	if _, err := w.vault().Read(t.Context(), gone.SecretID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the secret is left: %v", err)
	}
	if w.works(w.token(source).Reveal()) {
		t.Error("the token works on")
	}
	if _, err := w.keeper().Disconnect(t.Context(), w.vault(), first, "desk"); err != nil {
		t.Errorf("once more: %v", err)
	}
	w.now = w.now.Add(2 * time.Minute)
	if token, method := tell(source); token.Reveal() != notionsim.IntegrationToken || method != oauth.ByToken {
		t.Errorf("disconnected: %s", method)
	}
}

func (w *world) token(s *oauth.Source) secret.Text {
	w.t.Helper()
	token, err := s.Token(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}
