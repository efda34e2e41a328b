package sqs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Consistency is the queue of checks against Notion. A message is the run's id; it may come twice.
type Consistency struct {
	Client Client
	URL    string
}

// Send queues a run. fault.Unavailable: the queue cannot be reached.
func (q Consistency) Send(ctx context.Context, id string) error {
	_, err := q.Client.SendMessage(ctx, &awssqs.SendMessageInput{
		QueueUrl: aws.String(q.URL), MessageBody: aws.String(id), MessageAttributes: traced(ctx),
	})
	return fault.Wrap(err, fault.Unavailable, "The queue of consistency checks cannot be reached. Try again in a moment.")
}
