package app

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/aws/secretsmanager"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
)

// connected is a workspace of its own, and what the functions are made of for it.
type connected struct {
	deps
	sim  *notionsim.Sim
	pool *postgres.Pool
}

// connectTwo connects two workspaces by OAuth, as two people do one after the other.
func connectTwo(t *testing.T) [2]connected {
	t.Helper()
	pool := pgtest.New(t)
	vault := vaultWith(t, map[string]string{
		config.NotionOAuthClientSecret: notionsim.OAuthClient().Secret,
		config.WebhookSealingKey:       base64.StdEncoding.EncodeToString(make([]byte, 32)),
	})
	account := aws.Config{
		BaseEndpoint: aws.String(vault), Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
	var two [2]connected
	for i := range two {
		sim, notionURL := simulated(t, notionsim.Config{Demo: true, Seed: int64(i + 1)})
		app := notionsim.OAuthClient()
		p := deps{
			cfg: config.Config{
				Stage: "test", Mapping: mapping.ACT(), NotionAPIURL: notionURL, NotionBudget: 180, DeleteLimit: 20, DeleteShare: 0.1,
				NotionOAuth: config.NotionOAuth{ClientID: app.ID, RedirectURI: app.RedirectURIs[0]},
			},
			aws: account, log: slog.New(slog.DiscardHandler), opened: &opened{pool: pool}, gauge: newTelemetry("test", "test", slog.New(slog.DiscardHandler)),
			secret: secretsmanager.NewApp(awssecrets.NewFromConfig(account), "app", secretTTL, time.Now),
			limits: patient(),
		}
		is, err := postgres.Settings{Pool: pool}.Read(t.Context(), consent(t, p, pool))
		if err != nil {
			t.Fatal(err)
		}
		is.Databases = sim.Databases()
		if err := (postgres.Settings{Pool: pool}).Save(t.Context(), is, "test"); err != nil {
			t.Fatal(err)
		}
		is.Version++
		two[i] = connected{deps: p.of(is), sim: sim, pool: pool}
	}
	return two
}

// consent connects the workspace of p and gives its connection.
func consent(t *testing.T, p deps, pool *postgres.Pool) string {
	t.Helper()
	connector := p.connector(pool, p.vault())
	start, err := connector.Start(t.Context(), "desk", "")
	if err != nil {
		t.Fatal(err)
	}
	asked, err := url.Parse(start.URL)
	if err != nil {
		t.Fatal(err)
	}
	form := asked.Query()
	form.Set("decision", "allow")
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.PostForm(p.cfg.NotionAPIURL+"/v1/oauth/authorize", form)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	to, err := answer.Location()
	if err != nil {
		t.Fatal(err)
	}
	done, err := connector.Finish(t.Context(), oauth.Callback{Code: to.Query().Get("code"), State: to.Query().Get("state")})
	if err != nil {
		t.Fatal(err)
	}
	return done.ConnectionID
}

// inHand is a queue whose messages are worked on by the test.
type inHand struct{ messages []journal.Message }

func (q *inHand) Send(_ context.Context, _ string, m journal.Message) error {
	q.messages = append(q.messages, m)
	return nil
}

// run starts a sync of a connection and works on it.
func (c connected) run(ctx context.Context) error {
	queue := &inHand{}
	starter := c.starter(c.pool)
	starter.Queue = queue
	if _, err := starter.Start(ctx, engine.Request{Type: journal.Full, RequestedBy: "test"}); err != nil {
		return err
	}
	all := allConnections{c.deps, c.pool}
	syncers := &perConnectionCache[connectionSyncer]{create: func(p deps) connectionSyncer { return p.syncer(c.pool) }}
	for _, m := range queue.messages {
		is, err := all.settingsOf(ctx, m)
		if err == nil {
			err = syncers.of(all.of(is)).Work(ctx, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c connected) status(t *testing.T) journal.Status {
	t.Helper()
	s, err := postgres.Status{Pool: c.pool, ConnectionID: c.id(), Mapping: c.cfg.Mapping}.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// count returns the number that a query of a connection gives.
func (c connected) count(t *testing.T, query string) (n int) {
	t.Helper()
	if err := c.pool.QueryRow(t.Context(), query, c.id()).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTwoWorkspaces syncs two workspaces at once: what is one's is nowhere the other's.
func TestTwoWorkspaces(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	if two[0].id() != config.DefaultConnection || two[1].id() == two[0].id() {
		t.Fatalf("connected as %s and %s", two[0].id(), two[1].id())
	}
	both := func() {
		t.Helper()
		var errs [2]error
		var running sync.WaitGroup
		for i, c := range two {
			running.Go(func() { errs[i] = c.run(t.Context()) })
		}
		running.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
	}
	both()
	for i, c := range two {
		if s := c.status(t); s.Synced != 90 || s.LastFailed || len(s.Problems) != 0 {
			t.Errorf("workspace %d: %+v", i, s)
		}
		if n := c.count(t, `select count(*) from partners where connection_id = $1`); n != 25 {
			t.Errorf("workspace %d has %d partners", i, n)
		}
	}
	if n := two[0].count(t, `select count(*) from notion_partners a join notion_partners b using (notion_id) where a.connection_id = $1 and b.connection_id <> $1`); n != 0 {
		t.Errorf("%d pages are of both", n)
	}

	// A person's edit goes to the workspace whose row it is, and the other's trouble stays the other's.
	writes := func(c connected) uint64 { return uint64(c.sim.Stats().Requests["PATCH /v1/pages/{id}"]) }
	was := [2]uint64{writes(two[0]), writes(two[1])}
	if _, err := two[1].pool.Exec(t.Context(), `update partners set location = 'elsewhere' where connection_id = $1
		and id = (select min(id::text)::uuid from partners where connection_id = $1)`, two[1].id()); err != nil {
		t.Fatal(err)
	}
	if err := two[0].notionOAuth().Revoke(t.Context(), two[0].token(t)); err != nil {
		t.Fatal(err)
	}
	both()
	if writes(two[1]) != was[1]+1 || writes(two[0]) != was[0] {
		t.Errorf("written %d and %d", writes(two[0])-was[0], writes(two[1])-was[1])
	}
	if first, second := two[0].status(t), two[1].status(t); !first.LastFailed || len(first.Problems) == 0 || second.LastFailed || len(second.Problems) != 0 {
		t.Errorf("%+v\n%+v", first, second)
	}
	for i, c := range two {
		page, err := postgres.Events{Pool: c.pool, ConnectionID: c.id()}.List(t.Context(), event.Filter{Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		var types []event.Type
		for _, e := range page.Events {
			types = append(types, e.Type)
			if strings.Contains(string(e.Data), two[1-i].id()) {
				t.Errorf("an event of workspace %d names the other: %s", i, e.Data)
			}
		}
		if slices.Contains(types, event.OAuthRevoked) != (i == 0) || slices.Contains(types, event.SyncFailed) != (i == 0) || !slices.Contains(types, event.SyncCompleted) {
			t.Errorf("workspace %d: %v", i, types)
		}
	}
}

func (c connected) token(t *testing.T) secret.Text {
	t.Helper()
	token, err := c.source().Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestSettingsHaveEffect: the policy of a connection is the sync's, and its databases are its own.
func TestSettingsHaveEffect(t *testing.T) {
	t.Parallel()
	p := deps{cfg: config.Config{Mapping: mapping.ACT(), DatabaseIDs: map[string]string{"partners": "env", "projects": "env"}}}
	first := p.of(settings.Settings{ConnectionID: config.DefaultConnection, Policy: "notion", Databases: map[string]string{"projects": "own"}}).connection()
	if first.Rule != "notion" || first.DatabaseIDs["partners"] != "env" || first.DatabaseIDs["projects"] != "own" {
		t.Errorf("%+v", first)
	}
	if second := p.of(settings.Settings{ConnectionID: "c2", Policy: "manual"}).connection(); second.Rule != "manual" || len(second.Kinds()) != 0 {
		t.Errorf("another connection has the environment's databases: %+v", second)
	}
	if p.cfg.DatabaseIDs["projects"] != "env" {
		t.Error("the environment's were changed")
	}
}
