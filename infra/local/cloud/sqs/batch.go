package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
)

const maxBatch = 10

// batchID is what a client calls one entry of a batch.
type batchID struct {
	ID string `json:"Id"`
}

func (b batchID) id() string { return b.ID }

// batchOutput is the answer to a batch: entries fail one by one.
type batchOutput[T any] struct {
	Successful []T
	Failed     []batchFailure `json:",omitempty"`
}

type batchFailure struct {
	batchID
	SenderFault bool
	Code        string
	Message     string `json:",omitempty"`
}

// checkBatch refuses a whole batch that is empty or too long, or whose entries cannot be told apart.
func checkBatch[T interface{ id() string }](entries []T, operation string) error {
	if len(entries) == 0 {
		return invalidBatch("EmptyBatchRequest",
			"There should be at least one "+operation+"RequestEntry in the request.")
	}
	if len(entries) > maxBatch {
		return invalidBatch("TooManyEntriesInBatchRequest", fmt.Sprintf(
			"Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries)))
	}
	seen := map[string]bool{}
	for _, entry := range entries {
		id := entry.id()
		if id == "" || len(id) > 80 || strings.IndexFunc(id, func(r rune) bool { return !isWord(r) }) >= 0 {
			return invalidBatch("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, "+
				"hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return invalidBatch("BatchEntryIdsNotDistinct", "Id "+id+" repeated.")
		}
		seen[id] = true
	}
	return nil
}

// runBatch does f for each entry and sorts out which failed. An error that is no answer ends it.
func runBatch[T interface{ id() string }, R any](entries []T, f func(T) (R, error)) (batchOutput[R], error) {
	out := batchOutput[R]{Successful: []R{}}
	for _, entry := range entries {
		result, err := f(entry)
		if err == nil {
			out.Successful = append(out.Successful, result)
			continue
		}
		refusal, ok := errors.AsType[*awsjson.Error](err)
		if !ok {
			return out, err
		}
		out.Failed = append(out.Failed, batchFailure{
			batchID: batchID{entry.id()}, SenderFault: refusal.Status < http.StatusInternalServerError,
			Code: refusal.Query, Message: refusal.Message,
		})
	}
	return out, nil
}

type sendEntry struct {
	batchID
	message
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
		ids := make(map[string]queue.Content, len(in.Entries))
		size := 0
		for _, entry := range in.Entries {
			size += entry.size()
			content := queue.Content{Body: entry.MessageBody}
			if err := e.identify(&content, entry.message); err != nil {
				return asInvalidParameter(err)
			}
			ids[entry.ID] = content
		}
		if size > maxMessageSize {
			return invalidBatch("BatchRequestTooLong", fmt.Sprintf(
				"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, size))
		}
		var err error
		out, err = runBatch(in.Entries, func(entry sendEntry) (sendResult, error) {
			content, err := entry.content(scope.Account)
			if err != nil {
				return sendResult{}, err
			}
			content.Group, content.DeduplicationID = ids[entry.ID].Group, ids[entry.ID].DeduplicationID
			sent, err := s.send(now, e, content, entry.message)
			return sendResult{entry.batchID, sent}, err
		})
		return err
	})
	return out, err
}

// asInvalidParameter gives a missing parameter the code that it has in a batch.
func asInvalidParameter(err error) error {
	if refusal, ok := errors.AsType[*awsjson.Error](err); ok {
		return invalidParameter("%s", refusal.Message)
	}
	return err
}
