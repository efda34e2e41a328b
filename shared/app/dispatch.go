package app

import (
	"context"
	"crypto/rand"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/events/dispatch"
	"github.com/act-platform/enhanced-integration/shared/events/safehttp"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// desk looks after the connection's subscriptions.
func (p deps) subscriptionManager(pool *postgres.Pool) dispatch.Subscriptions {
	return dispatch.Subscriptions{
		Store:  p.subscriptions(pool),
		Queue:  p.deliveries(),
		Check:  p.outbound().Check,
		Random: rand.Reader,
		Now:    time.Now,
		NewID:  newID,
		Log:    p.log,
	}
}

func (p deps) subscriptions(pool *postgres.Pool) postgres.Subscriptions {
	return postgres.Subscriptions{Pool: pool, ConnectionID: p.id(), Sealing: p.sealing()}
}

// sealing seals what webhooks are signed with.
func (p deps) sealing() postgres.Sealing {
	return postgres.Sealing{Random: rand.Reader, Keys: func(ctx context.Context, again bool) (secret.Text, error) {
		if again {
			p.secret.Reread()
		}
		return p.secret.Get(ctx, config.WebhookSealingKey)
	}}
}

func (p deps) deliveries() sqs.Deliveries {
	return sqs.Deliveries{Client: awssqs.NewFromConfig(p.aws), URL: p.cfg.DeliveryQueueURL}
}

// outbound is what sends to addresses that users give.
func (p deps) outbound() *safehttp.Client {
	return safehttp.New(safehttp.Config{Loopback: p.cfg.WebhookLoopback, Now: time.Now})
}

// nudger has the relay look at the outbox, after a transaction that put something there.
type nudger struct {
	deps
	queue sqs.Outbox
}

func (p deps) nudger() nudger {
	return nudger{p, sqs.Outbox{Client: awssqs.NewFromConfig(p.aws), URL: p.cfg.OutboxQueueURL}}
}

// nudge has the relay look. Where the queue cannot be reached, the relay's schedule does.
func (n nudger) nudge(ctx context.Context) {
	if err := n.queue.Nudge(ctx); err != nil {
		n.log.WarnContext(ctx, "the relay was not told; its schedule sees to it", "error", err)
	}
}
