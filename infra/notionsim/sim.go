// Package notionsim is a Notion workspace to develop and test against: the part of Notion's API that this project uses, as one
// http.Handler, with a workspace behind it, the same rules and the same rough edges. What a test wants otherwise is turned
// under /_sim/. It holds nothing secret: tokens are fixed, and anybody may turn everything.
//
// https://developers.notion.com/reference/intro
package notionsim

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/infra/notionsim/demo"
	"github.com/act-platform/enhanced-integration/infra/notionsim/journal"
	"github.com/act-platform/enhanced-integration/infra/notionsim/oauth"
	"github.com/act-platform/enhanced-integration/infra/notionsim/webhook"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// The tokens of a simulator whose Config names no others.
const (
	IntegrationToken = "ntn_sim_integration_0123456789abcdef0123456789abcdef" //nolint:gosec // opens nothing but a simulator
	PersonToken      = "ntn_sim_person_0123456789abcdef0123456789abcdef01234" //nolint:gosec // opens nothing but a simulator
)

// Config says how a simulator is. Its zero value is a workspace without databases, in memory, on the machine's clock.
type Config struct {
	Path   string           // file in which state is kept; "" keeps it in memory only
	Demo   bool             // begin with the demo workspace
	Seed   int64            // decides every id; 0 counts as 1, and state that was kept has its own
	Now    func() time.Time // nil is the machine's clock
	Logger *slog.Logger     // nil logs nothing

	IntegrationToken string // whose requests come from the bot; "" is IntegrationToken
	PersonToken      string // whose requests come from a person; "" is PersonToken

	// OAuth is the application that may connect; its zero value is OAuthClient.
	OAuth oauth.Client

	// OnRequest, where given, is asked twice about each request of a bot that would succeed: before anything is done, and when it
	// was done and saved. A fault that it gives is what the bot gets instead of its answer. It is called from many goroutines.
	OnRequest func(r *http.Request, saved bool) *chaos.Fault
}

// Sim is a simulator. It is safe for concurrent use.
type Sim struct {
	config Config
	clock  *Clock
	log    *slog.Logger
	mux    *http.ServeMux

	mu        sync.RWMutex // guards the workspace
	workspace *workspace.Workspace
	options   atomic.Pointer[Options]

	journal  *journal.Journal
	oauth    *oauth.Server
	webhooks *webhook.Hub
	faults   chaos.Injector
	budget   budget
	counts   counts
	requests atomic.Uint64 // how many request ids were given
}

// OAuthClient is the application of a simulator whose Config names no other.
func OAuthClient() oauth.Client {
	return oauth.Client{
		ID: "5f9d0a1e-0000-4000-8000-00000000c11e", Secret: "secret_sim_0123456789abcdef0123456789abcdef",
		RedirectURIs: []string{"http://localhost:4000/api/enhanced-integration/oauth/notion/callback"},
	}
}

func (c *Config) complete() error {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.IntegrationToken == "" {
		c.IntegrationToken = IntegrationToken
	}
	if c.PersonToken == "" {
		c.PersonToken = PersonToken
	}
	if c.OAuth.ID == "" {
		c.OAuth = OAuthClient()
	}
	switch {
	case c.IntegrationToken == c.PersonToken:
		return errors.New("the integration's token and the person's must differ")
	case c.OAuth.Secret == "" || len(c.OAuth.RedirectURIs) == 0:
		return errors.New("the OAuth client needs a secret and a redirect URI")
	}
	return nil
}

// New starts a simulator. Its state is taken from the file at Config.Path where there is one.
func New(config Config) (*Sim, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	s := &Sim{config: config, log: config.Logger}
	s.options.Store(new(defaultOptions()))
	s.clock = &Clock{beneath: config.Now, moved: func() {}}
	s.counts.reset()
	s.budget.reset()
	s.faults.Set(nil, uint64(config.Seed))
	var err error
	if s.journal, err = journal.Open(config.Path); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.journal.Close())
	}
	s.clock.moved = s.webhooks.Nudge
	s.mux = s.routes()
	return s, nil
}

// open takes the state from the journal, or begins where there is none.
func (s *Sim) open() error {
	var err error
	if s.journal.Empty("counters") {
		err = s.begin()
	} else {
		s.workspace = s.newWorkspace()
		err = s.workspace.Load(s.journal)
		s.config.Seed = s.workspace.Seed()
	}
	if err != nil {
		return err
	}
	if s.oauth, err = oauth.New(s.config.OAuth, s.config.Seed, s.clock.Now, s.journal); err != nil {
		return err
	}
	s.webhooks, err = webhook.New(webhook.Config{
		Seed: s.config.Seed, Now: s.clock.Now, Habits: s.habits, Kept: s.journal, Log: s.log, WorkspaceID: s.workspace.ID(),
	})
	return err
}

func (s *Sim) newWorkspace() *workspace.Workspace {
	w := workspace.New(s.config.Seed, s.clock.Now)
	w.Limits = s.Options().limits()
	return w
}

// begin makes the workspace what it is at first, and keeps it.
func (s *Sim) begin() error {
	s.workspace = s.newWorkspace()
	demo.Open(s.workspace)
	if s.config.Demo {
		if err := demo.Fill(s.workspace); err != nil {
			return err
		}
	}
	return s.save()
}

// save keeps what changed in the workspace, and has webhooks tell of it.
func (s *Sim) save() error {
	if err := s.keep(); err != nil {
		return err
	}
	if events := s.workspace.TakeEvents(); s.webhooks != nil {
		return s.webhooks.Take(events...)
	}
	return nil
}

func (s *Sim) keep() error {
	if s.journal == nil {
		s.workspace.ForgetChanges()
		return nil
	}
	changed, err := s.workspace.TakeChanges()
	if err != nil {
		return err
	}
	return s.journal.Put(changed...)
}

// Close stops what the simulator started, and closes its file.
func (s *Sim) Close() error {
	s.webhooks.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.Close()
}

// ServeHTTP answers the API at /v1/ and the controls at /_sim/.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.EscapedPath(), "//") { // the multiplexer would send the client elsewhere
		s.nowhere(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Clock returns Notion's clock, to be set by tests.
func (s *Sim) Clock() *Clock { return s.clock }

// Databases returns the id of the database of each kind of the demo workspace.
func (s *Sim) Databases() map[string]string {
	ids := make(map[string]string)
	if s.config.Demo {
		for _, kind := range demo.Kinds() {
			ids[kind] = demo.DatabaseID(s.config.Seed, kind)
		}
	}
	return ids
}

// Stats returns what was counted.
func (s *Sim) Stats() Stats {
	stats := s.counts.snapshot()
	stats.Faults = s.faults.Strikes()
	return stats
}

// Options returns the options.
func (s *Sim) Options() Options { return *s.options.Load() }

// SetOptions changes options. Where the outcome would make no sense nothing changes and the error says why. Another budget begins
// with new windows.
func (s *Sim) SetOptions(change func(*Options)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.Options()
	change(&next)
	if err := next.check(); err != nil {
		return err
	}
	if was := s.Options(); next.Budget != was.Budget || next.WorkspaceBudget != was.WorkspaceBudget || next.BudgetWindowSeconds != was.BudgetWindowSeconds {
		s.budget.reset()
	}
	s.options.Store(&next)
	s.workspace.Limits = next.limits()
	s.webhooks.Nudge()
	return nil
}

// SetFaults replaces the rules by which requests fail, and the seed of what is left to chance.
func (s *Sim) SetFaults(seed uint64, rules ...chaos.Rule) error {
	for _, r := range rules {
		if err := r.Check(); err != nil {
			return err
		}
	}
	s.faults.Set(rules, seed)
	return nil
}
