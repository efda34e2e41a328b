package sqs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// traced returns the attributes that say which trace a message belongs to; none outside of one.
func traced(ctx context.Context) map[string]types.MessageAttributeValue {
	parent := trace.From(ctx).String()
	if parent == "" {
		return nil
	}
	return map[string]types.MessageAttributeValue{trace.Header: {DataType: aws.String("String"), StringValue: aws.String(parent)}}
}
