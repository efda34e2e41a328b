package app

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/events/dispatch"
	"github.com/act-platform/enhanced-integration/shared/events/safehttp"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// laneTTL is how long an endpoint stays taken after its worker died: longer than a round of requests may take.
const laneTTL = 25 * time.Second

// WebhookDeliver sends what is due to one endpoint. A message's body is the subscription's id, and its key. A subscription that is gone has
// nothing due.
func WebhookDeliver() func(context.Context, lambda.Message) error {
	type deliverer struct {
		allConnections
		client *safehttp.Client
		gates  *perConnectionCache[*hostBreakers]
	}
	return onQueue("webhook-deliver", func(p deps) sqs.Flight { return p.flight(p.cfg.DeliveryQueueURL) }, func(ctx context.Context, p deps) (deliverer, error) {
		all, err := forMessages(1)(ctx, p)
		return deliverer{all, p.outbound(), &perConnectionCache[*hostBreakers]{create: func(p deps) *hostBreakers { return newHostBreakers(p.deliveryBreaker) }}}, err
	}, func(ctx context.Context, all deliverer, m lambda.Message) error {
		settings, err := postgres.Settings{Pool: all.db}.OfSubscription(ctx, m.Body)
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		p := all.of(settings)
		return p.deliverer(all.db, all.client, all.gates.of(p)).Deliver(p.onBehalf(ctx), m.Body)
	})
}

// deliverer delivers to the connection's subscribers.
func (p deps) deliverer(pool *postgres.Pool, client *safehttp.Client, hosts *hostBreakers) dispatch.Deliverer {
	return dispatch.Deliverer{
		Lanes:    postgres.Lanes{Pool: pool, ConnectionID: p.id(), NewID: newID, TTL: laneTTL, Sealing: p.sealing()},
		Queue:    p.deliveries(),
		Post:     p.posting(client),
		Gate:     hosts.gate,
		Notify:   p.nudger().nudge,
		Schedule: p.cfg.WebhookRetries,
		Now:      time.Now,
		NewID:    newID,
		Chance:   rand.Float64,
		Log:      p.log,
	}
}

// posting sends, measures and records.
func (p deps) posting(client *safehttp.Client) dispatch.Post {
	return func(ctx context.Context, address string, header map[string]string, body []byte) (dispatch.Answer, error) {
		began := time.Now()
		answer, err := client.Post(ctx, address, header, body)
		s := metric.Sample{Service: metric.Subscriber, Duration: time.Since(began)}
		if u, parsed := url.Parse(address); parsed == nil {
			s.Operation = u.Hostname()
		}
		if kind, failed := answered(answer.StatusCode, err); failed {
			s.Outcome = kind.String()
		}
		p.observe(s)
		traced(ctx, "POST subscriber", s.Duration, s.Outcome, trace.Text("server.address", s.Operation),
			trace.Number("http.response.status_code", int64(answer.StatusCode)))
		return dispatch.Answer(answer), err
	}
}

// answered returns the kind of error that an answer is, if it is one.
func answered(status int, err error) (fault.Kind, bool) {
	switch {
	case err != nil:
		return fault.KindOf(err), true
	case status >= 200 && status < 300:
		return 0, false
	case status == http.StatusUnauthorized:
		return fault.Unauthorized, true
	case status == http.StatusForbidden:
		return fault.Forbidden, true
	case status == http.StatusTooManyRequests:
		return fault.RateLimited, true
	case status >= 500:
		return fault.Unavailable, true
	}
	return fault.Invalid, true // not_found too: a subscriber that is not there has not taken the event
}
