package sqs

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/attribute"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

// A receipt handle names its queue, message and receipt, so that it is good after a restart and nothing need be looked up.
const handleParts = 3

func (e *entry) handle(r queue.Receipt) string {
	plain := strings.Join([]string{e.arn(), r.ID, strconv.Itoa(r.Receive)}, " ")
	return base64.StdEncoding.EncodeToString([]byte(plain))
}

func (e *entry) receipt(handle string) (queue.Receipt, error) {
	if handle == "" {
		return queue.Receipt{}, refusal.MissingParameter("ReceiptHandle")
	}
	plain, err := base64.StdEncoding.DecodeString(handle)
	if err != nil {
		return queue.Receipt{}, refusal.InvalidReceipt(handle)
	}
	parts := strings.Split(string(plain), " ")
	if len(parts) != handleParts || parts[0] != e.arn() {
		return queue.Receipt{}, refusal.InvalidReceipt(handle)
	}
	receive, err := strconv.Atoi(parts[2])
	if err != nil {
		return queue.Receipt{}, refusal.InvalidReceipt(handle)
	}
	return queue.Receipt{ID: parts[1], Receive: receive}, nil
}

type deleteMessageInput struct {
	queueInput
	ReceiptHandle string
}

// deleteMessage deletes a received message. It is idempotent.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html.
func (s *Service) deleteMessage(_ context.Context, scope awsjson.Scope, in deleteMessageInput) (nothing, error) {
	return s.changing(scope, in.QueueURL, func(now time.Time, e *entry) error {
		return e.delete(now, in.ReceiptHandle)
	})
}

func (e *entry) delete(now time.Time, handle string) error {
	receipt, err := e.receipt(handle)
	if err != nil {
		return err
	}
	if err := e.messages.Delete(now, receipt); errors.Is(err, queue.ErrExpired) {
		return refusal.InvalidValue(handle, "ReceiptHandle", "The receipt handle has expired.")
	}
	return nil
}

type deleteEntry struct {
	batchID
	ReceiptHandle string
}

type deleteMessageBatchInput struct {
	queueInput
	Entries []deleteEntry
}

func (s *Service) deleteMessageBatch(
	_ context.Context, scope awsjson.Scope, in deleteMessageBatchInput,
) (batchOutput[batchID], error) {
	var out batchOutput[batchID]
	err := s.on(scope, in.QueueURL, func(now time.Time, e *entry) error {
		if err := checkBatch(in.Entries, "DeleteMessageBatch"); err != nil {
			return err
		}
		var err error
		out, err = runBatch(in.Entries, func(entry deleteEntry) (batchID, error) {
			return entry.batchID, e.delete(now, entry.ReceiptHandle)
		})
		return err
	})
	return out, err
}

// visibility is what a client asks for one message.
type visibility struct {
	ReceiptHandle     string
	VisibilityTimeout *int
}

type changeMessageVisibilityInput struct {
	queueInput
	visibility
}

// changeMessageVisibility sets when a message in flight is visible again, counted from now.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html.
func (s *Service) changeMessageVisibility(
	_ context.Context, scope awsjson.Scope, in changeMessageVisibilityInput,
) (nothing, error) {
	return s.changing(scope, in.QueueURL, func(now time.Time, e *entry) error {
		return e.changeVisibility(now, in.visibility)
	})
}

func (e *entry) changeVisibility(now time.Time, v visibility) error {
	if v.VisibilityTimeout == nil {
		return refusal.MissingParameter("VisibilityTimeout")
	}
	timeout, err := visibilityTimeout(*v.VisibilityTimeout)
	if err != nil {
		return err
	}
	receipt, err := e.receipt(v.ReceiptHandle)
	if err != nil {
		return err
	}
	switch err := e.messages.ChangeVisibility(now, receipt, timeout); {
	case errors.Is(err, queue.ErrUnknown):
		return refusal.InvalidValue(v.ReceiptHandle, "ReceiptHandle",
			"Message does not exist or is not available for visibility timeout change.")
	case errors.Is(err, queue.ErrNotInFlight):
		return refusal.NotInFlight()
	case errors.Is(err, queue.ErrTooLong):
		return refusal.InvalidValue(*v.VisibilityTimeout, attribute.Visibility,
			"Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	}
	return nil
}

func visibilityTimeout(seconds int) (time.Duration, error) {
	if seconds < 0 || seconds > int(queue.MaxVisibility/time.Second) {
		return 0, refusal.InvalidValue(seconds, attribute.Visibility, "Must be between 0 and 43200, if provided.")
	}
	return time.Duration(seconds) * time.Second, nil
}

type visibilityEntry struct {
	batchID
	visibility
}

type changeMessageVisibilityBatchInput struct {
	queueInput
	Entries []visibilityEntry
}

func (s *Service) changeMessageVisibilityBatch(
	_ context.Context, scope awsjson.Scope, in changeMessageVisibilityBatchInput,
) (batchOutput[batchID], error) {
	var out batchOutput[batchID]
	err := s.on(scope, in.QueueURL, func(now time.Time, e *entry) error {
		if err := checkBatch(in.Entries, "ChangeMessageVisibilityBatch"); err != nil {
			return err
		}
		var err error
		out, err = runBatch(in.Entries, func(entry visibilityEntry) (batchID, error) {
			return entry.batchID, e.changeVisibility(now, entry.visibility)
		})
		return err
	})
	return out, err
}
