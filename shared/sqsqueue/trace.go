package sqsqueue

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/shared/lambdaio"
)

// trace gives the attributes that say what a message goes back to; none outside of a request.
func trace(ctx context.Context) map[string]types.MessageAttributeValue {
	id := lambdaio.TraceID(ctx)
	if id == "" {
		return nil
	}
	return map[string]types.MessageAttributeValue{
		lambdaio.TraceAttribute: {DataType: aws.String("String"), StringValue: aws.String(id)},
	}
}
