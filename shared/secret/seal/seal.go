// Package seal closes small secrets that have to lie in a database, so that who reads the database does not read them. Pure.
//
// What is sealed says under which key: sealed1:<key's id>:<nonce and AES-256-GCM's output, base64>. It opens only beside what it was
// sealed for, so that a row's secret put into another row is no secret.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

const (
	form    = "sealed1:"
	keySize = 32 // bytes: AES-256
	// mostKeys are as many as a rotation needs: the new one and the one before.
	mostKeys = 2
)

// Ring holds the keys: the first seals, all of them open. Without keys it does neither.
type Ring struct{ keys []key }

type key struct {
	id   string
	aead cipher.AEAD
}

// ParseRing reads keys of 32 bytes in base64, with a space between: the new one, and while a rotation is under way the one before. "" is
// a ring without keys. fault.Invalid, which shows nothing of the text: it is something else.
func ParseRing(text secret.Text) (Ring, error) {
	var r Ring
	for _, word := range strings.Fields(text.Reveal()) {
		raw, err := base64.StdEncoding.Strict().DecodeString(word)
		if err != nil || len(raw) != keySize || len(r.keys) == mostKeys {
			return Ring{}, fault.New(fault.Invalid, "It must be a key of 32 bytes in base64, as `openssl rand -base64 32` prints it, or a new and an old one.")
		}
		k, err := newKey(raw)
		if err != nil {
			return Ring{}, err
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

func newKey(raw []byte) (key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCM(block)
	id := sha256.Sum256(append([]byte("the id of a sealing key: "), raw...))
	return key{hex.EncodeToString(id[:4]), aead}, err
}

// Sealed reports whether a text looks like what Seal gives.
func Sealed(text string) bool { return strings.HasPrefix(text, form) }

// Prefix returns what a text begins with that is sealed under the key that seals now; without keys, what any sealed text begins with.
func (r Ring) Prefix() string {
	if r.Empty() {
		return form
	}
	return form + r.keys[0].id + ":"
}

// Empty reports whether there is no key.
func (r Ring) Empty() bool { return len(r.keys) == 0 }

// Seal closes a secret for what it is about. The error is random's, or fault.Unavailable where there is no key.
func (r Ring) Seal(random io.Reader, text secret.Text, about ...string) (string, error) {
	if r.Empty() {
		return "", fault.New(fault.Unavailable, "There is no key to seal with.")
	}
	k := r.keys[0]
	plain := []byte(text.Reveal())
	box := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	if _, err := io.ReadFull(random, box); err != nil {
		return "", err
	}
	box = k.aead.Seal(box, box, plain, beside(k.id, about))
	return form + k.id + ":" + base64.RawURLEncoding.EncodeToString(box), nil
}

// Open returns the secret that was sealed for what it is about. fault.Unavailable: the key that it was sealed under is not here;
// fault.Internal: it was not sealed for that, or it is damaged.
func (r Ring) Open(sealed string, about ...string) (secret.Text, error) {
	id, text, whole := strings.Cut(strings.TrimPrefix(sealed, form), ":")
	if !Sealed(sealed) || !whole || strings.ContainsAny(text, "\r\n") { // which base64 passes over
		return secret.Text{}, damaged()
	}
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.id == id })
	if i < 0 {
		return secret.Text{}, fault.New(fault.Unavailable, "It was sealed under the key %.8s, which is not here.", id)
	}
	aead := r.keys[i].aead
	box, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(box) < aead.NonceSize() {
		return secret.Text{}, damaged()
	}
	plain, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], beside(id, about))
	if err != nil || len(plain) == 0 {
		return secret.Text{}, damaged()
	}
	return secret.Of(string(plain)), nil
}

func damaged() error {
	return fault.New(fault.Internal, "It is damaged, or was sealed for something else.")
}

// beside returns what is authenticated with a secret, each part with its length, so that no two lists read alike.
func beside(id string, about []string) []byte {
	data := []byte(form + id)
	for _, part := range about {
		data = binary.BigEndian.AppendUint64(data, uint64(len(part)))
		data = append(data, part...)
	}
	return data
}
