package oauth_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/notionoauth"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/aws/secretsmanager"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const first = config.DefaultConnection

// world is what a connection is made of: Notion, the vault and the database, each real or a stand-in that speaks its protocol.
type world struct {
	t         *testing.T
	pool      *postgres.Pool
	sim       *notionsim.Sim
	notionURL string
	cloudURL  string
	refreshes *atomic.Int64
	now       time.Time
	patience  time.Duration // with Notion's OAuth endpoints; 0: as usual
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, pool: pgtest.New(t), refreshes: new(atomic.Int64), now: time.Now()}
	sim, err := notionsim.New(notionsim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w.sim = sim
	c, err := cloud.Open(cloud.Config{})
	if err != nil {
		t.Fatal(err)
	}
	servers := []*httptest.Server{httptest.NewServer(sim), httptest.NewServer(c)}
	w.notionURL, w.cloudURL = servers[0].URL, servers[1].URL
	t.Cleanup(func() {
		for _, s := range servers {
			s.Close()
		}
		if err := errors.Join(sim.Close(), c.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// RoundTrip counts the requests that ask Notion for tokens.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/v1/oauth/token" {
		w.refreshes.Add(1)
	}
	return http.DefaultTransport.RoundTrip(r) //nolint:forbidigo // a test's
}

func (w *world) notion() *notionoauth.Client {
	app := notionsim.OAuthClient()
	return notionoauth.New(notionoauth.Config{
		BaseURL: w.notionURL, ID: app.ID, RedirectURI: app.RedirectURIs[0], Transport: w, Timeout: w.patience,
		Secret: func(context.Context) (secret.Text, error) { return secret.Of(app.Secret), nil },
	})
}

func (w *world) vault() secretsmanager.Vault {
	client := awssecrets.New(awssecrets.Options{
		BaseEndpoint: aws.String(w.cloudURL), Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return secretsmanager.Vault{Pairs: secretsmanager.Pairs{Readable: secretsmanager.Readable{Client: client}, Putter: client}, Owner: client}
}

func (w *world) grants() postgres.Grants {
	return postgres.Grants{Pool: w.pool, NewID: uuid.NewString, Now: w.clock, TTL: time.Minute, First: first}
}

func (w *world) clock() time.Time { return w.now }

func (w *world) connector() oauth.Connector {
	return oauth.Connector{
		Notion: w.notion(), Attempts: postgres.Attempts{Pool: w.pool}, Connections: w.grants(), Vault: w.vault(),
		RedirectURI: notionsim.OAuthClient().RedirectURIs[0], SecretName: secretName, Now: w.clock, NewID: uuid.NewString,
		Random: randomness{}, Log: slog.New(slog.DiscardHandler),
	}
}

func secretName(id string) string { return "act/test/oauth/" + id }

type randomness struct{}

func (randomness) Read(p []byte) (int, error) {
	id := uuid.New()
	for i := range p {
		p[i] = id[i%16] ^ byte(i)
	}
	return len(p), nil
}

func (w *world) keeper() oauth.Keeper {
	return oauth.Keeper{
		Notion: w.notion(), Grants: w.grants(), Vault: w.vault(), Policy: grant.Policy{Life: 24 * time.Hour},
		Now: w.clock, NewID: uuid.NewString, Wait: notion.Wait, Log: slog.New(slog.DiscardHandler),
	}
}

func (w *world) source(fixed string) *oauth.Source {
	return &oauth.Source{
		ConnectionID: first, Grants: w.grants(), Vault: w.vault(), Renew: w.keeper().Refresh, TTL: time.Minute, Now: w.clock,
		Fixed: func(context.Context) (secret.Text, error) { return secret.Of(fixed), nil },
	}
}

// consent follows an authorization address as a person does who allows access, or does not, and gives what Notion brings back.
func (w *world) consent(address, decision string) oauth.Callback {
	w.t.Helper()
	asked, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	form := asked.Query()
	form.Set("decision", decision)
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.PostForm(w.notionURL+"/v1/oauth/authorize", form)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	to, err := answer.Location()
	if err != nil {
		w.t.Fatalf("%d, %v", answer.StatusCode, err)
	}
	q := to.Query()
	return oauth.Callback{Code: q.Get("code"), State: q.Get("state"), Refused: q.Get("error")}
}

// start begins an attempt of a client, and gives what Notion brings back.
func (w *world) start(client, decision string) oauth.Callback {
	w.t.Helper()
	start, err := w.connector().Start(w.t.Context(), client, "mine")
	if err != nil {
		w.t.Fatal(err)
	}
	back := w.consent(start.URL, decision)
	if back.State != start.State {
		w.t.Fatalf("Notion brings back the state %q of %q", back.State, start.State)
	}
	return back
}

// connected connects a workspace and gives its pair.
func (w *world) connected() grant.Pair {
	w.t.Helper()
	if _, err := w.connector().Finish(w.t.Context(), w.start("desk", "allow")); err != nil {
		w.t.Fatal(err)
	}
	w.refreshes.Store(0)
	return w.pair()
}

func (w *world) pair() grant.Pair {
	w.t.Helper()
	pair, err := w.vault().Read(w.t.Context(), w.grant().SecretID)
	if err != nil {
		w.t.Fatal(err)
	}
	return pair
}

func (w *world) grant() grant.Grant {
	w.t.Helper()
	granted, err := w.grants().Find(w.t.Context(), first)
	if err != nil {
		w.t.Fatal(err)
	}
	return granted
}

// works reports whether Notion accepts a token.
func (w *world) works(token string) bool {
	w.t.Helper()
	client := notion.New(notion.Config{BaseURL: w.notionURL, Tokens: fixed(token)})
	_, err := client.Me(w.t.Context())
	return err == nil
}

type fixed string

func (f fixed) Token(context.Context) (secret.Text, error) { return secret.Of(string(f)), nil }
func (fixed) Invalidate(secret.Text)                       {}

// expireLease ends the lease of somebody who died.
func (w *world) expireLease() {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), `update oauth_tokens set lease_until = clock_timestamp() - interval '1 second' where lease_until is not null`); err != nil {
		w.t.Fatal(err)
	}
}

// happened returns the types of the events, oldest first.
func (w *world) happened() []event.Type {
	w.t.Helper()
	page, err := postgres.Events{Pool: w.pool, ConnectionID: first}.List(w.t.Context(), event.Filter{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	types := make([]event.Type, len(page.Events))
	for i, e := range page.Events {
		types[len(types)-1-i] = e.Type
	}
	return types
}

// process is one that dies at one of its steps, before or after the step was taken. What is dead does nothing more, not even let go.
type process struct {
	mu    sync.Mutex
	taken int
	at    int
	after bool
	dead  bool
}

var errDead = errors.New("this process has died")

func (p *process) step(do func() error) error {
	p.mu.Lock()
	p.taken++
	here := p.taken == p.at
	p.dead = p.dead || here && !p.after
	dead := p.dead
	p.dead = p.dead || here
	p.mu.Unlock()
	if dead {
		return errDead
	}
	err := do()
	if here {
		return errDead
	}
	return err
}

func step[T any](p *process, do func() (T, error)) (result T, err error) {
	err = p.step(func() (err error) {
		result, err = do()
		return err
	})
	return result, err
}

// keeper returns a keeper of the process.
func (p *process) keeper(k oauth.Keeper) oauth.Keeper {
	k.Notion, k.Grants, k.Vault = dyingNotion{p, k.Notion}, dyingGrants{p, k.Grants}, dyingVault{p, k.Vault}
	return k
}

type dyingNotion struct {
	*process
	oauth.Refresher
}

func (d dyingNotion) Refresh(ctx context.Context, refresh secret.Text) (grant.Answer, error) {
	return step(d.process, func() (grant.Answer, error) { return d.Refresher.Refresh(ctx, refresh) })
}

func (d dyingNotion) Introspect(ctx context.Context, access secret.Text) (grant.Introspection, error) {
	return step(d.process, func() (grant.Introspection, error) { return d.Refresher.Introspect(ctx, access) })
}

type dyingGrants struct {
	*process
	oauth.Grants
}

func (d dyingGrants) Claim(ctx context.Context, connectionID, owner string) (grant.Grant, error) {
	return step(d.process, func() (grant.Grant, error) { return d.Grants.Claim(ctx, connectionID, owner) })
}

func (d dyingGrants) Save(ctx context.Context, owner string, was, is grant.Grant, happened ...event.Draft) error {
	return d.step(func() error { return d.Grants.Save(ctx, owner, was, is, happened...) })
}

func (d dyingGrants) Release(ctx context.Context, connectionID, owner string) error {
	return d.step(func() error { return d.Grants.Release(ctx, connectionID, owner) })
}

type dyingVault struct {
	*process
	oauth.Vault
}

func (d dyingVault) Read(ctx context.Context, name string) (grant.Pair, error) {
	return step(d.process, func() (grant.Pair, error) { return d.Vault.Read(ctx, name) })
}

func (d dyingVault) Put(ctx context.Context, name string, p grant.Pair) error {
	return d.step(func() error { return d.Vault.Put(ctx, name, p) })
}
