package pages

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/jomei/notionapi"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// place is where a listing goes on. Notion ends a query after 10,000 rows; what is left is asked for in another, from the time of
// the last row on. The rows of that minute come twice, which does no harm.
//
// https://developers.notion.com/reference/query-a-data-source
type place struct {
	From   time.Time `json:"from,omitzero"`   // the window's beginning; zero in the first
	Cursor string    `json:"cursor,omitzero"` // Notion's own cursor in the window
}

// List returns up to 100 pages, the trash left out: all of them in the order of their creation when since is zero, else those edited
// at or after it in the order of their last edit. cursor is "" or the Next of the answer before. fault.Invalid: more than 10,000
// pages have one minute, and cannot be listed.
func (s *Side) List(ctx context.Context, dataSourceID string, since time.Time, cursor string) (journal.Listing, error) {
	at, err := placeOf(cursor)
	if err != nil {
		return journal.Listing{}, err
	}
	order := notionapi.TimestampCreated
	from := at.From
	if !since.IsZero() {
		order = notionapi.TimestampLastEdited
		if from.IsZero() {
			from = floor(since)
		}
	}
	answer, err := s.client.Query(ctx, dataSourceID, notion.Query{
		Filter:   onOrAfter(order, from),
		Sorts:    []notionapi.SortObject{{Timestamp: order, Direction: notionapi.SortOrderASC}},
		Cursor:   at.Cursor,
		PageSize: 100,
	})
	if err != nil {
		return journal.Listing{}, s.lost(err)
	}
	listing := s.listingOf(ctx, answer)
	listing.Next, err = next(answer, at, order)
	return listing, err
}

// lost explains that a database cannot be found; another error it leaves as it is.
func (s *Side) lost(err error) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.Wrap(err, fault.NotFound, "The Notion database of %s is not there any more, or not shared with the integration. "+
		"Nothing was deleted for that. Restore it, or share it again: ••• › Connections.", s.kind.Name)
}

// Present returns an error where a database is not there any more, is not shared any more, or is in the trash: then nothing follows from
// what it does not show.
func (s *Side) Present(ctx context.Context, databaseID, dataSourceID string) error {
	database, err := s.client.Database(ctx, databaseID)
	if err != nil {
		return s.lost(err)
	}
	source, err := s.client.DataSource(ctx, dataSourceID)
	if err != nil {
		return s.lost(err)
	}
	if database.InTrash || source.InTrash {
		return fault.New(fault.NotFound, "The Notion database of %s is in the trash. Nothing was deleted for that. Restore it.", s.kind.Name)
	}
	return nil
}

// Newest tells when the newest page was created; zero when there is none.
func (s *Side) Newest(ctx context.Context, dataSourceID string) (time.Time, error) {
	answer, err := s.client.Query(ctx, dataSourceID, notion.Query{
		Sorts: []notionapi.SortObject{{Timestamp: notionapi.TimestampCreated, Direction: notionapi.SortOrderDESC}}, PageSize: 1,
	})
	if err != nil || len(answer.Pages) == 0 {
		return time.Time{}, err
	}
	return answer.Pages[0].CreatedTime, nil
}

// next returns where a listing goes on after an answer, "" at the end.
func next(answer notion.QueryPage, at place, order notionapi.TimestampType) (string, error) {
	if answer.NextCursor != "" {
		return cursorOf(place{From: at.From, Cursor: answer.NextCursor}), nil
	}
	if !answer.Incomplete {
		return "", nil
	}
	if len(answer.Pages) == 0 {
		return "", fault.New(fault.Unavailable, "Notion broke off a listing before it began. Try again later.")
	}
	last := answer.Pages[len(answer.Pages)-1]
	from := floor(last.CreatedTime)
	if order == notionapi.TimestampLastEdited {
		from = floor(last.LastEditedTime)
	}
	if !from.After(at.From) {
		return "", fault.New(fault.Invalid, "More than 10,000 pages of the database have the time %s, and Notion lists no more of them. "+
			"Move some to another database.", from.Format(time.RFC3339))
	}
	return cursorOf(place{From: from}), nil
}

func onOrAfter(timestamp notionapi.TimestampType, from time.Time) notionapi.Filter {
	if from.IsZero() {
		return nil
	}
	date := notionapi.Date(from)
	condition := &notionapi.DateFilterCondition{OnOrAfter: &date}
	if timestamp == notionapi.TimestampCreated {
		return &notionapi.TimestampFilter{Timestamp: timestamp, CreatedTime: condition}
	}
	return &notionapi.TimestampFilter{Timestamp: timestamp, LastEditedTime: condition}
}

func cursorOf(p place) string {
	data, err := json.Marshal(p)
	if err != nil {
		return "" // a time past the year 9999, which Notion has none of
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func placeOf(cursor string) (p place, err error) {
	if cursor == "" {
		return p, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	return p, fault.Wrap(err, fault.Internal, "a listing's cursor cannot be read")
}
