package grant

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"time"
)

// AttemptLife is how long a state is good for.
const AttemptLife = 10 * time.Minute

// Attempt is a caller's wish to connect a workspace, from the address that Notion asks for consent at to the callback. It is good
// once.
type Attempt struct {
	ID          string
	StateSHA256 []byte
	Client      string // who asked; nobody else may use the state
	ClientState string // what the caller wants to be told again
	CreatedAt   time.Time
}

// NewState makes a state from 256 bits of random. The error is random's.
func NewState(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// HashState returns what is kept of a state.
func HashState(state string) []byte {
	sum := sha256.Sum256([]byte(state))
	return sum[:]
}
