package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/events/safehttp"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/notion/ratelimit"
	"github.com/act-platform/enhanced-integration/shared/ops/monitor"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// queued sets up a queue of the connections for everything but syncs.
func queued(t *testing.T, two *[2]connected) {
	t.Helper()
	made, err := sqs.NewFromConfig(two[0].aws).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("all")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range two {
		cfg := &two[i].cfg
		cfg.ConsistencyQueueURL, cfg.DeliveryQueueURL, cfg.OutboxQueueURL, cfg.DeadLetterQueueURLs = *made.QueueUrl, *made.QueueUrl, *made.QueueUrl, []string{*made.QueueUrl}
	}
}

// TestEachConnectionIsWatched: of two connections, one's workspace does not answer us any more. Its alert, its measurements and its check are
// its own, and once it is disconnected it is left in peace.
func TestEachConnectionIsWatched(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	queued(t, &two)
	first, second := two[0], two[1]
	get := func(context.Context) (*postgres.Pool, error) { return first.pool, nil }
	// All is done by the first's function, whose Notion does not know the second's token.
	monitors := &perConnectionCache[monitor.Monitor]{create: func(p deps) monitor.Monitor { return p.monitor(get) }}
	base := first.of(settings.Settings{ConnectionID: config.DefaultConnection})
	watch := func() {
		t.Helper()
		if err := base.watch(t.Context(), get, monitors); err != nil {
			t.Fatal(err)
		}
	}
	const open = `select count(*) from integration.alerts where connection_id = $1 and resolved_at is null and condition = 'service_unavailable' and subject = 'notion'`
	watch()
	if a, b := first.count(t, open), second.count(t, open); a != 0 || b != 1 {
		t.Errorf("alerts %d and %d", a, b)
	}
	const told = `select count(*) from integration.events where connection_id = $1 and type = 'alert_raised'`
	if a, b := first.count(t, told), second.count(t, told); a != 0 || b != 1 {
		t.Errorf("told of %d and %d", a, b)
	}
	first.gauge.storeIn(first.pool)
	first.gauge.flush(t.Context())
	const failed = `select coalesce(sum(calls), 0) from integration.measurements where connection_id = $1 and service = 'check' and operation = 'notion' and outcome <> ''`
	const checks = `select coalesce(sum(calls), 0) from integration.measurements where connection_id = $1 and service = 'check'`
	if a, b := first.count(t, failed), second.count(t, failed); a != 0 || b != 1 {
		t.Errorf("failed checks %d and %d", a, b)
	}
	if a, b := first.count(t, checks), second.count(t, checks); a != 2 || b != 2 {
		t.Errorf("checks %d and %d", a, b)
	}

	// The daily check is one of each; what works on the one leaves the other.
	all := allConnections{base, first.pool}
	if err := all.each(t.Context(), func(ctx context.Context, p deps) error { return p.dailyCheck(ctx, p.opened.pool) }); err != nil {
		t.Fatal(err)
	}
	run, err := second.consistency(second.pool).UnderWay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	is, err := postgres.Settings{Pool: first.pool}.OfCheck(t.Context(), run.ID)
	if err != nil || is.ConnectionID != second.id() {
		t.Fatal(is, err)
	}
	if err := second.of(is).checker(second.pool).Work(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	const waiting = `select count(*) from integration.consistency_runs where connection_id = $1 and status = 'queued'`
	if a, b := first.count(t, waiting), second.count(t, waiting); a != 1 || b != 0 {
		t.Errorf("checks that wait: %d and %d", a, b)
	}

	// The health is of the whole: the second's last sync failed.
	failing := func() bool {
		t.Helper()
		fresh := cache.New(func() cache.Store { return nil }, time.Now, base.observe)
		status, err := statusOf{base, get, fresh}.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return status.LastFailed
	}
	if failing() {
		t.Error("nothing has failed yet")
	}
	if _, err := first.pool.Exec(t.Context(), `insert into integration.sync_runs (id, connection_id, type, status, requested_by, created_at, finished_at)
		values ($1, $2, 'full', 'failed', 'test', now(), now())`, newID(), second.id()); err != nil {
		t.Fatal(err)
	}
	if !failing() {
		t.Error("the health does not know that the second's sync failed")
	}

	// Disconnected, the second rests: its alert is over, no run begins.
	if _, err := second.keeper(second.pool, second.vault()).Disconnect(t.Context(), second.vault(), second.id(), "desk"); err != nil {
		t.Fatal(err)
	}
	watch()
	if n := second.count(t, open); n != 0 {
		t.Error("an alert of a workspace that was disconnected is open")
	}
	if err := all.each(t.Context(), func(ctx context.Context, p deps) error { return p.tick(ctx, first.pool, journal.Full) }); err != nil {
		t.Fatal(err)
	}
	const runs = `select count(*) from integration.sync_runs where connection_id = $1`
	if a, b := first.count(t, runs), second.count(t, runs); a != 1 || b != 1 { // the one that failed
		t.Errorf("runs %d and %d", a, b)
	}
	if failing() {
		t.Error("a workspace that was disconnected is not well")
	}
}

// TestBudgetAndBreakerAreAConnectionsOwn: what one workspace has used up, or fails at, is nothing to the other.
func TestBudgetAndBreakerAreAConnectionsOwn(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	ask := ratelimit.Ask{Chunk: uuid.NewString(), Requests: 180, Interactive: true, Patience: time.Hour}
	if wait, err := (bank{two[1].deps}).Take(t.Context(), ask); err != nil || wait != 0 {
		t.Fatal(wait, err)
	}
	for i, free := range []bool{true, false} {
		wait, err := bank{two[i].deps}.Take(t.Context(), ratelimit.Ask{Chunk: uuid.NewString(), Requests: 1, Interactive: true, Patience: time.Hour})
		if err != nil || (wait == 0) != free {
			t.Errorf("connection %d waits %s: %v", i, wait, err)
		}
	}
	business := two[1].of(settings.Settings{ConnectionID: two[1].id(), Plan: settings.Business})
	if wait, err := (bank{business}).Take(t.Context(), ratelimit.Ask{Chunk: uuid.NewString(), Requests: 200, Interactive: true, Patience: time.Hour}); err != nil || wait != 0 {
		t.Errorf("with the business plan it waits %s: %v", wait, err)
	}

	for i := range two {
		two[i].gauge.storeIn(two[i].pool)
	}
	ill := two[1].notionBreaker()
	for range 10 {
		report, err := ill.Allow()
		if err != nil {
			t.Fatal(err)
		}
		report(breaker.Failed)
	}
	if _, err := two[1].notionBreaker().Allow(); err == nil {
		t.Error("the other functions of the connection do not know")
	}
	if _, err := two[0].notionBreaker().Allow(); err != nil {
		t.Errorf("the first connection is kept from a workspace that is well: %v", err)
	}
}

// TestSubscribersHearOfTheirConnection: an event goes to the subscribers of its connection, whichever that is.
func TestSubscribersHearOfTheirConnection(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	queued(t, &two)
	var heard [2]atomic.Int64
	var subscriptions [2]string
	for i, c := range two {
		endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard[i].Add(1) }))
		t.Cleanup(endpoint.Close)
		subscriptions[i] = newID()
		if _, err := c.pool.Exec(t.Context(), `insert into integration.event_subscriptions (id, connection_id, callback_url, event_types, rate_limit, secret, created_by,
			created_at, updated_at) values ($1, $2, $3, '{*}', 50, $4, 'desk', now(), now())`,
			subscriptions[i], c.id(), endpoint.URL, "whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := two[0].pool.Exec(t.Context(), `update integration.events set relayed_at = now()`); err != nil {
		t.Fatal(err)
	}
	if err := pgx.BeginFunc(t.Context(), two[1].pool, func(tx pgx.Tx) error {
		return postgres.StoreEvents(t.Context(), tx, two[1].id(), event.Draft{Type: event.Error, Source: event.Notion, Target: event.Supabase, Data: struct{}{}}.New(newID(), time.Now()))
	}); err != nil {
		t.Fatal(err)
	}
	all := allConnections{two[0].deps, two[0].pool}
	if err := all.each(t.Context(), func(ctx context.Context, p deps) error { return p.relay(all.db).Run(ctx) }); err != nil {
		t.Fatal(err)
	}
	client := safehttp.New(safehttp.Config{Loopback: true, Now: time.Now})
	for _, id := range subscriptions {
		is, err := postgres.Settings{Pool: all.db}.OfSubscription(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		p := all.of(is)
		if err := p.deliverer(all.db, client, newHostBreakers(p.deliveryBreaker)).Deliver(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if heard[0].Load() != 0 || heard[1].Load() != 1 {
		t.Errorf("heard %d and %d", heard[0].Load(), heard[1].Load())
	}
}

// TestSharedCallsCountForWhoeverTheyAreMade: a statement, a call to AWS, counts for the connection on whose behalf it is made.
func TestSharedCallsCountForWhoeverTheyAreMade(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	if _, err := pool.Exec(t.Context(), `insert into integration.connections (id, name) values ('0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a', 'second')`); err != nil {
		t.Fatal(err)
	}
	p := measuring(pool)
	second := p.of(settings.Settings{ConnectionID: "0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a"})
	statement := metric.Sample{Service: metric.Supabase, Operation: "select"}
	p.gauge.shared(t.Context(), statement)
	p.gauge.shared(second.onBehalf(t.Context()), statement)
	p.gauge.shared(second.onBehalf(t.Context()), statement)
	p.gauge.flush(t.Context())
	for id, want := range map[string]int64{p.id(): 1, second.id(): 2} {
		rows, err := postgres.Measurements{Pool: pool, ConnectionID: id}.Read(t.Context(), time.Now().Add(-time.Hour), metric.Minute)
		if got := metric.Sum(rows, nil).Calls; err != nil || got != want {
			t.Errorf("%s has %d calls, want %d: %v", id, got, want, err)
		}
	}
}

// TestNoticesGoToTheirConnection: a webhook of Notion's goes by its workspace, one of Supabase's by its row.
func TestNoticesGoToTheirConnection(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	made, err := sqs.NewFromConfig(two[0].aws).CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("syncs.fifo"), Attributes: map[string]string{"FifoQueue": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := two[0].deps
	p.cfg.RealTimeSync, p.cfg.SyncQueueURL = true, *made.QueueUrl
	desk := anyConnection{p, two[0].pool}
	if err := desk.Notion(t.Context(), []byte(`{"verification_token":"secret_of_notion"}`), ""); err != nil {
		t.Fatal(err)
	}
	var bots [2]string
	for i, c := range two { // both have the same page, which no two workspaces have
		if _, err := c.pool.Exec(t.Context(), `insert into integration.sync_databases (connection_id, kind, database_id, data_source_id) values ($1, 'partners', 'd', 'source')`, c.id()); err != nil {
			t.Fatal(err)
		}
		if err := c.pool.QueryRow(t.Context(), `select bot_id from oauth_tokens where connection_id = $1`, c.id()).Scan(&bots[i]); err != nil {
			t.Fatal(err)
		}
	}
	const looks, wakes = `select count(*) from integration.sync_reported_pages where connection_id = $1`, `select count(*) from integration.sync_wakeups where connection_id = $1`
	notify := func(workspace, author string) {
		t.Helper()
		body := []byte(`{"id":"` + uuid.NewString() + `","workspace_id":"` + workspace + `","authors":[{"id":"` + author + `","type":"bot"}],"entity":{"id":"` +
			uuid.NewString() + `","type":"page"},"data":{"parent":{"data_source_id":"source"}}}`)
		mac := hmac.New(sha256.New, []byte("secret_of_notion"))
		mac.Write(body)
		if err := desk.Notion(t.Context(), body, "sha256="+hex.EncodeToString(mac.Sum(nil))); err != nil {
			t.Fatal(err)
		}
	}
	var second string
	if err := two[1].pool.QueryRow(t.Context(), `select workspace_id from oauth_tokens where connection_id = $1`, two[1].id()).Scan(&second); err != nil {
		t.Fatal(err)
	}
	notify(second, "somebody")
	notify(second, bots[1]) // what our own bot did there
	if a, b := two[0].count(t, looks), two[1].count(t, looks); a != 0 || b != 1 {
		t.Errorf("looks %d and %d", a, b)
	}
	notify(uuid.NewString(), "somebody") // a workspace that nobody knows is NOTION_TOKEN's
	if a, b := two[0].count(t, looks), two[1].count(t, looks); a != 1 || b != 1 {
		t.Errorf("looks %d and %d", a, b)
	}
	if _, err := two[0].pool.Exec(t.Context(), `delete from integration.sync_wakeups`); err != nil {
		t.Fatal(err)
	}
	desk.Changed(t.Context(), two[1].id(), "partners")
	if a, b := two[0].count(t, wakes), two[1].count(t, wakes); a != 0 || b != 1 {
		t.Errorf("wakes %d and %d", a, b)
	}
	desk.Changed(t.Context(), uuid.Nil.String(), "partners")
	desk.Changed(t.Context(), "", "partners")
	if a, b := two[0].count(t, wakes), two[1].count(t, wakes); a != 1 || b != 1 {
		t.Errorf("wakes %d and %d", a, b)
	}
}

// TestAConnectionAnswersWhileTheDatabaseIsAway: what was made for a connection answers on, from what it remembers.
func TestAConnectionAnswersWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	answers := route{method: "GET", path: "/analytics/dashboard"}
	h := measuring(pool).perConnection(pool, func(deps, *postgres.Pool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	})
	if status, text := answers.ask(t, h, uuid.Nil.String(), nil, false); status != http.StatusTeapot { // refused by the handler, once it may say so
		t.Fatal(status, text)
	}
	pool.Close()
	if status, text := answers.ask(t, h, "", nil, false); status != http.StatusTeapot {
		t.Error(status, text)
	}
	if status, text := answers.ask(t, h, "0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a", nil, false); status < 500 {
		t.Error(status, text)
	}
}
