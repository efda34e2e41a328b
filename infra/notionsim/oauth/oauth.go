// Package oauth holds the connections of Notion's OAuth: codes, access tokens, and refresh tokens that rotate.
//
// https://developers.notion.com/guides/get-started/authorization
package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/journal"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Kind is the kind of record under which connections are kept.
const Kind = "connection"

// codeLife is how long a code can be exchanged.
const codeLife = 10 * time.Minute

// Client is the application that connects.
type Client struct {
	ID, Secret   string
	RedirectURIs []string // where people may be sent back to
}

// Server issues and checks tokens. It is safe for concurrent use.
type Server struct {
	client Client
	seed   int64
	now    func() time.Time
	kept   *journal.Journal

	mu          sync.Mutex
	connections []*connection
	codes       map[string]code
	issued      int              // codes
	tokens      map[string]token // every token ever given
}

// connection is one person's consent.
type connection struct {
	Number     int       `json:"number"`
	Generation int       `json:"generation"` // of its pair of tokens
	Issued     time.Time `json:"issued"`     // when the pair was given
	Revoked    bool      `json:"revoked,omitempty"`
}

type code struct {
	redirectURI string
	given       time.Time
}

type token struct {
	connection *connection
	generation int
	refresh    bool
}

// Pair is what an exchange or a refresh gives.
type Pair struct{ Access, Refresh string }

// New returns a server with the connections that a journal kept.
func New(client Client, seed int64, now func() time.Time, kept *journal.Journal) (*Server, error) {
	s := &Server{client: client, seed: seed, now: now, kept: kept}
	s.forget()
	err := kept.Each(Kind, func(data []byte) error {
		c := new(connection)
		if err := json.Unmarshal(data, c); err != nil {
			return fmt.Errorf("load a connection: %w", err)
		}
		s.connections = append(s.connections, c)
		for g := range c.Generation {
			s.register(c, g+1)
		}
		return nil
	})
	return s, err
}

// Reset ends every connection as if it had never been.
func (s *Server) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	return s.kept.Clear(Kind)
}

func (s *Server) forget() {
	s.connections, s.codes, s.tokens = nil, make(map[string]code), make(map[string]token)
}

// Allowed reports whether a client may send people back to an address; "" is the only one that it has.
func (s *Server) Allowed(clientID, redirectURI string) bool {
	return clientID == s.client.ID && (slices.Contains(s.client.RedirectURIs, redirectURI) || (redirectURI == "" && len(s.client.RedirectURIs) == 1))
}

// Back returns where to send people who came without a redirect address.
func (s *Server) Back() string { return s.client.RedirectURIs[0] }

// Grant returns a code for a person's consent.
func (s *Server) Grant(redirectURI string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	c := ident.Token(s.seed, 36, "code", strconv.Itoa(len(s.connections)), strconv.Itoa(s.issued), s.now().String())
	s.codes[c] = code{redirectURI: redirectURI, given: s.now()}
	return c
}

// Authenticate checks the client's id and secret.
func (s *Server) Authenticate(id, secret string) error {
	if id != s.client.ID || secret != s.client.Secret {
		return refusal(http.StatusUnauthorized, "invalid_client", "Client authentication failed.")
	}
	return nil
}

// Exchange returns the tokens for a code, once.
func (s *Server) Exchange(codeGiven, redirectURI string) (Pair, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.codes[codeGiven]
	delete(s.codes, codeGiven)
	switch {
	case !ok:
		return Pair{}, invalidGrant("Invalid code: this code has been revoked or used, or does not exist.")
	case s.now().Sub(c.given) > codeLife:
		return Pair{}, invalidGrant("Invalid code: this code has expired.")
	case c.redirectURI != redirectURI:
		return Pair{}, invalidGrant("Invalid code: redirect_uri is not the one that the code was given for.")
	}
	connected := &connection{Number: len(s.connections) + 1}
	s.connections = append(s.connections, connected)
	return s.issue(connected)
}

// Refresh returns a new pair of tokens for a refresh token; the old pair dies. A refresh token that was used before was stolen or
// lost: the connection ends.
func (s *Server) Refresh(refresh string) (Pair, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[refresh]
	switch {
	case !ok || !t.refresh || t.connection.Revoked:
		return Pair{}, invalidGrant("Invalid refresh token.")
	case t.generation != t.connection.Generation:
		t.connection.Revoked = true
		if err := s.keep(t.connection); err != nil {
			return Pair{}, err
		}
		return Pair{}, invalidGrant("Invalid refresh token: it was used before. The connection has been revoked.")
	}
	return s.issue(t.connection)
}

func (s *Server) issue(c *connection) (Pair, error) {
	c.Generation++
	c.Issued = s.now()
	return s.register(c, c.Generation), s.keep(c)
}

// register makes the pair of a generation known.
func (s *Server) register(c *connection, generation int) Pair {
	name := []string{strconv.Itoa(c.Number), strconv.Itoa(generation)}
	p := Pair{
		Access:  "ntn_sim_" + ident.Token(s.seed, 40, append([]string{"access"}, name...)...),
		Refresh: "nrt_sim_" + ident.Token(s.seed, 40, append([]string{"refresh"}, name...)...),
	}
	s.tokens[p.Access] = token{connection: c, generation: generation}
	s.tokens[p.Refresh] = token{connection: c, generation: generation, refresh: true}
	return p
}

func (s *Server) keep(c *connection) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.kept.Put(journal.Record{Kind: Kind, ID: fmt.Sprintf("%06d", c.Number), Data: data})
}

// Lookup returns the connection that an access token speaks for, and since when; false where it is not valid.
func (s *Server) Lookup(access string) (id string, since time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := s.tokens[access]
	if !known || t.refresh || t.connection.Revoked || t.generation != t.connection.Generation {
		return "", time.Time{}, false
	}
	return strconv.Itoa(t.connection.Number), t.connection.Issued, true
}

// Revoke ends the connection of a token. One that is not known is none of its business.
func (s *Server) Revoke(given string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[given]
	if !ok {
		return nil
	}
	t.connection.Revoked = true
	return s.keep(t.connection)
}

func invalidGrant(message string) error {
	return refusal(http.StatusBadRequest, "invalid_grant", message)
}

func refusal(status int, code, message string) error {
	return &wire.Error{Status: status, Code: code, Message: message}
}
