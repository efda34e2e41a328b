// Package ident makes ids that look random and are not: the same seed gives the same ids.
package ident

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
)

// Source returns one id after another. It is not safe for concurrent use.
type Source struct {
	Seed int64
	Next uint64 // how many ids were given so far; keep it to go on where it stopped
}

// UUID returns the next id: a version 4 UUID in its dashed, lower-case spelling.
func (s *Source) UUID() string {
	s.Next++
	return UUID(s.Seed, "next", strconv.FormatUint(s.Next, 10))
}

// UUID returns the id that belongs to a seed and a name.
func UUID(seed int64, name ...string) string {
	b := digest(seed, name)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// Token returns a secret of n characters that belongs to a seed and a name.
func Token(seed int64, n int, name ...string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return spell(seed, n, alphabet, name)
}

// Property returns a property's id of four characters that belongs to a seed and a name. It has characters that must be
// escaped in an URL, as Notion's have.
func Property(seed int64, name ...string) string {
	const alphabet = ":;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
	return spell(seed, 4, alphabet, name)
}

// Number returns the whole number in [0, n) that belongs to a seed and a name.
func Number(seed int64, n int, name ...string) int {
	b := digest(seed, name)
	return int(binary.BigEndian.Uint64(b[:8]) % uint64(n))
}

func spell(seed int64, n int, alphabet string, name []string) string {
	out := make([]byte, 0, n)
	for round := 0; len(out) < n; round++ {
		b := digest(seed, append([]string{strconv.Itoa(round)}, name...))
		for _, c := range b {
			if len(out) < n {
				out = append(out, alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return string(out)
}

func digest(seed int64, name []string) [sha256.Size]byte {
	h := binary.BigEndian.AppendUint64(nil, uint64(seed))
	for _, part := range name {
		h = binary.BigEndian.AppendUint32(h, uint32(len(part)))
		h = append(h, part...)
	}
	return sha256.Sum256(h)
}
