package syncrun

import (
	"context"

	"github.com/act-platform/enhanced-integration/shared/journal"
)

// expect estimates how many pages a first listing will show, which Notion does not tell: it shows them in the order of their creation, and
// so it has come as far as the last of them lies between the oldest page and the newest.
func (w *worker) expect(ctx context.Context, l journal.Listing) error {
	at := &w.part.Checkpoint
	begins := at.Pages == 0 && at.Expected == 0 && l.Next != ""
	if !at.Whole || len(l.Pages) == 0 || at.Newest.IsZero() && !begins {
		return nil
	}
	if begins {
		newest, err := w.notion.Newest(ctx, w.database.DataSourceID)
		if err != nil {
			return err
		}
		at.Oldest, at.Newest = l.Pages[0].CreatedAt, newest
	}
	read := w.part.Counts.Read + len(l.Pages)
	if come := l.Pages[len(l.Pages)-1].CreatedAt.Sub(at.Oldest); come > 0 {
		at.Expected = max(read, int(float64(read)*float64(at.Newest.Sub(at.Oldest))/float64(come)))
	}
	return nil
}
