package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

const deliveryColumns = `d.id::text, d.subscription_id::text, d.event_id::text, d.event_type, coalesce(d.replay_of::text, ''), d.status, d.attempts,
	coalesce(d.next_attempt_at, '0001-01-01Z'), coalesce(d.last_status, 0), coalesce(d.last_error, ''), d.created_at, coalesce(d.finished_at, '0001-01-01Z')`

func scanDelivery(row pgx.CollectableRow) (d delivery.Delivery, err error) {
	err = row.Scan(&d.ID, &d.SubscriptionID, &d.EventID, &d.EventType, &d.ReplayOf, &d.Status, &d.Attempts,
		&d.NextAttemptAt, &d.LastStatus, &d.LastError, &d.CreatedAt, &d.FinishedAt)
	return d, err
}

// Deliveries returns what was and is to be sent to a subscription, the newest first; fault.NotFound when there is no such
// subscription.
func (s Subscriptions) Deliveries(ctx context.Context, id string, f delivery.Filter) ([]delivery.Delivery, error) {
	if _, err := s.Find(ctx, id); err != nil {
		return nil, err
	}
	rows, err := s.Pool.Query(ctx, `
		select `+deliveryColumns+` from integration.event_deliveries d
		where d.connection_id = $1 and d.subscription_id = $2 and ($3 = '' or d.status = $3) and ($4 = '' or d.id < nullif($4, '')::uuid)
		order by d.id desc limit $5`, s.ConnectionID, id, f.Status, f.Before, f.Limit)
	if err != nil {
		return nil, Fault(err)
	}
	list, err := pgx.CollectRows(rows, scanDelivery)
	return list, Fault(err)
}

// Delivery returns one delivery with its attempts, the first one first; fault.NotFound when there is none.
func (s Subscriptions) Delivery(ctx context.Context, id, deliveryID string) (delivery.Delivery, []delivery.Attempt, error) {
	rows, err := s.Pool.Query(ctx, `
		select `+deliveryColumns+` from integration.event_deliveries d where d.connection_id = $1 and d.subscription_id = $2 and d.id = $3`,
		s.ConnectionID, id, deliveryID)
	if err != nil {
		return delivery.Delivery{}, nil, Fault(err)
	}
	d, err := pgx.CollectExactlyOneRow(rows, scanDelivery)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fault.New(fault.NotFound, "The subscription %s has no delivery %s.", id, deliveryID)
	}
	if err != nil {
		return d, nil, Fault(err)
	}
	rows, err = s.Pool.Query(ctx, `
		select number, started_at, duration_ms, coalesce(status_code, 0), answer, error
		from integration.event_attempts where delivery_id = $1 order by number`, deliveryID)
	if err != nil {
		return d, nil, Fault(err)
	}
	attempts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a delivery.Attempt, err error) {
		var millis int64
		err = row.Scan(&a.Number, &a.StartedAt, &millis, &a.StatusCode, &a.Answer, &a.Error)
		a.Duration = time.Duration(millis) * time.Millisecond
		return a, err
	})
	return d, attempts, Fault(err)
}

// Replay has a delivery's event delivered once more, as a delivery of its own; fault.NotFound when there is no such delivery.
func (s Subscriptions) Replay(ctx context.Context, id, deliveryID, newID string, at time.Time) error {
	tag, err := s.Pool.Exec(ctx, `
		insert into integration.event_deliveries (id, connection_id, subscription_id, event_id, event_type, replay_of, next_attempt_at, created_at)
		select $4, connection_id, subscription_id, event_id, event_type, id, $5, $5
		from integration.event_deliveries where connection_id = $1 and subscription_id = $2 and id = $3`,
		s.ConnectionID, id, deliveryID, newID, at)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "The subscription %s has no delivery %s.", id, deliveryID)
	}
	return Fault(err)
}

// Revive has deliveries that died since a time wait again, as if they had never been tried, and gives how many they are;
// fault.NotFound when there is no such subscription. Asking twice does no harm: what waits is dead no more.
func (s Subscriptions) Revive(ctx context.Context, id string, since, at time.Time) (int, error) {
	if _, err := s.Find(ctx, id); err != nil {
		return 0, err
	}
	tag, err := s.Pool.Exec(ctx, `
		update integration.event_deliveries set status = 'waiting', attempts = 0, next_attempt_at = $4, finished_at = null
		where connection_id = $1 and subscription_id = $2 and status = 'dead' and finished_at >= $3`, s.ConnectionID, id, since, at)
	return int(tag.RowsAffected()), Fault(err)
}
