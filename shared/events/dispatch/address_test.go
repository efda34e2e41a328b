package dispatch_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/dispatch"
)

// TestANewAddressBeginsAnew: what the old address did, and asked for, is not held against a new one.
func TestANewAddressBeginsAnew(t *testing.T) {
	t.Parallel()
	move := func(t *testing.T, w *world, id, to string) {
		t.Helper()
		if _, err := w.desk.Change(t.Context(), id, func(s *delivery.Subscription) { s.CallbackURL = to }); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("the old one failed for days", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		old, fresh := newEndpoint(t), newEndpoint(t)
		id := w.subscribe(old, "error")
		old.status.Store(500)
		w.happen(problem())
		w.settle()
		w.pass(121 * time.Hour)
		move(t, w, id, fresh.URL)
		fresh.trust(old)
		fresh.status.Store(503) // once
		w.happen(problem())
		w.settle()
		s, err := w.desk.Find(t.Context(), id)
		if err != nil || s.State != delivery.Active {
			t.Errorf("after one 503 of the new address: %s, %q, %v; dead %d", s.State, s.Reason, err, len(w.deliveries(id, delivery.Dead)))
		}
	})
	t.Run("the old one asked for a rest", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		old, fresh := newEndpoint(t), newEndpoint(t)
		id := w.subscribe(old, "error")
		old.status.Store(503)
		old.header.Store(&http.Header{"Retry-After": {"86400"}})
		w.happen(problem())
		w.settle()
		move(t, w, id, fresh.URL)
		fresh.trust(old)
		w.happen(problem())
		w.pass(time.Hour)
		w.settle()
		if taken, _ := fresh.counts(); taken == 0 {
			t.Errorf("an hour later the new address was sent nothing")
		}
	})
	for _, n := range []int{1, 10} {
		t.Run("the old one is gone while it is called", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			old, fresh := newEndpoint(t), newEndpoint(t)
			id := w.subscribe(old, "error")
			fresh.trust(old)
			moved := make(chan struct{})
			post := w.del.Post
			w.del.Post = func(ctx context.Context, address string, header map[string]string, body []byte) (dispatch.Answer, error) {
				if address == old.URL {
					<-moved
					return dispatch.Answer{Reached: true, StatusCode: 410}, nil
				}
				return post(ctx, address, header, body)
			}
			for range n {
				w.happen(problem())
			}
			go func() {
				defer close(moved)
				for {
					var lane bool
					if err := w.pool.QueryRow(context.Background(), `select lane_until is not null from integration.event_subscriptions where id = $1`, id).Scan(&lane); err != nil || lane {
						break
					}
				}
				_, _ = w.desk.Change(context.Background(), id, func(s *delivery.Subscription) { s.CallbackURL = fresh.URL })
			}()
			w.settle()
			w.pass(time.Hour)
			w.settle()
			s, _ := w.desk.Find(t.Context(), id)
			if taken, _ := fresh.counts(); taken != n {
				t.Errorf("%s: the new address was sent %d of %d, %d are dead", s.State, taken, n, len(w.deliveries(id, delivery.Dead)))
			}
		})
	}
}

// TestDisabledWhileRelayed: nothing waits for a subscription that was disabled while the relay made deliveries.
func TestDisabledWhileRelayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	w.happen(problem())
	if err := w.relay.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.happen(problem())
	w.exec(`create function stand() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock(1); return null; end'`)
	w.exec(`create trigger stand before insert on integration.event_deliveries for each statement execute function stand()`)
	stop, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop.Rollback(context.Background()) }()
	if _, err := stop.Exec(t.Context(), `select pg_advisory_xact_lock(1)`); err != nil {
		t.Fatal(err)
	}
	relayed, delivered := make(chan error, 1), make(chan error, 1)
	go func() { relayed <- w.relay.Run(context.Background()) }()
	waits := func(n int) {
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			var waiting int
			if err := w.pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`).Scan(&waiting); err != nil || waiting >= n || len(delivered) > 0 {
				return
			}
		}
	}
	waits(1)
	e.status.Store(410)
	go func() { delivered <- w.del.Deliver(context.Background(), id) }()
	waits(2)
	if err := stop.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-relayed, <-delivered); err != nil {
		t.Fatal(err)
	}
	s, err := w.desk.Find(t.Context(), id)
	if n := len(w.deliveries(id, delivery.Waiting)); err != nil || s.State != delivery.Disabled || n != 0 {
		t.Errorf("%s: %d deliveries wait for a subscription that is disabled, %v", s.State, n, err)
	}
}
