package notion

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Page is a row of a data source. Times are rounded down to the minute by Notion; they are zero, and ids are "", where an
// answer leaves them out.
//
// https://developers.notion.com/reference/page
type Page struct {
	ID             string
	CreatedTime    time.Time
	LastEditedTime time.Time
	CreatedBy      string
	LastEditedBy   string
	InTrash        bool
	DataSourceID   string
	DatabaseID     string
	URL            string
	Properties     map[string]json.RawMessage // by name, for property.Decode
	Raw            json.RawMessage            // the whole, as Notion gave it
}

// ParsePage reads a page in the shape of any Notion-Version since 2021. Its errors are fault.Invalid: raw is no page.
func ParsePage(raw json.RawMessage) (Page, error) {
	var page struct {
		ID             string `json:"id"`
		CreatedTime    string `json:"created_time"`
		LastEditedTime string `json:"last_edited_time"`
		CreatedBy      author `json:"created_by"`
		LastEditedBy   author `json:"last_edited_by"`
		InTrash        bool   `json:"in_trash"`
		Archived       bool   `json:"archived"`
		IsArchived     bool   `json:"is_archived"`
		Parent         parent `json:"parent"`
		URL            string `json:"url"`

		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return Page{}, fault.Wrap(err, fault.Invalid, "Notion's page is not of the shape that it documents")
	}
	if page.ID == "" {
		return Page{}, fault.New(fault.Invalid, "Notion's page has no id.")
	}
	return Page{
		ID:             canonicalID(page.ID),
		CreatedTime:    parseTime(page.CreatedTime),
		LastEditedTime: parseTime(page.LastEditedTime),
		CreatedBy:      canonicalID(page.CreatedBy.ID),
		LastEditedBy:   canonicalID(page.LastEditedBy.ID),
		InTrash:        page.InTrash || page.Archived || page.IsArchived,
		DataSourceID:   canonicalID(page.Parent.DataSourceID),
		DatabaseID:     canonicalID(page.Parent.DatabaseID),
		URL:            page.URL,
		Properties:     page.Properties,
		Raw:            raw,
	}, nil
}

type author struct {
	ID string `json:"id"`
}

type parent struct {
	DataSourceID string `json:"data_source_id"`
	DatabaseID   string `json:"database_id"`
}

// parseTime returns the zero time for what is no time.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// canonicalID dashes an id; what is none stays as it is.
func canonicalID(id string) string {
	if dashed, ok := property.DashedID(id); ok {
		return dashed
	}
	return id
}

// Page reads a page. Lists of more than 25 references come cut; see PropertyItems.
//
// https://developers.notion.com/reference/retrieve-a-page
func (c *Client) Page(ctx context.Context, id string) (Page, error) {
	segment, err := pathID(id)
	if err != nil {
		return Page{}, err
	}
	return c.page(ctx, http.MethodGet, "/v1/pages/"+segment, nil)
}

// CreatePage creates a page in a data source. Values are by property id or name, as property.Encode gives them.
//
// It is sent once. After a fault.Unavailable error the page may exist: Error.CommittedResourceID names it if Notion does.
//
// https://developers.notion.com/reference/post-page
func (c *Client) CreatePage(ctx context.Context, dataSourceID string, properties map[string]json.RawMessage) (Page, error) {
	if properties == nil {
		properties = map[string]json.RawMessage{}
	}
	id, err := pathID(dataSourceID)
	if err != nil {
		return Page{}, err
	}
	return c.page(ctx, http.MethodPost, "/v1/pages", map[string]any{
		"parent":     map[string]string{"type": "data_source_id", "data_source_id": id},
		"properties": properties,
	})
}

// PagePatch says what changes on a page. What it leaves out stays.
type PagePatch struct {
	Properties map[string]json.RawMessage `json:"properties,omitempty"` // by property id or name, as property.Encode gives them
	InTrash    *bool                      `json:"in_trash,omitempty"`
}

// UpdatePage changes a page and gives it as it then is. Notion has no conditional write: an edit by somebody else since the
// page was read is overwritten where the same property is named. The values are absolute, so the call may be repeated.
//
// https://developers.notion.com/reference/patch-page
func (c *Client) UpdatePage(ctx context.Context, id string, patch PagePatch) (Page, error) {
	segment, err := pathID(id)
	if err != nil {
		return Page{}, err
	}
	return c.page(ctx, http.MethodPatch, "/v1/pages/"+segment, patch)
}

func (c *Client) page(ctx context.Context, method, path string, body any) (Page, error) {
	var raw json.RawMessage
	if _, err := c.call(ctx, method, path, body, &raw); err != nil {
		return Page{}, err
	}
	page, err := ParsePage(raw)
	return page, fault.Wrap(err, fault.Unavailable, "Notion answered with something that is no page")
}
