package delivery

import (
	"encoding/base64"
	"io"
	"strconv"
	"strings"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

const secretPrefix = "whsec_"

// Secrets are what a subscription signs with: the current secret, and those that it replaced, each for a while.
type Secrets struct {
	Current secret.Text
	Old     []OldSecret
}

// OldSecret is a secret that was replaced.
type OldSecret struct {
	Text  secret.Text
	Until time.Time // it signs before
}

const (
	// Overlap is how long a secret that was replaced still signs, whatever other rotations follow.
	Overlap = 24 * time.Hour
	// OldMost is how many replaced secrets sign at once; more rotations are refused until one of them has ended.
	OldMost = 5
)

// NewSecret makes a secret of 32 bytes of random. The error is random's.
func NewSecret(random io.Reader) (secret.Text, error) {
	var key [32]byte
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return secret.Text{}, err
	}
	return secret.Of(secretPrefix + base64.StdEncoding.EncodeToString(key[:])), nil
}

// CheckSecret says whether a secret that a subscriber brought is one: fault.Invalid when it is not whsec_ and 24 to 64 bytes in
// base64.
func CheckSecret(given secret.Text) error {
	text, ok := strings.CutPrefix(given.Reveal(), secretPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || strings.ContainsAny(text, "\r\n") || len(key) < 24 || len(key) > 64 {
		return fault.New(fault.Invalid, "secret must be whsec_ and 24 to 64 bytes in base64. Leave it out to be given one.")
	}
	return nil
}

// Sign returns the headers that sign a body: with every secret that holds now, because a receiver may not have the newest yet.
func Sign(s Secrets, id string, at time.Time, body []byte) (map[string]string, error) {
	holding := []secret.Text{s.Current}
	for _, old := range s.Old {
		if at.Before(old.Until) {
			holding = append(holding, old.Text)
		}
	}
	signatures := make([]string, len(holding))
	for i, one := range holding {
		if err := CheckSecret(one); err != nil {
			return nil, fault.New(fault.Internal, "a secret that is kept is none")
		}
		signer, err := webhooks.NewWebhook(one.Reveal())
		if err != nil {
			return nil, err
		}
		if signatures[i], err = signer.Sign(id, at, body); err != nil {
			return nil, err
		}
	}
	return map[string]string{
		webhooks.HeaderWebhookID:        id,
		webhooks.HeaderWebhookTimestamp: strconv.FormatInt(at.Unix(), 10),
		webhooks.HeaderWebhookSignature: strings.Join(signatures, " "),
	}, nil
}
