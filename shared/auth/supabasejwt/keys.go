package supabasejwt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

const (
	fresh   = 10 * time.Minute // how long keys are used without looking
	usable  = time.Hour        // and how long when they cannot be looked up
	again   = 30 * time.Second // how soon they are looked up again, for an id that is not among them or after a failure
	patient = time.Second      // how long a look-up may take
	largest = 64 << 10         // how large the keys may be
)

// KeySet is the set of public keys at an address, looked up when a token needs it: there is nothing in the background, where a function
// sleeps. It is safe for concurrent use.
type KeySet struct {
	url  string
	http *http.Client
	now  func() time.Time

	mu     sync.Mutex
	keys   keyfunc.Keyfunc // nil before the first success
	read   time.Time       // when keys were read
	looked time.Time       // when they were last looked up
	err    error           // of the last look-up
}

// NewKeySet makes the KeySet of a project.
func NewKeySet(projectURL string, transport http.RoundTripper, now func() time.Time) *KeySet {
	return &KeySet{
		url: projectURL + "/auth/v1/.well-known/jwks.json", now: now,
		http: &http.Client{
			Transport: transport, Timeout: patient,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Key returns the key of an id. Ids that nobody has are looked up once in a while only, however many ask.
func (s *KeySet) Key(ctx context.Context, id string) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	due := s.looked.IsZero() || now.Sub(s.looked) >= again
	if due && (s.keys == nil || now.Sub(s.read) >= fresh) {
		s.look(ctx, now)
		due = false
	}
	key, ok := s.find(id)
	if !ok && due {
		s.look(ctx, now)
		key, ok = s.find(id)
	}
	switch {
	case ok && now.Sub(s.read) < usable:
		return key, nil
	case s.err != nil:
		return nil, fault.Wrap(s.err, fault.Unavailable, "Supabase's keys cannot be read, by which tokens are checked. Try again in a moment, or use an API key.")
	}
	return nil, fault.New(fault.NotFound, "There is no such key.")
}

func (s *KeySet) find(id string) (any, bool) {
	if s.keys == nil {
		return nil, false
	}
	key, err := s.keys.Keyfunc(&jwt.Token{Header: map[string]any{"alg": jwt.SigningMethodES256.Alg(), "kid": id}})
	return key, err == nil
}

// look reads the keys. A caller who goes away does not spoil it for the others.
func (s *KeySet) look(ctx context.Context, now time.Time) {
	s.looked = now
	keys, err := s.fetch(context.WithoutCancel(ctx))
	if s.err = err; err == nil {
		s.keys, s.read = keys, now
	}
}

func (s *KeySet) fetch(ctx context.Context) (keyfunc.Keyfunc, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := s.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, largest+1))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK || len(content) > largest {
		return nil, fmt.Errorf("the keys' address answers %d with %d bytes", answer.StatusCode, len(content))
	}
	elliptic, err := ofElliptic(content)
	if err != nil {
		return nil, err
	}
	return keyfunc.NewJWKSetJSON(elliptic)
}

// ofElliptic leaves the keys of elliptic curves: one of a kind that is not known would fail them all.
func ofElliptic(content []byte) (json.RawMessage, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(content, &set); err != nil || set.Keys == nil {
		return nil, errors.New("the keys' address answers with something that is no set of keys")
	}
	kept := []json.RawMessage{}
	for _, key := range set.Keys {
		var kind struct {
			Type  string `json:"kty"`
			Curve string `json:"crv"`
		}
		if json.Unmarshal(key, &kind) == nil && kind.Type == "EC" && kind.Curve == "P-256" {
			kept = append(kept, key)
		}
	}
	return json.Marshal(map[string]any{"keys": kept})
}
