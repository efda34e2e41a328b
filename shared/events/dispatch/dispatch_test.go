package dispatch_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/dispatch"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/events/safehttp"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/internal/schematest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// world is everything between the outbox and endpoints, driven by hand.
type world struct {
	t     *testing.T
	pool  *postgres.Pool
	desk  dispatch.Subscriptions
	relay dispatch.Relay
	del   dispatch.Deliverer

	mu    sync.Mutex
	at    time.Time
	queue []wake
	keys  string // WEBHOOK_SEALING_KEY
}

type wake struct {
	id  string
	due time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	pool := pgtest.New(t)
	schematest.CheckStored(t, pool)
	client := safehttp.New(safehttp.Config{Loopback: true})
	t.Cleanup(client.Close)
	w := &world{t: t, pool: pool, at: time.Now(), keys: sealingKey('a')}
	log := slog.New(slog.DiscardHandler)
	w.desk = dispatch.Subscriptions{
		Store: postgres.Subscriptions{Pool: pool, ConnectionID: config.DefaultConnection, Sealing: w.sealing()},
		Queue: w, Check: client.Check, Random: rand.Reader, Now: w.now, NewID: newID, Log: log,
	}
	w.relay = dispatch.Relay{
		Outbox: postgres.Outbox{Pool: pool, ConnectionID: config.DefaultConnection, NewID: newID}, Queue: w, Now: w.now, Log: log,
	}
	w.del = dispatch.Deliverer{
		Lanes: postgres.Lanes{Pool: pool, ConnectionID: config.DefaultConnection, NewID: newID, TTL: time.Minute, Sealing: w.sealing()},
		Queue: w, Schedule: delivery.UsualSchedule(), Now: w.now, NewID: newID, Chance: func() float64 { return 0.5 }, Log: log,
		Notify: func(context.Context) {},
		Gate: func(delivery.Lane) (func(endpoint, host breaker.Outcome), error) {
			return func(_, _ breaker.Outcome) {}, nil
		},
		Post: func(ctx context.Context, address string, header map[string]string, body []byte) (dispatch.Answer, error) {
			a, err := client.Post(ctx, address, header, body)
			return dispatch.Answer(a), err
		},
	}
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// Wake is the queue.
func (w *world) Wake(_ context.Context, id string, wait time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, wake{id, w.at.Add(wait)})
	return nil
}

// take returns the next message that is due.
func (w *world) take() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, m := range w.queue {
		if !m.due.After(w.at) {
			w.queue = slices.Delete(w.queue, i, i+1)
			return m.id, true
		}
	}
	return "", false
}

// settle relays and delivers until nothing is due.
func (w *world) settle() {
	w.t.Helper()
	if err := w.relay.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	for {
		id, ok := w.take()
		if !ok {
			return
		}
		if err := w.del.Deliver(w.t.Context(), id); err != nil {
			w.t.Fatal(err)
		}
	}
}

// happen stores events.
func (w *world) happen(events ...event.Draft) (ids []string) {
	w.t.Helper()
	err := pgx.BeginFunc(w.t.Context(), w.pool, func(tx pgx.Tx) error {
		stored := make([]event.Event, len(events))
		for i, d := range events {
			stored[i] = d.New(newID(), w.now())
			ids = append(ids, stored[i].ID)
		}
		return postgres.StoreEvents(w.t.Context(), tx, config.DefaultConnection, stored...)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

func problem() event.Draft {
	return event.Draft{Type: event.Error, Source: event.Notion, Target: event.Supabase, Data: map[string]string{
		"kind": "partners", "id": "0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a", "side": "notion", "reason": "a test",
	}}
}

// endpoint is a subscriber that answers as told and remembers what it took.
type endpoint struct {
	*httptest.Server
	status atomic.Int32
	header atomic.Pointer[http.Header]

	mu     sync.Mutex
	secret string
	taken  []string // webhook-ids of what was answered 200
	seen   int      // requests in all
	bad    []string
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.status.Store(200)
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

// trust has the endpoint know the secret that another was given.
func (e *endpoint) trust(other *endpoint) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.secret = other.secret
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body strings.Builder
	_, _ = fmt.Fprint(&body, readAll(r))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen++
	verifier, err := webhooks.NewWebhook(e.secret)
	if err == nil {
		err = verifier.VerifyIgnoringTimestamp([]byte(body.String()), r.Header)
	}
	var sent struct{ ID string }
	if json.Unmarshal([]byte(body.String()), &sent) != nil || sent.ID != r.Header.Get("webhook-id") {
		err = errors.New("the body is another event's")
	}
	if err != nil {
		e.bad = append(e.bad, err.Error())
	}
	if h := e.header.Load(); h != nil {
		for name, values := range *h {
			w.Header()[name] = values
		}
	}
	status := int(e.status.Load())
	if status == 200 {
		e.taken = append(e.taken, r.Header.Get("webhook-id"))
	}
	w.WriteHeader(status)
}

func readAll(r *http.Request) string {
	var b strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := r.Body.Read(buffer)
		b.Write(buffer[:n])
		if err != nil {
			return b.String()
		}
	}
}

// subscribe subscribes an endpoint and has it take its ping.
func (w *world) subscribe(e *endpoint, types ...string) string {
	w.t.Helper()
	s, shown, err := w.desk.Subscribe(w.t.Context(), delivery.Subscription{CallbackURL: e.URL, EventTypes: types, RateLimit: 1000, CreatedBy: "test"}, secret.Text{}, delivery.Once{})
	if err != nil {
		w.t.Fatal(err)
	}
	e.mu.Lock()
	e.secret = shown.Reveal()
	e.mu.Unlock()
	w.settle()
	return s.ID
}

func (e *endpoint) counts() (taken, seen int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.taken), e.seen
}

func (w *world) deliveries(id string, status delivery.Status) []delivery.Delivery {
	w.t.Helper()
	list, err := w.desk.Deliveries(w.t.Context(), id, delivery.Filter{Status: status, Limit: 500})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestEventsReachThoseWhoWantThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all, syncs := newEndpoint(t), newEndpoint(t)
	w.happen(problem()) // before anybody subscribed
	w.pass(time.Second)
	allID, syncsID := w.subscribe(all, "*"), w.subscribe(syncs, "sync_*")
	ids := w.happen(problem(), event.Draft{Type: event.SyncStarted, Data: map[string]string{"sync_id": newID(), "sync_type": "full", "requested_by": "test"}}, problem())
	w.settle()
	all.mu.Lock()
	got := slices.Clone(all.taken[1:]) // after the ping
	all.mu.Unlock()
	slices.Sort(got)
	slices.Sort(ids)
	if !slices.Equal(got, ids) || len(all.bad) > 0 {
		t.Errorf("%v instead of %v; %v", got, ids, all.bad)
	}
	if taken, _ := syncs.counts(); taken != 2 {
		t.Errorf("who wants syncs took %d", taken)
	}
	if n := len(w.deliveries(allID, delivery.Delivered)) + len(w.deliveries(syncsID, delivery.Delivered)); n != 6 {
		t.Errorf("%d deliveries", n)
	}
	w.settle()
	if taken, seen := all.counts(); taken != 4 || seen != 4 {
		t.Errorf("sent again: %d, %d", taken, seen)
	}
	one := w.deliveries(allID, "")[0]
	_, attempts, err := w.desk.Delivery(t.Context(), allID, one.ID)
	if err != nil || len(attempts) != 1 || attempts[0].StatusCode != http.StatusOK {
		t.Errorf("%+v, %v", attempts, err)
	}
}

// TestRetriesKeepTheSchedule: eight attempts with the waits of the schedule, then dead; the others of the long ones are found by the
// relay's look.
func TestRetriesKeepTheSchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	e.status.Store(500)
	w.happen(problem())
	w.settle()
	for i, wait := range append(delivery.UsualSchedule(), 10*time.Hour) {
		if _, seen := e.counts(); seen != i+2 {
			t.Fatalf("%d requests before wait %d", seen, i+1)
		}
		w.pass(wait - time.Second)
		w.settle()
		if _, seen := e.counts(); seen != i+2 {
			t.Fatalf("%d was too early", seen)
		}
		w.pass(time.Second)
		w.settle()
	}
	dead := w.deliveries(id, delivery.Dead)
	if len(dead) != 1 || dead[0].Attempts != 8 || dead[0].LastStatus != 500 {
		t.Fatalf("%+v", dead)
	}
	e.status.Store(200)
	if n, err := w.desk.ReplayDead(t.Context(), id, w.now().Add(-time.Hour*24)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	w.settle()
	if taken, _ := e.counts(); taken != 2 {
		t.Errorf("%d after the replay", taken)
	}
	d, attempts, err := w.desk.Delivery(t.Context(), id, dead[0].ID)
	if err != nil || d.Status != delivery.Delivered || len(attempts) != 9 || attempts[8].Number != 9 {
		t.Errorf("%+v, %d attempts, %v", d, len(attempts), err)
	}
	if n, err := w.desk.ReplayDead(t.Context(), id, time.Time{}); n != 0 || err != nil {
		t.Errorf("nothing is dead: %d, %v", n, err)
	}
}

// TestEndpointThatFailsIsLeftAlone: failures and nothing else keep every deliverer from an endpoint; what waits meanwhile loses no
// attempt; then three requests go through, and with their answers the others. Another endpoint of the same host notices nothing.
func TestEndpointThatFailsIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, other := newEndpoint(t), newEndpoint(t)
	w.del.Gate = w.process(breaker.Rule{})
	id := w.subscribe(e, "error")
	w.subscribe(other, "error")
	e.status.Store(500)
	for range 24 {
		w.happen(problem())
	}
	w.settle()
	_, seen := e.counts()
	// After the ping eleven failures open it; nine more may be under way.
	failed := seen - 1
	if taken, _ := other.counts(); failed < 11 || failed > 20 || taken != 25 {
		t.Fatalf("%d failed; another endpoint took %d", failed, taken)
	}
	w.del.Gate = w.process(breaker.Rule{})
	w.pass(4 * time.Second)
	w.settle()
	if _, now := e.counts(); now != seen {
		t.Errorf("%d more requests while it is left alone", now-seen)
	}
	var untried int
	for _, d := range w.deliveries(id, delivery.Waiting) {
		if d.Attempts == 0 {
			untried++
		}
	}
	if untried != 24-failed {
		t.Errorf("%d failed, %d were not tried", failed, untried)
	}
	if s, err := w.desk.Find(t.Context(), id); err != nil || s.State != delivery.Active || s.FailingSince.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
	recovers := func() {
		t.Helper()
		if _, err := w.pool.Exec(t.Context(), `update integration.breakers set retry_at = clock_timestamp()`); err != nil {
			t.Fatal(err)
		}
		w.pass(31 * time.Second)
		w.settle()
	}
	recovers()
	if _, now := e.counts(); now != seen+3 {
		t.Errorf("%d probes", now-seen)
	}
	e.status.Store(200)
	recovers()
	w.pass(10 * time.Minute) // of the schedule's waits
	w.settle()
	if taken, _ := e.counts(); taken != 25 {
		t.Errorf("%d arrived", taken)
	}
	if got := len(w.deliveries(id, delivery.Waiting)); got != 0 {
		t.Errorf("%d still wait", got)
	}
}

// process returns the gate of a process, whose endpoints are all on one host.
func (w *world) process(endpoint breaker.Rule) dispatch.Gate {
	var mu sync.Mutex
	known := map[string]*breaker.Breaker{}
	of := func(service string, r breaker.Rule) *breaker.Breaker {
		mu.Lock()
		defer mu.Unlock()
		if known[service] == nil {
			known[service] = breaker.New(breaker.Config{Service: service, Rule: r, Now: w.now, Shared: &postgres.SharedBreaker{
				ConnectionID: config.DefaultConnection, Service: service, Pool: func() *postgres.Pool { return w.pool }, Now: w.now,
			}})
		}
		return known[service]
	}
	return func(lane delivery.Lane) (func(endpoint, host breaker.Outcome), error) {
		host, err := of("subscriber:one", breaker.Rule{Least: 5, Share: 1}).Allow()
		if err != nil {
			return nil, err
		}
		end, err := of("subscription:"+lane.ID, endpoint).Allow()
		if err != nil {
			host(breaker.Unknown)
			return nil, err
		}
		return func(o, h breaker.Outcome) { end(o); host(h) }, nil
	}
}

func TestOneDeliveryIsReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	event := w.happen(problem())[0]
	w.settle()
	first := w.deliveries(id, "")[0]
	for range 2 {
		if _, err := w.desk.Replay(t.Context(), id, first.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.settle()
	e.mu.Lock()
	defer e.mu.Unlock()
	if want := []string{event, event, event}; !slices.Equal(e.taken[1:], want) || len(e.bad) > 0 {
		t.Errorf("%v; %v", e.taken, e.bad)
	}
	if _, err := w.desk.Replay(t.Context(), id, newID()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("another's delivery: %v", err)
	}
}

func TestPauseHoldsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	if s, err := w.desk.Pause(t.Context(), id); err != nil || s.State != delivery.Paused {
		t.Fatal(s, err)
	}
	w.happen(problem(), problem())
	w.settle()
	if _, err := w.desk.Test(t.Context(), id); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a ping while paused: %v", err)
	}
	if taken, _ := e.counts(); taken != 1 {
		t.Errorf("%d arrived while paused", taken)
	}
	if _, err := w.desk.Resume(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if taken, _ := e.counts(); taken != 3 {
		t.Errorf("%d after it was resumed", taken)
	}
}

// TestGoneDisables: 410 ends a subscription at once, with an event; what waits dies; when it is resumed its record is clean.
func TestGoneDisables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, watcher := newEndpoint(t), newEndpoint(t)
	id := w.subscribe(e, "error")
	w.subscribe(watcher, "webhook_disabled")
	e.status.Store(500)
	w.happen(problem())
	w.settle()
	e.status.Store(410)
	w.happen(problem())
	w.settle()
	w.settle() // the event of it
	s, err := w.desk.Find(t.Context(), id)
	if err != nil || s.State != delivery.Disabled || !strings.Contains(s.Reason, "410") || s.FailingSince.IsZero() {
		t.Fatalf("%+v, %v", s, err)
	}
	if dead := w.deliveries(id, delivery.Dead); len(dead) != 2 {
		t.Errorf("%d are dead", len(dead))
	}
	if taken, _ := watcher.counts(); taken != 2 {
		t.Errorf("nobody was told: %d", taken)
	}
	_, before := e.counts()
	w.happen(problem())
	w.pass(time.Hour)
	w.settle()
	if _, seen := e.counts(); seen != before {
		t.Error("a disabled endpoint was called")
	}
	if s, err := w.desk.Pause(t.Context(), id); err != nil || s.State != delivery.Disabled {
		t.Errorf("paused: %+v, %v", s, err)
	}
	e.status.Store(200)
	if s, err := w.desk.Resume(t.Context(), id); err != nil || s.State != delivery.Active || !s.FailingSince.IsZero() || s.Reason != "" {
		t.Errorf("%+v, %v", s, err)
	}
	w.happen(problem())
	w.settle()
	if taken, _ := e.counts(); taken != 2 {
		t.Errorf("%d after it was resumed", taken)
	}
}

// TestFiveDaysOfFailureDisable: not before, and a success in between begins anew.
func TestFiveDaysOfFailureDisable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	state := func() delivery.State {
		s, err := w.desk.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return s.State
	}
	fail := func(days int) {
		e.status.Store(500)
		for range days * 4 {
			w.happen(problem())
			w.settle()
			w.pass(6 * time.Hour)
		}
	}
	fail(4)
	e.status.Store(200)
	w.settle()
	fail(4)
	if state() != delivery.Active {
		t.Fatal("disabled although something was taken in between")
	}
	fail(2)
	if state() != delivery.Disabled {
		t.Error("not disabled after five days")
	}
}

// TestRestIsGiven: an endpoint that asks for a rest is not sent anything else meanwhile.
func TestRestIsGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	w.subscribe(e, "error")
	e.status.Store(429)
	e.header.Store(&http.Header{"Retry-After": {"120"}})
	w.happen(problem())
	w.settle()
	e.status.Store(200)
	w.happen(problem())
	w.pass(119 * time.Second)
	w.settle()
	if _, seen := e.counts(); seen != 2 {
		t.Errorf("%d requests before the rest was over", seen)
	}
	w.pass(time.Second)
	w.settle()
	if taken, _ := e.counts(); taken != 3 {
		t.Errorf("%d taken after it", taken)
	}
}

// TestRotation: for a day both secrets verify, then the new one only.
func TestRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	_, fresh, until, err := w.desk.Rotate(t.Context(), id)
	if err != nil || !until.Equal(w.now().Add(24*time.Hour).UTC()) {
		t.Fatal(until, err)
	}
	old := e.secret
	for _, c := range []struct {
		secret string
		after  time.Duration
		bad    int
	}{{old, 0, 0}, {fresh.Reveal(), 0, 0}, {fresh.Reveal(), 25 * time.Hour, 0}, {old, 0, 1}} {
		w.pass(c.after)
		e.mu.Lock()
		e.secret, e.bad = c.secret, nil
		e.mu.Unlock()
		w.happen(problem())
		w.settle()
		if len(e.bad) != c.bad {
			t.Errorf("%v", e.bad)
		}
	}
}

func TestDeskRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := delivery.Subscription{CallbackURL: "https://10.0.0.1/", EventTypes: []string{"*"}, RateLimit: 1, CreatedBy: "test"}
	if _, _, err := w.desk.Subscribe(t.Context(), s, secret.Text{}, delivery.Once{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a private address: %v", err)
	}
	s.CallbackURL = "https://93.184.216.34/"
	if _, _, err := w.desk.Subscribe(t.Context(), s, secret.Of("whsec_"), delivery.Once{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an empty secret: %v", err)
	}
	kept, _, err := w.desk.Subscribe(t.Context(), s, secret.Text{}, delivery.Once{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.desk.Change(t.Context(), kept.ID, func(s *delivery.Subscription) { s.CallbackURL = "http://example.com/" }); fault.KindOf(err) != fault.Invalid {
		t.Errorf("changed to a bad address: %v", err)
	}
	if changed, err := w.desk.Change(t.Context(), kept.ID, func(s *delivery.Subscription) { s.RateLimit = 7 }); err != nil || changed.RateLimit != 7 || changed.CallbackURL != s.CallbackURL {
		t.Errorf("%+v, %v", changed, err)
	}
	for range 99 {
		if _, _, err := w.desk.Subscribe(t.Context(), s, secret.Text{}, delivery.Once{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.desk.Subscribe(t.Context(), s, secret.Text{}, delivery.Once{}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("one too many: %v", err)
	}
	if err := w.desk.Delete(t.Context(), kept.ID); err != nil {
		t.Error(err)
	}
	for name, do := range map[string]func() error{
		"delete": func() error { return w.desk.Delete(t.Context(), kept.ID) },
		"find":   func() error { _, err := w.desk.Find(t.Context(), kept.ID); return err },
		"test":   func() error { _, err := w.desk.Test(t.Context(), kept.ID); return err },
		"rotate": func() error { _, _, _, err := w.desk.Rotate(t.Context(), kept.ID); return err },
		"list":   func() error { _, err := w.desk.Deliveries(t.Context(), kept.ID, delivery.Filter{Limit: 1}); return err },
	} {
		if err := do(); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRetention: old events go with their deliveries, but not while an active subscription has still to be told.
func TestRetention(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t)
	id := w.subscribe(e, "error")
	w.happen(problem())
	w.settle()
	e.status.Store(500)
	waiting := w.happen(problem())[0]
	w.settle()
	outbox := postgres.Outbox{Pool: w.pool, ConnectionID: config.DefaultConnection, NewID: newID}
	later := w.now().Add(time.Second)
	unrelayed := w.happen(problem())[0]
	if n, err := outbox.Forget(t.Context(), later, 100); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	left := w.deliveries(id, "")
	if len(left) != 1 || left[0].EventID != waiting {
		t.Errorf("%+v", left)
	}
	page, err := (postgres.Events{Pool: w.pool, ConnectionID: config.DefaultConnection}).List(t.Context(), event.Filter{Limit: 10})
	if err != nil || page.Total != 2 || page.Events[0].ID != unrelayed {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestNothingIsLost: endpoints that fail at random, deliverers and relays that die anywhere, several at once, messages that come twice:
// every event reaches everybody who wants it, or is among the dead.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	const events, subscribers = 60, 10
	w := newWorld(t)
	w.del.Lanes = postgres.Lanes{Pool: w.pool, ConnectionID: config.DefaultConnection, NewID: newID, TTL: 50 * time.Millisecond, Sealing: w.sealing()}
	w.del.Schedule = delivery.Schedule{time.Second, time.Second, time.Second}
	ends := make([]*endpoint, subscribers)
	ids := make([]string, subscribers)
	for i := range ends {
		ends[i] = newEndpoint(t)
		ids[i] = w.subscribe(ends[i], "error")
	}
	post := w.del.Post
	w.del.Post = func(ctx context.Context, address string, header map[string]string, body []byte) (dispatch.Answer, error) {
		failing := address == ends[3].URL || address == ends[8].URL
		if failing && mathrand.IntN(2) == 0 {
			return dispatch.Answer{StatusCode: 500}, nil
		}
		return post(ctx, address, header, body)
	}
	want := w.happen(slices.Repeat([]event.Draft{problem()}, events)...)
	var working sync.WaitGroup
	ctx := t.Context()
	for range 4 {
		working.Go(func() {
			for range 40 {
				// Something dies after a random while.
				dying, cancel := context.WithTimeout(ctx, time.Duration(1+mathrand.IntN(40))*time.Millisecond)
				_ = w.relay.Run(dying)
				if id, ok := w.take(); ok {
					_ = w.Wake(ctx, id, 0) // it comes again, as after a crash
					_ = w.del.Deliver(dying, id)
				}
				cancel()
				w.pass(20 * time.Millisecond)
			}
		})
	}
	working.Wait()
	w.del.Lanes = postgres.Lanes{Pool: w.pool, ConnectionID: config.DefaultConnection, NewID: newID, TTL: time.Minute, Sealing: w.sealing()} // from here on nothing dies
	deadline := time.Now().Add(time.Minute)
	for open := 1; open > 0 && time.Now().Before(deadline); {
		w.pass(time.Minute)
		w.settle()
		if err := w.pool.QueryRow(ctx, `select (select count(*) from integration.event_deliveries where status = 'waiting')
			+ (select count(*) from integration.events where relayed_at is null)`).Scan(&open); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	sent := 0
	for i, e := range ends {
		var dead []string
		for _, d := range w.deliveries(ids[i], delivery.Dead) {
			dead = append(dead, d.EventID)
		}
		e.mu.Lock()
		got := slices.Concat(e.taken[1:], dead)
		sent += len(e.taken) - 1
		got = slices.DeleteFunc(got, func(id string) bool { return !slices.Contains(want, id) }) // a ping that came twice
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) || len(e.bad) > 0 {
			t.Errorf("endpoint %d: %d of %d, %d dead; %v", i, len(got), len(want), len(dead), e.bad)
		}
		e.mu.Unlock()
	}
	t.Logf("%d deliveries, sent %d times", events*subscribers, sent)
}
