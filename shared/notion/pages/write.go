package pages

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/jomei/notionapi"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// PrepareRowKey returns the id of the property for the rows' ids, which it adds if need be; "" where the integration may not add it, and where
// people have one of that name that is of another type or is bound to a field.
func (s *Side) PrepareRowKey(ctx context.Context, dataSourceID string, bound mapping.Binding) (string, error) {
	if s.keyless {
		return "", nil
	}
	live, err := s.Schema(ctx, dataSourceID)
	if err != nil {
		return "", err
	}
	if key, usable, found := s.kind.RowKey(live, bound); found {
		if s.keyless = !usable; s.keyless { // which the run reports
			return "", nil
		}
		return key.ID, nil
	}
	id, err := s.client.AddProperty(ctx, dataSourceID, s.kind.RowKeyProperty, property.TypeRichText)
	if refusal, ok := errors.AsType[*notion.Error](err); ok && refusal.Code != "" && fault.KindOf(err) == fault.Forbidden { // by Notion itself
		s.keyless = true
		s.log.WarnContext(ctx, "pages are made without their rows' keys: the integration may not add a property to the database", "property", s.kind.RowKeyProperty)
		return "", nil
	}
	return id, err
}

// Create creates a page. It carries its row's id in the property keyID, unless that is "".
func (s *Side) Create(ctx context.Context, dataSourceID, keyID, rowID string, write journal.Write) (record.Page, error) {
	properties, err := write.Properties()
	if err != nil {
		return record.Page{}, err
	}
	if keyID != "" {
		key, err := property.Encode(property.TypeRichText, property.Text{{Kind: property.RunText, Text: rowID}})
		if err != nil {
			return record.Page{}, err
		}
		properties[keyID] = key
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

// Rekey has a page carry another row's id in the property keyID.
func (s *Side) Rekey(ctx context.Context, pageID, keyID, rowID string) error {
	key, err := property.Encode(property.TypeRichText, property.Text{{Kind: property.RunText, Text: rowID}})
	if err != nil {
		return err
	}
	_, err = s.client.UpdatePage(ctx, pageID, notion.PagePatch{Properties: map[string]json.RawMessage{keyID: key}})
	return err
}

// Created finds the pages that may have been made for an intent, oldest first: those that carry the row's key, or, where the database has no
// room for it, or people have taken it away since, those of exactly that title without a key that were made by this integration at about that time.
func (s *Side) Created(ctx context.Context, dataSourceID string, intent journal.Intent) ([]record.Page, error) {
	if s.kind.RowKeyProperty != "" {
		pages, err := s.withKey(ctx, dataSourceID, cmp.Or(intent.RowKey, intent.Key.RowID))
		if fault.KindOf(err) != fault.Invalid && (err != nil || len(pages) > 0) {
			return pages, err
		} // else there is no such property, or it is another one
	}
	pages, err := s.alike(ctx, dataSourceID, intent)
	return slices.DeleteFunc(pages, func(p record.Page) bool { return p.RowKey != "" }), err
}

// withKey finds the pages that carry a row's key and were made by an integration: a copy that a person made of such a page carries the key as
// well. Where the integration may not see who is a person, all are given. fault.Invalid: there is no property for keys.
func (s *Side) withKey(ctx context.Context, dataSourceID, rowID string) ([]record.Page, error) {
	answer, err := s.oldestFirst(ctx, dataSourceID, notionapi.PropertyFilter{
		Property: s.kind.RowKeyProperty,
		RichText: &notionapi.TextFilterCondition{Equals: rowID},
	})
	if err != nil {
		return nil, err
	}
	people := map[string]bool{} // and who is none
	for _, p := range answer.Pages {
		if _, known := people[p.CreatedBy]; known {
			continue
		}
		user, err := s.client.User(ctx, p.CreatedBy)
		if kind := fault.KindOf(err); err != nil && kind != fault.NotFound && kind != fault.Forbidden && kind != fault.Invalid {
			return nil, err
		}
		people[p.CreatedBy] = err == nil && user.Type == notionapi.UserTypePerson
	}
	answer.Pages = slices.DeleteFunc(answer.Pages, func(p notion.Page) bool { return people[p.CreatedBy] })
	return s.listingOf(ctx, answer).Pages, nil
}

// oldestFirst finds up to 100 pages.
func (s *Side) oldestFirst(ctx context.Context, dataSourceID string, filter notionapi.Filter) (notion.QueryPage, error) {
	return s.client.Query(ctx, dataSourceID, notion.Query{
		Filter:   filter,
		Sorts:    []notionapi.SortObject{{Timestamp: notionapi.TimestampCreated, Direction: notionapi.SortOrderASC}},
		PageSize: 100,
	})
}

// about is how far Notion's clock and the worker's may be apart.
const about = 2 * time.Hour

// titled is a filter of titles, which notionapi does not have.
//
// https://developers.notion.com/reference/post-database-query-filter
type titled struct {
	notionapi.PropertyFilter `json:"-"`

	Property string                        `json:"property"`
	Title    notionapi.TextFilterCondition `json:"title"`
}

// alike finds the pages that show an intent's title, and that this integration made at about its time.
func (s *Side) alike(ctx context.Context, dataSourceID string, intent journal.Intent) ([]record.Page, error) {
	bot, err := s.client.Me(ctx)
	if err != nil {
		return nil, err
	}
	title := titled{Property: "title", Title: notionapi.TextFilterCondition{Equals: intent.Title, IsEmpty: intent.Title == ""}}
	since := notionapi.Date(floor(intent.At.Add(-about)))
	answer, err := s.oldestFirst(ctx, dataSourceID, notionapi.AndCompoundFilter{title, notionapi.TimestampFilter{
		Timestamp: notionapi.TimestampCreated, CreatedTime: &notionapi.DateFilterCondition{OnOrAfter: &since},
	}})
	if err != nil {
		return nil, err
	}
	answer.Pages = slices.DeleteFunc(answer.Pages, func(p notion.Page) bool {
		return p.CreatedBy != property.CanonicalID(string(bot.ID)) || p.CreatedTime.After(intent.At.Add(about))
	})
	return slices.DeleteFunc(s.listingOf(ctx, answer).Pages, func(p record.Page) bool {
		shown, _ := p.Properties["title"].Value.(property.Text)
		return property.PlainText(shown) != intent.Title
	}), nil
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
