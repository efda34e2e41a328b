package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

const connection = config.DefaultConnection

func wants(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("error %v, want one of kind %s", err, kind)
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	leases := postgres.Leases{Pool: pool, TTL: time.Minute}
	first, err := leases.Acquire(t.Context(), connection, "partners", "first")
	if err != nil || first.Term != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	_, err = leases.Acquire(t.Context(), connection, "partners", "second")
	wants(t, err, fault.Conflict)
	if wait := fault.RetryAfter(err); wait <= 0 || wait > time.Minute {
		t.Errorf("told to wait %s", wait)
	}
	if _, err := leases.Acquire(t.Context(), connection, "projects", "second"); err != nil {
		t.Errorf("another database is another lease: %v", err)
	}
	if err := leases.Renew(t.Context(), first); err != nil {
		t.Errorf("renew: %v", err)
	}
	if _, err := pool.Exec(t.Context(), `update integration.sync_leases set expires_at = clock_timestamp() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	wants(t, leases.Renew(t.Context(), first), fault.Conflict)
	second, err := leases.Acquire(t.Context(), connection, "partners", "second")
	if err != nil || second.Term != 2 {
		t.Fatalf("after the end of the first: %+v, %v", second, err)
	}
	if err := leases.Release(t.Context(), first); err != nil {
		t.Errorf("the release of a lost lease: %v", err)
	}
	if err := leases.Renew(t.Context(), second); err != nil {
		t.Errorf("the old holder took the new one's lease away: %v", err)
	}
	if err := leases.Release(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if third, err := leases.Acquire(t.Context(), connection, "partners", "third"); err != nil || third.Term != 3 {
		t.Errorf("after the release: %+v, %v", third, err)
	}
}

func TestOneHolderOfManyWhoAsk(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	leases := postgres.Leases{Pool: pool, TTL: time.Minute}
	var got, refused int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, err := leases.Acquire(t.Context(), connection, "partners", strconv.Itoa(i))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				got++
			} else if fault.KindOf(err) == fault.Conflict {
				refused++
			}
		})
	}
	all.Wait()
	if got != 1 || refused != 19 {
		t.Errorf("%d hold the lease, %d were refused", got, refused)
	}
}

// run stores a run of two databases.
func run(t *testing.T, pool *postgres.Pool, typ journal.Type) (postgres.Ledger, journal.Run) {
	t.Helper()
	ledger := postgres.Ledger{Pool: pool, NewID: uuid.NewString}
	r := journal.Run{ID: uuid.NewString(), ConnectionID: connection, Type: typ, RequestedBy: "test", CreatedAt: now}
	if _, err := ledger.Create(t.Context(), r, []string{"partners", "projects"}, now); err != nil {
		t.Fatal(err)
	}
	return ledger, r
}

func TestOneRunOfATypeAtATime(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	ledger, first := run(t, pool, journal.Full)
	again := first
	again.ID = uuid.NewString()
	underWay, err := ledger.Create(t.Context(), again, []string{"partners"}, now)
	wants(t, err, fault.Conflict)
	if underWay != first.ID {
		t.Errorf("under way is %s, not %s", underWay, first.ID)
	}
	again.Type = journal.Incremental
	if _, err := ledger.Create(t.Context(), again, []string{"partners"}, now); err != nil {
		t.Errorf("a run of another type: %v", err)
	}
}

func TestARunFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"", "Notion is away."} {
		t.Run("reason "+reason, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			ledger, r := run(t, pool, journal.Full)
			leases := postgres.Leases{Pool: pool, TTL: time.Minute}
			finish := func(kind, reason string, at time.Time) {
				lease, err := leases.Acquire(t.Context(), connection, kind, "me")
				if err != nil {
					t.Fatal(err)
				}
				part, err := ledger.Begin(t.Context(), r.ID, kind, now)
				if err != nil || part.Done || part.Run != r {
					t.Fatalf("%+v, %v", part, err)
				}
				part.Counts = journal.Counts{Read: 3, RowsCreated: 2}
				if err := ledger.Finish(t.Context(), lease, part, reason, at); err != nil {
					t.Fatal(err)
				}
				if again, err := ledger.Begin(t.Context(), r.ID, kind, now); err != nil || !again.Done {
					t.Errorf("begun again after its end: %+v, %v", again, err)
				}
			}
			status := func() journal.Status {
				s, err := postgres.Status{Pool: pool, ConnectionID: connection, Mapping: mapping.ACT()}.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			if s := status(); len(s.Running) != 1 || s.Running[0].Databases["projects"].Status != "queued" || !s.LastRun.IsZero() {
				t.Errorf("queued: %+v", s)
			}
			finish("partners", reason, now.Add(time.Second))
			if s := status(); len(s.Running) != 1 || s.Running[0].Databases["partners"].Counts.RowsCreated != 2 {
				t.Errorf("half done: %+v", s)
			}
			finish("projects", "", now.Add(2*time.Second))
			s := status()
			if len(s.Running) != 0 || !s.LastRun.Equal(now.Add(2*time.Second)) || s.LastFailed != (reason != "") {
				t.Errorf("done: %+v", s)
			}
			if reason == "" && (!s.LastSuccess.Equal(s.LastRun) || s.LastDuration != 2*time.Second || len(s.Problems) != 0) {
				t.Errorf("succeeded: %+v", s)
			}
			if reason != "" && (!s.LastSuccess.IsZero() || len(s.Problems) != 1 || s.Problems[0].Message != reason || s.Problems[0].Kind != "partners") {
				t.Errorf("failed: %+v", s)
			}
			page, err := postgres.Events{Pool: pool, ConnectionID: connection}.List(t.Context(), event.Filter{Limit: 10})
			if err != nil || page.Total != 2 {
				t.Fatalf("%+v, %v", page, err)
			}
			want := map[bool]event.Type{true: event.SyncCompleted, false: event.SyncFailed}[reason == ""]
			if page.Events[0].Type != want || page.Events[1].Type != event.SyncStarted || !strings.Contains(string(page.Events[0].Data), `"rows_created": 2`) {
				t.Errorf("events: %s %s", page.Events[0].Data, page.Events[1].Data)
			}
		})
	}
}

func TestUnknownPart(t *testing.T) {
	t.Parallel()
	ledger, r := run(t, pgtest.New(t), journal.Full)
	_, err := ledger.Begin(t.Context(), r.ID, "nothing", now)
	wants(t, err, fault.NotFound)
}

func TestLostParts(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	ledger, r := run(t, pool, journal.Full)
	if _, err := (postgres.Leases{Pool: pool, TTL: time.Minute}).Acquire(t.Context(), connection, "projects", "at work"); err != nil {
		t.Fatal(err)
	}
	partners := []journal.Message{{RunID: r.ID, Kind: "partners"}}
	for _, c := range []struct {
		name          string
		idleSince, at time.Time
		want          []journal.Message
	}{
		{"it has just been queued", now, now, nil},
		{"nobody works on it", now.Add(time.Second), now.Add(31 * time.Second), partners},
		{"it was just handed over again", now.Add(31 * time.Second), now.Add(32 * time.Second), nil},
		{"nobody works on it still", now.Add(32 * time.Second), now.Add(62 * time.Second), partners},
	} {
		got, err := ledger.Lost(t.Context(), connection, c.idleSince, c.at)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

// TestARunThatNobodyWorksOnIsHandedOverAgain: 409 means that somebody works on a run, or was just asked to.
func TestARunThatNobodyWorksOnIsHandedOverAgain(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lease    string // on which database, how it stands
		expired  bool
		later    time.Duration
		conflict bool
	}{
		"it has just been queued":            {"", false, 0, true},
		"somebody works on one of its parts": {"projects", false, time.Minute, true},
		"its worker died":                    {"projects", true, time.Minute, false},
		"its message was lost":               {"", false, time.Minute, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			ledger, first := run(t, pool, journal.Full)
			if c.lease != "" {
				lease, err := (postgres.Leases{Pool: pool, TTL: time.Minute}).Acquire(t.Context(), connection, c.lease, "a worker")
				if err != nil {
					t.Fatal(err)
				}
				if c.expired {
					if _, err := pool.Exec(t.Context(), `update integration.sync_leases set expires_at = clock_timestamp() where owner = $1`, lease.Owner); err != nil {
						t.Fatal(err)
					}
				}
			}
			again := first
			again.ID, again.CreatedAt = uuid.NewString(), now.Add(c.later)
			underWay, err := ledger.Create(t.Context(), again, []string{"partners", "projects"}, again.CreatedAt.Add(-30*time.Second))
			if underWay != first.ID || (err != nil) != c.conflict {
				t.Errorf("under way is %q, %v", underWay, err)
			}
			busy, err := ledger.Busy(t.Context(), connection, journal.Full)
			if err != nil || !slices.Equal(busy, []string{"partners", "projects"}) {
				t.Errorf("busy: %v, %v", busy, err)
			}
			if _, err := ledger.Create(t.Context(), again, []string{"partners", "projects"}, again.CreatedAt.Add(-30*time.Second)); fault.KindOf(err) != fault.Conflict {
				t.Errorf("asked for a third time at once: %v", err)
			}
		})
	}
}

// TestADatabaseThatIsAwayIsToldFromOneThatRefuses: what is away comes back by itself.
func TestADatabaseThatIsAwayIsToldFromOneThatRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		away bool
	}{
		"it is stopping":              {&pgconn.PgError{Code: "57P01"}, true},
		"it is starting":              {&pgconn.PgError{Code: "57P03"}, true},
		"it has no connection left":   {&pgconn.PgError{Code: "53300"}, true},
		"the connection broke":        {&net.OpError{Op: "read", Err: errors.New("reset")}, true},
		"it was not asked: a breaker": {&net.OpError{Op: "dial", Err: fault.New(fault.Unavailable, "The database has not answered lately.")}, true},
		"a statement took too long":   {&pgconn.PgError{Code: "57014"}, false},
		"it refuses a value":          {&pgconn.PgError{Code: "22003"}, false},
		"a row is locked":             {&pgconn.PgError{Code: "55P03"}, false},
	} {
		err := postgres.Fault(fmt.Errorf("commit: %w", c.err))
		if errors.Is(err, journal.ErrAway) != c.away || c.away && fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v, kind %s", name, err, fault.KindOf(err))
		}
	}
}

// TestEventsSayTheirTrace: where there is one; and what subscribers are sent does not tell it.
func TestEventsSayTheirTrace(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	traced := trace.Begin(t.Context(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", strings.NewReader("01234567"))
	for _, ctx := range []context.Context{t.Context(), traced} {
		if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			return postgres.StoreEvents(ctx, tx, connection, event.Draft{Type: event.Error}.New(uuid.NewString(), now))
		}); err != nil {
			t.Fatal(err)
		}
	}
	page, err := postgres.Events{Pool: pool, ConnectionID: connection}.List(t.Context(), event.Filter{Limit: 2})
	if err != nil || len(page.Events) != 2 || page.Events[0].TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || page.Events[1].TraceID != "" {
		t.Fatalf("%+v, %v", page.Events, err)
	}
	if sent, err := json.Marshal(page.Events[0]); err != nil || strings.Contains(string(sent), page.Events[0].TraceID) {
		t.Errorf("%s, %v", sent, err)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	events := postgres.Events{Pool: pool, ConnectionID: connection}
	types := []event.Type{event.SyncStarted, event.RecordCreated, event.RecordUpdated, event.SyncCompleted, event.RecordCreated}
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		for i, typ := range types {
			source := event.Notion
			if i%2 == 1 {
				source = event.Supabase
			}
			e := event.Draft{Type: typ, Source: source, Target: event.Integration, Data: map[string]int{"i": i}}.New(uuid.NewString(), now.Add(time.Duration(i)*time.Second))
			if err := postgres.StoreEvents(t.Context(), tx, connection, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		filter event.Filter
		want   []string
		total  int
		more   bool
	}{
		"all":          {event.Filter{Limit: 10}, []string{"4", "3", "2", "1", "0"}, 5, false},
		"exactly all":  {event.Filter{Limit: 5}, []string{"4", "3", "2", "1", "0"}, 5, false},
		"the newest":   {event.Filter{Limit: 2}, []string{"4", "3"}, 5, true},
		"types":        {event.Filter{Limit: 10, Types: []event.Type{event.RecordCreated, event.SyncStarted}}, []string{"4", "1", "0"}, 3, false},
		"a source":     {event.Filter{Limit: 10, Source: event.Supabase}, []string{"3", "1"}, 2, false},
		"since a time": {event.Filter{Limit: 10, Since: now.Add(3 * time.Second)}, []string{"4", "3"}, 2, false},
		"none":         {event.Filter{Limit: 10, Types: []event.Type{event.Error}}, nil, 0, false},
	}
	show := func(p event.Page) (got []string) {
		for _, e := range p.Events {
			got = append(got, strings.Trim(string(e.Data), `{"i: }`))
		}
		return got
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := events.List(t.Context(), c.filter)
			if err != nil || !slices.Equal(show(page), c.want) || page.Total != c.total || (page.Next != 0) != c.more {
				t.Errorf("%v of %d, next %d, %v", show(page), page.Total, page.Next, err)
			}
		})
	}
	t.Run("page by page", func(t *testing.T) {
		t.Parallel()
		var all []string
		f := event.Filter{Limit: 2}
		for {
			page, err := events.List(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, show(page)...)
			if f.Before = page.Next; f.Before == 0 {
				break
			}
		}
		if want := []string{"4", "3", "2", "1", "0"}; !slices.Equal(all, want) {
			t.Errorf("%v", all)
		}
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	keys := postgres.Keys{Pool: pool}
	presented, key, err := access.NewKey("desk", []access.Scope{access.Read, access.Sync}, strings.NewReader(strings.Repeat("0123456789", 10)))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(keys.Add(t.Context(), key), keys.Add(t.Context(), key)); err != nil {
		t.Fatal(err)
	}
	found, err := keys.Find(t.Context(), key.ID)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := access.Check(presented, found); err != nil || p.Client != "desk" || !slices.Equal(p.Scopes, key.Scopes) {
		t.Errorf("%+v, %v", p, err)
	}
	_, err = keys.Find(t.Context(), "0000000000000000")
	wants(t, err, fault.NotFound)
	if _, err := pool.Exec(t.Context(), `update integration.api_keys set revoked_at = now()`); err != nil {
		t.Fatal(err)
	}
	if found, err = keys.Find(t.Context(), key.ID); err != nil || found.RevokedAt.IsZero() {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	cases := map[string]struct {
		sql  string
		want fault.Kind
	}{
		"no such table":     {`select * from nothing`, fault.Unavailable},
		"a bad value":       {`select 'x'::int`, fault.Invalid},
		"a broken rule":     {`insert into integration.connections (id, name) values ('00000000-0000-0000-0000-000000000001', 'x')`, fault.Invalid},
		"a broken query":    {`selec`, fault.Internal},
		"a statement's end": {`do $$ begin raise exception using errcode = '57014'; end $$`, fault.Unavailable},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := pool.Exec(t.Context(), c.sql)
			if got := fault.KindOf(postgres.Fault(err)); err == nil || got != c.want {
				t.Errorf("%v is %s, want %s", err, got, c.want)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		away, err := postgres.Open(t.Context(), secret.Of("postgres://me:hidden@127.0.0.1:1/x"), 1)
		if err != nil {
			t.Fatal(err)
		}
		defer away.Close()
		_, err = away.Exec(t.Context(), "select 1")
		if fault.KindOf(postgres.Fault(err)) != fault.Unavailable {
			t.Errorf("%v", err)
		}
	})
	t.Run("an address that is none", func(t *testing.T) {
		t.Parallel()
		_, err := postgres.Open(t.Context(), secret.Of("postgres://me:hidden@:::/x"), 1)
		wants(t, err, fault.Unavailable)
		if strings.Contains(err.Error(), "hidden") {
			t.Errorf("the password shows: %v", err)
		}
	})
}
