// Package access says who a caller is and what they may do. Pure.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Scope is a part of the API that a caller may use.
type Scope string

// The scopes. Admin stands for all of them.
const (
	Read   Scope = "read"
	Sync   Scope = "sync"
	Events Scope = "events"
	Config Scope = "config"
	Data   Scope = "data"
	Admin  Scope = "admin"
)

// Scopes returns every scope.
func Scopes() []Scope { return []Scope{Read, Sync, Events, Config, Data, Admin} }

// Principal is a caller who is known.
type Principal struct {
	Client string // of an API key, or user: and the id of a person who signed in
	KeyID  string // "" for a person
	Scopes []Scope
}

// May reports whether the caller may use what needs that scope.
func (p Principal) May(s Scope) bool {
	return slices.Contains(p.Scopes, s) || slices.Contains(p.Scopes, Admin)
}

// Key is an API key as it is kept: without its secret.
type Key struct {
	ID           string
	Client       string
	SecretSHA256 []byte
	Scopes       []Scope
	CreatedAt    time.Time
	LastUsedAt   time.Time // zero: never; to within a minute
	RevokedAt    time.Time // zero: it is live
}

// LiveKeys is how many keys of a client may be live: the one in use, and the one that it is being replaced with.
const LiveKeys = 2

const prefix = "act"

var clientName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// CheckClient says whether a client may be called that; fault.Invalid when not.
func CheckClient(name string) error {
	if !clientName.MatchString(name) {
		return fault.New(fault.Invalid, "A client's name has up to 63 of a-z, 0-9, dot, dash and underscore, and begins with a letter or a digit.")
	}
	return nil
}

// NewKey makes a key for client from 256 bits of random; the string is what the client presents, and is to be shown once. The
// error is random's.
func NewKey(client string, scopes []Scope, random io.Reader) (string, Key, error) {
	var id [8]byte
	var secret [32]byte
	for _, b := range [][]byte{id[:], secret[:]} {
		if _, err := io.ReadFull(random, b); err != nil {
			return "", Key{}, err
		}
	}
	text := base64.RawURLEncoding.EncodeToString(secret[:])
	sum := sha256.Sum256([]byte(text))
	key := Key{ID: hex.EncodeToString(id[:]), Client: client, SecretSHA256: sum[:], Scopes: scopes}
	return prefix + "_" + key.ID + "_" + text, key, nil
}

// KeyID returns the id that a presented key names; false when it does not look like one of ours.
func KeyID(presented string) (string, bool) {
	id, _, ok := split(presented)
	return id, ok
}

// Check says whether presented is the kept key; fault.Unauthorized when it is not, or is revoked. The comparison takes the same
// time whatever is presented.
func Check(presented string, kept Key) (Principal, error) {
	id, secret, ok := split(presented)
	sum := sha256.Sum256([]byte(secret))
	same := subtle.ConstantTimeCompare(sum[:], kept.SecretSHA256) == 1
	if !ok || !same || id != kept.ID || !kept.RevokedAt.IsZero() {
		return Principal{}, Unknown()
	}
	return Principal{Client: kept.Client, KeyID: kept.ID, Scopes: kept.Scopes}, nil
}

// Unknown is the answer to a key or a token that is not good: the same whatever is wrong with it.
func Unknown() error {
	return fault.New(fault.Unauthorized, "The API key or the token is not valid. Send a live key as X-API-Key, or a key or a Supabase token as Authorization: Bearer.")
}

// Missing is the answer to a caller who says nothing.
func Missing() error {
	return fault.New(fault.Unauthorized, "Say who you are: send an API key as X-API-Key, or a key or a Supabase token as Authorization: Bearer.")
}

func split(presented string) (id, secret string, ok bool) {
	parts := strings.SplitN(presented, "_", 3)
	if len(presented) > 200 || len(parts) != 3 || parts[0] != prefix || len(parts[1]) != 16 || parts[2] == "" {
		return "", "", false
	}
	return parts[1], parts[2], true
}
