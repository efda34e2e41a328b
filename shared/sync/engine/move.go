package engine

import (
	"context"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// Mover has records follow rows whose ids somebody changed. Until it has, Look sets such records aside.
type Mover interface {
	// Move has the records follow. fault.Conflict when the lease was lost.
	Move(ctx context.Context, lease journal.Lease) error
	// Rekeys returns pages that carry the id which their row had before, with the one that it has; Rekeyed notes that they carry that.
	Rekeys(ctx context.Context, limit int) ([]journal.Key, error)
	Rekeyed(ctx context.Context, pageIDs []string) error
}

// rekey has pages carry the ids that their rows have now. A page that is gone, or whose database has no property for them, needs none.
func (w *worker) rekey(ctx context.Context) error {
	for {
		keys, err := w.tables.Rekeys(ctx, few)
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := w.turn(ctx, len(keys)); err != nil {
			return err
		}
		if err := w.prepareRowKey(ctx); err != nil {
			return err
		}
		done := make([]string, len(keys))
		for i, key := range keys {
			done[i] = key.PageID
			if key.RowID == "" || w.database.RowKey == "" {
				continue
			}
			switch err := w.notion.Rekey(ctx, key.PageID, w.database.RowKey, key.RowID); fault.KindOf(err) {
			case fault.NotFound, fault.Invalid, fault.Conflict:
			default:
				if err != nil {
					return err
				}
			}
		}
		if err := w.tables.Rekeyed(ctx, done); err != nil {
			return err
		}
	}
}
