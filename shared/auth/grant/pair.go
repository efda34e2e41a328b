// Package grant says what a connection by OAuth is: a pair of tokens, what is known of it, when it is due to be refreshed, and the
// attempts to connect. Pure.
package grant

import (
	"errors"
	"strconv"

	"github.com/act-platform/enhanced-integration/shared/secret"
)

// ErrInvalidGrant says that a code or a refresh token is good for nothing any more.
var ErrInvalidGrant = errors.New("invalid_grant")

// ErrInvalidClient says that Notion does not know the application that asks.
var ErrInvalidClient = errors.New("invalid_client")

// Pair is what Notion gives for a code, or for the refresh token of the pair before. It prints as its version only.
type Pair struct {
	Version int64 // counts the pairs of a connection
	Access  secret.Text
	Refresh secret.Text // none: the pair cannot be refreshed
}

// String returns the version.
func (p Pair) String() string { return "pair " + strconv.FormatInt(p.Version, 10) }

// GoString returns the version.
func (p Pair) GoString() string { return p.String() }

// MarshalJSON returns the version: a pair that ends up in a log or an answer shows nothing.
func (p Pair) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, p.String()), nil }
