// Package content is what a client says when it sends a message: its checks and its checksums. It is pure.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html.
package content

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

const maxAttributes = 10

// Value is a message attribute as it is sent.
type Value struct {
	DataType         string
	StringValue      *string  `json:",omitempty"`
	BinaryValue      []byte   `json:",omitempty"`
	StringListValues []string `json:",omitempty"`
	BinaryListValues [][]byte `json:",omitempty"`
}

// Message is what a client sends.
type Message struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]Value
	MessageSystemAttributes map[string]Value
	MessageDeduplicationID  *string `json:"MessageDeduplicationId"`
	MessageGroupID          *string `json:"MessageGroupId"`
}

// Size is what SQS counts against the limits: the body, and each attribute's name, type and value.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html.
func (m Message) Size() int {
	n := len(m.MessageBody)
	for name, v := range m.MessageAttributes {
		n += len(name) + len(v.DataType) + len(v.BinaryValue)
		if v.StringValue != nil {
			n += len(*v.StringValue)
		}
	}
	return n
}

// Check checks all of a message that has nothing to do with its queue, and gives it as it is kept.
func (m Message) Check(sender string) (queue.Content, error) {
	kept := queue.Content{Body: m.MessageBody, Sender: sender}
	if m.MessageBody == "" {
		return kept, refusal.MissingParameter("MessageBody")
	}
	if err := checkText(m.MessageBody, "the message body"); err != nil {
		return kept, err
	}
	if len(m.MessageAttributes) > maxAttributes {
		return kept, refusal.InvalidParameter("Number of message attributes [%d] exceeds the allowed maximum [%d].",
			len(m.MessageAttributes), maxAttributes)
	}
	for _, name := range slices.Sorted(maps.Keys(m.MessageAttributes)) {
		value, err := m.MessageAttributes[name].check(name)
		if err != nil {
			return kept, err
		}
		if kept.Attributes == nil {
			kept.Attributes = map[string]queue.Attribute{}
		}
		kept.Attributes[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(m.MessageSystemAttributes)) {
		v := m.MessageSystemAttributes[name]
		if name != "AWSTraceHeader" || v.DataType != "String" || v.StringValue == nil {
			return kept, refusal.InvalidParameter("Message system attribute name '%s' is invalid: "+
				"only AWSTraceHeader, of type String, can be sent.", name)
		}
		kept.TraceHeader = *v.StringValue
	}
	return kept, nil
}

// checkText refuses what cannot stand in an XML document, as SQS does.
func checkText(text, where string) error {
	for _, r := range text {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= ' ' && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
		default:
			return refusal.InvalidContents(fmt.Sprintf("Invalid binary character '#x%X' was found in %s, the set of allowed characters is "+
				"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", r, where))
		}
	}
	return nil
}

// check returns the attribute as it is kept.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-message-attributes.
func (v Value) check(name string) (queue.Attribute, error) {
	value := queue.Attribute{DataType: v.DataType, BinaryValue: v.BinaryValue}
	if v.StringValue != nil {
		value.StringValue = *v.StringValue
	}
	if err := checkAttributeName(name); err != nil {
		return value, err
	}
	if len(v.StringListValues)+len(v.BinaryListValues) > 0 {
		return value, refusal.Unsupported("Message attribute list values in SendMessage operation are not supported.")
	}
	if v.DataType == "" {
		return value, refusal.InvalidParameter("Message (user) attribute '%s' must contain a non-empty message attribute type.", name)
	}
	kind, _, _ := strings.Cut(v.DataType, ".")
	given := value.StringValue != "" && v.BinaryValue == nil
	switch kind {
	case "String":
	case "Number":
		if given && !isNumber(value.StringValue) {
			return value, refusal.InvalidParameter("Can't cast the value of message (user) attribute '%s' to a number.", name)
		}
	case "Binary":
		given = len(v.BinaryValue) > 0 && v.StringValue == nil
	default:
		return value, refusal.InvalidParameter("The type of message (user) attribute '%s' is invalid. You must use only the "+
			"following supported type prefixes: Binary, Number, String.", name)
	}
	if len(v.DataType) > 256 {
		return value, refusal.InvalidParameter("The type of message (user) attribute '%s' is longer than 256 bytes.", name)
	}
	if !given {
		return value, refusal.InvalidParameter("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, kind)
	}
	return value, checkText(value.StringValue, "message attribute '"+name+"'")
}

// isNumber reports whether text is a decimal number, which excludes some that Go reads.
func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && strings.Trim(text, "0123456789+-.eE") == ""
}

func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	foreign := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}
	switch {
	case name == "" || len(name) > 256:
		return refusal.InvalidParameter("Message (user) attribute name must be between 1 and 256 characters in length.")
	case strings.IndexFunc(name, foreign) >= 0:
		return refusal.InvalidParameter("The message attribute name '%s' is invalid. Attribute name can contain A-Z, a-z, 0-9, "+
			"underscore (_), hyphen (-), and period (.) characters.", name)
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "."), strings.Contains(name, ".."):
		return refusal.InvalidParameter("The message attribute name '%s' must not begin or end with a period, or have two in succession.", name)
	case strings.HasPrefix(lower, "aws."), strings.HasPrefix(lower, "amazon."):
		return refusal.InvalidParameter("The message attribute name '%s' begins with a prefix that is reserved for AWS.", name)
	}
	return nil
}

// CheckID refuses a group or deduplication id that SQS does not take; no id is fine.
func CheckID(parameter string, id *string) error {
	if id == nil {
		return nil
	}
	graphic := func(r rune) bool { return r > ' ' && r < 0x7F }
	if *id == "" || len(*id) > 128 || strings.IndexFunc(*id, func(r rune) bool { return !graphic(r) }) >= 0 {
		return refusal.InvalidValue(*id, parameter,
			parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}
