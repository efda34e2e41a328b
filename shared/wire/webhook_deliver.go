package wire

import (
	"context"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/dispatch"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/outbound"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// laneTTL is how long an endpoint stays taken after its worker died: longer than a round of requests may take.
const laneTTL = 25 * time.Second

// WebhookDeliver sends what is due to one endpoint. A message's body is the subscription's id, and its key. A subscription that is gone has
// nothing due.
func WebhookDeliver() func(context.Context, lambdaio.Message) error {
	type made struct {
		everywhere
		client *outbound.Client
	}
	find := forMessages("webhook-deliver", 1)
	get := onFirstUse(func(ctx context.Context) (made, error) {
		all, err := find(ctx)
		return made{all, all.outbound()}, err
	})
	return func(ctx context.Context, m lambdaio.Message) error {
		all, err := get(ctx)
		if err != nil {
			return err
		}
		defer all.gauge.flush(ctx)
		settings, err := postgres.Settings{Pool: all.db}.OfSubscription(ctx, m.Body)
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		p := all.of(settings)
		return p.deliverer(all.db, all.client).Deliver(p.onBehalf(ctx), m.Body)
	}
}

// deliverer delivers to the connection's subscribers.
func (p parts) deliverer(pool *pgxpool.Pool, client *outbound.Client) dispatch.Deliverer {
	return dispatch.Deliverer{
		Lanes:    postgres.Lanes{Pool: pool, ConnectionID: p.id(), NewID: newID, TTL: laneTTL},
		Queue:    p.deliveries(),
		Post:     p.posting(client),
		Told:     p.nudger().nudge,
		Schedule: p.cfg.WebhookRetries,
		Now:      time.Now,
		NewID:    newID,
		Chance:   rand.Float64,
		Log:      p.log,
	}
}

// posting sends and measures.
func (p parts) posting(client *outbound.Client) dispatch.Post {
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
		p.observe(s)
		return dispatch.Answer(answer), err
	}
}
