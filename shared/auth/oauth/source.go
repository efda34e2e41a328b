package oauth

import (
	"context"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Method says how the integration shows Notion who it is.
type Method string

// The methods.
const (
	ByOAuth Method = "oauth"
	ByToken Method = "token-based"
	ByNone  Method = "none"
)

// Finder tells what is known of a connection's grant.
type Finder interface {
	// Find returns a connection's grant; fault.NotFound when it never had one.
	Find(ctx context.Context, connectionID string) (grant.Grant, error)
}

// Reader reads pairs.
type Reader interface {
	Read(ctx context.Context, name string) (grant.Pair, error)
}

// Renew returns a pair newer than the stale version, as Keeper.Refresh does.
type Renew func(ctx context.Context, connectionID string, stale int64) (grant.Pair, error)

// Source returns the token of a connection: OAuth's when the workspace is connected, else the fixed one. It remembers a token for TTL, and
// not a moment longer once Notion refused it.
type Source struct {
	ConnectionID string
	Grants       Finder
	Vault        Reader
	// Fixed returns the token that a person set, an empty one for none.
	Fixed func(ctx context.Context) (secret.Text, error)
	// Reread, when not nil, has Fixed be asked anew for a token that Notion refused: a person may have set another.
	Reread func()
	// Renew is nil where tokens are only read.
	Renew Renew
	TTL   time.Duration
	Now   func() time.Time

	mu      sync.Mutex
	kept    kept
	until   time.Time
	refused secret.Text // the token that Notion refused last
}

type kept struct {
	token  secret.Text
	method Method
}

// Token returns the token; an empty one when there is none. fault.Unavailable: it cannot be read now.
func (s *Source) Token(ctx context.Context) (secret.Text, error) {
	k, err := s.get(ctx)
	return k.token, err
}

// Method says where the token comes from now. Where that is not where the kept one came from, the kept one is let go.
func (s *Source) Method(ctx context.Context) (Method, error) {
	granted, err := s.Grants.Find(ctx, s.ConnectionID)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return "", err
	}
	now := kept{method: ByOAuth}
	if err != nil || granted.Status != grant.Connected {
		if now, err = s.fixed(ctx); err != nil {
			return "", err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.method != s.kept.method {
		s.until = time.Time{}
	}
	return now.method, nil
}

// Invalidate has the next Token read anew, and refreshed when it is still the one that Notion refused.
func (s *Source) Invalidate(token secret.Text) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until, s.refused = time.Time{}, token
}

func (s *Source) get(ctx context.Context) (kept, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if now.Before(s.until) {
		return s.kept, nil
	}
	k, err := s.read(ctx)
	if err == nil {
		s.kept, s.until = k, now.Add(s.TTL)
	}
	return k, err
}

func (s *Source) read(ctx context.Context) (kept, error) {
	granted, err := s.Grants.Find(ctx, s.ConnectionID)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return kept{}, err
	}
	if err != nil || granted.Status != grant.Connected {
		return s.unrefused(ctx)
	}
	pair, err := s.Vault.Read(ctx, granted.SecretID)
	if err != nil {
		return kept{}, err
	}
	if pair.Access.Equal(s.refused) && s.Renew != nil {
		fresh, err := s.Renew(ctx, s.ConnectionID, pair.Version)
		if fault.KindOf(err) == fault.Unauthorized { // the grant has ended
			k, errFixed := s.unrefused(ctx)
			if errFixed == nil && k.token.Empty() {
				errFixed = err
			}
			return k, errFixed
		}
		if err != nil {
			return kept{}, err
		}
		pair = fresh
	}
	return kept{pair.Access, ByOAuth}, nil
}

// unrefused returns the fixed token, and looks for another where Notion refused the one that is remembered.
func (s *Source) unrefused(ctx context.Context) (kept, error) {
	k, err := s.fixed(ctx)
	if err == nil && !k.token.Empty() && k.token.Equal(s.refused) && s.Reread != nil {
		s.Reread()
		return s.fixed(ctx)
	}
	return k, err
}

func (s *Source) fixed(ctx context.Context) (kept, error) {
	token, err := s.Fixed(ctx)
	if token.Empty() {
		return kept{method: ByNone}, err
	}
	return kept{token: token, method: ByToken}, err
}
