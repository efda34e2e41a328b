package oauth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

func TestConnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	back := w.start("desk", "allow")
	done, err := w.connector().Finish(t.Context(), back)
	if err != nil || done.ConnectionID != first || done.ClientState != "mine" || done.Client != "desk" || done.ID == "" || done.BotID == "" {
		t.Fatalf("%+v, %v", done, err)
	}
	pair, granted := w.pair(), w.grant()
	if !w.works(pair.Access.Reveal()) || granted.Status != grant.Connected || granted.ID != done.ID || !json.Valid(granted.Owner) {
		t.Errorf("%+v", granted)
	}
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v", pair, pair, pair), string(must(json.Marshal(pair)))} {
		if strings.Contains(shown, pair.Access.Reveal()) || strings.Contains(shown, pair.Refresh.Reveal()) {
			t.Errorf("the pair shows: %s", shown)
		}
	}
	// The database knows neither token nor state.
	var rows []byte
	if err := w.pool.QueryRow(t.Context(), `select json_build_array((select json_agg(t) from oauth_tokens t), (select json_agg(a) from integration.oauth_attempts a),
		(select json_agg(e) from integration.events e))::text`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{pair.Access.Reveal(), pair.Refresh.Reveal(), back.State, back.Code, notionsim.OAuthClient().Secret} {
		if bytes.Contains(rows, []byte(hidden)) {
			t.Errorf("a secret is in the database: %s", rows)
		}
	}
	again := w.connected()
	if w.works(again.Access.Reveal()) != true || w.grant().SecretID == granted.SecretID {
		t.Errorf("connected again: %+v", w.grant())
	}
	if _, err := w.vault().Read(t.Context(), granted.SecretID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the secret of before is left: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestCallbackIsRefused(t *testing.T) {
	t.Parallel()
	app := notionsim.OAuthClient()
	for name, c := range map[string]struct {
		change func(*world, *oauth.Callback)
		says   string
	}{
		"no state":              {func(_ *world, b *oauth.Callback) { b.State = "" }, "The state is missing"},
		"a made-up state":       {func(_ *world, b *oauth.Callback) { b.State = "x" }, "not known"},
		"an address as a state": {func(_ *world, b *oauth.Callback) { b.State = "https://evil.example/?" + b.State }, "not known"},
		"half a state":          {func(_ *world, b *oauth.Callback) { b.State = b.State[:20] }, "not known"},
		"the state's hash":      {func(_ *world, b *oauth.Callback) { b.State = string(grant.HashState(b.State)) }, "not known"},
		"somebody else's state": {func(_ *world, b *oauth.Callback) { b.Client = "other" }, "not known"},
		"after ten minutes":     {func(w *world, _ *oauth.Callback) { w.now = w.now.Add(grant.AttemptLife) }, "not known"},
		"no code":               {func(_ *world, b *oauth.Callback) { b.Code = "" }, "The code is missing"},
		"a made-up code":        {func(_ *world, b *oauth.Callback) { b.Code = "x" }, "does not accept the code"},
		"a code that was used": {func(w *world, b *oauth.Callback) {
			if _, err := w.notion().Exchange(w.t.Context(), b.Code); err != nil {
				w.t.Error(err)
			}
		}, "it was used"},
		"another's redirect_uri": {func(_ *world, b *oauth.Callback) { b.RedirectURI = "//evil.example" }, "redirect_uri"},
		"one with a backslash":   {func(_ *world, b *oauth.Callback) { b.RedirectURI = `/\evil.example` }, "redirect_uri"},
		"one that goes on":       {func(_ *world, b *oauth.Callback) { b.RedirectURI = app.RedirectURIs[0] + "/../x" }, "redirect_uri"},
		"refused by the person":  {func(_ *world, b *oauth.Callback) { b.Code, b.Refused = "", "access_denied" }, "not allowed in Notion"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			back := w.start("desk", "allow")
			c.change(w, &back)
			_, err := w.connector().Finish(t.Context(), back)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("%v", err)
			}
			if _, err := w.grants().Find(t.Context(), first); fault.KindOf(err) != fault.NotFound {
				t.Errorf("something was connected: %v", err)
			}
		})
	}
}

// A state is good once, however many come with it at the same time, and outlives a restart: nothing of it is in memory.
func TestStateIsGoodOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	back := w.start("desk", "allow")
	back.Client = "desk"
	back.RedirectURI = notionsim.OAuthClient().RedirectURIs[0]
	results := make([]error, 10)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { _, results[i] = w.connector().Finish(t.Context(), back) })
	}
	all.Wait()
	good := 0
	for _, err := range results {
		if err == nil {
			good++
		} else if fault.KindOf(err) != fault.Invalid {
			t.Error(err)
		}
	}
	if good != 1 {
		t.Errorf("it was good %d times", good)
	}
}

func TestStatesDiffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, other := w.start("desk", "allow"), w.start("desk", "allow")
	if one.State == other.State || len(one.State) < 22 {
		t.Errorf("%s and %s", one.State, other.State)
	}
}

// What a crash between the vault and the database leaves is swept, and what is in use is not.
func TestSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connected()
	left := w.start("desk", "allow")
	attempts := postgres.Attempts{Pool: w.pool}
	attempt, err := attempts.Take(t.Context(), grant.HashState(left.State), "", w.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.vault().Create(t.Context(), secretName(attempt.ID), grant.Pair{Version: 1, Access: secret.Of("a")}); err != nil {
		t.Fatal(err)
	}
	sweep := func() {
		t.Helper()
		if err := oauth.Sweep(t.Context(), attempts, w.vault(), secretName, w.now.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if _, err := w.vault().Read(t.Context(), secretName(attempt.ID)); err != nil {
		t.Errorf("an attempt under way is swept: %v", err)
	}
	w.now = w.now.Add(2 * time.Hour)
	sweep()
	sweep()
	if _, err := w.vault().Read(t.Context(), secretName(attempt.ID)); fault.KindOf(err) != fault.NotFound {
		t.Errorf("what a crash left is left: %v", err)
	}
	if !w.works(w.pair().Access.Reveal()) {
		t.Error("what is in use was swept")
	}
}
