package sqs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
)

const (
	maxDelaySeconds = 900
	notForThisType  = "The request include parameter that is not valid for this queue type."
)

type sendMessageInput struct {
	queueInput
	message
}

type sendMessageOutput struct {
	MessageID        string `json:"MessageId"`
	BodyDigest       string `json:"MD5OfMessageBody"`
	AttributesDigest string `json:"MD5OfMessageAttributes,omitempty"`
	SystemDigest     string `json:"MD5OfMessageSystemAttributes,omitempty"`
	SequenceNumber   string `json:",omitempty"`
}

// sendMessage puts a message on a queue. To a FIFO queue it is idempotent by deduplication id for five minutes.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html.
func (s *Service) sendMessage(_ context.Context, scope awsjson.Scope, in sendMessageInput) (sendMessageOutput, error) {
	var out sendMessageOutput
	content, err := in.content(scope.Account)
	if err != nil {
		return out, err
	}
	err = s.on(scope, in.QueueURL, func(now time.Time, e *entry) error {
		if err := e.identify(&content, in.message); err != nil {
			return err
		}
		out, err = s.send(now, e, content, in.message)
		return err
	})
	return out, err
}

// send puts a message, whose content is checked, on e.
func (s *Service) send(now time.Time, e *entry, content queue.Content, m message) (sendMessageOutput, error) {
	delay, err := e.delay(m)
	if err != nil {
		return sendMessageOutput{}, err
	}
	if limit := e.Attributes.integer(attrMaxSize); m.size() > limit {
		return sendMessageOutput{}, invalidParameter(
			"One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
	}
	id, sequence := e.messages.Send(now, s.cfg.NewID(), content, delay)
	out := sendMessageOutput{
		MessageID: id, BodyDigest: digest(content.Body), AttributesDigest: digestAttributes(content.Attributes),
		SystemDigest: digestTrace(content.TraceHeader),
	}
	if e.Attributes.fifo() {
		out.SequenceNumber = sequenceNumber(sequence)
	}
	return out, nil
}

// identify checks a message's group and deduplication id against the queue's type and puts them into content.
func (e *entry) identify(content *queue.Content, m message) error {
	if err := checkID("MessageGroupId", m.MessageGroupID); err != nil {
		return err
	}
	if err := checkID("MessageDeduplicationId", m.MessageDeduplicationID); err != nil {
		return err
	}
	if m.MessageGroupID != nil {
		content.Group = *m.MessageGroupID // on a standard queue too: it makes the queue fair among groups
	}
	switch fifo := e.Attributes.fifo(); {
	case !fifo && m.MessageDeduplicationID != nil:
		return invalidValue(*m.MessageDeduplicationID, "MessageDeduplicationId", notForThisType)
	case !fifo:
		return nil
	case m.MessageGroupID == nil:
		return missingParameter("MessageGroupId")
	case m.MessageDeduplicationID != nil:
		content.DeduplicationID = *m.MessageDeduplicationID
	case e.Attributes[attrContentDedup] != "true":
		return invalidParameter("The queue should either have ContentBasedDeduplication enabled or " +
			"MessageDeduplicationId provided explicitly")
	default:
		sum := sha256.Sum256([]byte(content.Body))
		content.DeduplicationID = hex.EncodeToString(sum[:])
	}
	return nil
}

// delay gives how long a message waits before it is available.
func (e *entry) delay(m message) (time.Duration, error) {
	switch {
	case m.DelaySeconds == nil:
		return e.Attributes.seconds(attrDelay), nil
	case *m.DelaySeconds < 0 || *m.DelaySeconds > maxDelaySeconds:
		return 0, invalidValue(*m.DelaySeconds, attrDelay, "DelaySeconds must be >= 0 and <= 900.")
	case e.Attributes.fifo() && *m.DelaySeconds > 0:
		return 0, invalidValue(*m.DelaySeconds, attrDelay, notForThisType)
	}
	return time.Duration(*m.DelaySeconds) * time.Second, nil
}

func sequenceNumber(sequence uint64) string { return fmt.Sprintf("%020d", sequence) }
