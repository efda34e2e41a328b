package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/event"
)

// Outbox holds the events that nobody has been told of yet.
type Outbox struct {
	Pool         *Pool
	ConnectionID string
	NewID        func() string
}

// Relay takes the next events out of the outbox and stores a delivery for each subscription that wants one, all in one
// transaction. Several at once take different events.
func (o Outbox) Relay(ctx context.Context, limit int, at time.Time) (events []event.Event, err error) {
	err = o.Pool.InTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			select id::text, type, source_system, target_system, data, created_at from integration.events
			where connection_id = $1 and relayed_at is null order by seq limit $2 for update skip locked`, o.ConnectionID, limit)
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e event.Event, err error) {
			err = row.Scan(&e.ID, &e.Type, &e.Source, &e.Target, &e.Data, &e.Timestamp)
			return e, err
		})
		if err != nil || len(events) == 0 {
			return err
		}
		subscriptions, err := o.subscriptions(ctx, tx)
		if err != nil {
			return err
		}
		if err := o.store(ctx, tx, events, subscriptions, at); err != nil {
			return err
		}
		ids := make([]string, len(events))
		for i, e := range events {
			ids[i] = e.ID
		}
		_, err = tx.Exec(ctx, `update integration.events set relayed_at = $3 where connection_id = $1 and id = any($2::uuid[])`, o.ConnectionID, ids, at)
		return err
	})
	return events, Fault(err)
}

// subscriptions returns those that may want something, and holds them until the transaction ends: one that is being deleted or
// disabled takes its turn.
func (o Outbox) subscriptions(ctx context.Context, tx pgx.Tx) ([]delivery.Subscription, error) {
	rows, err := tx.Query(ctx, `
		select `+subscriptionColumns+` from integration.event_subscriptions where connection_id = $1 and status <> 'disabled'
		order by id for key share`, o.ConnectionID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, collectSubscription)
}

func (o Outbox) store(ctx context.Context, tx pgx.Tx, events []event.Event, subscriptions []delivery.Subscription, at time.Time) error {
	var ids, subscriptionIDs, eventIDs, types []string
	for _, e := range events {
		for _, s := range subscriptions {
			if s.Wants(e) {
				ids, subscriptionIDs = append(ids, o.NewID()), append(subscriptionIDs, s.ID)
				eventIDs, types = append(eventIDs, e.ID), append(types, string(e.Type))
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		insert into integration.event_deliveries (id, connection_id, subscription_id, event_id, event_type, next_attempt_at, created_at)
		select unnest($2::uuid[]), $1, unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::text[]), $6, $6
		on conflict (subscription_id, event_id) where replay_of is null do nothing`,
		o.ConnectionID, ids, subscriptionIDs, eventIDs, types, at)
	return err
}

// Due returns the active subscriptions that have something to be sent now and nobody at work on it.
func (o Outbox) Due(ctx context.Context, at time.Time) ([]string, error) {
	rows, err := o.Pool.Query(ctx, `
		select s.id::text from integration.event_subscriptions s
		where s.connection_id = $1 and s.status = 'active' and (s.lane_until is null or s.lane_until <= clock_timestamp())
		and (s.not_before is null or s.not_before <= $2)
		and exists (select from integration.event_deliveries d where d.subscription_id = s.id and d.status = 'waiting' and d.next_attempt_at <= $2)
		order by s.id`, o.ConnectionID, at)
	if err != nil {
		return nil, Fault(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, Fault(err)
}

// Forget deletes events and finished deliveries that are older than the given time, some at a time, and gives how many events went.
// An event that a subscription has still to be told of stays, also while that is paused.
func (o Outbox) Forget(ctx context.Context, before time.Time, limit int) (int, error) {
	tag, err := o.Pool.Exec(ctx, `
		delete from integration.events where id in (
			select e.id from integration.events e
			where e.connection_id = $1 and e.created_at < $2 and e.relayed_at is not null
			and not exists (select from integration.event_deliveries d join integration.event_subscriptions s on s.id = d.subscription_id
				where d.event_id = e.id and d.status = 'waiting' and s.status <> 'disabled')
			order by e.seq limit $3)`, o.ConnectionID, before, limit)
	return int(tag.RowsAffected()), Fault(err)
}
