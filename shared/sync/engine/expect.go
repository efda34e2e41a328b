package engine

import (
	"context"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// expect estimates how many pages a first listing will show, which Notion does not tell: it shows them in the order of their creation, and
// so it has come as far as the last of them lies between the oldest page and the newest. Notion tells the minute of that, and the last one may
// hold any number: of pages that were all created at once nobody knows how many there are.
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
	if l.Next == "" {
		at.Expected = read
	} else if come := l.Pages[len(l.Pages)-1].CreatedAt.Sub(at.Oldest); come > 0 {
		at.Expected = max(read+1, int(float64(read)*float64(at.Newest.Sub(at.Oldest)+time.Minute)/float64(come)))
	}
	return nil
}
