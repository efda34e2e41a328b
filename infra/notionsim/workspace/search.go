package workspace

import (
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/cursor"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Hit is a page or a data source that a search found.
type Hit struct {
	Page   *Page
	Source *DataSource
}

func (h Hit) key() cursor.Key {
	if h.Page != nil {
		return byEdited(h.Page)
	}
	return cursor.Key{At: millis(h.Source.Edited), Seq: h.Source.Seq}
}

// Search finds pages and data sources by title, those edited last first, also where relevance is asked for. It does not know of the latest edits yet, and does not
// promise to know all.
//
// https://developers.notion.com/reference/post-search
func (w *Workspace) Search(n wire.Node, a Actor) (hits []Hit, next string, err error) {
	n.Only("query", "sort", "filter", "start_cursor", "page_size")
	text, only, ascending, trash := "", "", false, false
	if n.Has("query") {
		text = strings.ToLower(n.Get("query").Text())
	}
	if n.Has("filter") {
		filter := n.Get("filter")
		filter.Only("property", "value", "in_trash")
		flag(filter, "in_trash", &trash)
		if !filter.Has("in_trash") || filter.Has("property") || filter.Has("value") {
			filter.Get("property").OneOf("object")
			only = filter.Get("value").OneOf("page", "data_source")
		}
	}
	if n.Has("sort") && n.Get("sort").Get("timestamp").OneOf("last_edited_time", "relevance") == "last_edited_time" {
		ascending = n.Get("sort").Get("direction").OneOf("ascending", "descending") == "ascending"
	}
	size, start := ParsePaging(n)
	if n.Err() != nil {
		return nil, "", n.Err()
	}
	fingerprint := "search " + text + string(n.Get("filter").Raw()) + string(n.Get("sort").Raw())
	var from cursor.Cursor
	if start != "" {
		if from, err = w.sealer.Open(start, fingerprint); err != nil {
			return nil, "", err
		}
	}
	order := func(a, b cursor.Key) int {
		if ascending {
			return a.Compare(b)
		}
		return b.Compare(a)
	}
	hits = slices.DeleteFunc(w.titled(text, only, trash, a), func(h Hit) bool {
		return start != "" && order(h.key(), from.After) <= 0
	})
	slices.SortFunc(hits, func(a, b Hit) int { return order(a.key(), b.key()) })
	if len(hits) > size {
		hits = hits[:size]
		next = w.sealer.Seal(cursor.Cursor{After: hits[size-1].key(), Served: from.Served + size}, fingerprint)
	}
	return hits, next, nil
}

// titled returns what has a text in its title, is in the trash or is not, and is known to the search by now.
func (w *Workspace) titled(text, only string, trash bool, a Actor) []Hit {
	known := w.now().Add(-w.Limits.SearchLag)
	var hits []Hit
	if only != "data_source" {
		for _, p := range w.pages {
			title, _ := view{w: w}.PageName(p.ID)
			if p.InTrash == trash && !p.Edited.After(known) && (!a.Bot || !w.hidden(p)) && strings.Contains(strings.ToLower(title), text) {
				hits = append(hits, Hit{Page: p})
			}
		}
	}
	if only != "page" {
		for _, ds := range w.sources {
			if _, err := w.DataSource(ds.ID, a); err == nil && ds.InTrash == trash && !ds.Edited.After(known) &&
				strings.Contains(strings.ToLower(plain(ds.Title)), text) {
				hits = append(hits, Hit{Source: ds})
			}
		}
	}
	return hits
}
