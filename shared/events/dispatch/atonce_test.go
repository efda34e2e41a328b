package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/dispatch"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// These tests have several callers do the same thing at once, or one do it twice because its first answer was lost.

// atOnce has n callers do something together, and returns what went wrong for each.
func atOnce(n int, do func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

func count(errs []error, is func(error) bool) (n int) {
	for _, err := range errs {
		if is(err) {
			n++
		}
	}
	return n
}

func TestLimitOfSubscriptionsHoldsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`insert into integration.event_subscriptions (id, connection_id, callback_url, event_types, rate_limit, secret, created_by, created_at, updated_at)
		select gen_random_uuid(), $1, 'https://example.org', '{error}', 1, 'whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=', 'test', now(), now()
		from generate_series(1, 97)`, config.DefaultConnection)
	errs := atOnce(16, func(int) error {
		_, _, err := w.desk.Subscribe(t.Context(), delivery.Subscription{CallbackURL: "https://93.184.216.34/", EventTypes: []string{"error"}, RateLimit: 1, CreatedBy: "test"},
			secret.Text{}, delivery.Once{})
		return err
	})
	list, err := w.desk.List(t.Context())
	if err != nil || len(list) != 100 || count(errs, func(err error) bool { return fault.KindOf(err) == fault.Conflict }) != 13 {
		t.Errorf("%d subscriptions, %v, %v", len(list), errs, err)
	}
}

// TestRepeatedSubscribeMakesOne: a call that is repeated under its Idempotency-Key, because its answer was lost, is answered with the same
// subscription and the same secret.
func TestRepeatedSubscribeMakesOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	subscribe := func(client, key, asked string) (string, string, error) {
		s, text, err := w.desk.Subscribe(t.Context(), delivery.Subscription{CallbackURL: "https://93.184.216.34/", EventTypes: []string{"error"}, RateLimit: 1, CreatedBy: client},
			secret.Text{}, delivery.Once{Key: key, Asked: asked})
		return s.ID, text.Reveal(), err
	}
	answers := make([]string, 8)
	errs := atOnce(8, func(i int) error {
		id, text, err := subscribe("one", "k", "this")
		answers[i] = id + " " + text
		return err
	})
	if got := slices.Compact(slices.Sorted(slices.Values(answers))); len(got) != 1 || count(errs, func(err error) bool { return err != nil }) > 0 {
		t.Errorf("%d different answers, %v", len(got), errs)
	}
	if _, _, err := subscribe("one", "k", "that"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("another call under the same key: %v", err)
	}
	for _, another := range [][2]string{{"two", "k"}, {"one", "l"}, {"one", ""}, {"one", ""}} {
		if _, _, err := subscribe(another[0], another[1], "this"); err != nil {
			t.Error(err)
		}
	}
	if list, err := w.desk.List(t.Context()); err != nil || len(list) != 5 {
		t.Errorf("%d subscriptions, %v", len(list), err)
	}
}

// TestSecondRotationKeepsThePromiseOfTheFirst: the first secret signs for the whole day that the first rotation promised.
func TestSecondRotationKeepsThePromiseOfTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	first := e.secret
	signedWith := func(text string) bool {
		t.Helper()
		e.mu.Lock()
		e.secret = text
		e.mu.Unlock()
		n, bad := w.tell(e)
		if n != 1 {
			t.Fatalf("%d requests", n)
		}
		return len(bad) == 0
	}
	_, second, until, err := w.desk.Rotate(t.Context(), id) // its answer is lost
	if err != nil || !until.Equal(w.now().UTC().Add(delivery.Overlap)) {
		t.Fatal(until, err)
	}
	w.pass(time.Hour)
	_, third, _, err := w.desk.Rotate(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	w.renew()
	for _, text := range []string{first, second.Reveal(), third.Reveal()} {
		if !signedWith(text) {
			t.Error("a secret that was promised to sign does not")
		}
	}
	w.pass(delivery.Overlap - time.Hour)
	if signedWith(first) || !signedWith(second.Reveal()) || !signedWith(third.Reveal()) {
		t.Error("the first signs for longer than a day, or the second for less")
	}
	w.pass(time.Hour)
	w.renew()
	if signedWith(second.Reveal()) || !signedWith(third.Reveal()) {
		t.Error("the second signs for longer than a day")
	}
	var kept int
	if err := w.pool.QueryRow(t.Context(), `select count(*) from integration.event_subscription_secrets`).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d secrets are kept that sign no more, %v", kept, err)
	}
}

// TestRotationsAtOnce: each of them is answered with a secret that signs, and the one before signs too; past the bound they are refused with
// when there is room again.
func TestRotationsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	var mu sync.Mutex
	secrets := []string{e.secret}
	errs := atOnce(delivery.OldMost+2, func(int) error {
		_, text, _, err := w.desk.Rotate(t.Context(), id)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			secrets = append(secrets, text.Reveal())
		}
		return err
	})
	refused := count(errs, func(err error) bool { return fault.KindOf(err) == fault.Conflict })
	if len(secrets) != delivery.OldMost+1 || refused != 2 {
		t.Fatalf("%d secrets, %v", len(secrets), errs)
	}
	for i, text := range secrets {
		e.mu.Lock()
		e.secret = text
		e.mu.Unlock()
		if n, bad := w.tell(e); n != 1 || len(bad) > 0 {
			t.Errorf("secret %d of %d: %d requests, %v", i, len(secrets), n, bad)
		}
	}
	w.pass(delivery.Overlap)
	if _, _, _, err := w.desk.Rotate(t.Context(), id); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

// TestChangesAtOnceAllStay: who changes one thing of a subscription does not undo what another changes.
func TestChangesAtOnceAllStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.subscribe(newEndpoint(t), "error")
	for round := range 10 {
		errs := atOnce(3, func(i int) error {
			_, err := w.desk.Change(t.Context(), id, func(s *delivery.Subscription) {
				switch i {
				case 0:
					s.Description = fmt.Sprint(round)
				case 1:
					s.RateLimit = round + 1
				case 2:
					s.EventTypes = []string{"error", fmt.Sprintf("sync_%d", round)}
				}
			})
			return err
		})
		s, err := w.desk.Find(t.Context(), id)
		if err != nil || s.Description != fmt.Sprint(round) || s.RateLimit != round+1 || s.EventTypes[1] != fmt.Sprintf("sync_%d", round) {
			t.Fatalf("round %d: %+v, %v, %v", round, s, errs, err)
		}
	}
}

// TestAnAddressThatIsLeftSaysNothing: what the address answers that a subscription no longer has, be it 410, does not end the subscription,
// and what is still due goes to the new address.
func TestAnAddressThatIsLeftSaysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	left, now := newEndpoint(t), newEndpoint(t)
	id := w.subscribe(left, "error")
	now.secret = left.secret
	left.status.Store(410)
	post := w.del.Post
	var once sync.Once
	w.del.Post = func(ctx context.Context, address string, header map[string]string, body []byte) (dispatch.Answer, error) {
		once.Do(func() {
			if _, err := w.desk.Change(ctx, id, func(s *delivery.Subscription) { s.CallbackURL = now.URL }); err != nil {
				t.Error(err)
			}
		})
		return post(ctx, address, header, body)
	}
	for range 30 {
		w.happen(problem())
	}
	w.settle()
	s, err := w.desk.Find(t.Context(), id)
	taken, _ := now.counts()
	if dead := len(w.deliveries(id, delivery.Dead)); err != nil || s.State != delivery.Active || taken < 20 || taken+dead != 30 || len(now.bad) > 0 {
		t.Errorf("%+v, %v; %d arrived, %d dead, %v", s, err, taken, dead, now.bad)
	}
}

// TestHandshakesAtOnce: of several tokens that come at once one is kept, and everybody is told which.
func TestHandshakesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	notices := postgres.Notices{Pool: w.pool, ConnectionID: config.DefaultConnection, Sealing: w.sealing()}
	for round := range 5 {
		kept := make([]string, 8)
		errs := atOnce(8, func(i int) error {
			token, err := notices.TakeToken(t.Context(), secret.Of(fmt.Sprintf("secret_%d_%d", round, i)), "", w.now())
			kept[i] = token.Reveal()
			return err
		})
		if got := slices.Compact(slices.Sorted(slices.Values(kept))); len(got) != 1 || count(errs, func(err error) bool { return err != nil }) > 0 {
			t.Fatalf("%v, %v", got, errs)
		}
		if _, err := notices.ForgetToken(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
