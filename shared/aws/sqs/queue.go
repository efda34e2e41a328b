// Package sqs hands messages to workers over Amazon SQS.
package sqs

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// Client is the part of the SQS client that is used.
type Client interface {
	SendMessage(ctx context.Context, in *awssqs.SendMessageInput, opts ...func(*awssqs.Options)) (*awssqs.SendMessageOutput, error)
}

// Sync is the FIFO queue of syncs. Its group is the database, so that one database is worked on once at a time.
type Sync struct {
	Client Client
	URL    string
	NewID  func() string
}

// Send queues a message. Every message is one of its own: handling one twice does no harm, and one that is sent again on purpose
// must not be taken for a repetition. fault.Unavailable: the queue cannot be reached.
func (q Sync) Send(ctx context.Context, connectionID string, m journal.Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = q.Client.SendMessage(ctx, &awssqs.SendMessageInput{
		QueueUrl:               aws.String(q.URL),
		MessageBody:            aws.String(string(body)),
		MessageGroupId:         aws.String(connectionID + ":" + m.Kind),
		MessageDeduplicationId: aws.String(q.NewID()),
		MessageAttributes:      traced(ctx),
	})
	return fault.Wrap(err, fault.Unavailable, "The sync queue cannot be reached")
}

// Deliveries is the queue of subscriptions that have something due.
type Deliveries struct {
	Client Client
	URL    string
}

// Wake has a deliverer look at a subscription, after a wait of at most 15 minutes. fault.Unavailable: the queue cannot be reached.
func (q Deliveries) Wake(ctx context.Context, subscriptionID string, wait time.Duration) error {
	_, err := q.Client.SendMessage(ctx, &awssqs.SendMessageInput{
		QueueUrl: aws.String(q.URL), MessageBody: aws.String(subscriptionID),
		DelaySeconds: int32(math.Ceil(wait.Seconds())), MessageAttributes: traced(ctx),
	})
	return fault.Wrap(err, fault.Unavailable, "The delivery queue cannot be reached")
}

// Outbox is the queue that tells the relay to look: its messages say nothing more.
type Outbox struct {
	Client Client
	URL    string
}

// Nudge has the relay look at the outbox. fault.Unavailable: the queue cannot be reached.
func (q Outbox) Nudge(ctx context.Context) error {
	_, err := q.Client.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: aws.String(q.URL), MessageBody: aws.String("{}"), MessageAttributes: traced(ctx)})
	return fault.Wrap(err, fault.Unavailable, "The outbox queue cannot be reached")
}
