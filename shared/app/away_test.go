package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

// answering is a server that does the same with each connection, and its address.
func answering(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				do(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// get asks as somebody who may read, who waits for so long.
func get(t *testing.T, h http.Handler, patience time.Duration) (int, map[string]any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(invocation.WithCall(ctx, invocation.Call{
		RequestID: "1", Authorization: access.Context(access.Principal{Client: "desk", Scopes: []access.Scope{access.Read}}, nil),
	}), http.MethodGet, "/", http.NoBody))
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Errorf("%s: %v", w.Body, err)
	}
	return w.Code, answer
}

// stalling is the way to a server, until it stands still: from then on what is said is heard, and nothing comes back.
func stalling(t *testing.T, target string) (address string, standStill func()) {
	t.Helper()
	var still atomic.Bool
	return answering(t, func(in net.Conn) {
		out, err := new(net.Dialer).DialContext(t.Context(), "tcp", target)
		if err != nil {
			return
		}
		defer func() { _ = out.Close() }()
		go func() {
			_, _ = io.Copy(out, in)
			_ = out.Close()
		}()
		for said := make([]byte, 4096); ; {
			n, err := out.Read(said)
			if err == nil && !still.Load() {
				_, err = in.Write(said[:n])
			}
			if err != nil {
				return
			}
		}
	}), func() { still.Store(true) }
}

// refusing reads the startup message and refuses the connection, as Postgres or a pooler does.
func refusing(code, message string) func(net.Conn) {
	return func(conn net.Conn) {
		server := pgproto3.NewBackend(conn, conn)
		for {
			first, err := server.ReceiveStartupMessage()
			if err != nil {
				return
			}
			if _, ok := first.(*pgproto3.SSLRequest); !ok {
				break
			}
			if _, err := conn.Write([]byte("N")); err != nil {
				return
			}
		}
		server.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: message})
		_ = server.Flush()
	}
}

// TestDatabaseAway: however the database is away, whoever asks is told so with 503, in time, and Notion, which nobody asked, is not blamed.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	_, notionURL := simulated(t, notionsim.Config{})
	database, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	stalls, standStill := stalling(t, database.Host)
	for name, c := range map[string]struct {
		host     string
		supabase string // what the health says of it, as an expression
		refused  bool
	}{
		"nobody listens":               {"127.0.0.1:1", "cannot be reached", false},
		"it has no such host":          {"no-such-host.invalid:5432", "cannot be reached", false},
		"it hangs":                     {hole(t), "does not answer in time|cannot be reached", false},
		"it stands still when it ran":  {stalls, "does not answer in time|cannot be reached", false},
		"it hangs up":                  {answering(t, func(net.Conn) {}), "cannot be reached", false},
		"it is a web server":           {answering(t, func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }), "cannot be reached", false},
		"it refuses the password":      {answering(t, refusing("28P01", `password authentication failed for user "x"`)), "check DATABASE_URL", true},
		"it has no such database":      {answering(t, refusing("3D000", `database "x" does not exist`)), "check DATABASE_URL", false},
		"it has too many clients":      {answering(t, refusing("53300", "sorry, too many clients already")), "cannot answer now", false},
		"it starts":                    {answering(t, refusing("57P03", "the database system is starting up")), "cannot answer now", false},
		"the pooler knows no such one": {answering(t, refusing("XX000", "Tenant or user not found")), "Tenant or user not found", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := *database
			u.Host = c.host
			env := environ(vaultWith(t, map[string]string{config.NotionToken: notionsim.IntegrationToken, config.DatabaseURL: u.String()}), notionURL)
			p, err := partsOf("health", func(name string) string { return env[name] })
			if err != nil {
				t.Fatal(err)
			}
			pool, err := p.pool(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			health, status := p.health(), p.perConnection(pool, deps.answerSyncStatus)
			if c.host == stalls {
				if code, answer := get(t, status, time.Minute); code != http.StatusOK {
					t.Fatal(code, answer)
				}
				standStill()
			}
			for range 2 {
				code, answer := get(t, status, 3*time.Second)
				if message, _ := answer["message"].(string); code != http.StatusServiceUnavailable || !strings.HasPrefix(message, "The database") {
					t.Errorf("GET /sync/status answers %d %v", code, answer)
				}
				code, answer = get(t, health, time.Minute)
				shown, _ := answer["health"].(map[string]any)
				services, _ := shown["services"].(map[string]any)
				supabase, _ := services["supabase"].(map[string]any)
				if message, _ := supabase["message"].(string); code != http.StatusServiceUnavailable || supabase["status"] != "unhealthy" || !regexp.MustCompile(c.supabase+"|lately").MatchString(message) {
					t.Errorf("GET /health answers %d %v", code, supabase)
				}
				if says, known := supabase["authenticated"]; !known || c.refused != (says == false) || says == true {
					t.Errorf("it is asked who we are: %v", supabase)
				}
				notion, _ := services["notion"].(map[string]any)
				if message, _ := notion["message"].(string); notion["status"] != "unknown" || notion["authenticated"] != nil || !strings.HasPrefix(message, "It was not asked. The database") {
					t.Errorf("of Notion it says %v", notion)
				}
				if sync, _ := shown["sync"].(map[string]any); sync["isRunning"] != nil || sync["lastSync"] != nil {
					t.Errorf("of the sync it says %v", sync)
				}
			}
		})
	}
}

// TestFunctionsAnswerBeforeTheirLimit: while the database stands still, API Gateway answers for none: it would say 500.
func TestFunctionsAnswerBeforeTheirLimit(t *testing.T) { //nolint:paralleltest // it sets the environment
	_, notionURL := simulated(t, notionsim.Config{})
	database, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	var standStill func()
	database.Host, standStill = stalling(t, database.Host)
	for name, value := range environ(vaultWith(t, map[string]string{config.NotionToken: notionsim.IntegrationToken, config.DatabaseURL: database.String()}), notionURL) {
		t.Setenv(name, value)
	}
	status, authorizer := SyncStatus(), Authorizer()
	if code, answer := get(t, status, time.Minute); code != http.StatusOK {
		t.Fatal(code, answer)
	}
	standStill()
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() {
		began := time.Now()
		if code, answer := get(t, status, 4*time.Second); code != http.StatusServiceUnavailable || time.Since(began) >= 4*time.Second {
			t.Errorf("%d after %v: %v", code, time.Since(began), answer)
		}
	})
	presented, _, err := access.NewKey("desk", []access.Scope{access.Read}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	limit := 15 * time.Second // every function's, in the template
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	told, err := authorizer(ctx, events.APIGatewayV2CustomAuthorizerV2Request{Headers: map[string]string{"x-api-key": presented}})
	if _, why := access.FromContext(told.Context); err != nil || ctx.Err() != nil || fault.KindOf(why) != fault.Unavailable {
		t.Errorf("%+v %v", told, err)
	}
}
