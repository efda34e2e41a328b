package workspace

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"sync"

	"github.com/act-platform/enhanced-integration/infra/notionsim/query"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// cursor is a place in the order of a query: behind the last row that was given. It does not name the row, so it stays good
// when that row is edited, trashed or deleted.
type cursor struct {
	after  key
	served int // rows given so far
}

// A cursor travels in the shape of a UUID, as Notion's do: 48 bits of key, 32 of seq, 16 of rows served, masked, and 32 of a
// checksum over these, the seed and the query.
const payload = 12

// seal writes a cursor that is good for one query only.
func (w *Workspace) seal(c cursor, fingerprint string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], c.after.at<<16)
	binary.BigEndian.PutUint32(b[6:10], c.after.seq)
	binary.BigEndian.PutUint16(b[10:payload], uint16(min(c.served, math.MaxUint16)))
	copy(b[payload:], w.digest(fingerprint, b[:payload]))
	w.mask(b[:])
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// unseal reads a cursor of the query with a fingerprint.
func (w *Workspace) unseal(s, fingerprint string) (cursor, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != 16 {
		return cursor{}, invalidCursor(s)
	}
	w.mask(b)
	if [4]byte(w.digest(fingerprint, b[:payload])) != [4]byte(b[payload:]) {
		return cursor{}, invalidCursor(s)
	}
	return cursor{
		after:  key{at: binary.BigEndian.Uint64(b[:8]) >> 16, seq: binary.BigEndian.Uint32(b[6:10])},
		served: int(binary.BigEndian.Uint16(b[10:payload])),
	}, nil
}

func invalidCursor(s string) error {
	return wire.Validation("The start_cursor provided is invalid: %s", s)
}

// mask hides the payload behind the checksum, and shows it again.
func (w *Workspace) mask(b []byte) {
	for i, m := range w.digest("mask", b[payload:])[:payload] {
		b[i] ^= m
	}
}

func (w *Workspace) digest(what string, b []byte) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(w.ids.Seed)))
	h.Write([]byte(what))
	h.Write(b)
	return h.Sum(nil)
}

// positions remembers where rows stood in orders by properties, whose keys do not fit into a cursor. It keeps the last so
// many, and forgets all at a restart: such a cursor is then invalid.
type positions struct {
	mu    sync.Mutex
	kept  map[uint64]position
	given uint64
}

type position struct {
	key query.Key
	tie key
}

const maxPositions = 4096

func (s *positions) keep(p position) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = make(map[uint64]position)
	}
	s.given++
	s.kept[s.given] = p
	delete(s.kept, s.given-maxPositions)
	return s.given
}

func (s *positions) at(handle uint64) (position, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.kept[handle]
	return p, ok
}
