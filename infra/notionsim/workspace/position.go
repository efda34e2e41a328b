package workspace

import (
	"sync"

	"github.com/act-platform/enhanced-integration/infra/notionsim/cursor"
	"github.com/act-platform/enhanced-integration/infra/notionsim/query"
)

// positions remembers where rows stood in orders by properties, whose keys do not fit into a cursor. It keeps the last so
// many, and forgets all at a restart: such a cursor is then invalid.
type positions struct {
	mu    sync.Mutex
	kept  map[uint64]position
	given uint64
}

type position struct {
	key query.Key
	tie cursor.Key
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
