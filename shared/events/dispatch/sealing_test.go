package dispatch_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// sealingKey returns a key that is made of one byte.
func sealingKey(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

// sealing seals under the world's keys, whatever they are by then.
func (w *world) sealing() postgres.Sealing {
	return postgres.Sealing{Random: rand.Reader, Keys: func(context.Context, bool) (secret.Text, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return secret.Of(w.keys), nil
	}}
}

func (w *world) setKeys(keys string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys = keys
}

// renew does what the relay's function does for secrets in tables.
func (w *world) renew() postgres.Renewed {
	w.t.Helper()
	done, err := postgres.Seals{Pool: w.pool, Sealing: w.sealing()}.Renew(w.t.Context(), w.now())
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// exec changes rows by hand.
func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

// stored returns a subscription's secrets as they stand in its row.
func (w *world) stored(id string) (current, old string) {
	w.t.Helper()
	err := w.pool.QueryRow(w.t.Context(), `select secret, coalesce(old_secret, '') from integration.event_subscriptions where id = $1`, id).Scan(&current, &old)
	if err != nil {
		w.t.Fatal(err)
	}
	return current, old
}

// tell has something happen, sends what is due, and gives how many requests came and what was wrong with their signatures.
func (w *world) tell(e *endpoint) (requests int, bad []string) {
	w.t.Helper()
	_, before := e.counts()
	e.mu.Lock()
	e.bad = nil
	e.mu.Unlock()
	w.happen(problem())
	w.settle()
	_, after := e.counts()
	return after - before, e.bad
}

// TestSecretsAreSealedInTheTable: neither a new secret nor a rotated one stands in its row, and what is sent verifies with both.
func TestSecretsAreSealedInTheTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	_, rotated, _, err := w.desk.Rotate(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	current, old := w.stored(id)
	for _, stored := range []string{current, old} {
		if !strings.HasPrefix(stored, "sealed1:") || strings.Contains(stored, e.secret) || strings.Contains(stored, rotated.Reveal()) {
			t.Errorf("it is stored as %.10q", stored)
		}
	}
	for _, signing := range []string{e.secret, rotated.Reveal()} {
		e.mu.Lock()
		e.secret = signing
		e.mu.Unlock()
		if n, bad := w.tell(e); n != 1 || len(bad) > 0 {
			t.Errorf("%d requests, %v", n, bad)
		}
	}
	w.pass(delivery.Overlap)
	w.renew()
	if _, old := w.stored(id); old != "" {
		t.Error("a secret that signs no more is kept")
	}
}

// TestSecretsOfBeforeAreSealed: a row of before there was sealing goes on working, and the relay's function seals it.
func TestSecretsOfBeforeAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	other := "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("o"), 24))
	w.exec(`update integration.event_subscriptions set secret = $2, old_secret = $3, old_secret_until = $4 where id = $1`, id, e.secret, other, w.now().Add(time.Hour))
	w.exec(`insert into integration.notion_webhooks (connection_id, verification_token, created_at) values ($1, 'secret_of_before', now())`, config.DefaultConnection)
	notices := postgres.Notices{Pool: w.pool, ConnectionID: config.DefaultConnection, Sealing: w.sealing()}
	check := func(name string, want postgres.Renewed, sealed bool) {
		t.Helper()
		if got := w.renew(); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		current, old := w.stored(id)
		if strings.HasPrefix(current, "sealed1:") != sealed || strings.HasPrefix(old, "sealed1:") != sealed {
			t.Errorf("%s: stored as %.10q and %.10q", name, current, old)
		}
		for _, signing := range []string{other, e.secret} {
			e.mu.Lock()
			was := e.secret
			e.secret = signing
			e.mu.Unlock()
			if n, bad := w.tell(e); n != 1 || len(bad) > 0 {
				t.Errorf("%s: %d requests, %v", name, n, bad)
			}
			e.mu.Lock()
			e.secret = was
			e.mu.Unlock()
		}
		if token, _, err := notices.Token(t.Context()); token.Reveal() != "secret_of_before" || err != nil {
			t.Errorf("%s: Notion's token is %q, %v", name, token, err)
		}
	}
	w.setKeys("")
	check("without a key", postgres.Renewed{Bare: 2}, false)
	w.setKeys(sealingKey('a'))
	check("with a key", postgres.Renewed{Sealed: 2}, true)
	check("once more", postgres.Renewed{}, true)
	before, _ := w.stored(id)
	w.setKeys(sealingKey('b') + " " + sealingKey('a'))
	check("with a new key", postgres.Renewed{Sealed: 2}, true)
	if after, _ := w.stored(id); after == before {
		t.Error("it stands under the old key")
	}
	w.setKeys(sealingKey('b'))
	check("without the old key", postgres.Renewed{}, true)
}

// TestNoSecretIsKeptUnsealed: where there is no key, nothing is stored, and whoever asks is told what to do.
func TestNoSecretIsKeptUnsealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	before, _ := w.stored(id)
	for keys, says := range map[string]string{"": "put WEBHOOK_SEALING_KEY into the app secret", "short": "WEBHOOK_SEALING_KEY is wrong in the app secret"} {
		w.setKeys(keys)
		refused := func(name string, err error) {
			t.Helper()
			if fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Message(err), says) {
				t.Errorf("%s with %q: %v", name, keys, err)
			}
		}
		_, _, err := w.desk.Subscribe(t.Context(), delivery.Subscription{CallbackURL: e.URL, EventTypes: []string{"*"}, RateLimit: 1}, secret.Text{}, delivery.Once{})
		refused("subscribe", err)
		_, _, _, err = w.desk.Rotate(t.Context(), id)
		refused("rotate", err)
		_, err = postgres.Notices{Pool: w.pool, ConnectionID: config.DefaultConnection, Sealing: w.sealing()}.TakeToken(t.Context(), secret.Of("secret_token"), "", w.now())
		refused("handshake", err)
	}
	list, err := w.desk.List(t.Context())
	if after, _ := w.stored(id); err != nil || len(list) != 1 || after != before {
		t.Errorf("%d subscriptions, %v", len(list), err)
	}
}

// TestASecretThatCannotBeRead: nothing is sent and nothing is lost; the subscription says why, until the key is back or another secret is made.
func TestASecretThatCannotBeRead(t *testing.T) {
	t.Parallel()
	const lost, damaged = "Put that key back into WEBHOOK_SEALING_KEY", "The stored secret is damaged"
	for name, c := range map[string]struct {
		spoil func(w *world, id string)
		says  string
		mend  func(w *world, id string) // nil: rotating
	}{
		"another key":    {func(w *world, _ string) { w.setKeys(sealingKey('b')) }, lost, func(w *world, _ string) { w.setKeys(sealingKey('b') + " " + sealingKey('a')) }},
		"no key":         {func(w *world, _ string) { w.setKeys("") }, lost, func(w *world, _ string) { w.setKeys(sealingKey('a')) }},
		"a key for ever": {func(w *world, _ string) { w.setKeys(sealingKey('b')) }, lost, nil},
		"no such key":    {func(w *world, _ string) { w.setKeys("none") }, "WEBHOOK_SEALING_KEY is wrong", func(w *world, _ string) { w.setKeys(sealingKey('a')) }},
		"a damaged row": {func(w *world, id string) {
			w.exec(`update integration.event_subscriptions set secret = secret || 'A' where id = $1`, id)
		}, damaged, nil},
		"an empty one": {func(w *world, id string) {
			w.exec(`update integration.event_subscriptions set secret = 'sealed1:' where id = $1`, id)
		}, damaged, nil},
		"another row's": {func(w *world, id string) {
			other := w.subscribe(newEndpoint(w.t), "ping")
			w.exec(`update integration.event_subscriptions set secret = (select secret from integration.event_subscriptions where id = $2) where id = $1`, id, other)
		}, damaged, nil},
		"a damaged old one": {func(w *world, id string) {
			w.exec(`update integration.event_subscriptions set old_secret = 'sealed1:x', old_secret_until = $2 where id = $1`, id, w.now().Add(time.Hour))
		}, damaged, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := newEndpoint(t)
			id := w.subscribe(e, "error")
			c.spoil(w, id)
			if n, _ := w.tell(e); n != 0 {
				t.Errorf("%d requests are sent", n)
			}
			s, err := w.desk.Find(t.Context(), id)
			if err != nil || !strings.Contains(s.SigningProblem, c.says) || s.State != delivery.Active {
				t.Errorf("%+v, %v", s, err)
			}
			if waiting := w.deliveries(id, delivery.Waiting); len(waiting) != 1 || waiting[0].Attempts != 0 {
				t.Errorf("what waits: %+v", waiting)
			}
			if c.mend != nil {
				c.mend(w, id)
				w.pass(6 * time.Minute)
			} else {
				_, fresh, until, err := w.desk.Rotate(t.Context(), id)
				if err != nil || !until.IsZero() != (name == "a damaged old one") {
					t.Errorf("the old one signs until %v, %v", until, err)
				}
				e.mu.Lock()
				e.secret = fresh.Reveal()
				e.mu.Unlock()
			}
			if n, bad := w.tell(e); n != 2 || len(bad) > 0 {
				t.Errorf("afterwards %d requests, %v", n, bad)
			}
			if s, err := w.desk.Find(t.Context(), id); err != nil || s.SigningProblem != "" {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

// TestAKeyThatIsNotRemembered: a deliverer that remembers the keys of before a rotation asks again for those of a row that it cannot read, and
// one that remembers what was no key does not go by it for longer than it stands there.
func TestAKeyThatIsNotRemembered(t *testing.T) {
	t.Parallel()
	for name, remembered := range map[string]string{"the key before": sealingKey('a'), "what is no key": "wrong", "none": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := newEndpoint(t)
			w.subscribe(e, "error")
			w.setKeys(sealingKey('b') + " " + sealingKey('a'))
			w.renew()
			asked := 0
			lanes := postgres.Lanes{Pool: w.pool, ConnectionID: config.DefaultConnection, NewID: newID, TTL: time.Minute}
			lanes.Sealing.Keys = func(_ context.Context, again bool) (secret.Text, error) {
				if !again {
					return secret.Of(remembered), nil
				}
				asked++
				return secret.Of(sealingKey('b') + " " + sealingKey('a')), nil
			}
			w.del.Lanes = lanes
			if n, bad := w.tell(e); n != 1 || len(bad) > 0 || asked != 1 {
				t.Errorf("%d requests, %v, asked again %d times", n, bad, asked)
			}
		})
	}
}

// TestNotionsTokenCannotBeRead: nothing passes for signed, and whoever looks is told why; another subscription of Notion's makes it good.
func TestNotionsTokenCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	notices := postgres.Notices{Pool: w.pool, ConnectionID: config.DefaultConnection, Sealing: w.sealing()}
	take := func(token string) error {
		kept, err := notices.TakeToken(t.Context(), secret.Of(token), "", w.now())
		if err == nil && kept.Reveal() != token {
			t.Errorf("%q is kept and not %q", kept.Reveal(), token)
		}
		return err
	}
	if err := take("secret_of_notion"); err != nil {
		t.Fatal(err)
	}
	w.setKeys(sealingKey('b'))
	token, _, errToken := notices.Token(t.Context())
	for _, err := range []error{errToken, take("secret_of_notion")} {
		if !token.Empty() || fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Message(err), "Put that key back") {
			t.Errorf("%q, %v", token.Reveal(), err)
		}
	}
	if _, err := notices.ForgetToken(t.Context()); err != nil {
		t.Error(err)
	}
	if err := take("another_secret"); err != nil {
		t.Error(err)
	}
}

// TestKeysAreAway: while the keys cannot be asked for, nothing is taken and the message comes again.
func TestKeysAreAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	away := fault.Wrap(errors.New("no route"), fault.Unavailable, "Secrets Manager cannot be reached")
	lanes := postgres.Lanes{Pool: w.pool, ConnectionID: config.DefaultConnection, NewID: newID, TTL: time.Minute}
	lanes.Sealing.Keys = func(context.Context, bool) (secret.Text, error) { return secret.Text{}, away }
	del := w.del
	del.Lanes = lanes
	w.happen(problem())
	if err := w.relay.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := del.Deliver(t.Context(), id); !errors.Is(err, away) {
		t.Errorf("%v", err)
	}
	w.settle()
	if taken, seen := e.counts(); taken != 2 || seen != 2 {
		t.Errorf("%d of %d taken", taken, seen)
	}
}
