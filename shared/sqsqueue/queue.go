// Package sqsqueue hands messages to workers over Amazon SQS.
package sqsqueue

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/journal"
)

// Client is the part of the SQS client that is used.
type Client interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, opts ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
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
	_, err = q.Client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:               aws.String(q.URL),
		MessageBody:            aws.String(string(body)),
		MessageGroupId:         aws.String(connectionID + ":" + m.Kind),
		MessageDeduplicationId: aws.String(q.NewID()),
		MessageAttributes:      trace(ctx),
	})
	return fault.Wrap(err, fault.Unavailable, "The sync queue cannot be reached")
}
