package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Lanes sees to it that one worker at a time delivers to an endpoint, by the database's clock.
type Lanes struct {
	Pool         *Pool
	ConnectionID string
	NewID        func() string
	Sealing      Sealing
	// TTL is how long a lane is good for when nobody renews it: longer than a request to an endpoint may take.
	TTL time.Duration
}

// Take takes a subscription's lane; fault.Conflict when another worker holds it, when the subscription is not active, rests, or is
// gone. A lane whose secrets cannot be read has none, and says so. fault.Unavailable: the keys that they are sealed under cannot be read now.
func (l Lanes) Take(ctx context.Context, id string, at time.Time) (delivery.Lane, error) {
	lane := delivery.Lane{ID: id, Owner: l.NewID()}
	if _, err := l.Sealing.Keys(ctx, false); err != nil {
		return lane, err
	}
	var current string
	err := l.Pool.QueryRow(ctx, `
		update integration.event_subscriptions set lane_owner = $3, lane_until = clock_timestamp() + $4
		where connection_id = $1 and id = $2 and status = 'active' and (lane_until is null or lane_until <= clock_timestamp())
		and (not_before is null or not_before <= $5)
		returning callback_url, rate_limit, secret, coalesce(failing_since, '0001-01-01Z'), coalesce(signing_problem, '')`,
		l.ConnectionID, id, lane.Owner, l.TTL, at).
		Scan(&lane.CallbackURL, &lane.RateLimit, &current, &lane.FailingSince, &lane.SigningProblem)
	if errors.Is(err, pgx.ErrNoRows) {
		return lane, fault.New(fault.Conflict, "Nothing can be sent to the subscription %s now.", id)
	}
	if err != nil {
		return lane, Fault(err)
	}
	old, err := l.old(ctx, id, at)
	if err != nil {
		return lane, err
	}
	had := lane.SigningProblem
	if err := l.open(ctx, &lane, current, old); err != nil {
		lane.Secrets, lane.SigningProblem = delivery.Secrets{}, fault.Message(err)
		return lane, nil
	}
	lane.SigningProblem = ""
	if had != "" {
		_, err = l.Pool.Exec(ctx, `
			update integration.event_subscriptions set signing_problem = null where connection_id = $3 and id = $1 and lane_owner = $2`, id, lane.Owner, l.ConnectionID)
	}
	return lane, Fault(err)
}

// stored is an old secret as it lies in its table.
type stored struct {
	Text  string
	Until time.Time
}

// old returns the secrets that were replaced and still sign, the newest first.
func (l Lanes) old(ctx context.Context, id string, at time.Time) ([]stored, error) {
	rows, err := l.Pool.Query(ctx, `
		select secret, valid_until from (
			select old_secret, old_secret_until from integration.event_subscriptions where connection_id = $1 and id = $2
			union all select secret, valid_until from integration.event_subscription_secrets where subscription_id = $2) s (secret, valid_until)
		where valid_until > $3 order by valid_until desc`, l.ConnectionID, id, at)
	if err != nil {
		return nil, Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stored])
	return list, Fault(err)
}

// open reads a lane's secrets.
func (l Lanes) open(ctx context.Context, lane *delivery.Lane, current string, old []stored) (err error) {
	belonging := about(l.ConnectionID, lane.ID)
	if lane.Secrets.Current, err = l.Sealing.open(ctx, current, belonging...); err != nil {
		return err
	}
	for _, s := range old {
		text, err := l.Sealing.open(ctx, s.Text, belonging...)
		if err != nil {
			return err
		}
		lane.Secrets.Old = append(lane.Secrets.Old, delivery.OldSecret{Text: text, Until: s.Until})
	}
	return nil
}

// Hold releases a lane that cannot be signed for, with why, and has it rest until the given time.
func (l Lanes) Hold(ctx context.Context, lane delivery.Lane, until time.Time) error {
	_, err := l.Pool.Exec(ctx, `
		update integration.event_subscriptions set signing_problem = $3, not_before = greatest(not_before, $4), lane_owner = null, lane_until = null
		where connection_id = $5 and id = $1 and lane_owner = $2`, lane.ID, lane.Owner, lane.SigningProblem, until, l.ConnectionID)
	return Fault(err)
}

// Next returns the next deliveries that are due and not under way, the longest waiting first, and holds the lane for another TTL.
// fault.Conflict: the lane was lost, the subscription is active no more, or it has another address.
func (l Lanes) Next(ctx context.Context, lane delivery.Lane, at time.Time, limit int, underWay []string) ([]delivery.Job, error) {
	tag, err := l.Pool.Exec(ctx, `
		update integration.event_subscriptions set lane_until = clock_timestamp() + $3
		where connection_id = $4 and id = $1 and lane_owner = $2 and lane_until > clock_timestamp() and status = 'active' and callback_url = $5`,
		lane.ID, lane.Owner, l.TTL, l.ConnectionID, lane.CallbackURL)
	if err != nil {
		return nil, Fault(err)
	}
	if tag.RowsAffected() == 0 {
		return nil, lostLane(lane)
	}
	rows, err := l.Pool.Query(ctx, `
		select d.id::text, d.attempts, e.id::text, e.type, e.source_system, e.target_system, e.data, e.created_at
		from integration.event_deliveries d join integration.events e on e.id = d.event_id
		where d.connection_id = $4 and d.subscription_id = $1 and d.status = 'waiting' and d.next_attempt_at <= $2
		and not coalesce(d.id = any($5::uuid[]), false)
		order by d.next_attempt_at, d.id limit $3`, lane.ID, at, limit, l.ConnectionID, underWay)
	if err != nil {
		return nil, Fault(err)
	}
	jobs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (j delivery.Job, err error) {
		e := &j.Event
		err = row.Scan(&j.DeliveryID, &j.Attempts, &e.ID, &e.Type, &e.Source, &e.Target, &e.Data, &e.Timestamp)
		return j, err
	})
	return jobs, Fault(err)
}

// Record stores attempts and what follows from them, with the events that tell of it. fault.Conflict: the lane was lost, and
// nothing is stored; whoever holds it sends the same again.
func (l Lanes) Record(ctx context.Context, lane delivery.Lane, round delivery.Round) error {
	return Fault(l.Pool.InTx(ctx, func(tx pgx.Tx) error {
		if round.Disable != "" {
			// A relay that makes deliveries for it goes first: they die with the others.
			if _, err := tx.Exec(ctx, `select from integration.event_subscriptions where connection_id = $1 and id = $2 for update`, l.ConnectionID, lane.ID); err != nil {
				return err
			}
		}
		var current bool // else it was called at another address by then, of which this says nothing
		err := tx.QueryRow(ctx, `
			update integration.event_subscriptions set failing_since = case when callback_url = $6 then $3 else failing_since end,
				not_before = case when callback_url = $6 then nullif(greatest(not_before, $4), '0001-01-01Z'::timestamptz) else not_before end
			where connection_id = $5 and id = $1 and lane_owner = $2 and lane_until > clock_timestamp() returning callback_url = $6`,
			lane.ID, lane.Owner, orNone(round.FailingSince), round.RestUntil, l.ConnectionID, lane.CallbackURL).Scan(&current)
		if errors.Is(err, pgx.ErrNoRows) {
			return lostLane(lane)
		}
		if err != nil {
			return err
		}
		if !current {
			round = round.AtAnotherAddress()
		}
		todo := &pgx.Batch{}
		for _, r := range round.Results {
			l.queueResult(todo, r)
		}
		if round.Disable != "" {
			todo.Queue(`update integration.event_subscriptions set status = 'disabled', disabled_reason = $2, updated_at = $3 where connection_id = $4 and id = $1`,
				lane.ID, round.Disable, round.At, l.ConnectionID)
			todo.Queue(`
				update integration.event_deliveries set status = 'dead', next_attempt_at = null, finished_at = $2, last_error = 'The subscription was disabled.'
				where connection_id = $3 and subscription_id = $1 and status = 'waiting'`, lane.ID, round.At, l.ConnectionID)
		}
		if err := tx.SendBatch(ctx, todo).Close(); err != nil {
			return err
		}
		return StoreEvents(ctx, tx, l.ConnectionID, round.Events...)
	}))
}

func (l Lanes) queueResult(todo *pgx.Batch, r delivery.Result) {
	a := r.Attempt
	todo.Queue(`
		insert into integration.event_attempts (delivery_id, number, started_at, duration_ms, status_code, answer, error)
		values ($1, coalesce((select max(number) from integration.event_attempts where delivery_id = $1), 0) + 1, $2, $3, nullif($4, 0), $5, $6)`,
		r.DeliveryID, a.StartedAt, a.Duration.Milliseconds(), a.StatusCode, a.Answer, a.Error)
	var next, finished *time.Time
	if r.Decision.Status == delivery.Waiting {
		next = &r.Decision.At
	} else {
		end := a.StartedAt.Add(a.Duration)
		finished = &end
	}
	todo.Queue(`
		update integration.event_deliveries set status = $2, attempts = $3, next_attempt_at = $4, finished_at = $5,
			last_status = nullif($6, 0), last_error = nullif($7, '') where connection_id = $8 and id = $1`,
		r.DeliveryID, r.Decision.Status, a.Number, next, finished, a.StatusCode, a.Error, l.ConnectionID)
}

// Release releases a lane and returns when something is due on it next, zero when nothing is. What is due is asked for after the
// lane is free: whoever found it taken while something new came has relied on us.
func (l Lanes) Release(ctx context.Context, lane delivery.Lane) (time.Time, error) {
	_, err := l.Pool.Exec(ctx, `
		update integration.event_subscriptions set lane_owner = null, lane_until = null where connection_id = $3 and id = $1 and lane_owner = $2`,
		lane.ID, lane.Owner, l.ConnectionID)
	if err != nil {
		return time.Time{}, Fault(err)
	}
	var due time.Time
	err = l.Pool.QueryRow(ctx, `
		select coalesce(greatest(min(d.next_attempt_at), s.not_before), '0001-01-01Z')
		from integration.event_subscriptions s join integration.event_deliveries d on d.subscription_id = s.id and d.status = 'waiting'
		where s.connection_id = $2 and s.id = $1 and s.status = 'active' group by s.id`, lane.ID, l.ConnectionID).Scan(&due)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return due, Fault(err)
}

func lostLane(lane delivery.Lane) error {
	return fault.New(fault.Conflict, "The lane of the subscription %s is somebody else's now.", lane.ID)
}

func orNone(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
