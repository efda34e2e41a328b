// Package cursor makes the cursors of paged answers: opaque, without any state behind them, and good for one query only.
package cursor

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Key is where a row stands in an order: a number of 48 bits, ties broken by Seq.
type Key struct {
	At  uint64
	Seq uint32
}

// Compare orders keys.
func (k Key) Compare(o Key) int { return cmp.Or(cmp.Compare(k.At, o.At), cmp.Compare(k.Seq, o.Seq)) }

// Cursor is a place in the order of a query: behind the last row that was given. It does not name the row, so it stays good when
// that row is edited, trashed or deleted.
type Cursor struct {
	After  Key
	Served int // rows given so far; 0 is the beginning
}

// Sealer writes and reads cursors. A cursor of another seed is not accepted.
type Sealer struct{ Seed int64 }

// A cursor travels in the shape of a UUID, as Notion's do: 48 bits of At, 32 of Seq, 16 of Served, masked, and 32 of a checksum
// over these, the seed and the query.
const payload = 12

// Seal writes a cursor that is good for one query, which the fingerprint stands for.
func (s Sealer) Seal(c Cursor, fingerprint string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], c.After.At<<16)
	binary.BigEndian.PutUint32(b[6:10], c.After.Seq)
	binary.BigEndian.PutUint16(b[10:payload], uint16(min(c.Served, math.MaxUint16)))
	copy(b[payload:], s.digest(fingerprint, b[:payload]))
	s.mask(b[:])
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// Open reads a cursor of the query that the fingerprint stands for. Any other is a validation error.
func (s Sealer) Open(text, fingerprint string) (Cursor, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != 16 {
		return Cursor{}, Invalid(text)
	}
	s.mask(b)
	if [4]byte(s.digest(fingerprint, b[:payload])) != [4]byte(b[payload:]) {
		return Cursor{}, Invalid(text)
	}
	return Cursor{
		After:  Key{At: binary.BigEndian.Uint64(b[:8]) >> 16, Seq: binary.BigEndian.Uint32(b[6:10])},
		Served: int(binary.BigEndian.Uint16(b[10:payload])),
	}, nil
}

// SealOffset writes a cursor into a list that has no other order than its own.
func (s Sealer) SealOffset(offset int, fingerprint string) string {
	text := strconv.Itoa(offset)
	return base64.RawURLEncoding.EncodeToString(append(s.digest(fingerprint, []byte(text))[:6], text...))
}

// OpenOffset reads a cursor into a list.
func (s Sealer) OpenOffset(text, fingerprint string) (int, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < 7 {
		return 0, Invalid(text)
	}
	offset, err := strconv.Atoi(string(raw[6:]))
	if err != nil || s.SealOffset(offset, fingerprint) != text {
		return 0, Invalid(text)
	}
	return offset, nil
}

// Invalid is the error for a cursor that is none, or none of this query.
func Invalid(text string) error {
	return wire.Validation("The start_cursor provided is invalid: %s", text)
}

// mask hides the payload behind the checksum, and shows it again.
func (s Sealer) mask(b []byte) {
	for i, m := range s.digest("mask", b[payload:])[:payload] {
		b[i] ^= m
	}
}

func (s Sealer) digest(what string, b []byte) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(s.Seed)))
	h.Write([]byte(what))
	h.Write(b)
	return h.Sum(nil)
}
