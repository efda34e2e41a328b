package grant

import (
	"encoding/json"
	"time"
)

// Provider is the one that grants come from.
const Provider = "notion"

// Status is the state of a grant.
type Status string

// The states. A grant that ended is made good by connecting again.
const (
	Connected    Status = "connected"
	Revoked      Status = "revoked"      // Notion does not accept it any more
	Disconnected Status = "disconnected" // a caller ended it
)

// Workspace is whose grant it is, as Notion tells it.
type Workspace struct {
	ID    string
	Name  string
	BotID string
	Owner json.RawMessage // Notion's object
}

// Grant is what is known of a connection beside its tokens.
type Grant struct {
	ConnectionID string
	SecretID     string // under which the pair is kept
	Status       Status
	Workspace
	Scope     string
	Version   int64 // of the pair
	Worked    bool  // the pair of that version is known to have worked
	Warned    bool  // oauth_expiring was raised for the pair of that version
	IssuedAt  time.Time
	ExpiresAt time.Time // zero: Notion did not say
}

// Answer is what Notion gives for a code or a refresh token.
type Answer struct {
	Pair // without a version
	Workspace
	Scope     string
	ExpiresAt time.Time // zero: Notion did not say
}

// Introspection is what Notion says of an access token.
type Introspection struct {
	Active   bool
	Scope    string
	IssuedAt time.Time // zero: not told
}

// Policy is what is assumed where Notion says nothing.
type Policy struct {
	// Life is how long an access token is taken to live when Notion does not say: it sends no expires_in.
	Life time.Duration
}

// warning is how long before its end a grant that could not be refreshed is told of.
const warning = 24 * time.Hour

// Expiry returns when the grant's access token ends.
func (p Policy) Expiry(g Grant) time.Time {
	if g.ExpiresAt.IsZero() {
		return g.IssuedAt.Add(p.Life)
	}
	return g.ExpiresAt
}

// Due reports whether the grant is to be refreshed: half of its life is over, or it ends within a day, whichever is later.
func (p Policy) Due(g Grant, now time.Time) bool {
	end := p.Expiry(g)
	ahead := min(end.Sub(g.IssuedAt)/2, warning)
	return !now.Before(end.Add(-ahead))
}

// Expiring reports whether a grant that could not be refreshed ends within 24 hours, or has ended.
func (p Policy) Expiring(g Grant, now time.Time) bool { return p.Expiry(g).Sub(now) <= warning }
