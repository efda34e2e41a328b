package sqs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/attribute"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/content"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

const (
	maxDelaySeconds = 900
	notForThisType  = "The request include parameter that is not valid for this queue type."
)

type sendMessageInput struct {
	queueInput
	content.Message
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
	err := s.on(scope, in.QueueURL, func(now time.Time, e *entry) error {
		id, err := e.identify(in.Message)
		if err != nil {
			return err
		}
		out, err = s.send(now, e, in.Message, id, scope.Account)
		return err
	})
	return out, err
}

// identity is what a message is ordered by and known by.
type identity struct{ group, deduplication string }

// identify checks a message's group and deduplication id against the queue's type.
func (e *entry) identify(m content.Message) (identity, error) {
	var id identity
	if err := content.CheckID("MessageGroupId", m.MessageGroupID); err != nil {
		return id, err
	}
	if err := content.CheckID("MessageDeduplicationId", m.MessageDeduplicationID); err != nil {
		return id, err
	}
	if m.MessageGroupID != nil {
		id.group = *m.MessageGroupID // on a standard queue too, where it makes for fairness among groups
	}
	switch fifo := e.Attributes.FIFO(); {
	case !fifo && m.MessageDeduplicationID != nil:
		return id, refusal.InvalidValue(*m.MessageDeduplicationID, "MessageDeduplicationId", notForThisType)
	case !fifo:
		return id, nil
	case m.MessageGroupID == nil:
		return id, refusal.MissingParameter("MessageGroupId")
	case m.MessageDeduplicationID != nil:
		id.deduplication = *m.MessageDeduplicationID
	case e.Attributes[attribute.ContentDedup] != "true":
		return id, refusal.InvalidParameter("The queue should either have ContentBasedDeduplication enabled or " +
			"MessageDeduplicationId provided explicitly")
	default:
		sum := sha256.Sum256([]byte(m.MessageBody))
		id.deduplication = hex.EncodeToString(sum[:])
	}
	return id, nil
}

// send checks the rest of a message and puts it on e.
func (s *Service) send(
	now time.Time, e *entry, m content.Message, id identity, sender string,
) (sendMessageOutput, error) {
	var out sendMessageOutput
	kept, err := m.Check(sender)
	if err != nil {
		return out, err
	}
	delay, err := e.delay(m)
	if err != nil {
		return out, err
	}
	if limit := e.Attributes.Integer(attribute.MaxSize); m.Size() > limit {
		return out, refusal.InvalidParameter(
			"One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
	}
	kept.Group, kept.DeduplicationID = id.group, id.deduplication
	messageID, sequence := e.messages.Send(now, s.cfg.NewID(), kept, delay)
	out = sendMessageOutput{
		MessageID: messageID, BodyDigest: content.Digest(kept.Body), AttributesDigest: content.DigestAttributes(kept.Attributes),
		SystemDigest: content.DigestTrace(kept.TraceHeader),
	}
	if e.Attributes.FIFO() {
		out.SequenceNumber = sequenceNumber(sequence)
	}
	return out, nil
}

// delay returns how long a message waits before it is available.
func (e *entry) delay(m content.Message) (time.Duration, error) {
	switch {
	case m.DelaySeconds == nil:
		return e.Attributes.Seconds(attribute.Delay), nil
	case *m.DelaySeconds < 0 || *m.DelaySeconds > maxDelaySeconds:
		return 0, refusal.InvalidValue(*m.DelaySeconds, attribute.Delay, "DelaySeconds must be >= 0 and <= 900.")
	case e.Attributes.FIFO() && *m.DelaySeconds > 0:
		return 0, refusal.InvalidValue(*m.DelaySeconds, attribute.Delay, notForThisType)
	}
	return time.Duration(*m.DelaySeconds) * time.Second, nil
}

func sequenceNumber(sequence uint64) string { return fmt.Sprintf("%020d", sequence) }
