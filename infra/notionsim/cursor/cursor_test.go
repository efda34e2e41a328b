package cursor_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/notionsim/cursor"
)

func TestCursorsOpenWithTheirOwnQueryOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := cursor.Sealer{Seed: rapid.Int64().Draw(t, "seed")}
		query := rapid.String().Draw(t, "query")
		c := cursor.Cursor{
			After:  cursor.Key{At: rapid.Uint64Range(0, 1<<48-1).Draw(t, "at"), Seq: rapid.Uint32().Draw(t, "seq")},
			Served: rapid.IntRange(0, 1<<16-1).Draw(t, "served"),
		}
		sealed := s.Seal(c, query)
		if got, err := s.Open(sealed, query); err != nil || got != c {
			t.Fatalf("%+v came back as %+v, %v", c, got, err)
		}
		offset := rapid.IntRange(0, 1<<40).Draw(t, "offset")
		if got, err := s.OpenOffset(s.SealOffset(offset, query), query); err != nil || got != offset {
			t.Fatalf("%d came back as %d, %v", offset, got, err)
		}
		if _, err := s.Open(sealed, query+"!"); err == nil {
			t.Fatal("a cursor is good for another query")
		}
		if _, err := s.OpenOffset(s.SealOffset(offset, query), query+"!"); err == nil {
			t.Fatal("an offset is good for another list")
		}
		if _, err := (cursor.Sealer{Seed: s.Seed + 1}).Open(sealed, query); err == nil {
			t.Fatal("a cursor is good for another seed")
		}
		junk := rapid.String().Draw(t, "junk")
		if _, err := s.Open(junk, query); err == nil {
			t.Fatalf("%q is a cursor", junk)
		}
		if _, err := s.OpenOffset(junk, query); err == nil {
			t.Fatalf("%q is an offset", junk)
		}
	})
}
