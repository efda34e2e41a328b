package dispatch

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
)

const (
	// together is how many requests to one endpoint are under way at once.
	together = 10
	// gathering is how long a request that ended waits for others, so that they are stored as one.
	gathering = 10 * time.Millisecond
	// lookAgain is how often it is seen whether more became due, while a request takes long.
	lookAgain = time.Second
	// reserve is how long before the context's deadline no more requests begin: as long as one may take, and a little.
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
	// Hold releases a lane that cannot be signed for, has the subscription say why, and nothing be sent before the given time.
	Hold(ctx context.Context, lane delivery.Lane, until time.Time) error
	// Next returns the next deliveries that are due, those under way left out, and holds the lane longer; fault.Conflict when it was lost.
	Next(ctx context.Context, lane delivery.Lane, at time.Time, limit int, underWay []string) ([]delivery.Job, error)
	// Record stores a round as one; fault.Conflict when the lane was lost.
	Record(ctx context.Context, lane delivery.Lane, round delivery.Round) error
	// Release releases the lane, and returns when something is due on it next; zero: nothing is.
	Release(ctx context.Context, lane delivery.Lane) (time.Time, error)
}

// Post sends a body to an address. The error says, in words that may be shown, why there was no answer.
type Post func(ctx context.Context, address string, header map[string]string, body []byte) (Answer, error)

// Answer is what an endpoint answered.
type Answer struct {
	Reached    bool // there was a connection to its host, whatever came of the request
	StatusCode int
	RetryAfter time.Duration
	Body       string
}

// Gate lets an attempt at a lane's endpoint through, whose outcome for the endpoint and for its host must be reported once, or returns an
// error with how long nothing is to be sent there.
type Gate func(lane delivery.Lane) (report func(endpoint, host breaker.Outcome), err error)

// Deliverer sends what is due.
type Deliverer struct {
	Lanes    Lanes
	Queue    Queue
	Post     Post
	Gate     Gate
	Notify   func(ctx context.Context) // called when events were stored
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

// drain sends what is due, up to the endpoint's rate, with several requests under way. One that is slow holds up no other. It returns
// when nothing is due and nothing is under way, when the endpoint is to be left alone, or when the time is nearly up.
func (d Deliverer) drain(ctx context.Context, lane delivery.Lane) error {
	f := &flow{Deliverer: d, lane: lane, ended: make(chan sent, together), underWay: map[string]bool{}}
	defer f.abandon()
	for {
		if err := f.begin(ctx); err != nil {
			return err
		}
		if len(f.underWay) == 0 && (f.over || f.paced == nil) {
			return f.rest(ctx)
		}
		results, err := f.gather(ctx)
		if err != nil {
			return err // what was cut short by us says nothing of the endpoint
		}
		if len(results) == 0 {
			continue
		}
		round := f.round(results)
		if err := d.Lanes.Record(ctx, f.lane, round); err != nil {
			return err
		}
		if len(round.Events) > 0 {
			d.Notify(ctx)
		}
	}
}

// flow is what is under way to one endpoint.
type flow struct {
	Deliverer
	lane     delivery.Lane
	ended    chan sent
	underWay map[string]bool  // by the delivery's id
	paced    <-chan time.Time // when the endpoint's rate lets more begin; nil: at once
	over     bool             // no more is begun
	wait     time.Duration    // a breaker's, when it refused what was due
}

// sent is an attempt that ended.
type sent struct {
	job     delivery.Job
	attempt delivery.Attempt
	outcome delivery.Outcome
}

// begin begins requests for what is due, as many as there is room for. A job that a breaker refuses is due as before, its attempts
// uncounted.
func (f *flow) begin(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && f.Now().Add(reserve).After(deadline) {
		f.over = true
	}
	select {
	case <-f.paced:
		f.paced = nil
	default:
	}
	room := min(together-len(f.underWay), f.lane.RateLimit)
	if f.over || f.paced != nil || room <= 0 {
		return nil
	}
	jobs, err := f.Lanes.Next(ctx, f.lane, f.Now(), room, slices.Sorted(maps.Keys(f.underWay)))
	if err != nil {
		return err
	}
	f.wait = 0
	begun := 0
	for _, job := range jobs {
		report, err := f.Gate(f.lane)
		if err != nil {
			f.wait = max(fault.RetryAfter(err), time.Second)
			break
		}
		begun++
		f.underWay[job.DeliveryID] = true
		lane := f.lane // as it is now: what comes of other requests changes it
		go func() { f.ended <- f.attempt(ctx, lane, job, report) }()
	}
	if begun > 0 {
		f.paced = time.After(time.Duration(begun) * time.Second / time.Duration(f.lane.RateLimit))
	}
	return nil
}

// gather waits until a request ends, and for others that end together with it, or until more may begin or may be due.
func (f *flow) gather(ctx context.Context) (results []sent, err error) {
	take := func(s sent) {
		delete(f.underWay, s.job.DeliveryID)
		results = append(results, s)
	}
	paced, again := f.paced, (<-chan time.Time)(nil)
	switch {
	case f.over || len(f.underWay) == together:
		paced = nil
	case paced == nil:
		again = time.After(lookAgain)
	}
	select {
	case s := <-f.ended:
		take(s)
	case <-paced:
		f.paced = nil
		return nil, nil
	case <-again:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for soon := time.After(gathering); len(f.underWay) > 0; {
		select {
		case s := <-f.ended:
			take(s)
		case <-soon:
			return results, ctx.Err()
		}
	}
	return results, ctx.Err()
}

// rest has the endpoint left alone for as long as a breaker asked for.
func (f *flow) rest(ctx context.Context) error {
	if f.over || f.wait == 0 {
		return nil
	}
	now := f.Now()
	return f.Lanes.Record(ctx, f.lane, delivery.Round{At: now, FailingSince: f.lane.FailingSince, RestUntil: now.Add(f.wait)})
}

// abandon waits for what is still under way. Nothing of it is stored: whoever takes the lane next sends it again.
func (f *flow) abandon() {
	for range f.underWay {
		<-f.ended
	}
}

// round says what follows from attempts that ended.
func (f *flow) round(results []sent) delivery.Round {
	round := delivery.Round{At: f.Now()}
	var rest time.Duration
	taken := false
	for _, s := range results {
		decision := f.Schedule.Decide(s.outcome, s.attempt.Number, f.Chance(), round.At, f.lane.FailingSince)
		if f.lane.Disabled && decision.Status == delivery.Waiting {
			decision = delivery.Decision{Status: delivery.Dead}
		}
		round.Results = append(round.Results, delivery.Result{DeliveryID: s.job.DeliveryID, Attempt: s.attempt, Decision: decision})
		taken = taken || decision.Status == delivery.Delivered
		rest = max(rest, decision.Rest)
		if decision.Disable != "" && !f.lane.Disabled {
			round.Disable = decision.Disable
		}
	}
	switch {
	case taken && round.Disable == "":
		f.lane.FailingSince = time.Time{}
	case f.lane.FailingSince.IsZero():
		f.lane.FailingSince = round.At
	}
	round.FailingSince = f.lane.FailingSince
	if rest > 0 {
		f.over, round.RestUntil = true, round.At.Add(rest)
	}
	if round.Disable != "" {
		f.over, f.lane.Disabled = true, true
		round.Events = []event.Event{event.Draft{
			Type: event.WebhookDisabled, Source: event.Integration, Target: event.Integration,
			Data: disabled{SubscriptionID: f.lane.ID, Reason: round.Disable, FailingSince: f.lane.FailingSince},
		}.New(f.NewID(), round.At)}
	}
	return round
}

// disabled is the data of webhook_disabled.
type disabled struct {
	SubscriptionID string    `json:"subscription_id"`
	Reason         string    `json:"reason"`
	FailingSince   time.Time `json:"failing_since"`
}

// attempt sends one delivery, and reports what that tells of the endpoint and of its host.
func (d Deliverer) attempt(ctx context.Context, lane delivery.Lane, job delivery.Job, report func(endpoint, host breaker.Outcome)) sent {
	at := d.Now()
	a := delivery.Attempt{Number: job.Attempts + 1, StartedAt: at}
	answer, err := d.send(ctx, lane, job, at)
	a.Duration = d.Now().Sub(at)
	a.StatusCode, a.Answer = answer.StatusCode, answer.Body
	if err != nil {
		a.Error = fault.Message(err)
		d.Log.InfoContext(ctx, "a webhook was not answered", "subscription_id", lane.ID, "delivery_id", job.DeliveryID, "error", err)
	}
	report(healthOf(ctx, answer, err))
	return sent{job, a, delivery.Outcome{StatusCode: answer.StatusCode, RetryAfter: answer.RetryAfter}}
}

// healthOf says what an attempt tells of the health of the endpoint and of its host. Of the endpoint no answer and 5xx are failures, and
// any other answer is a sign of life. Of the host only that there was no connection is a failure: what answers, be it 5xx or too late, is
// there, and may have other endpoints that are well. A request that we cut short, or may not make, tells nothing.
func healthOf(ctx context.Context, answer Answer, err error) (endpoint, host breaker.Outcome) {
	if ctx.Err() != nil || err != nil && fault.KindOf(err) != fault.Unavailable {
		return breaker.Unknown, breaker.Unknown
	}
	endpoint, host = breaker.Healthy, breaker.Healthy
	if err != nil || answer.StatusCode >= 500 {
		endpoint = breaker.Failed
	}
	if !answer.Reached && err != nil {
		host = breaker.Failed
	}
	return endpoint, host
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
