package dispatch

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/breaker"
	"github.com/act-platform/enhanced-integration/shared/delivery"
	"github.com/act-platform/enhanced-integration/shared/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

const (
	// together is how many requests to one endpoint are under way at once.
	together = 10
	// reserve is how long before the context's deadline no new round begins: as long as a request may take, and a little.
	reserve = 20 * time.Second
	// held is how long a subscription waits whose secret cannot be read. A person has to put the key back, or have another secret made;
	// nothing is lost meanwhile, for what is due goes on waiting.
	held = 5 * time.Minute
	// MaxWait is the longest wait that the queue knows. What is due later is found by the relay's schedule.
	MaxWait = 15 * time.Minute
)

// Lanes sees to it that one deliverer at a time sends to an endpoint.
type Lanes interface {
	// Take takes a subscription's lane; fault.Conflict when nothing can be sent there now.
	Take(ctx context.Context, subscriptionID string, at time.Time) (delivery.Lane, error)
	// Hold gives back a lane that cannot be signed for, has the subscription say why, and nothing be sent before the given time.
	Hold(ctx context.Context, lane delivery.Lane, until time.Time) error
	// Next gives the next deliveries that are due, and holds the lane longer; fault.Conflict when it was lost.
	Next(ctx context.Context, lane delivery.Lane, at time.Time, limit int) ([]delivery.Job, error)
	// Record stores a round as one; fault.Conflict when the lane was lost.
	Record(ctx context.Context, lane delivery.Lane, round delivery.Round) error
	// Release gives the lane back, and gives when something is due on it next; zero: nothing is.
	Release(ctx context.Context, lane delivery.Lane) (time.Time, error)
}

// Post sends a body to an address. The error says, in words that may be shown, why there was no answer.
type Post func(ctx context.Context, address string, header map[string]string, body []byte) (Answer, error)

// Answer is what an endpoint answered.
type Answer struct {
	StatusCode int
	RetryAfter time.Duration
	Body       string
}

// Gate lets an attempt at an address through, whose outcome report must be told once, or says how long the address's host is left in
// peace.
type Gate func(address string) (report func(breaker.Outcome), err error)

// Deliverer sends what is due.
type Deliverer struct {
	Lanes    Lanes
	Queue    Queue
	Post     Post
	Gate     Gate
	Told     func(ctx context.Context) // called when events were stored
	Schedule delivery.Schedule
	Now      func() time.Time
	NewID    func() string
	Chance   func() float64 // from 0 up to 1
	Log      *slog.Logger
}

// Deliver sends what is due to a subscription's endpoint until nothing is, or until the function's time is nearly up; what is left
// is handed on. Its key is the subscription: while one is at it, others have nothing to do.
func (d Deliverer) Deliver(ctx context.Context, subscriptionID string) error {
	lane, err := d.Lanes.Take(ctx, subscriptionID, d.Now())
	if fault.KindOf(err) == fault.Conflict {
		return nil
	}
	if err != nil {
		return err
	}
	if lane.SigningProblem != "" {
		d.Log.ErrorContext(ctx, "nothing can be signed for a subscription", "subscription_id", lane.ID, "problem", lane.SigningProblem)
		return d.Lanes.Hold(ctx, lane, d.Now().Add(held))
	}
	if err := d.drain(ctx, lane); err != nil && fault.KindOf(err) != fault.Conflict {
		return err // the lane ends by itself, and what was sent and not stored is sent again
	}
	due, err := d.Lanes.Release(context.WithoutCancel(ctx), lane)
	if err != nil || due.IsZero() {
		return err
	}
	if wait := due.Sub(d.Now()); wait <= MaxWait {
		return d.Queue.Wake(ctx, subscriptionID, max(wait, 0))
	}
	return nil
}

// drain works in rounds, each at least as long as the endpoint's rate asks for.
func (d Deliverer) drain(ctx context.Context, lane delivery.Lane) error {
	for {
		if deadline, ok := ctx.Deadline(); ok && d.Now().Add(reserve).After(deadline) {
			return nil
		}
		began := d.Now()
		jobs, err := d.Lanes.Next(ctx, lane, d.Now(), min(together, lane.RateLimit))
		if err != nil || len(jobs) == 0 {
			return err
		}
		round := d.round(ctx, &lane, jobs)
		if ctx.Err() != nil {
			return ctx.Err() // what was cut short by us says nothing of the endpoint
		}
		if err := d.Lanes.Record(ctx, lane, round); err != nil {
			return err
		}
		if len(round.Events) > 0 {
			d.Told(ctx)
		}
		if round.Disable != "" || !round.RestUntil.IsZero() {
			return nil
		}
		pace := time.Duration(len(jobs)) * time.Second / time.Duration(lane.RateLimit)
		if err := pause(ctx, pace-d.Now().Sub(began)); err != nil {
			return err
		}
	}
}

// round makes an attempt at every job, all at once, and says what follows. A job that the host's breaker refused is due as before, its
// attempts uncounted; unless others got through, the lane rests as long as the breaker asks for.
func (d Deliverer) round(ctx context.Context, lane *delivery.Lane, jobs []delivery.Job) delivery.Round {
	made := make([]*delivery.Result, len(jobs))
	waits := make([]time.Duration, len(jobs))
	var sending sync.WaitGroup
	for i, job := range jobs {
		sending.Go(func() {
			report, err := d.Gate(lane.CallbackURL)
			if err != nil {
				waits[i] = max(fault.RetryAfter(err), time.Second)
				return
			}
			r, outcome := d.attempt(ctx, *lane, job)
			made[i] = &r
			report(outcome)
		})
	}
	sending.Wait()
	round := delivery.Round{At: d.Now()}
	var rest time.Duration
	taken := false
	for _, r := range made {
		if r == nil {
			continue
		}
		round.Results = append(round.Results, *r)
		taken = taken || r.Decision.Status == delivery.Delivered
		rest = max(rest, r.Decision.Rest)
		if r.Decision.Disable != "" {
			round.Disable = r.Decision.Disable
		}
	}
	if !taken {
		rest = max(rest, slices.Max(waits))
	}
	switch {
	case taken && round.Disable == "":
		lane.FailingSince = time.Time{}
	case lane.FailingSince.IsZero() && len(round.Results) > 0:
		lane.FailingSince = round.At
	}
	round.FailingSince = lane.FailingSince
	if rest > 0 {
		round.RestUntil = round.At.Add(rest)
	}
	if round.Disable != "" {
		round.Events = []event.Event{event.Draft{
			Type: event.WebhookDisabled, Source: event.Integration, Target: event.Integration,
			Data: disabled{SubscriptionID: lane.ID, Reason: round.Disable, FailingSince: lane.FailingSince},
		}.New(d.NewID(), round.At)}
	}
	return round
}

// disabled is the data of webhook_disabled.
type disabled struct {
	SubscriptionID string    `json:"subscription_id"`
	Reason         string    `json:"reason"`
	FailingSince   time.Time `json:"failing_since"`
}

// attempt sends one delivery.
func (d Deliverer) attempt(ctx context.Context, lane delivery.Lane, job delivery.Job) (delivery.Result, breaker.Outcome) {
	at := d.Now()
	a := delivery.Attempt{Number: job.Attempts + 1, StartedAt: at}
	answer, err := d.send(ctx, lane, job, at)
	a.Duration = d.Now().Sub(at)
	a.StatusCode, a.Answer = answer.StatusCode, answer.Body
	if err != nil {
		a.Error = fault.Message(err)
		d.Log.InfoContext(ctx, "a webhook was not answered", "subscription_id", lane.ID, "delivery_id", job.DeliveryID, "error", err)
	}
	outcome := delivery.Outcome{StatusCode: answer.StatusCode, RetryAfter: answer.RetryAfter}
	return delivery.Result{
		DeliveryID: job.DeliveryID, Attempt: a,
		Decision: d.Schedule.Decide(outcome, a.Number, d.Chance(), d.Now(), lane.FailingSince),
	}, sign(ctx, answer, err)
}

// sign says what an attempt tells of the host's health: no answer and 5xx are failures, any other answer is a sign of life. A request that
// we cut short, or may not make, tells nothing.
func sign(ctx context.Context, answer Answer, err error) breaker.Outcome {
	switch {
	case ctx.Err() != nil || err != nil && fault.KindOf(err) != fault.Unavailable:
		return breaker.Unknown
	case err != nil || answer.StatusCode >= 500:
		return breaker.Failed
	}
	return breaker.Healthy
}

func (d Deliverer) send(ctx context.Context, lane delivery.Lane, job delivery.Job, at time.Time) (Answer, error) {
	body, err := delivery.Body(job.Event)
	if err != nil {
		return Answer{}, err
	}
	header, err := delivery.Sign(lane.Secrets, job.Event.ID, at, body)
	if err != nil {
		return Answer{}, err
	}
	return d.Post(ctx, lane.CallbackURL, header, body)
}

func pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
