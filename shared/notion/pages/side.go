// Package pages is the Notion side of one database: it reads pages as records, whole, and writes records as pages.
package pages

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Side is the Notion side of one database.
type Side struct {
	client *notion.Client
	kind   mapping.Kind
	log    *slog.Logger
	// keyless: the database has no room for row keys, and the integration may not make it.
	keyless bool
}

// New makes the Notion side of kind.
func New(client *notion.Client, kind mapping.Kind, log *slog.Logger) *Side {
	return &Side{client: client, kind: kind, log: log}
}

// Locate finds the data source of a database. fault.NotFound: the database does not exist, or is not shared with the integration;
// fault.Invalid: it is in the trash, or has several data sources.
func (s *Side) Locate(ctx context.Context, databaseID string) (string, error) {
	database, err := s.client.Database(ctx, databaseID)
	if fault.KindOf(err) == fault.NotFound {
		return "", fault.Wrap(err, fault.NotFound, "Notion has no database %s that is shared with the integration. Check %s, and share the database: ••• › Connections.",
			databaseID, s.kind.DatabaseIDVariable)
	}
	if err != nil {
		return "", err
	}
	if database.InTrash {
		return "", fault.New(fault.Invalid, "The Notion database %s is in the trash. Restore it, or set %s to another.", databaseID, s.kind.DatabaseIDVariable)
	}
	if n := len(database.DataSources); n != 1 {
		return "", fault.New(fault.Invalid, "The Notion database %s has %d data sources; one that is synced has exactly one.", databaseID, n)
	}
	return database.DataSources[0].ID, nil
}

// Schema returns the properties that the database has now.
func (s *Side) Schema(ctx context.Context, dataSourceID string) ([]mapping.Live, error) {
	source, err := s.client.DataSource(ctx, dataSourceID)
	if err != nil {
		return nil, s.lost(err)
	}
	live := make([]mapping.Live, 0, len(source.Properties))
	for _, p := range source.Properties {
		property := mapping.Live{ID: p.ID, Name: p.Name, Type: p.Type, RelatedTo: p.RelatedTo}
		for _, o := range p.Options {
			if property.Options == nil {
				property.Options = map[string]string{}
			}
			property.Options[o.ID] = o.Name
		}
		live = append(live, property)
	}
	return live, nil
}

// Sees reports whether a data source is there, shared with the integration, and out of the trash.
func (s *Side) Sees(ctx context.Context, dataSourceID string) (bool, error) {
	source, err := s.client.DataSource(ctx, dataSourceID)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	return err == nil && !source.InTrash, err
}

// Page returns one page. fault.NotFound: it does not exist any more, or is not shared.
func (s *Side) Page(ctx context.Context, pageID string) (record.Page, error) {
	page, err := s.client.Page(ctx, pageID)
	if err != nil {
		return record.Page{}, err
	}
	return s.recordOf(ctx, page), nil
}

// Complete fetches the named properties whole.
func (s *Side) Complete(ctx context.Context, page *record.Page, propertyIDs []string) error {
	for _, id := range propertyIDs {
		raw, err := s.client.PropertyItems(ctx, page.ID, id)
		if err != nil {
			return err
		}
		if !page.Take(id, raw) {
			return fault.New(fault.Unavailable, "Notion answered with another property than it was asked for.")
		}
	}
	return nil
}

// recordOf reads a page as a record. A property that cannot be read counts as not shown: the page's other properties are none
// the worse for it.
func (s *Side) recordOf(ctx context.Context, p notion.Page) record.Page {
	page := record.Page{
		ID: p.ID, State: record.Live, CreatedAt: p.CreatedTime, EditedAt: p.LastEditedTime, DataSourceID: p.DataSourceID,
		Properties: make(map[string]property.Property, len(p.Properties)), Document: record.Keepable(p.Raw),
	}
	if p.InTrash {
		page.State = record.Archived
	}
	for name, raw := range p.Properties {
		decoded, err := property.Decode(raw)
		if err != nil {
			s.log.WarnContext(ctx, "a property cannot be read and is left as it was", "page", p.ID, "property", name, "error", err)
			continue
		}
		page.Properties[decoded.ID] = decoded
		if text, ok := decoded.Value.(property.Text); ok && name == s.kind.RowKeyProperty {
			page.RowKey = property.PlainText(text)
		}
	}
	return page
}

// liveOf returns the properties that pages show. They show all that their database has.
func liveOf(pages []notion.Page) []mapping.Live {
	if len(pages) == 0 {
		return nil
	}
	live := make([]mapping.Live, 0, len(pages[0].Properties))
	for name, raw := range pages[0].Properties {
		var head struct {
			ID   string        `json:"id"`
			Type property.Type `json:"type"`
		}
		if json.Unmarshal(raw, &head) == nil {
			live = append(live, mapping.Live{ID: property.CanonicalID(head.ID), Name: name, Type: head.Type})
		}
	}
	return live
}

// listingOf reads an answer to a query.
func (s *Side) listingOf(ctx context.Context, answer notion.QueryPage) journal.Listing {
	listing := journal.Listing{ServedAt: answer.ServedAt, Live: liveOf(answer.Pages)}
	for _, p := range answer.Pages {
		listing.Pages = append(listing.Pages, s.recordOf(ctx, p))
	}
	return listing
}

// floor returns the minute that a time is in: Notion tells no more of times.
func floor(t time.Time) time.Time { return t.UTC().Truncate(time.Minute) }
