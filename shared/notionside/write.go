package notionside

import (
	"context"
	"errors"
	"slices"

	"github.com/jomei/notionapi"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/merge"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/property"
	"github.com/act-platform/enhanced-integration/shared/record"
)

// PrepareRowKey sees to it that the database has the property for row keys. fault.Invalid: it has one of that name and another
// type.
func (s *Side) PrepareRowKey(ctx context.Context, dataSourceID string) error {
	live, err := s.Schema(ctx, dataSourceID)
	if err != nil {
		return err
	}
	for _, p := range live {
		if p.Name == s.kind.RowKeyProperty && p.Type == property.TypeRichText {
			return nil
		}
		if p.Name == s.kind.RowKeyProperty {
			return fault.New(fault.Invalid, "The Notion database of %s has a property %q that is a %s; it is to hold the rows' ids, and must be text. Rename it.",
				s.kind.Name, p.Name, p.Type)
		}
	}
	return s.client.AddProperty(ctx, dataSourceID, s.kind.RowKeyProperty, property.TypeRichText)
}

// Create makes a page that carries its row's key.
func (s *Side) Create(ctx context.Context, dataSourceID, rowID string, write journal.Write) (record.Page, error) {
	properties, err := write.Properties()
	if err != nil {
		return record.Page{}, err
	}
	if s.kind.RowKeyProperty != "" {
		key, err := property.Encode(property.TypeRichText, property.Text{{Kind: property.RunText, Text: rowID}})
		if err != nil {
			return record.Page{}, err
		}
		properties[s.kind.RowKeyProperty] = key
	}
	page, err := s.client.CreatePage(ctx, dataSourceID, properties)
	if refusal, ok := errors.AsType[*notion.Error](err); ok && refusal.CommittedResourceID != "" {
		page, err = s.client.Page(ctx, refusal.CommittedResourceID) // it was made, although the answer is an error
	}
	if err != nil {
		return record.Page{}, err
	}
	return s.recordOf(ctx, page), nil
}

// Created finds the pages that carry the row's key and were made by an integration, oldest first: a copy that a person made of such a page
// carries the key as well. Where the integration may not see who is a person, all are given.
func (s *Side) Created(ctx context.Context, dataSourceID, rowID string) ([]record.Page, error) {
	if s.kind.RowKeyProperty == "" {
		return nil, nil
	}
	answer, err := s.client.Query(ctx, dataSourceID, notion.Query{
		Filter: notionapi.PropertyFilter{
			Property: s.kind.RowKeyProperty,
			RichText: &notionapi.TextFilterCondition{Equals: rowID},
		},
		Sorts:    []notionapi.SortObject{{Timestamp: notionapi.TimestampCreated, Direction: notionapi.SortOrderASC}},
		PageSize: 100,
	})
	if fault.KindOf(err) == fault.Invalid {
		return nil, nil // there is no such property, so no page was made that would carry it
	}
	if err != nil {
		return nil, err
	}
	var byPeople []string
	for _, p := range answer.Pages {
		user, err := s.client.User(ctx, p.CreatedBy)
		switch kind := fault.KindOf(err); {
		case err == nil && user.Type == notionapi.UserTypePerson:
			byPeople = append(byPeople, p.ID)
		case err != nil && kind != fault.NotFound && kind != fault.Forbidden && kind != fault.Invalid:
			return nil, err
		}
	}
	return slices.DeleteFunc(s.listingOf(ctx, answer).Pages, func(p record.Page) bool { return slices.Contains(byPeople, p.ID) }), nil
}

// Update changes a page, and takes it out of the trash first, or puts it there, as write says.
func (s *Side) Update(ctx context.Context, pageID string, write journal.Write) (record.Page, error) {
	properties, err := write.Properties()
	if err != nil {
		return record.Page{}, err
	}
	if write.Op == merge.Archive || write.Op == merge.Restore {
		trash := write.Op == merge.Archive
		page, err := s.client.UpdatePage(ctx, pageID, notion.PagePatch{InTrash: &trash})
		if err != nil {
			return record.Page{}, err
		}
		if len(properties) == 0 {
			return s.recordOf(ctx, page), nil
		}
	}
	page, err := s.client.UpdatePage(ctx, pageID, notion.PagePatch{Properties: properties})
	if err != nil {
		return record.Page{}, err
	}
	return s.recordOf(ctx, page), nil
}
