package dispatch

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// mostSubscriptions is how many subscriptions there may be.
const mostSubscriptions = 100

// Store keeps subscriptions and their deliveries. fault.NotFound: there is none of that id.
type Store interface {
	Keeper
	Archive
}

// Keeper keeps subscriptions.
type Keeper interface {
	// Create stores a subscription, or returns the one that the same call made before; fault.Conflict when there are most of them already.
	Create(ctx context.Context, s delivery.Subscription, text secret.Text, once delivery.Once, most int) (delivery.Subscription, secret.Text, error)
	List(ctx context.Context) ([]delivery.Subscription, error)
	Find(ctx context.Context, id string) (delivery.Subscription, error)
	// Update stores what a person changed, and reports whether it was still as it was read.
	Update(ctx context.Context, was, s delivery.Subscription, at time.Time) (stored delivery.Subscription, ok bool, err error)
	Pause(ctx context.Context, id string, at time.Time) (delivery.Subscription, error)
	Resume(ctx context.Context, id string, at time.Time) (delivery.Subscription, error)
	// Rotate replaces a secret and returns until when the one before signs; zero: it cannot be read any more, and does not. fault.Conflict:
	// as many old ones still sign as may.
	Rotate(ctx context.Context, id string, text secret.Text, until, at time.Time) (s delivery.Subscription, oldUntil time.Time, err error)
	Delete(ctx context.Context, id string) error
}

// Archive keeps deliveries.
type Archive interface {
	Deliveries(ctx context.Context, id string, f delivery.Filter) ([]delivery.Delivery, error)
	Delivery(ctx context.Context, id, deliveryID string) (delivery.Delivery, []delivery.Attempt, error)
	// Ping stores an event that is for one subscription only, and its delivery.
	Ping(ctx context.Context, id, deliveryID string, ping event.Event) error
	// Replay stores a delivery of the same event as another.
	Replay(ctx context.Context, id, deliveryID, newID string, at time.Time) error
	// Revive has deliveries that died since a time wait again.
	Revive(ctx context.Context, id string, since, at time.Time) (int, error)
}

// Subscriptions is where subscribers are looked after.
type Subscriptions struct {
	Store
	Queue  Queue
	Check  func(ctx context.Context, address string) error // says whether an address may be given
	Random io.Reader
	Now    func() time.Time
	NewID  func() string
	Log    *slog.Logger
}

// Subscribe stores a subscription and has a ping sent. With an empty secret it makes one up; the secret is shown here, and to whoever repeats
// the same call under the same key.
func (d Subscriptions) Subscribe(ctx context.Context, s delivery.Subscription, text secret.Text, once delivery.Once) (delivery.Subscription, secret.Text, error) {
	var err error
	if text.Empty() {
		text, err = delivery.NewSecret(d.Random)
	} else {
		err = delivery.CheckSecret(text)
	}
	if err != nil {
		return s, secret.Text{}, err
	}
	if err := d.Check(ctx, s.CallbackURL); err != nil {
		return s, secret.Text{}, err
	}
	s.ID, s.State, s.CreatedAt = d.NewID(), delivery.Active, d.Now().UTC()
	s.UpdatedAt = s.CreatedAt
	made := s.ID
	s, text, err = d.Create(ctx, s, text, once, mostSubscriptions)
	if err != nil {
		return s, secret.Text{}, err
	}
	if s.ID != made {
		return s, text, nil
	}
	if _, err := d.Test(ctx, s.ID); err != nil {
		d.Log.WarnContext(ctx, "a new subscription was not sent a ping", "subscription_id", s.ID, "error", err)
	}
	return s, text, nil
}

// Change stores what a person changed of a subscription. What somebody else changes at the same moment stays.
func (d Subscriptions) Change(ctx context.Context, id string, change func(*delivery.Subscription)) (delivery.Subscription, error) {
	for {
		was, err := d.Find(ctx, id)
		if err != nil {
			return was, err
		}
		s := was
		change(&s)
		if s.CallbackURL != was.CallbackURL {
			if err := d.Check(ctx, s.CallbackURL); err != nil {
				return s, err
			}
		}
		if s, ok, err := d.Update(ctx, was, s, d.Now()); ok || err != nil {
			return s, err
		}
	}
}

// Rotate replaces the secret and shows the new one, once. The old one signs beside it for delivery.Overlap, if it can be read; so do those
// before it, for what is left of theirs.
func (d Subscriptions) Rotate(ctx context.Context, id string) (s delivery.Subscription, text secret.Text, oldUntil time.Time, err error) {
	if text, err = delivery.NewSecret(d.Random); err != nil {
		return s, secret.Text{}, oldUntil, err
	}
	now := d.Now().UTC()
	s, oldUntil, err = d.Store.Rotate(ctx, id, text, now.Add(delivery.Overlap), now)
	return s, text, oldUntil, err
}

// Pause holds a subscription's deliveries back.
func (d Subscriptions) Pause(ctx context.Context, id string) (delivery.Subscription, error) {
	return d.Store.Pause(ctx, id, d.Now())
}

// Resume has a subscription go on.
func (d Subscriptions) Resume(ctx context.Context, id string) (delivery.Subscription, error) {
	s, err := d.Store.Resume(ctx, id, d.Now())
	if err == nil {
		d.wake(ctx, id)
	}
	return s, err
}

// Test has a ping sent to a subscription and gives the delivery's id. fault.Conflict: it is not active.
func (d Subscriptions) Test(ctx context.Context, id string) (string, error) {
	if err := d.active(ctx, id); err != nil {
		return "", err
	}
	ping := event.Draft{
		Type: event.Ping, Source: event.Integration, Target: event.Integration, Data: map[string]string{"subscription_id": id},
	}.New(d.NewID(), d.Now())
	deliveryID := d.NewID()
	if err := d.Ping(ctx, id, deliveryID, ping); err != nil {
		return "", err
	}
	d.wake(ctx, id)
	return deliveryID, nil
}

// Replay has a delivery's event sent once more, and gives the new delivery's id. fault.Conflict: the subscription is not active.
func (d Subscriptions) Replay(ctx context.Context, id, deliveryID string) (string, error) {
	if err := d.active(ctx, id); err != nil {
		return "", err
	}
	newID := d.NewID()
	if err := d.Store.Replay(ctx, id, deliveryID, newID, d.Now()); err != nil {
		return "", err
	}
	d.wake(ctx, id)
	return newID, nil
}

// ReplayDead has everything that died since a time sent again, and gives how much that is. fault.Conflict: the subscription is not
// active.
func (d Subscriptions) ReplayDead(ctx context.Context, id string, since time.Time) (int, error) {
	if err := d.active(ctx, id); err != nil {
		return 0, err
	}
	n, err := d.Revive(ctx, id, since, d.Now())
	if err == nil && n > 0 {
		d.wake(ctx, id)
	}
	return n, err
}

func (d Subscriptions) active(ctx context.Context, id string) error {
	s, err := d.Find(ctx, id)
	if err == nil && s.State != delivery.Active {
		err = fault.New(fault.Conflict, "The subscription is %s: resume it first.", s.State)
	}
	return err
}

// wake has what is due sent at once. Where the queue cannot be reached, the relay's schedule finds it.
func (d Subscriptions) wake(ctx context.Context, id string) {
	if err := d.Queue.Wake(ctx, id, 0); err != nil {
		d.Log.WarnContext(ctx, "the delivery queue cannot be reached; the schedule sees to it", "subscription_id", id, "error", err)
	}
}
