package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/delivery"
	"github.com/act-platform/enhanced-integration/shared/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Subscriptions keeps who is told what happened.
type Subscriptions struct {
	Pool         *pgxpool.Pool
	ConnectionID string
	Sealing      Sealing
}

const subscriptionColumns = `id::text, callback_url, description, event_types, databases, rate_limit, status,
	coalesce(disabled_reason, ''), coalesce(failing_since, '0001-01-01Z'), coalesce(signing_problem, ''), created_by, created_at, updated_at`

func scanSubscription(row pgx.CollectableRow) (s delivery.Subscription, err error) {
	err = row.Scan(&s.ID, &s.CallbackURL, &s.Description, &s.EventTypes, &s.Databases, &s.RateLimit, &s.State,
		&s.Reason, &s.FailingSince, &s.SigningProblem, &s.CreatedBy, &s.CreatedAt, &s.UpdatedAt)
	return s, err
}

// Create stores a subscription, as long as there are fewer than most of them; fault.Conflict when there are not. fault.Unavailable: there
// is no key to seal its secret with.
func (s Subscriptions) Create(ctx context.Context, sub delivery.Subscription, text secret.Text, most int) error {
	sealed, err := s.Sealing.seal(ctx, text, about(s.ConnectionID, sub.ID)...)
	if err != nil {
		return err
	}
	tag, err := s.Pool.Exec(ctx, `
		insert into event_subscriptions (id, connection_id, callback_url, description, event_types, databases, rate_limit, secret,
			created_by, created_at, updated_at)
		select $2, $1, $3, $4, $5, coalesce($6, '{}'::text[]), $7, $8, $9, $10, $10
		where (select count(*) from event_subscriptions where connection_id = $1) < $11`,
		s.ConnectionID, sub.ID, sub.CallbackURL, sub.Description, sub.EventTypes, sub.Databases, sub.RateLimit, sealed,
		sub.CreatedBy, sub.CreatedAt, most)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "There are %d subscriptions already, which is the most. Delete one first.", most)
	}
	return Fault(err)
}

// List gives every subscription, the newest first.
func (s Subscriptions) List(ctx context.Context) ([]delivery.Subscription, error) {
	rows, err := s.Pool.Query(ctx, `
		select `+subscriptionColumns+` from event_subscriptions where connection_id = $1 order by created_at desc, id desc`, s.ConnectionID)
	if err != nil {
		return nil, Fault(err)
	}
	list, err := pgx.CollectRows(rows, scanSubscription)
	return list, Fault(err)
}

// Find gives a subscription; fault.NotFound when there is none of that id.
func (s Subscriptions) Find(ctx context.Context, id string) (delivery.Subscription, error) {
	return s.one(ctx, id, `select `+subscriptionColumns+` from event_subscriptions where connection_id = $1 and id = $2`)
}

// Update stores what a person may change of a subscription.
func (s Subscriptions) Update(ctx context.Context, sub delivery.Subscription, at time.Time) (delivery.Subscription, error) {
	return s.one(ctx, sub.ID, `
		update event_subscriptions set callback_url = $3, description = $4, event_types = $5, databases = coalesce($6, '{}'::text[]),
			rate_limit = $7, updated_at = $8 where connection_id = $1 and id = $2 returning `+subscriptionColumns,
		sub.CallbackURL, sub.Description, sub.EventTypes, sub.Databases, sub.RateLimit, at)
}

// Pause holds back what is to be delivered. A subscription that is disabled stays so.
func (s Subscriptions) Pause(ctx context.Context, id string, at time.Time) (delivery.Subscription, error) {
	return s.one(ctx, id, `
		update event_subscriptions set status = case status when 'active' then 'paused' else status end, updated_at = $3
		where connection_id = $1 and id = $2 returning `+subscriptionColumns, at)
}

// Resume has a subscription go on, one that was disabled with a clean record.
func (s Subscriptions) Resume(ctx context.Context, id string, at time.Time) (delivery.Subscription, error) {
	return s.one(ctx, id, `
		update event_subscriptions set status = 'active', disabled_reason = null, failing_since = null, rest_until = null, updated_at = $3
		where connection_id = $1 and id = $2 returning `+subscriptionColumns, at)
}

// Rotate replaces the secret. The one before signs too until the given time, unless it cannot be read any more: then it is forgotten, and
// the subscription goes on with the new one alone. It gives until when the one before signs, zero for not at all.
func (s Subscriptions) Rotate(ctx context.Context, id string, text secret.Text, until, at time.Time) (delivery.Subscription, time.Time, error) {
	var had string
	err := s.Pool.QueryRow(ctx, `select secret from event_subscriptions where connection_id = $1 and id = $2`, s.ConnectionID, id).Scan(&had)
	if errors.Is(err, pgx.ErrNoRows) {
		return delivery.Subscription{}, time.Time{}, fault.New(fault.NotFound, "There is no subscription %s.", id)
	}
	if err != nil {
		return delivery.Subscription{}, time.Time{}, Fault(err)
	}
	sealed, err := s.Sealing.seal(ctx, text, about(s.ConnectionID, id)...)
	if err != nil {
		return delivery.Subscription{}, time.Time{}, err
	}
	_, unreadable := s.Sealing.open(ctx, had, about(s.ConnectionID, id)...)
	if unreadable != nil {
		until = time.Time{}
	}
	sub, err := s.one(ctx, id, `
		update event_subscriptions set old_secret = case when $6 then secret end, old_secret_until = case when $6 then $4::timestamptz end,
			secret = $3, updated_at = $5, rest_until = case when signing_problem is null then rest_until end, signing_problem = null
		where connection_id = $1 and id = $2 returning `+subscriptionColumns, sealed, until, at, unreadable == nil)
	return sub, until, err
}

// Delete forgets a subscription and its deliveries; fault.NotFound when there is none of that id.
func (s Subscriptions) Delete(ctx context.Context, id string) error {
	_, err := s.one(ctx, id, `delete from event_subscriptions where connection_id = $1 and id = $2 returning `+subscriptionColumns)
	return err
}

func (s Subscriptions) one(ctx context.Context, id, sql string, args ...any) (delivery.Subscription, error) {
	rows, err := s.Pool.Query(ctx, sql, append([]any{s.ConnectionID, id}, args...)...)
	if err != nil {
		return delivery.Subscription{}, Fault(err)
	}
	sub, err := pgx.CollectExactlyOneRow(rows, scanSubscription)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fault.New(fault.NotFound, "There is no subscription %s.", id)
	}
	return sub, Fault(err)
}

// Ping stores an event that is for one subscription only, and its delivery.
func (s Subscriptions) Ping(ctx context.Context, id, deliveryID string, ping event.Event) error {
	return Fault(pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		if err := StoreEvents(ctx, tx, s.ConnectionID, ping); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update integration_events set relayed_at = created_at where connection_id = $1 and id = $2`, s.ConnectionID, ping.ID); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			insert into event_deliveries (id, connection_id, subscription_id, event_id, event_type, next_attempt_at, created_at)
			select $3, $1, id, $4, $5, $6, $6 from event_subscriptions where connection_id = $1 and id = $2`,
			s.ConnectionID, id, deliveryID, ping.ID, ping.Type, ping.Timestamp)
		if err == nil && tag.RowsAffected() == 0 {
			return fault.New(fault.NotFound, "There is no subscription %s.", id)
		}
		return err
	}))
}
