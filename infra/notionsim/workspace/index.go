package workspace

import (
	"slices"
	"sort"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/cursor"
)

// shelf holds pages in every order that is asked for often.
type shelf struct{ created, edited, scattered index }

// ranking returns a page's place in one order.
type ranking func(*Page) cursor.Key

func byCreated(p *Page) cursor.Key { return cursor.Key{At: millis(p.Created), Seq: p.Seq} }
func byEdited(p *Page) cursor.Key  { return cursor.Key{At: millis(p.Edited), Seq: p.Seq} }

// byScatter is the order of a query without sorts: Notion promises none, so it is none that anybody could rely on, and stays
// the same.
func byScatter(p *Page) cursor.Key {
	return cursor.Key{At: uint64(p.Seq) * 0x9e3779b97f4a7c15 >> 16, Seq: p.Seq}
}

func millis(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 0)) }

// index is pages sorted by a ranking.
type index struct{ pages []*Page }

// at returns the place of the first page at or after a key.
func (x *index) at(k cursor.Key, by ranking) int {
	return sort.Search(len(x.pages), func(i int) bool { return by(x.pages[i]).Compare(k) >= 0 })
}

func (x *index) insert(p *Page, by ranking) {
	x.pages = slices.Insert(x.pages, x.at(by(p), by), p)
}

func (x *index) remove(p *Page, by ranking) {
	if i := x.at(by(p), by); i < len(x.pages) && x.pages[i] == p {
		x.pages = slices.Delete(x.pages, i, i+1)
	}
}

func (x *index) fill(pages []*Page, by ranking) {
	x.pages = append(x.pages, pages...)
	slices.SortFunc(x.pages, func(a, b *Page) int { return by(a).Compare(by(b)) })
}

// insert puts a page on the shelf.
func (s *shelf) insert(p *Page) {
	s.created.insert(p, byCreated)
	s.edited.insert(p, byEdited)
	s.scattered.insert(p, byScatter)
}

// remove takes a page off the shelf. Its times must be those with which it was put there.
func (s *shelf) remove(p *Page) {
	s.created.remove(p, byCreated)
	s.edited.remove(p, byEdited)
	s.scattered.remove(p, byScatter)
}

// fill puts many pages on the shelf at once.
func (s *shelf) fill(pages []*Page) {
	s.created.fill(pages, byCreated)
	s.edited.fill(pages, byEdited)
	s.scattered.fill(pages, byScatter)
}

// shelf returns the shelf of its data source on which a page stands, or nil outside of all.
func (w *Workspace) shelf(p *Page) *shelf {
	ds := w.sources[p.SourceID]
	switch {
	case ds == nil:
		return nil
	case p.InTrash:
		return &ds.trash
	default:
		return &ds.live
	}
}
