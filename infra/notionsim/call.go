package notionsim

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/infra/notionsim/demo"
	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// The versions of the API that are spoken.
//
// https://developers.notion.com/reference/versioning
const (
	versionTrash   = "2026-03-11" // in_trash instead of archived
	versionSources = "2025-09-03" // data sources
	versionOld     = "2022-06-28" // known, and answered with the error for what it cannot do
)

// maxBody is how many bytes a request may have.
const maxBody = 500_000

// call is one request to the API.
type call struct {
	request    *http.Request
	route      string // method and pattern
	id         string // the request's
	actor      workspace.Actor
	connection string // whose budget it spends; "" for a person
	version    string
	body       wire.Node
	answer     wire.Buffer
	created    string // id of the page that it created
}

// who names the one who calls, as rules of faults do.
func (c *call) who() string {
	if c.actor.Bot {
		return "bot"
	}
	return "person"
}

// style is how objects are written in the answer.
func (c *call) style() workspace.Style {
	return workspace.Style{Archived: c.version != versionTrash, Bot: c.actor.Bot}
}

// single is style for an answer that is one object.
func (c *call) single() workspace.Style {
	style := c.style()
	style.RequestID = c.id
	return style
}

// handler does a call: it writes the answer, or gives the error to answer.
type handler func(*call) error

// reads makes an endpoint of a handler that changes nothing.
func (s *Sim) reads(do handler) handler {
	return func(c *call) error {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return do(c)
	}
}

// writes makes an endpoint of a handler that may change the workspace. What it changed is kept before it is answered.
func (s *Sim) writes(do handler) handler {
	return func(c *call) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return errors.Join(do(c), s.save())
	}
}

// serve answers one call to the API.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request, route string, do handler) {
	c := &call{request: r, route: route, id: s.requestID()}
	fault, err := s.handle(c, do)
	if fault != nil {
		s.spoil(w, c, fault)
		return
	}
	s.respond(w, c, err)
}

func (s *Sim) requestID() string {
	return ident.UUID(s.config.Seed, "request", strconv.FormatUint(s.requests.Add(1), 10))
}

// handle runs a call through everything that comes before and after its handler.
func (s *Sim) handle(c *call, do handler) (*chaos.Fault, error) {
	if err := s.identify(c); err != nil {
		return nil, err
	}
	s.count(c)
	if err := s.spend(c); err != nil {
		return nil, err
	}
	if err := c.readVersion(); err != nil {
		return nil, err
	}
	if fault := s.strike(c, false); fault != nil {
		return fault, nil
	}
	if err := c.readBody(); err != nil {
		return nil, err
	}
	if err := do(c); err != nil {
		return nil, err
	}
	return s.strike(c, true), nil
}

// identify finds out whose token it is.
func (s *Sim) identify(c *call) error {
	token, ok := strings.CutPrefix(c.request.Header.Get("Authorization"), "Bearer ")
	revoked := s.Options().IntegrationRevoked
	switch {
	case ok && token == s.config.PersonToken:
		c.actor = s.person()
		return nil
	case ok && token == s.config.IntegrationToken && !revoked:
		c.connection = "integration"
	case ok && s.connected(c, token):
	default:
		s.counts.add(func(st *Stats) { st.Unauthorized++ })
		return wire.Unauthorized()
	}
	c.actor = s.bot()
	return nil
}

// connected reports whether a token was given by OAuth and is valid.
func (s *Sim) connected(c *call, token string) bool {
	id, _, ok := s.lookup(token)
	c.connection = id
	return ok
}

// lookup returns the connection that an access token speaks for, and since when; false where it is not valid, or not any more.
func (s *Sim) lookup(token string) (id string, since time.Time, ok bool) {
	id, since, ok = s.oauth.Lookup(token)
	life := time.Duration(s.Options().OAuthLifeSeconds) * time.Second
	return id, since, ok && (life == 0 || s.clock.Now().Sub(since) < life)
}

func (s *Sim) bot() workspace.Actor {
	return workspace.Actor{UserID: demo.BotID(s.config.Seed), Bot: true, Integration: demo.BotName}
}

func (s *Sim) count(c *call) {
	s.counts.add(func(st *Stats) {
		if !c.actor.Bot {
			st.PersonRequests++
			return
		}
		st.Requests[c.route]++
		st.Total++
	})
}

// spend takes the call from the budget of its connection and of the workspace. A person has none.
//
// https://developers.notion.com/reference/request-limits
func (s *Sim) spend(c *call) error {
	if !c.actor.Bot {
		return nil
	}
	o, now := s.Options(), s.clock.Now()
	reason := "public_api_space_request_rate_limit"
	wait := s.budget.take("workspace", o.WorkspaceBudget, o.BudgetWindowSeconds, now)
	if wait == 0 {
		reason = "public_api_request_rate_limit"
		wait = s.budget.take("connection "+c.connection, o.Budget, o.BudgetWindowSeconds, now)
	}
	if wait == 0 {
		return nil
	}
	s.counts.add(func(st *Stats) { st.RateLimited++ })
	code, message := chaos.Default(http.StatusTooManyRequests)
	return &wire.Error{
		Status: http.StatusTooManyRequests, Code: code, Message: message, RetryAfter: wait, Data: map[string]string{"rate_limit_reason": reason},
	}
}

// readVersion checks the Notion-Version header.
func (c *call) readVersion() error {
	c.version = c.request.Header.Get("Notion-Version")
	switch c.version {
	case versionTrash, versionSources:
		return nil
	case versionOld:
		return c.old()
	case "":
		return &wire.Error{
			Status: http.StatusBadRequest, Code: "missing_version",
			Message: "Notion-Version header failed validation: Notion-Version header should be defined, instead was `undefined`.",
		}
	default:
		return wire.Validation("Notion-Version header failed validation: Notion-Version header should be `%q` or `%q`, instead was `%q`.",
			versionSources, versionTrash, c.version)
	}
}

// old is what a version from before data sources gets: users as ever, of data sources the news that there is no such address,
// and of databases and pages the error for a database that has several of them.
func (c *call) old() error {
	switch {
	case strings.Contains(c.route, "/v1/users"):
		return nil
	case strings.Contains(c.route, "/v1/data_sources"):
		return wire.InvalidURL()
	default:
		return workspace.SeveralSources()
	}
}

// readBody reads the JSON of a request that has one.
func (c *call) readBody() error {
	if c.request.Method == http.MethodGet {
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(c.request.Body, maxBody+1))
	if err != nil {
		return &wire.Error{Status: http.StatusBadRequest, Code: "invalid_json", Message: "Error parsing JSON body."}
	}
	if len(raw) > maxBody {
		return wire.Validation("body failed validation: body is larger than the maximum of 500 KB.")
	}
	body, refused := wire.Parse(raw)
	if refused != nil {
		return refused
	}
	if archived := body.Get("archived"); c.version == versionTrash && archived.Present() {
		archived.Expect("not present")
	}
	c.body = body
	return body.Err()
}
