package oauth

import (
	"context"
	"time"
)

// Leftovers finds attempts that are over.
type Leftovers interface {
	// Over returns the ids of attempts begun before a time that no grant came of.
	Over(ctx context.Context, before time.Time) ([]string, error)
	Forget(ctx context.Context, attemptID string) error
}

// Sweep forgets attempts that are over, and the secrets that a crash left of some of them. It may be repeated.
func Sweep(ctx context.Context, attempts Leftovers, vault Deleter, secretName func(attemptID string) string, before time.Time) error {
	over, err := attempts.Over(ctx, before)
	if err != nil {
		return err
	}
	for _, id := range over {
		if err := vault.Delete(ctx, secretName(id)); err != nil {
			return err
		}
		if err := attempts.Forget(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
