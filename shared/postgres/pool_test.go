package postgres_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

func open(t *testing.T, address string, options ...postgres.Option) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), secret.Of(address), 2, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// with returns an address with parameters more.
func with(address, parameters string) string {
	if strings.Contains(address, "?") {
		return address + "&" + parameters
	}
	return address + "?" + parameters
}

// sent notes what a client sends, message by message, by the protocol's letters; a bar is where it waits for the server.
//
// https://www.postgresql.org/docs/current/protocol-message-formats.html
type sent struct {
	mu      sync.Mutex
	letters strings.Builder
}

func (s *sent) option(c *pgxpool.Config) {
	dial := c.ConnConfig.DialFunc
	c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &listened{Conn: conn, sent: s}, err
	}
}

// take returns what was sent since it was last asked.
func (s *sent) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.letters.Reset()
	return s.letters.String()
}

type listened struct {
	net.Conn
	sent    *sent
	left    []byte
	started bool // the startup message has no letter
}

func (l *listened) Write(b []byte) (int, error) {
	l.left = append(l.left, b...)
	l.sent.mu.Lock()
	defer l.sent.mu.Unlock()
	for {
		letter, head := byte(0), 4
		if l.started {
			head = 5
		}
		if len(l.left) < head {
			break
		}
		if l.started {
			letter = l.left[0]
		}
		length := int(binary.BigEndian.Uint32(l.left[head-4:head])) + head - 4
		if len(l.left) < length {
			break
		}
		if l.left = l.left[length:]; letter != 0 {
			l.sent.letters.WriteByte(letter)
		}
		if letter == 'S' || letter == 'Q' {
			l.sent.letters.WriteByte('|')
		}
		l.started = true
	}
	return l.Conn.Write(b)
}

// TestRoundTrips: what is sent up to each bar needs nothing that was sent before it, but for the open transaction. P and B are the text of a
// statement and its arguments, D asks for its description, E has it run, Q is a statement without arguments.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	var s sent
	pool := open(t, pgtest.URL(t), s.option)
	if err := pool.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.take()
	ask := func(q querier, sql string) func() error {
		return func() error {
			var got string
			err := q.QueryRow(t.Context(), sql, "a").Scan(&got)
			if err == nil && got != "a" {
				err = errors.New("got " + got)
			}
			return err
		}
	}
	inTx := func(do func(tx pgx.Tx) error) func() error {
		return func() error { return pool.InTx(t.Context(), do) }
	}
	batch := inTx(func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`select 3, $1::text`, "a")
		b.Queue(`select 4, $1::text`, "b")
		return tx.SendBatch(t.Context(), b).Close()
	})
	for _, c := range []struct {
		name string
		do   func() error
		want string
	}{
		{"a statement, the first time", ask(pool, `select $1::text`), "PDPDS|PBDEPBDES|"}, // described, then sent as a whole
		{"and again", ask(pool, `select $1::text`), "PBDEPBDES|"},
		{"another", ask(pool, `select $1::text as another`), "PDS|PBDEPBDES|"},
		{"one without arguments", func() error { _, err := pool.Exec(t.Context(), `select 1`); return err }, "Q|"},
		{"in a transaction", inTx(func(tx pgx.Tx) error { return ask(tx, `select $1::text as tx`)() }), "Q|PDS|PBDES|Q|"},
		{"and again", inTx(func(tx pgx.Tx) error { return ask(tx, `select $1::text as tx`)() }), "Q|PBDES|Q|"},
		{"a batch in a transaction", batch, "Q|PDPDS|PBDEPBDES|Q|"},
		{"and again", batch, "Q|PBDEPBDES|Q|"},
	} {
		if err := c.do(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := s.take(); got != c.want {
			t.Errorf("%s: sent %s, not %s", c.name, got, c.want)
		}
	}
}

// TestAnswersAreOnesOwn: eight clients of a pooler with three connections get answers to what they asked, each. That it would be seen if not
// is shown by the mode that pgx calls describe_exec, which describes a statement in one round trip and runs it in the next.
func TestAnswersAreOnesOwn(t *testing.T) {
	t.Parallel()
	address := startPooler(t, pgtest.URL(t), 3)
	for name, c := range map[string]struct {
		connect func(t *testing.T, address string) querier
		right   bool
	}{
		"as the product connects": {product, true},
		"describe_exec":           {describeExec, false},
	} {
		t.Run(name, func(t *testing.T) {
			right, wrong, failed := crossTalk(t, address, 8, 100, c.connect)
			t.Logf("of 800 answers %d were right, %d another's, %d errors", right, wrong, failed)
			if c.right != (right == 800) || c.right != (wrong+failed == 0) {
				t.Errorf("of 800 answers %d were right", right)
			}
		})
	}
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func product(t *testing.T, address string) querier {
	t.Helper()
	return open(t, address)
}

// describeExec connects as the product did once.
func describeExec(t *testing.T, address string) querier {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// crossTalk has clients ask questions at once, each with an answer of its own.
func crossTalk(t *testing.T, address string, clients, each int, connect func(*testing.T, string) querier) (right, wrong, failed int) {
	t.Helper()
	var mu sync.Mutex
	var together errgroup.Group
	for client := range clients {
		pool := connect(t, address)
		together.Go(func() error {
			for n := range each {
				want := fmt.Sprintf("%d:%d", client, n)
				var got string
				err := pool.QueryRow(t.Context(), fmt.Sprintf(`select '%d:' || $1`, client), fmt.Sprint(n)).Scan(&got)
				mu.Lock()
				switch {
				case err != nil:
					failed++
				case got != want:
					wrong++
				default:
					right++
				}
				mu.Unlock()
			}
			return nil
		})
	}
	_ = together.Wait()
	return right, wrong, failed
}

// TestOutdated: a statement that was described before the schema changed is described anew, and answered, without anybody noticing.
func TestOutdated(t *testing.T) {
	t.Parallel()
	const prepare = `create type mood as enum ('glad'); create table things (id int, n int, w text, m mood); insert into things values (1, 5, '7', 'glad')`
	for name, c := range map[string]struct {
		before, sql, change string
		args, after         []any
		want                string
	}{
		"a parameter for a number that is a text now": {
			sql: `select w from things where n = $1`, args: []any{5}, change: `alter table things alter n type text`, after: []any{"5"}, want: "7",
		},
		"a parameter for a text that is a number now": {
			sql: `select n::text from things where w = $1`, args: []any{"7"}, change: `alter table things alter w type int using w::int`, after: []any{7}, want: "5",
		},
		"a value that is stored": {
			sql: `update things set n = $1 returning n::text`, args: []any{5}, change: `alter table things alter n type jsonb using to_jsonb(n)`, after: []any{6}, want: "6",
		},
		"a number larger than the column took": {
			sql: `update things set n = $1 returning n::text`, args: []any{5}, change: `alter table things alter n type bigint`, after: []any{int64(1) << 40}, want: "1099511627776",
		},
		"a type that was made anew": {
			sql: `select w from things where m = $1`, args: []any{"glad"},
			change: `alter table things alter m type text; drop type mood; create type mood as enum ('glad'); alter table things alter m type mood using m::mood`,
			after:  []any{"glad"}, want: "7",
		},
		"more columns": {
			sql: `select * from things where id = $1`, args: []any{1}, change: `alter table things drop n, drop m, drop id; alter table things add id int default 1`,
			after: []any{1}, want: "7",
		},
		"a result of another type": {
			sql: `select n from things where id = $1`, args: []any{1}, change: `alter table things alter n type text`, after: []any{1}, want: "5",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, ask := range map[string]func(pool *postgres.Pool, args []any) (string, error){
				"outside": func(pool *postgres.Pool, args []any) (string, error) {
					rows, err := pool.Query(t.Context(), c.sql, args...)
					return first(rows, err)
				},
				"in a transaction": func(pool *postgres.Pool, args []any) (got string, err error) {
					err = pool.InTx(t.Context(), func(tx pgx.Tx) error {
						rows, err := tx.Query(t.Context(), c.sql, args...)
						got, err = first(rows, err)
						return err
					})
					return got, err
				},
				"in a batch": func(pool *postgres.Pool, args []any) (got string, err error) {
					err = pool.InTx(t.Context(), func(tx pgx.Tx) error {
						b := &pgx.Batch{}
						b.Queue(c.sql, args...)
						answers := tx.SendBatch(t.Context(), b)
						rows, err := answers.Query()
						got, err = first(rows, err)
						return errors.Join(err, answers.Close())
					})
					return got, err
				},
			} {
				pool := pgtest.New(t)
				if _, err := pool.Exec(t.Context(), prepare); err != nil {
					t.Fatal(err)
				}
				var together errgroup.Group // so that each connection has a description
				for range 4 {
					together.Go(func() error { _, err := ask(pool, c.args); return err })
				}
				if err := together.Wait(); err != nil {
					t.Fatal(way, err)
				}
				if _, err := pool.Exec(t.Context(), c.change); err != nil {
					t.Fatal(way, err)
				}
				for range 4 {
					if got, err := ask(pool, c.after); got != c.want || err != nil {
						t.Errorf("%s: got %q, %v; want %q", way, got, err, c.want)
					}
				}
			}
		})
	}
}

// first returns the last column of the first row as text.
func first(rows pgx.Rows, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer rows.Close()
	if !rows.Next() {
		return "", errors.Join(errors.New("no row"), rows.Err())
	}
	values, err := rows.Values()
	if err != nil {
		return "", err
	}
	for _, v := range values {
		if s, ok := v.(string); ok {
			return s, nil
		}
	}
	return fmt.Sprint(values[len(values)-1]), nil
}

// TestErrorsAreTriedOnceMore and no more, and are told as they are.
func TestErrorsAreTriedOnceMore(t *testing.T) {
	t.Parallel()
	var s sent
	pool := open(t, pgtest.URL(t), s.option)
	for name, c := range map[string]struct {
		sql   string
		args  []any
		code  string
		times int
	}{
		"what a description may cause":  {`select 1 where $1::int = 'a'::text`, []any{1}, "42883", 2},
		"what it cannot":                {`select 1 / $1::int`, []any{0}, "22012", 1},
		"a table that is not there":     {`select from nothing where $1::int = 1`, []any{1}, "42P01", 1},
		"what ends with a transaction":  {`insert into deferred values ($1)`, []any{1}, "23503", 1},
		"an argument that does not fit": {`select $1::int`, []any{[]string{"a"}}, "", 2},
	} {
		if name == "what ends with a transaction" {
			if _, err := pool.Exec(t.Context(), `create table whole (id int primary key); create table deferred (id int references whole deferrable initially deferred)`); err != nil {
				t.Fatal(err)
			}
		}
		_ = pool.Ping(t.Context())
		s.take()
		_, err := pool.Exec(t.Context(), c.sql, c.args...)
		var server *pgconn.PgError
		if err == nil || errors.As(err, &server) != (c.code != "") || server != nil && server.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
		if sent := s.take(); strings.Count(sent, "P")/4 > c.times || c.times == 2 && strings.Count(sent, "PD") < 3 {
			t.Errorf("%s: sent %s", name, sent)
		}
	}
}

// TestSettingsHold: every statement has the settings that it needs, in a transaction or not, whoever used the server's connection before, and
// leaves none behind. What the address sets stands.
func TestSettingsHold(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	before, err := pgx.Connect(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close(context.Background())
	var database string
	if err := before.QueryRow(t.Context(), `select current_database()`).Scan(&database); err != nil {
		t.Fatal(err)
	}
	if _, err := before.Exec(t.Context(), `alter database `+database+` set timezone = 'Australia/Sydney'`); err != nil {
		t.Fatal(err)
	}
	const show = `select concat_ws(' ', current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'), current_setting('timezone'),
		current_setting('application_name'), to_jsonb('2026-01-01T00:00Z'::timestamptz)) where $1`
	for name, c := range map[string]struct{ more, want string }{
		"ours":               {"", `1min 1min UTC enhanced-integration "2026-01-01T00:00:00+00:00"`},
		"the address's":      {"statement_timeout=7s&application_name=it's%20%5C%20ours&pgbouncer=true", `7s 1min UTC it's \ ours "2026-01-01T00:00:00+00:00"`},
		"and none is sought": {"search_path=public", `1min 1min UTC enhanced-integration "2026-01-01T00:00:00+00:00"`},
	} {
		address := startPooler(t, direct, 1)
		pool := open(t, with(address, c.more))
		var outside, inside, left string
		if err := pool.QueryRow(t.Context(), show, true).Scan(&outside); err != nil {
			t.Fatal(name, err)
		}
		if err := pool.InTx(t.Context(), func(tx pgx.Tx) error { return tx.QueryRow(t.Context(), show, true).Scan(&inside) }); err != nil {
			t.Fatal(name, err)
		}
		if _, err := pool.Exec(t.Context(), `create temp table shown as `+strings.Replace(show, "$1", "true", 1)); err != nil { // without arguments
			t.Fatal(name, err)
		}
		for what, got := range map[string]string{"outside": outside, "inside": inside} {
			if got != c.want {
				t.Errorf("%s, %s: %s, not %s", name, what, got, c.want)
			}
		}
		other, err := pgx.Connect(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.QueryRow(t.Context(), show, pgx.QueryExecModeExec, true).Scan(&left); err != nil {
			t.Fatal(name, err)
		}
		if want := `0 0 Australia/Sydney  "2026-01-01T11:00:00+11:00"`; left != want {
			t.Errorf("%s: another client finds %s, not %s", name, left, want)
		}
		_ = other.Close(t.Context())
	}
}

// TestWhatAFunctionLeaves: the server ends a statement that nobody waits for, and a transaction that stays open.
func TestWhatAFunctionLeaves(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	began := time.Now()
	t.Run("a statement", func(t *testing.T) {
		pool := open(t, with(startPooler(t, direct, 1), "statement_timeout=100ms"))
		_, err := pool.Exec(t.Context(), `select pg_sleep($1)`, 60)
		if fault.KindOf(postgres.Fault(err)) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a transaction", func(t *testing.T) {
		pool := open(t, with(direct, "idle_in_transaction_session_timeout=100ms"))
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		if err := tx.Conn().PgConn().WaitForNotification(t.Context()); err == nil { // until the server says something
			t.Error("a notification came")
		}
		if _, err = tx.Exec(t.Context(), `select 1`); fault.KindOf(postgres.Fault(err)) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
	})
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestOutages: what befalls a connection is an outage that passes, and what the role may not do is said with what to do.
func TestOutages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
		says string
	}{
		"PgBouncer lost the server":   {&pgconn.PgError{Severity: "FATAL", Code: "08P01", Message: "server conn crashed?"}, fault.Unavailable, "Try again"},
		"a pooler without codes":      {&pgconn.PgError{Severity: "FATAL", Message: "no more connections allowed"}, fault.Unavailable, "Try again"},
		"a pooler with its own":       {&pgconn.PgError{Severity: "FATAL", Code: "XX000", Message: "Tenant or user not found"}, fault.Unavailable, "Tenant or user not found"},
		"idle in a transaction":       {&pgconn.PgError{Severity: "FATAL", Code: "25P03", Message: "terminating connection"}, fault.Unavailable, "Try again"},
		"the connection was closed":   {fmt.Errorf("receive: %w", net.ErrClosed), fault.Unavailable, "cannot be reached"},
		"rights that were taken away": {&pgconn.PgError{Severity: "ERROR", Code: "42501", Message: "permission denied for table partners"}, fault.Unavailable, "permission denied for table partners"},
		"a database that is read only": {
			&pgconn.PgError{Severity: "ERROR", Code: "25006", Message: "cannot execute UPDATE in a read-only transaction"}, fault.Unavailable, "disk is full",
		},
		"the caller gave up": {context.Canceled, fault.Internal, ""},
	} {
		if err := postgres.Fault(c.err); fault.KindOf(err) != c.kind || !strings.Contains(fault.Message(err), c.says) {
			t.Errorf("%s: %v, %q", name, fault.KindOf(err), fault.Message(err))
		}
	}
}
