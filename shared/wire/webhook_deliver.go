package wire

import (
	"context"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/dispatch"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/outbound"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/trace"
)

// laneTTL is how long an endpoint stays taken after its worker died: longer than a round of requests may take.
const laneTTL = 25 * time.Second

// WebhookDeliver sends what is due to one endpoint. A message's body is the subscription's id, and its key.
func WebhookDeliver() func(context.Context, lambdaio.Message) error {
	return function("webhook-deliver", trace.Consumer, func(ctx context.Context, p parts) (dispatch.Deliverer, error) {
		pool, err := p.pool(ctx, 1)
		if err != nil {
			return dispatch.Deliverer{}, err
		}
		return dispatch.Deliverer{
			Lanes:    postgres.Lanes{Pool: pool, ConnectionID: config.DefaultConnection, NewID: newID, TTL: laneTTL},
			Queue:    p.deliveries(),
			Post:     p.gauge.posting(p.outbound()),
			Told:     p.nudger().nudge,
			Schedule: p.cfg.WebhookRetries,
			Now:      time.Now,
			NewID:    newID,
			Chance:   rand.Float64,
			Log:      p.log,
		}, nil
	}, func(ctx context.Context, d dispatch.Deliverer, m lambdaio.Message) error {
		return d.Deliver(ctx, m.Body)
	})
}

// posting sends and measures.
func (g *gauge) posting(client *outbound.Client) dispatch.Post {
	return func(ctx context.Context, address string, header map[string]string, body []byte) (dispatch.Answer, error) {
		began := time.Now()
		answer, err := client.Post(ctx, address, header, body)
		s := metric.Sample{Service: metric.Subscriber, Duration: time.Since(began)}
		if u, parsed := url.Parse(address); parsed == nil {
			s.Operation = u.Hostname()
		}
		if err != nil || answer.StatusCode > 299 {
			s.Outcome = fault.Unavailable.String()
		}
		g.meter.Observe(s)
		record(ctx, "POST subscriber", s.Duration, s.Outcome, trace.Text("server.address", s.Operation),
			trace.Number("http.response.status_code", int64(answer.StatusCode)))
		return dispatch.Answer(answer), err
	}
}
