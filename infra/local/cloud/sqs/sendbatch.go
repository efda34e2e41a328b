package sqs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/attribute"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/content"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

type sendEntry struct {
	batchID
	content.Message
}

type sendMessageBatchInput struct {
	queueInput
	Entries []sendEntry
}

type sendResult struct {
	batchID
	sendMessageOutput
}

// sendMessageBatch puts up to ten messages on a queue, in their order. An entry without the group or deduplication id that
// a FIFO queue needs refuses the whole batch, as SQS does.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html.
func (s *Service) sendMessageBatch(
	_ context.Context, scope awsjson.Scope, in sendMessageBatchInput,
) (batchOutput[sendResult], error) {
	var out batchOutput[sendResult]
	err := s.on(scope, in.QueueURL, func(now time.Time, e *entry) error {
		if err := checkBatch(in.Entries, "SendMessageBatch"); err != nil {
			return err
		}
		ids, err := e.identifyAll(in.Entries)
		if err != nil {
			return err
		}
		out, err = runBatch(in.Entries, func(entry sendEntry) (sendResult, error) {
			sent, err := s.send(now, e, entry.Message, ids[entry.ID], scope.Account)
			return sendResult{entry.batchID, sent}, err
		})
		return err
	})
	return out, err
}

// identifyAll identifies the messages of a batch, by the ids of their entries, and refuses a batch that weighs too much.
func (e *entry) identifyAll(entries []sendEntry) (map[string]identity, error) {
	size := 0
	ids := make(map[string]identity, len(entries))
	for _, entry := range entries {
		id, err := e.identify(entry.Message)
		if refused, ok := errors.AsType[*awsjson.Error](err); ok {
			return nil, refusal.InvalidParameter("%s", refused.Message) // in a batch, what is missing is invalid
		}
		ids[entry.ID] = id
		size += entry.Size()
	}
	if size > attribute.MaxMessageSize {
		return nil, refusal.InvalidBatch("BatchRequestTooLong", fmt.Sprintf(
			"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", attribute.MaxMessageSize, size))
	}
	return ids, nil
}
