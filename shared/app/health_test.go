package app

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/notion/ratelimit"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// hole is a service that takes connections and never says a word.
func hole(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range open {
			_ = conn.Close()
		}
	})
	return listener.Addr().String()
}

// simulated is a workspace and its address.
func simulated(t *testing.T, cfg notionsim.Config) (*notionsim.Sim, string) {
	t.Helper()
	sim, err := notionsim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return sim, server.URL
}

// environ returns the variables of a function's environment.
func environ(vault, notionURL string) map[string]string {
	return map[string]string{
		"STAGE": "test", "APP_SECRET_ARN": "app", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL": vault, "NOTION_API_URL": notionURL,
	}
}

// vaultWith is a Secrets Manager with an app secret.
func vaultWith(t *testing.T, values map[string]string) string {
	t.Helper()
	c, err := cloud.Open(cloud.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(func() {
		server.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	secret, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	client := secretsmanager.NewFromConfig(aws.Config{
		BaseEndpoint: aws.String(server.URL), Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	if _, err := client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("app"), SecretString: aws.String(string(secret))}); err != nil {
		t.Fatal(err)
	}
	return server.URL
}

// TestHealthOfWhatHangs: whatever takes the connection and does not answer, GET /health answers, each time. That it takes no more than two
// seconds is TestHealthNeverWaitsLong's to show, whose clock no busy machine holds up.
func TestHealthOfWhatHangs(t *testing.T) {
	t.Parallel()
	_, notionURL := simulated(t, notionsim.Config{})
	database := pgtest.URL(t)
	for _, c := range []struct {
		name                    string
		database, notion, cloud bool // it hangs
		status                  int
	}{
		{"Notion", false, true, false, http.StatusOK},
		{"Postgres", true, false, false, http.StatusServiceUnavailable},
		{"both", true, true, false, http.StatusServiceUnavailable},
		{"Secrets Manager", false, false, true, http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			values := map[string]string{
				config.NotionToken: notionsim.IntegrationToken, config.DatabaseURL: database, config.NotionOAuthClientSecret: "secret",
			}
			if c.database {
				u, err := url.Parse(database)
				if err != nil {
					t.Fatal(err)
				}
				u.Host = hole(t)
				values[config.DatabaseURL] = u.String()
			}
			env := environ(vaultWith(t, values), notionURL)
			env["NOTION_OAUTH_CLIENT_ID"], env["NOTION_OAUTH_REDIRECT_URI"] = "client", "https://example.org/callback"
			if c.notion {
				env["NOTION_API_URL"] = "http://" + hole(t)
			}
			if c.cloud {
				env["AWS_ENDPOINT_URL"] = "http://" + hole(t)
			}
			p, err := partsOf("health", func(name string) string { return env[name] })
			if err != nil {
				t.Fatal(err)
			}
			h := p.health()
			for range 2 {
				began := time.Now()
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
				p.gauge.flush(t.Context())
				if took := time.Since(began); took >= 10*time.Second || w.Code != c.status {
					t.Errorf("%d after %v: %s", w.Code, took, w.Body)
				}
				if known := strings.Contains(w.Body.String(), `"notion_configured":true`); known == c.cloud { // where the secret is, it is known
					t.Errorf("OAuth is configured: %v in %s", known, w.Body)
				}
			}
		})
	}
}

// patient are limits that a busy machine keeps.
func patient() healthLimits {
	return healthLimits{answer: time.Minute, ask: time.Minute, method: time.Minute, budget: time.Minute}
}

// TestHealthLeavesPeopleWhatIsTheirs: while runs need all that is theirs of Notion's limit, looks at Notion are few, and before that they cost people
// nothing.
func TestHealthLeavesPeopleWhatIsTheirs(t *testing.T) {
	t.Parallel()
	sim, notionURL := simulated(t, notionsim.Config{})
	pool := pgtest.New(t)
	vault := vaultWith(t, map[string]string{config.NotionToken: notionsim.IntegrationToken, config.DatabaseURL: pool.Config().ConnString()})
	health := func() {
		t.Helper()
		env := environ(vault, notionURL)
		p, err := partsOf("health", func(name string) string { return env[name] })
		if err != nil {
			t.Fatal(err)
		}
		p.limits = patient()
		w := httptest.NewRecorder()
		p.health().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"overall":"healthy"`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if _, err := pool.Exec(t.Context(), `delete from integration.cache_entries where key = 'notion'`); err != nil { // eight seconds later
			t.Fatal(err)
		}
	}
	spent := func() (interactive int) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `select coalesce(sum(requests) filter (where interactive), 0) from integration.notion_requests`).Scan(&interactive); err != nil {
			t.Fatal(err)
		}
		return interactive
	}
	for range 3 {
		health()
	}
	if n := spent(); n != 0 || sim.Stats().Total != 3 {
		t.Errorf("%d requests, %d of what is people's", sim.Stats().Total, n)
	}
	bank := postgres.Budget{Pool: pool, ConnectionID: config.DefaultConnection, Requests: 180}
	for taken := true; taken; {
		wait, err := bank.Take(t.Context(), ratelimit.Ask{Chunk: newID(), Requests: 1})
		if err != nil {
			t.Fatal(err)
		}
		taken = wait == 0
	}
	for range 5 {
		health()
	}
	if n := spent(); n != 1 || sim.Stats().Total != 4 {
		t.Errorf("%d requests, %d of what is people's, while runs need the rest", sim.Stats().Total, n)
	}
}
