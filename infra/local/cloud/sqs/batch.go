package sqs

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
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
		return refusal.InvalidBatch("EmptyBatchRequest",
			"There should be at least one "+operation+"RequestEntry in the request.")
	}
	if len(entries) > maxBatch {
		return refusal.InvalidBatch("TooManyEntriesInBatchRequest", fmt.Sprintf(
			"Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries)))
	}
	seen := map[string]bool{}
	for _, entry := range entries {
		id := entry.id()
		if id == "" || len(id) > 80 || strings.IndexFunc(id, func(r rune) bool { return !isWord(r) }) >= 0 {
			return refusal.InvalidBatch("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, "+
				"hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return refusal.InvalidBatch("BatchEntryIdsNotDistinct", "Id "+id+" repeated.")
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
