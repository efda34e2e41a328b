package wire

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/dispatch"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/outbound"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// laneTTL is how long an endpoint stays taken after its worker died: longer than a round of requests may take.
const laneTTL = 25 * time.Second

// WebhookDeliver sends what is due to one endpoint. A message's body is the subscription's id, and its key.
func WebhookDeliver() func(context.Context, lambdaio.Message) error {
	get := onFirstUse(func(ctx context.Context) (dispatch.Deliverer, error) {
		p, err := newParts("webhook-deliver")
		if err != nil {
			return dispatch.Deliverer{}, err
		}
		pool, err := p.pool(context.WithoutCancel(ctx), 1)
		if err != nil {
			return dispatch.Deliverer{}, err
		}
		return dispatch.Deliverer{
			Lanes:    postgres.Lanes{Pool: pool, ConnectionID: config.DefaultConnection, NewID: newID, TTL: laneTTL},
			Queue:    p.deliveries(),
			Post:     post(p.outbound()),
			Told:     p.nudger().nudge,
			Schedule: p.cfg.WebhookRetries,
			Now:      time.Now,
			NewID:    newID,
			Chance:   rand.Float64,
			Log:      p.log,
		}, nil
	})
	return func(ctx context.Context, m lambdaio.Message) error {
		deliverer, err := get(ctx)
		if err != nil {
			return err
		}
		return deliverer.Deliver(ctx, m.Body)
	}
}

func post(client *outbound.Client) dispatch.Post {
	return func(ctx context.Context, address string, header map[string]string, body []byte) (dispatch.Answer, error) {
		answer, err := client.Post(ctx, address, header, body)
		return dispatch.Answer(answer), err
	}
}
