// Package postgres keeps the integration's own tables: connections, leases, runs, events, keys.
package postgres

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Open prepares a pool for the database at url; nothing is connected before the first use. Statements are described and not
// prepared by name, so that a transaction pooler may stand between. Times are given in UTC. The error is fault.Invalid: url cannot
// be read (and is not repeated, for it holds a password).
//
// options may change how it connects.
//
// https://supabase.com/docs/guides/database/connecting-to-postgres
func Open(ctx context.Context, url secret.Text, connections int32, options ...Option) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url.Reveal())
	if err != nil {
		return nil, unreadable()
	}
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	cfg.ConnConfig.RuntimeParams["application_name"] = "enhanced-integration"
	if !slices.Contains(poolerPorts, cfg.ConnConfig.Port) {
		limit(cfg.ConnConfig.RuntimeParams)
	}
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	cfg.MaxConns = connections
	cfg.MaxConnIdleTime = time.Minute
	for _, change := range options {
		change(cfg)
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// Option changes how a pool connects.
type Option func(*pgxpool.Config)

// limit has the server end what a function can no longer end itself, because it was killed at its time limit, or is frozen: statements
// that nobody waits for, transactions that hold locks, connections that nobody uses. Behind a transaction pooler the role's own settings
// hold.
func limit(settings map[string]string) {
	for name, value := range map[string]string{
		"statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s", "idle_session_timeout": "90s",
	} {
		if _, given := settings[name]; !given {
			settings[name] = value
		}
	}
}

// Fault classifies an error of Postgres. What is not known stays as it is, and so Internal.
//
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func Fault(err error) error {
	if err == nil || errors.As(err, new(*fault.Error)) {
		return err
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		var network net.Error
		if errors.As(err, &network) || errors.As(err, new(*pgconn.ConnectError)) || pgconn.Timeout(err) {
			return fault.Wrap(err, fault.Unavailable, "The database cannot be reached. Try again in a moment.")
		}
		return err
	}
	switch class := server.Code[:2]; {
	case server.Code == "42P01", server.Code == "42703", server.Code == "42883":
		return fault.Wrap(err, fault.Unavailable, "The database's schema is not what it should be (%s): run the migrations (make migrate), or mend the mapping.", server.Message)
	case server.Code == "22P05", server.Code == "22021":
		return fault.Wrap(err, fault.Invalid, "A text holds the character NUL, which Postgres cannot store: take it out.")
	case class == "22", class == "23":
		return fault.Wrap(err, fault.Invalid, "Postgres refuses the value: %s", server.Message)
	case class == "08", class == "53", class == "57", class == "40":
		return fault.Wrap(err, fault.Unavailable, "The database cannot answer now. Try again in a moment.")
	case server.Code == "55P03":
		return fault.Wrap(err, fault.Unavailable, "Another transaction of the database has locked what is to be written. Try again in a moment.")
	case class == "28", server.Code == "3D000":
		return fault.Wrap(err, fault.Unavailable, "The database refuses the connection: check DATABASE_URL.")
	}
	return err
}

// Locked reports whether an error says that somebody else has locked what was wanted, and did not let go of it in time.
//
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
func Locked(err error) bool { return hasCode(err, "55P03", "40P01") }

// Cancelled reports whether an error says that the server ended a statement, or a transaction in which nothing went on, for its time limit.
func Cancelled(err error) bool { return hasCode(err, "57014", "25P03") }

func hasCode(err error, codes ...string) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && slices.Contains(codes, server.Code)
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}
