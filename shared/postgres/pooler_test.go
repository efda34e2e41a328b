package postgres_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

const (
	backends     = 15 // as many as Supabase's pooler has in its smallest project
	environments = 100
	allowed      = 60 // connections in Supabase's smallest project, all together
)

// pooler is a transaction pooler, such as stands before Supabase's databases: a client has one of the server's connections from the
// beginning of a transaction to its end. It is stricter than PgBouncer, behind which make pooler runs: the next transaction is always on
// another connection, and no startup parameter is taken.
type pooler struct {
	free   chan *pgproto3.Frontend
	status []pgproto3.BackendMessage // what a server says of itself after a start
}

// startPooler returns the address of the database at address behind a pooler with so many connections.
func startPooler(t *testing.T, address string, connections int) string {
	t.Helper()
	p := pooler{free: make(chan *pgproto3.Frontend, connections)}
	for range connections {
		connection, err := pgconn.Connect(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		hijacked, err := connection.Hijack()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { hijacked.Conn.Close() })
		p.status = nil
		for name, value := range hijacked.ParameterStatuses {
			p.status = append(p.status, &pgproto3.ParameterStatus{Name: name, Value: value})
		}
		p.free <- hijacked.Frontend
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer client.Close()
				p.serve(pgproto3.NewBackend(client, client), client)
			})
		}
	})
	behind, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	behind.Host = listener.Addr().String()
	return behind.String()
}

// serve serves one client until it goes.
func (p pooler) serve(client *pgproto3.Backend, connection net.Conn) {
	for {
		message, err := client.ReceiveStartupMessage()
		if err != nil {
			return
		}
		if start, ok := message.(*pgproto3.StartupMessage); ok {
			for name := range start.Parameters {
				if name != "user" && name != "database" {
					client.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: " + name})
					_ = client.Flush()
					return
				}
			}
			break
		}
		_, _ = connection.Write([]byte("N")) // no TLS here
	}
	client.Send(&pgproto3.AuthenticationOk{})
	for _, s := range p.status {
		client.Send(s)
	}
	client.Send(&pgproto3.BackendKeyData{SecretKey: []byte{0, 0, 0, 0}})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if client.Flush() != nil {
		return
	}
	var server *pgproto3.Frontend
	for {
		message, err := client.Receive()
		if err != nil {
			return
		}
		if _, ok := message.(*pgproto3.Terminate); ok {
			return
		}
		if server == nil {
			server = <-p.free
		}
		server.Send(message)
		switch message.(type) {
		case *pgproto3.Sync, *pgproto3.Query:
		default:
			continue
		}
		idle, err := answer(server, client)
		if err != nil {
			return
		}
		if idle {
			p.free <- server
			server = nil
		}
	}
}

// answer passes a server's messages on until it is ready, and reports whether it is outside of a transaction then.
func answer(server *pgproto3.Frontend, client *pgproto3.Backend) (idle bool, err error) {
	if err := server.Flush(); err != nil {
		return false, err
	}
	for {
		message, err := server.Receive()
		if err != nil {
			return false, err
		}
		client.Send(message)
		if ready, ok := message.(*pgproto3.ReadyForQuery); ok {
			return ready.TxStatus == 'I', client.Flush()
		}
	}
}

// TestHundredEnvironments: a hundred functions at once work through a transaction pooler, each with statements and with transactions,
// and the database has less connections than Supabase's smallest project allows.
func TestHundredEnvironments(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	address := startPooler(t, direct, backends)
	observer, err := pgx.Connect(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	defer observer.Close(context.Background())

	together, ctx := errgroup.WithContext(t.Context())
	for range environments {
		together.Go(func() error {
			pool, err := postgres.Open(ctx, secret.Of(address), 2)
			if err != nil {
				return err
			}
			defer pool.Close()
			for range 5 {
				if err := (postgres.Status{Pool: pool}).Ping(ctx); err != nil {
					return err
				}
				if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
					if _, err := tx.Exec(ctx, `set local statement_timeout = '5s'`); err != nil {
						return err
					}
					var limit string
					err := tx.QueryRow(ctx, `select current_setting('statement_timeout') where $1::jsonb = to_jsonb($2::text[])`, []string{"a"}, []string{"a"}).Scan(&limit)
					if err == nil && limit != "5s" {
						err = errors.New("the transaction is another's: its limit is " + limit)
					}
					return err
				}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := together.Wait(); err != nil {
		t.Fatal(err)
	}
	var connections int
	if err := observer.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = current_database()`).Scan(&connections); err != nil {
		t.Fatal(err)
	}
	if connections > allowed {
		t.Errorf("the database has %d connections", connections)
	}
}
