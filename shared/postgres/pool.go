// Package postgres keeps the integration's own tables: connections, leases, runs, events, keys.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// Pool is a database that may stand behind a transaction pooler: each round trip may reach another of its server's connections, unless
// a transaction is open. So a statement is one round trip and needs nothing that an earlier one left behind: no session's settings, no
// prepared statement, no temporary table, no lock of a session. See docs/adr/0080-a-statement-is-one-round-trip.md.
type Pool struct {
	pool     *pgxpool.Pool
	settings string // a statement that makes the settings hold until the transaction ends
}

// Open prepares a pool for the database at url; nothing is connected before the first use. The error is fault.Unavailable: url cannot be
// read (and is not repeated, for it holds a password).
//
// options may change how it connects.
//
// https://supabase.com/docs/guides/database/connecting-to-postgres
func Open(ctx context.Context, url secret.Text, connections int32, options ...Option) (*Pool, error) {
	cfg, err := pgxpool.ParseConfig(url.Reveal())
	if err != nil {
		return nil, unreadable()
	}
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	cfg.MaxConns = connections
	cfg.MaxConnIdleTime = time.Minute
	for _, change := range options {
		change(cfg)
	}
	settings := takeSettings(cfg.ConnConfig.RuntimeParams)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	return &Pool{pool: pool, settings: settings}, err
}

// Option changes how a pool connects.
type Option func(*pgxpool.Config)

// takeSettings takes out of the startup parameters, which poolers refuse, what can be set in each transaction instead, adds what every
// transaction of ours needs, and returns the statement that sets it. The server ends what a function can no longer end itself, because it
// was killed at its time limit or is frozen: statements that nobody waits for, and transactions that hold locks. What the database's
// address sets itself stands.
func takeSettings(startup map[string]string) string {
	settings := map[string]string{
		"application_name": "enhanced-integration", "timezone": "UTC", "statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s",
		"row_security": "off", // a row that a policy hides is not one that somebody deleted: Postgres refuses the statement in its place
	}
	for name, value := range startup {
		if name == "options" { // what the server is started with, or which tenant a pooler is to find: only who wrote it knows
			continue
		}
		delete(startup, name)
		if name != "pgbouncer" { // a hint to an ORM in the addresses that Supabase shows
			settings[strings.ToLower(name)] = value
		}
	}
	calls := make([]string, 0, len(settings))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		calls = append(calls, "set_config("+quoted(name)+", "+quoted(settings[name])+", true)")
	}
	return settingsFirst + strings.Join(calls, ", ")
}

// settingsFirst is how the statement that makes the settings hold begins.
const settingsFirst = "select /* settings */ "

// quoted returns a string as SQL.
func quoted(s string) string {
	return "e'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// Query asks one question in a round trip of its own, in a transaction of its own. Its settings go before it.
func (p *Pool) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	answer, err := p.ask(ctx, sql, args)
	if p.forget(err) {
		return p.ask(ctx, sql, args)
	}
	return answer, err
}

// ask sends a statement, and waits until it is known whether Postgres takes it: until there is a row, or none.
func (p *Pool) ask(ctx context.Context, sql string, args []any) (pgx.Rows, error) {
	batch := &pgx.Batch{}
	batch.Queue(p.settings)
	batch.Queue(sql, args...)
	a := &answer{results: p.pool.SendBatch(ctx, batch)}
	_, err := a.results.Exec()
	if a.Rows, _ = a.results.Query(); err == nil { // after an error, its rows are that error
		a.first = a.Rows.Next()
		err = a.Rows.Err()
	}
	if !a.first {
		a.Close()
		err = cmp.Or(err, a.err)
	}
	return a, err
}

// answer is the answer to a statement that was sent with its settings.
type answer struct {
	pgx.Rows
	results pgx.BatchResults
	first   bool // the first row was read, and not asked for yet
	closed  bool
	err     error
}

// Next goes to the next row. After the last one the connection is free for others.
func (a *answer) Next() bool {
	next := a.first || !a.closed && a.Rows.Next()
	a.first = false
	if !next {
		a.Close()
	}
	return next
}

// Scan reads the row.
func (a *answer) Scan(dest ...any) error {
	err := a.Rows.Scan(dest...)
	if err != nil {
		a.Close()
	}
	return err
}

// Close ends the statement's transaction, which may fail by itself.
func (a *answer) Close() {
	if a.closed {
		return
	}
	a.closed, a.first = true, false
	a.Rows.Close()
	a.err = a.results.Close()
}

// Err returns what went wrong, once there is no next row.
func (a *answer) Err() error { return cmp.Or(a.Rows.Err(), a.err) }

// QueryRow asks for one row. Its Scan returns pgx.ErrNoRows when there is none.
func (p *Pool) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := p.Query(ctx, sql, args...)
	return oneRow{rows, err}
}

type oneRow struct {
	rows pgx.Rows
	err  error
}

func (r oneRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		return cmp.Or(r.rows.Err(), pgx.ErrNoRows)
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// Exec runs a statement, or several in one transaction where they take no arguments.
func (p *Pool) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if len(args) == 0 {
		return p.pool.Exec(ctx, p.settings+";\n"+sql)
	}
	rows, err := p.Query(ctx, sql, args...)
	rows.Close()
	return rows.CommandTag(), cmp.Or(err, rows.Err())
}

// Begin begins a transaction. Whoever can use [Pool.InTx] should.
func (p *Pool) Begin(ctx context.Context) (pgx.Tx, error) {
	return p.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: "begin; " + p.settings})
}

// InTx does something in a transaction, which is rolled back when it fails. Where a description of a statement was outdated it does it
// once more, from the start, so do has to set what it gives to the outside and not to add to it.
func (p *Pool) InTx(ctx context.Context, do func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, p, do)
	if p.forget(err) {
		return pgx.BeginFunc(ctx, p, do)
	}
	return err
}

// forget drops every description of a statement where an error may come of one that the schema has outdated, and reports whether it did.
// Descriptions belong to connections, so these are closed, each once nobody uses it. What failed was rolled back as a whole, and may be
// tried again: an error of another origin then comes again.
func (p *Pool) forget(err error) bool {
	if !outdated(err) {
		return false
	}
	p.pool.Reset()
	return true
}

// outdated reports whether an error may come of a description that was made before the schema changed.
func outdated(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.SeverityUnlocalized == "ERROR" && (slices.Contains(outdatedCodes, server.Code) ||
			server.Code == "XX000" && strings.HasPrefix(server.Message, "cache lookup failed")) // a type is not there any more, nor was it a moment ago
	}
	return err != nil && strings.Contains(err.Error(), "failed to encode args[") // an argument does not fit what was described; pgx has no type for it
}

// outdatedCodes are the errors that a description from before an ALTER TABLE or a DROP TYPE leads to.
var outdatedCodes = []string{ //nolint:gochecknoglobals // a table
	"0A000", // the result is another than was described
	"08P01", // as many formats were asked for as there were columns then
	"26000", // a prepared statement is not there
	"42704", // a type is not there any more
	"42804", // a parameter is of the type that the column had
	"42846", // the same, and there is no cast
	"42883", // the same, and there is no operator
	"42P18", // the same, and there is no saying which is meant
}

// Ping reports whether the database answers.
func (p *Pool) Ping(ctx context.Context) error { return p.pool.Ping(ctx) }

// Config returns what the pool was opened with.
func (p *Pool) Config() *pgxpool.Config { return p.pool.Config() }

// Close closes all connections, once they are free.
func (p *Pool) Close() { p.pool.Close() }

// Fault classifies an error of Postgres. What is not known stays as it is, and so Internal.
//
// https://www.postgresql.org/docs/current/errcodes-appendix.html
//
// What says that the database is away is journal.ErrAway as well.
func Fault(err error) error {
	if err == nil {
		return nil
	}
	classified := classify(err)
	if away(err) && !errors.Is(err, journal.ErrAway) {
		return &fault.Error{
			Kind: fault.KindOf(classified), Message: fault.Message(classified), RetryAfter: fault.RetryAfter(classified), Err: awayError{err},
		}
	}
	return classified
}

// awayError is an error of a database that is away.
type awayError struct{ error }

func (e awayError) Unwrap() error      { return e.error }
func (awayError) Is(target error) bool { return target == journal.ErrAway }

// away reports whether an error says that the database cannot be reached, or is starting or stopping.
func away(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return strings.HasPrefix(server.Code, "08") || slices.Contains([]string{"57P01", "57P02", "57P03", "53300"}, server.Code)
	}
	if errors.As(err, new(*pgconn.ConnectError)) {
		return true
	}
	var network net.Error
	return errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded) // the caller's own time was up
}

func classify(err error) error {
	if errors.As(err, new(*fault.Error)) {
		return err
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) || len(server.Code) != 5 {
		if server != nil || unreachable(err) {
			return fault.Wrap(err, fault.Unavailable, "The database cannot be reached. Try again in a moment.")
		}
		return err
	}
	switch class := server.Code[:2]; {
	case refusedByFunction(server):
		return fault.Wrap(err, fault.Invalid, "A function of the database refuses the row: %s", server.Message)
	case server.Code == "42501":
		return fault.Wrap(err, fault.Unavailable, "The database does not allow it (%s): grant the role of DATABASE_URL what docs/DEPLOY.md lists, or run the migrations as that role.", server.Message)
	case server.Code == "25006":
		return fault.Wrap(err, fault.Unavailable, "The database takes no writes (%s): Supabase does this where its disk is full.", server.Message)
	case server.Code == "42P01", server.Code == "42703", server.Code == "42883", server.Code == "42804", server.Code == "42846", server.Code == "42704":
		return fault.Wrap(err, fault.Unavailable, "The database's schema is not what it should be (%s): run the migrations (make migrate), or mend the mapping.", server.Message)
	case server.Code == "22P05", server.Code == "22021":
		return fault.Wrap(err, fault.Invalid, "A text holds the character NUL, which Postgres cannot store: take it out.")
	case class == "22", class == "23", class == "44", class == "54": // the last for what an index has no room for
		return fault.Wrap(err, fault.Invalid, "Postgres refuses the value: %s", server.Message)
	case class == "08", class == "53", class == "57", class == "40":
		return fault.Wrap(err, fault.Unavailable, "The database cannot answer now. Try again in a moment.")
	case server.Code == "55P03":
		return fault.Wrap(err, fault.Unavailable, "Another transaction of the database has locked what is to be written. Try again in a moment.")
	case class == "28", server.Code == "3D000":
		return fault.Wrap(err, fault.Unavailable, "The database refuses the connection: check DATABASE_URL.")
	case server.SeverityUnlocalized == "FATAL", server.Severity == "FATAL": // the connection is over; poolers have codes of their own
		return fault.Wrap(err, fault.Unavailable, "The database ended the connection (%s). Try again in a moment.", server.Message)
	}
	return err
}

// refusedByFunction reports whether a function raised the error, as a trigger does that checks a row: with whatever code. One that says that it is to be
// tried again is not told from Postgres's own.
func refusedByFunction(err *pgconn.PgError) bool {
	switch err.Code[:2] {
	case "08", "40", "53", "55", "57":
		return false
	case "P0", "38", "39", "2F":
		return true
	}
	return strings.HasSuffix(strings.SplitN(err.Where, "\n", 2)[0], " RAISE")
}

// Locked reports whether an error says that somebody else has locked what was wanted, and did not let go of it in time.
//
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
func Locked(err error) bool { return hasCode(err, "55P03", "40P01") }

// Cancelled reports whether an error says that the server ended a statement, or a transaction in which nothing went on, for its time limit.
func Cancelled(err error) bool { return hasCode(err, "57014", "25P03") }

// Refused reports whether an error says that the database does not take the user or the password of DATABASE_URL.
func Refused(err error) bool { return hasCode(err, "28P01", "28000") }

func hasCode(err error, codes ...string) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && slices.Contains(codes, server.Code)
}

// unreachable reports whether an error is the connection's, and nothing that Postgres said.
func unreachable(err error) bool {
	var network net.Error
	if errors.As(err, &network) || errors.As(err, new(*pgconn.ConnectError)) || pgconn.Timeout(err) {
		return true
	}
	return !errors.Is(err, context.Canceled) &&
		(pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed))
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}
