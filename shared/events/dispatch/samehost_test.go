package dispatch_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// promptly is a queue that hands over at once what is due at once; what is due later is left out.
type promptly chan string

func (q promptly) Wake(_ context.Context, id string, wait time.Duration) error {
	if wait == 0 {
		q <- id
	}
	return nil
}

// TestFailingEndpointDelaysNoOtherOfItsHost measures how long events take to a healthy endpoint, without and with one beside it on the same
// host that answers nothing but 503. Where a breaker went by host the second took 37 s and more.
func TestFailingEndpointDelaysNoOtherOfItsHost(t *testing.T) {
	t.Parallel()
	const events = 200
	p99 := map[bool]time.Duration{}
	for _, failing := range []bool{false, true} {
		w := newWorld(t)
		queue := make(promptly, 10_000)
		w.desk.Now, w.relay.Now, w.del.Now = time.Now, time.Now, time.Now
		w.desk.Queue, w.relay.Queue, w.del.Queue = queue, queue, queue
		w.del.Gate = w.process(breaker.Rule{})
		var mu sync.Mutex
		arrived := map[string]time.Time{}
		host := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/bad" {
				rw.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			var e struct{ ID string }
			_ = json.NewDecoder(r.Body).Decode(&e)
			mu.Lock()
			defer mu.Unlock()
			arrived[e.ID] = time.Now()
		}))
		t.Cleanup(host.Close)
		paths := []string{"/good"}
		if failing {
			paths = append(paths, "/bad")
		}
		for _, path := range paths {
			s := delivery.Subscription{CallbackURL: host.URL + path, EventTypes: []string{"error"}, RateLimit: 1000, CreatedBy: "test"}
			if _, _, err := w.desk.Subscribe(t.Context(), s, secret.Text{}, delivery.Once{}); err != nil {
				t.Fatal(err)
			}
		}
		var workers sync.WaitGroup
		done := make(chan struct{})
		for range 4 {
			workers.Go(func() {
				for {
					select {
					case id := <-queue:
						if err := w.del.Deliver(t.Context(), id); err != nil {
							t.Error(err)
						}
					case <-done:
						return
					}
				}
			})
		}
		stored := map[string]time.Time{}
		for range events {
			w.pass(time.Since(w.now()))
			at := time.Now()
			stored[w.happen(problem())[0]] = at
			if err := w.relay.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		all := func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(arrived) > events // with the ping
		}
		ticker := time.NewTicker(time.Millisecond)
		for deadline := time.After(20 * time.Second); !all(); {
			select {
			case <-ticker.C:
			case <-deadline:
				t.Fatalf("%d of %d arrived", len(arrived), events+1)
			}
		}
		ticker.Stop()
		var took []time.Duration
		for id, at := range stored {
			took = append(took, arrived[id].Sub(at))
		}
		slices.Sort(took)
		p99[failing] = took[len(took)*99/100]
		close(done)
		workers.Wait()
	}
	t.Logf("p99 of the healthy endpoint: %v alone, %v beside one that fails (%.2f times)", p99[false].Round(time.Millisecond), p99[true].Round(time.Millisecond),
		float64(p99[true])/float64(p99[false]))
	if p99[true] > p99[false]*3/2+2*time.Second { // what a busy machine adds
		t.Errorf("p99 is %v beside one that fails, and %v alone", p99[true], p99[false])
	}
}
