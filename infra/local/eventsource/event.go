package eventsource

import (
	"bytes"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
)

// encode makes the event of a batch.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
func encode(batch []types.Message, queueARN, region string) ([]byte, error) {
	event := events.SQSEvent{Records: make([]events.SQSMessage, len(batch))}
	for i, m := range batch {
		event.Records[i] = events.SQSMessage{
			MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
			Md5OfBody: aws.ToString(m.MD5OfBody), Md5OfMessageAttributes: aws.ToString(m.MD5OfMessageAttributes),
			Attributes: m.Attributes, MessageAttributes: attributes(m), EventSource: "aws:sqs", EventSourceARN: queueARN, AWSRegion: region,
		}
	}
	return json.Marshal(event)
}

func attributes(m types.Message) map[string]events.SQSMessageAttribute {
	result := make(map[string]events.SQSMessageAttribute, len(m.MessageAttributes))
	for name, attribute := range m.MessageAttributes {
		result[name] = events.SQSMessageAttribute{
			DataType: aws.ToString(attribute.DataType), StringValue: attribute.StringValue, BinaryValue: attribute.BinaryValue,
			StringListValues: []string{}, BinaryListValues: [][]byte{},
		}
	}
	return result
}

// group returns a message's group; "" where it has none.
func group(m types.Message) string {
	return m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]
}

// failures returns the ids of the messages that failed: all of them when the function did, and those that its result names, where the
// mapping lets it. A result that names no message of the batch, or is not to be read, is a failure of all.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func failures(batch []types.Message, result lambdahost.Result, partial bool) map[string]bool {
	all := make(map[string]bool, len(batch))
	for _, m := range batch {
		all[aws.ToString(m.MessageId)] = true
	}
	if result.Failed {
		return all
	}
	if !partial || len(bytes.TrimSpace(result.Payload)) == 0 {
		return nil
	}
	var answer events.SQSEventResponse
	if err := json.Unmarshal(result.Payload, &answer); err != nil {
		return all
	}
	failed := make(map[string]bool, len(answer.BatchItemFailures))
	for _, failure := range answer.BatchItemFailures {
		if !all[failure.ItemIdentifier] {
			return all
		}
		failed[failure.ItemIdentifier] = true
	}
	return failed
}
