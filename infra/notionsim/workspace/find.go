package workspace

import (
	"cmp"
	"math/bits"
	"slices"
	"sort"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/cursor"
	"github.com/act-platform/enhanced-integration/infra/notionsim/query"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// maxPageSize is how many rows one answer holds at most.
const maxPageSize = 100

// Query is what a request asks of a data source.
type Query struct {
	Filter      query.Filter
	Sorts       []query.Sort
	Size        int
	InTrash     bool
	Start       string // the cursor, or ""
	Bot         bool   // the rows are as the bot sees them
	fingerprint string // what a cursor is good for: this query and no other
}

// Found is one answer's share of the rows of a query.
type Found struct {
	Pages      []*Page
	Next       string // cursor, or "" at the end
	Incomplete bool   // the end is not the end of the rows: a query gives no more
}

// ParseQuery reads a query of a data source that the actor sees.
//
// https://developers.notion.com/reference/query-a-data-source
func (w *Workspace) ParseQuery(ds *DataSource, n wire.Node, a Actor) (Query, error) {
	n.Only("filter", "sorts", "start_cursor", "page_size", "in_trash", "archived", "result_type")
	q := Query{Filter: query.All(), Size: maxPageSize, Bot: a.Bot}
	if n.Has("filter") {
		q.Filter = query.ParseFilter(n.Get("filter"), query.Scope{Schema: ds.Schema, Now: w.now(), Me: a.UserID, Cut: !w.Limits.KeepSeconds})
	}
	if n.Has("sorts") {
		q.Sorts = query.ParseSorts(n.Get("sorts"), ds.Schema)
	}
	flag(n, "in_trash", &q.InTrash)
	flag(n, "archived", &q.InTrash)
	if n.Has("result_type") && n.Get("result_type").OneOf("page", "data_source") == "data_source" {
		q.Filter = query.Filter{Match: func(query.Row) bool { return false }}
	}
	q.Size, q.Start = ParsePaging(n)
	q.fingerprint = ds.ID + string(n.Get("filter").Raw()) + string(n.Get("sorts").Raw()) + string(n.Get("in_trash").Raw())
	return q, n.Err()
}

// ParsePaging reads start_cursor and page_size.
func ParsePaging(n wire.Node) (size int, start string) {
	size = maxPageSize
	if n.Has("page_size") {
		f := n.Get("page_size").Float()
		if size = int(f); f != float64(size) || size < 1 || size > maxPageSize {
			n.Get("page_size").Expect("a whole number from 1 to 100")
		}
	}
	if n.Has("start_cursor") {
		start = n.Get("start_cursor").Bounded(maxPageSize)
	}
	return size, start
}

// Find runs a query.
func (w *Workspace) Find(ds *DataSource, q Query) (Found, error) {
	from := cursor.Cursor{}
	if q.Start != "" {
		var err error
		if from, err = w.sealer.Open(q.Start, q.fingerprint); err != nil {
			return Found{}, err
		}
	}
	size := q.Size
	if w.Limits.Rows > 0 {
		size = min(size, w.Limits.Rows-from.Served)
	}
	rows, at, err := w.scan(ds, q, from, size+1)
	if err != nil || len(rows) <= size {
		return Found{Pages: rows}, err
	}
	found := Found{Pages: rows[:size]}
	if served := from.Served + size; w.Limits.Rows > 0 && served >= w.Limits.Rows {
		found.Incomplete = true
	} else {
		found.Next = w.sealer.Seal(cursor.Cursor{After: at(rows[size-1]), Served: served}, q.fingerprint)
	}
	return found, nil
}

// scan returns up to limit rows that follow a cursor, and what tells where a row stands in the query's order.
func (w *Workspace) scan(ds *DataSource, q Query, from cursor.Cursor, limit int) ([]*Page, ranking, error) {
	shelf := &ds.live
	if q.InTrash {
		shelf = &ds.trash
	}
	few := candidates(shelf, q.Filter)
	var by ranking
	var pages []*Page
	switch {
	case len(q.Sorts) == 0:
		by, pages = byScatter, shelf.scattered.pages
	case len(q.Sorts) == 1 && q.Sorts[0].Timestamp == schema.CreatedTime:
		by, pages = byCreated, within(shelf.created.pages, byCreated, q.Filter.Created)
	case len(q.Sorts) == 1 && q.Sorts[0].Timestamp == schema.LastEditedTime:
		by, pages = byEdited, within(shelf.edited.pages, byEdited, q.Filter.Edited)
	default:
		return w.scanSorted(few, q, from, limit)
	}
	if len(few)*bits.Len(uint(len(few))) < len(pages) {
		pages = slices.Clone(few)
		slices.SortFunc(pages, func(a, b *Page) int { return by(a).Compare(by(b)) })
	}
	descending := len(q.Sorts) == 1 && q.Sorts[0].Descending
	return w.walk(pages, by, descending, q, from, limit), by, nil
}

// candidates returns the fewest pages that the filter's stretches of time leave.
func candidates(s *shelf, f query.Filter) []*Page {
	created := within(s.created.pages, byCreated, f.Created)
	edited := within(s.edited.pages, byEdited, f.Edited)
	if len(edited) < len(created) {
		return edited
	}
	return created
}

// within returns the part of pages, sorted by one of their times, that may lie in a stretch of time. The stretch speaks of
// times that may be rounded down, so it reaches a minute further.
func within(pages []*Page, by ranking, span query.Span) []*Page {
	if !span.From.IsZero() {
		from := cursor.Key{At: millis(span.From)}
		pages = pages[sort.Search(len(pages), func(i int) bool { return by(pages[i]).Compare(from) >= 0 }):]
	}
	if !span.To.IsZero() {
		to := cursor.Key{At: millis(span.To.Add(time.Minute)) + 1}
		pages = pages[:sort.Search(len(pages), func(i int) bool { return by(pages[i]).Compare(to) >= 0 })]
	}
	return pages
}

// walk returns up to limit pages that pass the query's filter, in the order of a ranking or its reverse, behind a cursor.
func (w *Workspace) walk(pages []*Page, by ranking, descending bool, q Query, from cursor.Cursor, limit int) []*Page {
	x := index{pages}
	var out []*Page
	take := func(p *Page) bool {
		if q.Filter.Match(row{w, p, reader{bot: q.Bot}}) {
			out = append(out, p)
		}
		return len(out) < limit
	}
	if descending {
		i := len(pages)
		if from.Served > 0 {
			i = x.at(from.After, by)
		}
		for i--; i >= 0 && take(pages[i]); i-- {
			continue
		}
		return out
	}
	i := 0
	if from.Served > 0 {
		if i = x.at(from.After, by); i < len(pages) && by(pages[i]) == from.After {
			i++
		}
	}
	for ; i < len(pages) && take(pages[i]); i++ {
		continue
	}
	return out
}

// scanSorted is scan for an order by properties.
func (w *Workspace) scanSorted(pages []*Page, q Query, from cursor.Cursor, limit int) ([]*Page, ranking, error) {
	type place struct {
		page *Page
		position
	}
	compare := func(a, b position) int {
		return cmp.Or(query.Compare(a.key, b.key, q.Sorts), a.tie.Compare(b.tie))
	}
	places := make([]place, 0, len(pages))
	for _, p := range pages {
		if r := (row{w, p, reader{bot: q.Bot}}); q.Filter.Match(r) {
			places = append(places, place{p, position{query.KeyOf(r, q.Sorts), byCreated(p)}})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return compare(a.position, b.position) })
	if from.Served > 0 {
		last, ok := w.positions.at(from.After.At)
		if !ok {
			return nil, nil, cursor.Invalid(q.Start)
		}
		places = places[sort.Search(len(places), func(i int) bool { return compare(places[i].position, last) > 0 }):]
	}
	places = places[:min(limit, len(places))]
	out := make([]*Page, len(places))
	for i, p := range places {
		out[i] = p.page
	}
	return out, func(p *Page) cursor.Key {
		i := slices.Index(out, p)
		return cursor.Key{At: w.positions.keep(places[i].position)}
	}, nil
}
