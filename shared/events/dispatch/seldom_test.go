package dispatch_test

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// TestAnEndpointThatHearsLittle: an event failed for good; a week later, with nothing sent in between, one attempt at the next fails. That is no week in which every
// delivery failed.
func TestAnEndpointThatHearsLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	w.settle()
	e.status.Store(503)
	w.happen(problem())
	for range 12 {
		w.settle()
		w.pass(12 * time.Hour)
	}
	e.status.Store(200) // it is well again, and nothing happens for a week
	w.pass(7 * 24 * time.Hour)
	e.status.Store(502) // for a moment
	last := w.happen(problem())[0]
	w.settle()
	e.status.Store(200)
	for range 3 {
		w.pass(time.Hour)
		w.settle()
	}
	s, err := w.desk.Find(t.Context(), id)
	if err != nil || s.State != delivery.Active {
		t.Errorf("%s: %s, %v", s.State, s.Reason, err)
	}
	for _, d := range w.deliveries(id, "") {
		if d.EventID == last && d.Status != delivery.Delivered {
			t.Errorf("the event of today is %s: %s", d.Status, d.LastError)
		}
	}
}

// TestPausedForLong: what waits for a subscription that is paused waits for as long as it is.
func TestPausedForLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	w.settle()
	if _, err := w.desk.Pause(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	missed := w.happen(problem())[0]
	w.settle()
	w.pass(91 * 24 * time.Hour)
	outbox := postgres.Outbox{Pool: w.pool, ConnectionID: config.DefaultConnection, NewID: newID}
	if _, err := outbox.Forget(t.Context(), w.now().Add(-90*24*time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := w.desk.Resume(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.settle()
	for _, d := range w.deliveries(id, "") {
		if d.EventID == missed && d.Status == delivery.Delivered {
			return
		}
	}
	t.Error("what happened while it was paused was forgotten")
}
