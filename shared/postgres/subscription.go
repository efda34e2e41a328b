package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Subscriptions keeps who is told what happened.
type Subscriptions struct {
	Pool         *Pool
	ConnectionID string
	Sealing      Sealing
}

const subscriptionColumns = `id::text, callback_url, description, event_types, databases, rate_limit, status,
	coalesce(disabled_reason, ''), coalesce(failing_since, '0001-01-01Z'), coalesce(signing_problem, ''), created_by, created_at, updated_at`

func scanSubscription(row pgx.CollectableRow, more ...any) (s delivery.Subscription, err error) {
	err = row.Scan(append([]any{
		&s.ID, &s.CallbackURL, &s.Description, &s.EventTypes, &s.Databases, &s.RateLimit, &s.State,
		&s.Reason, &s.FailingSince, &s.SigningProblem, &s.CreatedBy, &s.CreatedAt, &s.UpdatedAt,
	}, more...)...)
	return s, err
}

func collectSubscription(row pgx.CollectableRow) (delivery.Subscription, error) {
	return scanSubscription(row)
}

// Create stores a subscription, as long as there are fewer than most of them; fault.Conflict when there are not. Asked for again by the same
// caller under the same Idempotency-Key, it returns the one that there is, with its secret; fault.Conflict when something else was asked for
// then. fault.Unavailable: there is no key to seal its secret with.
func (s Subscriptions) Create(ctx context.Context, sub delivery.Subscription, text secret.Text, once delivery.Once, most int) (delivery.Subscription, secret.Text, error) {
	sealed, err := s.Sealing.seal(ctx, text, about(s.ConnectionID, sub.ID)...)
	if err != nil {
		return sub, secret.Text{}, err
	}
	var had *madeBefore
	err = s.Pool.InTx(ctx, func(tx pgx.Tx) error {
		// Whoever creates takes turns, so that neither the limit nor the key is passed by two at once.
		if _, err := tx.Exec(ctx, `select from integration.connections where id = $1 for no key update`, s.ConnectionID); err != nil {
			return err
		}
		if had, err = s.before(ctx, tx, sub.CreatedBy, once); had != nil || err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			insert into integration.event_subscriptions (id, connection_id, callback_url, description, event_types, databases, rate_limit, secret,
				created_by, created_at, updated_at, idempotency_key, asked_for)
			select $2, $1, $3, $4, $5, coalesce($6, '{}'::text[]), $7, $8, $9, $10, $10, nullif($12, ''), nullif($13, '')
			where (select count(*) from integration.event_subscriptions where connection_id = $1) < $11`,
			s.ConnectionID, sub.ID, sub.CallbackURL, sub.Description, sub.EventTypes, sub.Databases, sub.RateLimit, sealed,
			sub.CreatedBy, sub.CreatedAt, most, once.Key, once.Asked)
		if err == nil && tag.RowsAffected() == 0 {
			return fault.New(fault.Conflict, "There are %d subscriptions already, which is the most. Delete one first.", most)
		}
		return err
	})
	if err != nil || had == nil {
		return sub, text, Fault(err)
	}
	if text, err = s.Sealing.open(ctx, had.secret, about(s.ConnectionID, had.ID)...); err != nil {
		return sub, secret.Text{}, err
	}
	return had.Subscription, text, nil
}

// madeBefore is a subscription that an earlier call under the same Idempotency-Key made.
type madeBefore struct {
	delivery.Subscription
	secret string
}

func (s Subscriptions) before(ctx context.Context, tx pgx.Tx, client string, once delivery.Once) (*madeBefore, error) {
	if once.Key == "" {
		return nil, nil //nolint:nilnil // nothing was made under no key
	}
	rows, err := tx.Query(ctx, `
		select `+subscriptionColumns+`, secret, asked_for from integration.event_subscriptions where connection_id = $1 and created_by = $2 and idempotency_key = $3`,
		s.ConnectionID, client, once.Key)
	if err != nil {
		return nil, err
	}
	var asked string
	had, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (had madeBefore, err error) {
		had.Subscription, err = scanSubscription(row, &had.secret, &asked)
		return had, err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil //nolint:nilnil // nothing was made under it
	case err != nil:
		return nil, err
	case asked != once.Asked:
		return nil, fault.New(fault.Conflict, "Another subscription was asked for under this Idempotency-Key. Use a new key for each subscription.")
	}
	return &had, nil
}

// List returns every subscription, the newest first.
func (s Subscriptions) List(ctx context.Context) ([]delivery.Subscription, error) {
	rows, err := s.Pool.Query(ctx, `
		select `+subscriptionColumns+` from integration.event_subscriptions where connection_id = $1 order by created_at desc, id desc`, s.ConnectionID)
	if err != nil {
		return nil, Fault(err)
	}
	list, err := pgx.CollectRows(rows, collectSubscription)
	return list, Fault(err)
}

// Find returns a subscription; fault.NotFound when there is none of that id.
func (s Subscriptions) Find(ctx context.Context, id string) (delivery.Subscription, error) {
	return s.one(ctx, id, `select `+subscriptionColumns+` from integration.event_subscriptions where connection_id = $1 and id = $2`)
}

// Update stores what a person may change of a subscription, unless somebody else changed some of it since it was read: then it reports false.
// What is known of an address that is no longer called is forgotten: its breaker, since when it failed, and the rest that it asked for.
func (s Subscriptions) Update(ctx context.Context, was, sub delivery.Subscription, at time.Time) (stored delivery.Subscription, ok bool, err error) {
	err = s.Pool.InTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			update integration.event_subscriptions set callback_url = $3, description = $4, event_types = $5, databases = coalesce($6, '{}'::text[]),
				rate_limit = $7, updated_at = $8, failing_since = case when callback_url = $3 then failing_since end,
				not_before = case when callback_url = $3 or signing_problem is not null then not_before end
			where connection_id = $1 and id = $2
			and (callback_url, description, event_types, databases, rate_limit) = ($9, $10, $11::text[], coalesce($12, '{}'::text[]), $13)
			returning `+subscriptionColumns,
			s.ConnectionID, sub.ID, sub.CallbackURL, sub.Description, sub.EventTypes, sub.Databases, sub.RateLimit, at,
			was.CallbackURL, was.Description, was.EventTypes, was.Databases, was.RateLimit)
		if err != nil {
			return err
		}
		stored, err = pgx.CollectExactlyOneRow(rows, collectSubscription)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if ok = err == nil; ok && was.CallbackURL != sub.CallbackURL {
			err = s.forgetBreaker(ctx, tx, sub.ID)
		}
		return err
	})
	return stored, ok, Fault(err)
}

// forgetBreaker closes the breaker of a subscription's endpoint, and forgets how often it opened.
func (s Subscriptions) forgetBreaker(ctx context.Context, tx pgx.Tx, id string) error {
	_, err := tx.Exec(ctx, `delete from integration.breakers where connection_id = $1 and service = $2`, s.ConnectionID, EndpointService(id))
	return err
}

// Pause holds back what is to be delivered. A subscription that is disabled stays so.
func (s Subscriptions) Pause(ctx context.Context, id string, at time.Time) (delivery.Subscription, error) {
	return s.one(ctx, id, `
		update integration.event_subscriptions set status = case status when 'active' then 'paused' else status end, updated_at = $3
		where connection_id = $1 and id = $2 returning `+subscriptionColumns, at)
}

// Resume has a subscription go on, one that was disabled with a clean record.
func (s Subscriptions) Resume(ctx context.Context, id string, at time.Time) (delivery.Subscription, error) {
	return s.one(ctx, id, `
		update integration.event_subscriptions set status = 'active', disabled_reason = null, failing_since = null, not_before = null, updated_at = $3
		where connection_id = $1 and id = $2 returning `+subscriptionColumns, at)
}

// Rotate replaces the secret. The one before signs too until the given time, and those before it as long as they were promised to;
// fault.Conflict when delivery.OldMost still sign. Those that cannot be read any more are forgotten. It returns until when the one before
// signs, zero for not at all.
func (s Subscriptions) Rotate(ctx context.Context, id string, text secret.Text, until, at time.Time) (delivery.Subscription, time.Time, error) {
	sealed, err := s.Sealing.seal(ctx, text, about(s.ConnectionID, id)...)
	if err != nil {
		return delivery.Subscription{}, time.Time{}, err
	}
	for {
		had, err := s.signing(ctx, id)
		if err != nil {
			return delivery.Subscription{}, time.Time{}, err
		}
		r := rotation{id: id, secret: sealed, at: at, had: had}
		if s.readable(ctx, id, had.current) {
			r.until = until
		}
		r.keepOld = had.old != "" && s.readable(ctx, id, had.old)
		for _, o := range had.older {
			if !s.readable(ctx, id, o.Secret) {
				r.lost = append(r.lost, o.ID)
			}
		}
		var sub delivery.Subscription
		var rotated bool
		err = s.Pool.InTx(ctx, func(tx pgx.Tx) (err error) {
			sub, rotated, err = s.replace(ctx, tx, r)
			return err
		})
		if err != nil || rotated {
			return sub, r.until, Fault(err)
		}
		// Somebody else rotated it meanwhile: theirs is the one that is replaced.
	}
}

// signing is what a subscription's secrets are stored as.
type signing struct {
	current, old string
	older        []older
}

type older struct{ ID, Secret string }

func (s Subscriptions) signing(ctx context.Context, id string) (had signing, err error) {
	err = s.Pool.QueryRow(ctx, `select secret, coalesce(old_secret, '') from integration.event_subscriptions where connection_id = $1 and id = $2`, s.ConnectionID, id).
		Scan(&had.current, &had.old)
	if errors.Is(err, pgx.ErrNoRows) {
		return had, fault.New(fault.NotFound, "There is no subscription %s.", id)
	}
	if err != nil {
		return had, Fault(err)
	}
	rows, err := s.Pool.Query(ctx, `select id::text, secret from integration.event_subscription_secrets where subscription_id = $1`, id)
	if err != nil {
		return had, Fault(err)
	}
	had.older, err = pgx.CollectRows(rows, pgx.RowToStructByPos[older])
	return had, Fault(err)
}

func (s Subscriptions) readable(ctx context.Context, id, stored string) bool {
	_, err := s.Sealing.open(ctx, stored, about(s.ConnectionID, id)...)
	return err == nil
}

// rotation is a secret in the place of another.
type rotation struct {
	id, secret string
	until, at  time.Time // the one before signs until; zero: not at all
	had        signing
	keepOld    bool     // the old one before it goes on signing
	lost       []string // older ones that cannot be read
}

// replace replaces a secret in its row; it reports false when another one is there by now.
func (s Subscriptions) replace(ctx context.Context, tx pgx.Tx, r rotation) (sub delivery.Subscription, ok bool, err error) {
	var signs time.Time
	err = tx.QueryRow(ctx, `
		select coalesce(old_secret_until, '0001-01-01Z') from integration.event_subscriptions
		where connection_id = $1 and id = $2 and secret = $3 and coalesce(old_secret, '') = $4 for update`,
		s.ConnectionID, r.id, r.had.current, r.had.old).Scan(&signs)
	if errors.Is(err, pgx.ErrNoRows) {
		return sub, false, nil
	}
	if err == nil && len(r.lost) > 0 {
		_, err = tx.Exec(ctx, `delete from integration.event_subscription_secrets where subscription_id = $1 and id = any($2::uuid[])`, r.id, r.lost)
	}
	if err == nil && r.keepOld && signs.After(r.at) {
		err = s.keepOlder(ctx, tx, r.id, r.had.old, signs, r.at)
	}
	if err != nil {
		return sub, false, err
	}
	rows, err := tx.Query(ctx, `
		update integration.event_subscriptions set old_secret = case when $6 then secret end, old_secret_until = case when $6 then $4::timestamptz end,
			secret = $3, updated_at = $5, not_before = case when signing_problem is null then not_before end, signing_problem = null
		where connection_id = $1 and id = $2 returning `+subscriptionColumns, s.ConnectionID, r.id, r.secret, r.until, r.at, !r.until.IsZero())
	if err != nil {
		return sub, false, err
	}
	sub, err = pgx.CollectExactlyOneRow(rows, collectSubscription)
	return sub, err == nil, err
}

// keepOlder keeps a secret beside those that still sign. The row of the subscription is locked.
func (s Subscriptions) keepOlder(ctx context.Context, tx pgx.Tx, id, old string, until, at time.Time) error {
	var n int
	var first *time.Time
	err := tx.QueryRow(ctx, `select count(*), min(valid_until) from integration.event_subscription_secrets where subscription_id = $1 and valid_until > $2`, id, at).Scan(&n, &first)
	if err != nil {
		return err
	}
	if n+2 > delivery.OldMost { // with this one, and the one that is replaced now
		return fault.New(fault.Conflict, "The secret was rotated %d times within a day, and each of the old ones still signs, the first until %s. Use the newest, or rotate again after that.",
			n+1, first.UTC().Format(time.RFC3339))
	}
	_, err = tx.Exec(ctx, `insert into integration.event_subscription_secrets (subscription_id, secret, valid_until) values ($1, $2, $3)`, id, old, until)
	return err
}

// Delete forgets a subscription, its deliveries and its breaker; fault.NotFound when there is none of that id.
func (s Subscriptions) Delete(ctx context.Context, id string) error {
	return Fault(s.Pool.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `delete from integration.event_subscriptions where connection_id = $1 and id = $2`, s.ConnectionID, id)
		if err == nil && tag.RowsAffected() == 0 {
			return fault.New(fault.NotFound, "There is no subscription %s.", id)
		}
		if err != nil {
			return err
		}
		return s.forgetBreaker(ctx, tx, id)
	}))
}

func (s Subscriptions) one(ctx context.Context, id, sql string, args ...any) (delivery.Subscription, error) {
	rows, err := s.Pool.Query(ctx, sql, append([]any{s.ConnectionID, id}, args...)...)
	if err != nil {
		return delivery.Subscription{}, Fault(err)
	}
	sub, err := pgx.CollectExactlyOneRow(rows, collectSubscription)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fault.New(fault.NotFound, "There is no subscription %s.", id)
	}
	return sub, Fault(err)
}

// Ping stores an event that is for one subscription only, and its delivery.
func (s Subscriptions) Ping(ctx context.Context, id, deliveryID string, ping event.Event) error {
	return Fault(s.Pool.InTx(ctx, func(tx pgx.Tx) error {
		if err := StoreEvents(ctx, tx, s.ConnectionID, ping); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update integration.events set relayed_at = created_at where connection_id = $1 and id = $2`, s.ConnectionID, ping.ID); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			insert into integration.event_deliveries (id, connection_id, subscription_id, event_id, event_type, next_attempt_at, created_at)
			select $3, $1, id, $4, $5, $6, $6 from integration.event_subscriptions where connection_id = $1 and id = $2`,
			s.ConnectionID, id, deliveryID, ping.ID, ping.Type, ping.Timestamp)
		if err == nil && tag.RowsAffected() == 0 {
			return fault.New(fault.NotFound, "There is no subscription %s.", id)
		}
		return err
	}))
}
