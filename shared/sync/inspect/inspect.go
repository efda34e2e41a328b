// Package inspect shows people what Notion has of a record at this moment. It is remembered for a while, and no sync goes by it.
package inspect

import (
	"context"
	"encoding/json"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

const (
	// limit is how long whoever asked waits for Notion.
	limit = 3 * time.Second
	// namesMost is how many people of a conflict are named.
	namesMost = 20
)

// Page is what a page shows.
type Page struct {
	State    record.State               `json:"state"`
	EditedAt time.Time                  `json:"edited_at"`
	EditedBy string                     `json:"edited_by"` // a person's id
	Columns  map[string]json.RawMessage `json:"columns"`   // by field, as the row's columns show it
	Cut      []string                   `json:"cut"`       // fields of which Notion left elements out
}

// Notion is asked.
type Notion interface {
	// Page reads a page of a kind; one that there is no more is record.Gone.
	Page(ctx context.Context, k mapping.Kind, pageID string) (Page, error)
	// User returns a person's name, "" where Notion does not tell it.
	User(ctx context.Context, id string) (string, error)
}

// Reviewer looks.
type Reviewer struct {
	Notion       Notion
	Mapping      mapping.Mapping
	Cache        *cache.Cache
	Pages, Users cache.Kind
}

// Now is what Notion shows of the field that a conflict is about.
type Now struct {
	Page
	Field  string
	Value  json.RawMessage // null where the page has none, or is not there
	ReadAt time.Time
	Stale  bool  // Notion is away; it is from ReadAt
	Err    error // it is not known; the rest is empty
}

// Conflict returns what Notion shows of a conflict's field, nil where there is no page, and the names of the people in it, by id.
func (d Reviewer) Conflict(ctx context.Context, c journal.ConflictRecord) (*Now, map[string]string) {
	kind, known := d.Mapping.Kind(c.Kind)
	if !known || c.PageID == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	page, info, err := cache.Get(ctx, d.Cache, d.Pages, "page:"+c.PageID, func(ctx context.Context) (Page, error) {
		return d.Notion.Page(ctx, kind, c.PageID)
	})
	now := &Now{Page: page, Field: c.Field, Value: json.RawMessage("null"), ReadAt: info.StoredAt, Stale: info.Outcome == metric.Stale, Err: err}
	if v, shown := page.Columns[c.Field]; shown {
		now.Value = v
	}
	ids := []string{page.EditedBy}
	if f, ok := kind.Field(c.Field); ok && f.Type == property.TypePeople {
		for _, v := range []json.RawMessage{now.Value, c.Notion, c.Postgres, c.Base} {
			var people []string
			_ = json.Unmarshal(v, &people) // what is no list names nobody
			ids = append(ids, people...)
		}
	}
	return now, d.names(ctx, ids)
}

func (d Reviewer) names(ctx context.Context, ids []string) map[string]string {
	names := map[string]string{}
	for _, id := range ids {
		if _, asked := names[id]; asked || id == "" || len(names) >= namesMost {
			continue
		}
		name, _, err := cache.Get(ctx, d.Cache, d.Users, "user:"+id, func(ctx context.Context) (string, error) {
			name, err := d.Notion.User(ctx, id)
			if k := fault.KindOf(err); err != nil && (k == fault.NotFound || k == fault.Forbidden) {
				return "", nil // the integration may not see people, or this one is gone
			}
			return name, err
		})
		if err != nil {
			break // nor would the next be told
		}
		names[id] = name
	}
	for id, name := range names {
		if name == "" {
			delete(names, id)
		}
	}
	return names
}
