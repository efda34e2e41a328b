package notion

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/jomei/notionapi"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// MaxPageSize is how many pages a query gives at most.
const MaxPageSize = 100

// Query says which pages of a data source to list.
type Query struct {
	// Filter may be any of notionapi's but a CheckboxFilterCondition that is false, which it writes as no condition at all.
	Filter     notionapi.Filter
	Sorts      []notionapi.SortObject
	Cursor     string   // of the QueryPage before; "" for the first
	PageSize   int      // at most MaxPageSize, which is what 0 means
	Properties []string // ids of the properties to give; none means all
}

// QueryPage is one page of a listing.
type QueryPage struct {
	Pages      []Page
	NextCursor string // "" on the last
	// Incomplete says that the listing ends before the data source does (Notion stops after 10,000 pages): what is not
	// listed may exist.
	Incomplete bool
	ServedAt   time.Time // by Notion's clock; zero when the answer did not say
}

// Query lists pages of a data source. Pages in the trash are left out.
//
// https://developers.notion.com/reference/query-a-data-source
func (c *Client) Query(ctx context.Context, dataSourceID string, q Query) (QueryPage, error) {
	id, err := pathID(dataSourceID)
	if err != nil {
		return QueryPage{}, err
	}
	body := struct {
		Filter   notionapi.Filter       `json:"filter,omitempty"`
		Sorts    []notionapi.SortObject `json:"sorts,omitempty"`
		Cursor   string                 `json:"start_cursor,omitempty"`
		PageSize int                    `json:"page_size"`
	}{q.Filter, q.Sorts, q.Cursor, q.PageSize}
	if body.PageSize == 0 {
		body.PageSize = MaxPageSize
	}
	path := "/v1/data_sources/" + id + "/query"
	if len(q.Properties) > 0 {
		path += "?" + url.Values{"filter_properties": q.Properties}.Encode()
	}
	var listed struct {
		list
		Status struct {
			Type string `json:"type"`
		} `json:"request_status"`
	}
	header, err := c.call(ctx, http.MethodPost, path, body, &listed)
	if err != nil {
		return QueryPage{}, err
	}
	result := QueryPage{
		NextCursor: listed.next(),
		Incomplete: listed.Status.Type == "incomplete" || listed.HasMore && listed.next() == "",
		ServedAt:   servedAt(header),
	}
	result.Pages, err = listed.pages()
	return result, err
}

// list is a page of any listing.
type list struct {
	Results    []json.RawMessage `json:"results"`
	NextCursor string            `json:"next_cursor"`
	HasMore    bool              `json:"has_more"`
}

func (l list) next() string {
	if !l.HasMore {
		return ""
	}
	return l.NextCursor
}

// pages returns the pages among the results; a wiki lists its data sources too.
func (l list) pages() ([]Page, error) {
	pages := make([]Page, 0, len(l.Results))
	for _, raw := range l.Results {
		var kind struct {
			Object string `json:"object"`
		}
		if json.Unmarshal(raw, &kind) == nil && kind.Object != "" && kind.Object != "page" {
			continue
		}
		page, err := ParsePage(raw)
		if err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "Notion listed something that is no page")
		}
		pages = append(pages, page)
	}
	return pages, nil
}

func servedAt(header http.Header) time.Time {
	t, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
