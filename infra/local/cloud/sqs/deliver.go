package sqs

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/attribute"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/content"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

// receive takes messages from e and buries those that were received too often in its dead-letter queue. While there is
// no such queue they go on being given out.
func (s *Service) receive(now time.Time, e *entry, p poll) ([]*queue.Message, error) {
	p.Visibility = e.Attributes.Seconds(attribute.Visibility)
	if p.visibility != nil {
		p.Visibility = *p.visibility
	}
	policy := e.Attributes.Redrive()
	grave := s.byARN(policy.Target)
	if grave != nil {
		p.MaxAttempts = policy.MaxReceiveCount
	}
	received, dead, err := e.messages.Receive(now, p.Request)
	if errors.Is(err, queue.ErrTooManyInFlight) {
		return nil, refusal.OverLimit("Too many messages are in flight: at most 120000 are allowed.")
	}
	for _, m := range dead {
		grave.messages.Bury(now, m, e.arn())
	}
	return received, nil
}

// describe returns a message as its consumer asked for it.
func (in receiveMessageInput) describe(e *entry, m *queue.Message) receivedMessage {
	out := receivedMessage{
		MessageID: m.ID, ReceiptHandle: e.handle(m.Receipt()), Body: m.Body, BodyDigest: content.Digest(m.Body),
	}
	selected := map[string]queue.Attribute{}
	for name, value := range m.Attributes {
		if !selects(in.MessageAttributeNames, name) {
			continue
		}
		selected[name] = value
		if out.MessageAttributes == nil {
			out.MessageAttributes = map[string]content.Value{}
		}
		out.MessageAttributes[name] = onWire(value)
	}
	out.AttributesDigest = content.DigestAttributes(selected)
	wanted := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for name, value := range e.systemAttributes(m) {
		if value == "" || !slices.Contains(wanted, "All") && !slices.Contains(wanted, name) {
			continue
		}
		if out.Attributes == nil {
			out.Attributes = map[string]string{}
		}
		out.Attributes[name] = value
	}
	return out
}

func onWire(a queue.Attribute) content.Value {
	v := content.Value{DataType: a.DataType, BinaryValue: a.BinaryValue}
	if a.BinaryValue == nil {
		v.StringValue = &a.StringValue
	}
	return v
}

// selects reports whether filters ask for a message attribute: by name, by prefix as in "foo.*", or all of them.
func selects(filters []string, name string) bool {
	for _, filter := range filters {
		prefix, isPrefix := strings.CutSuffix(filter, "*")
		if filter == "All" || filter == name || isPrefix && strings.HasPrefix(name, strings.TrimSuffix(prefix, ".")) {
			return true
		}
	}
	return false
}

// systemAttributes returns what SQS says of a message; empty for what this one does not have.
func (e *entry) systemAttributes(m *queue.Message) map[string]string {
	milliseconds := func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
	all := map[string]string{
		"SenderId":                         m.Sender,
		"SentTimestamp":                    milliseconds(m.SentAt),
		"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
		"ApproximateFirstReceiveTimestamp": milliseconds(m.FirstReceivedAt),
		"MessageGroupId":                   m.Group,
		"MessageDeduplicationId":           m.DeduplicationID,
		"AWSTraceHeader":                   m.TraceHeader,
		"DeadLetterQueueSourceArn":         m.Source,
	}
	if e.Attributes.FIFO() {
		all["SequenceNumber"] = sequenceNumber(m.Sequence)
	}
	return all
}

func isSystemAttribute(name string) bool {
	switch name {
	case "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "MessageGroupId",
		"MessageDeduplicationId", "AWSTraceHeader", "DeadLetterQueueSourceArn", "SequenceNumber":
		return true
	}
	return false
}
