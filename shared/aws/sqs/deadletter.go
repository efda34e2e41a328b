package sqs

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Looker is the part of the SQS client that looks at queues.
type Looker interface {
	GetQueueAttributes(ctx context.Context, in *awssqs.GetQueueAttributesInput, opts ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error)
}

// DeadLetters looks at dead-letter queues.
type DeadLetters struct {
	Client Looker
	URLs   []string
}

// Count returns how many messages lie in each queue, by its name; of those that could not be asked nothing, and an error.
func (d DeadLetters) Count(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	var errs []error
	for _, url := range d.URLs {
		out, err := d.Client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
			QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
		})
		if err != nil {
			errs = append(errs, fault.Wrap(err, fault.Unavailable, "SQS cannot be reached"))
			continue
		}
		n, err := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)])
		if err == nil {
			counts[url[strings.LastIndexByte(url, '/')+1:]] = n
		}
	}
	return counts, errors.Join(errs...)
}
