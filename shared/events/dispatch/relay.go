// Package dispatch tells subscribers what happened. Events lie in the outbox from the transaction that caused them; the relay makes
// deliveries of them, one a subscription that wants the event; a deliverer sends what is due to one endpoint. Whatever dies in
// between, rows say what is still to be done, and the next look finds it: each delivery is made at least once or ends dead.
package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// relayed is how many events leave the outbox in one transaction.
const relayed = 200

// Outbox holds the events that nobody has been told of yet.
type Outbox interface {
	// Relay takes the next events out and stores the deliveries that they ask for, as one.
	Relay(ctx context.Context, limit int, at time.Time) ([]event.Event, error)
	// Due returns the subscriptions that have something to be sent now and nobody at work on it.
	Due(ctx context.Context, at time.Time) ([]string, error)
}

// Queue hands subscriptions to deliverers.
type Queue interface {
	// Wake has a deliverer look at a subscription, after a wait of at most MaxWait.
	Wake(ctx context.Context, subscriptionID string, wait time.Duration) error
}

// Broadcast tells whoever listens right now, and nobody else.
type Broadcast interface {
	Send(ctx context.Context, events []event.Event) error
}

// Relay moves events from the outbox on.
type Relay struct {
	Outbox    Outbox
	Queue     Queue
	Broadcast Broadcast // nil: nobody listens
	Now       func() time.Time
	Log       *slog.Logger
}

// Run empties the outbox and wakes every subscription that has something due. It may be called at any time and by several at once.
// A broadcast that fails is not made up for: it is for those who look at this moment, and GET /events has it all.
func (r Relay) Run(ctx context.Context) error {
	for {
		events, err := r.Outbox.Relay(ctx, relayed, r.Now())
		if err != nil {
			return err
		}
		if err := r.wake(ctx); err != nil {
			return err
		}
		if r.Broadcast != nil && len(events) > 0 {
			if err := r.Broadcast.Send(ctx, events); err != nil {
				r.Log.WarnContext(ctx, "events were not broadcast", "events", len(events), "error", err)
			}
		}
		if len(events) < relayed {
			return nil
		}
		if ctx.Err() != nil {
			return fault.Wrap(ctx.Err(), fault.Unavailable, "The outbox is not empty yet")
		}
	}
}

func (r Relay) wake(ctx context.Context) error {
	due, err := r.Outbox.Due(ctx, r.Now())
	if err != nil {
		return err
	}
	var failed []error
	for _, id := range due {
		failed = append(failed, r.Queue.Wake(ctx, id, 0))
	}
	return errors.Join(failed...)
}
