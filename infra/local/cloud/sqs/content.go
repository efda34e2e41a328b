package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
)

const maxMessageAttributes = 10

// attributeValue is a message attribute on the wire.
type attributeValue struct {
	DataType         string
	StringValue      *string  `json:",omitempty"`
	BinaryValue      []byte   `json:",omitempty"`
	StringListValues []string `json:",omitempty"`
	BinaryListValues [][]byte `json:",omitempty"`
}

// message is what a client sends.
type message struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]attributeValue
	MessageSystemAttributes map[string]attributeValue
	MessageDeduplicationID  *string `json:"MessageDeduplicationId"`
	MessageGroupID          *string `json:"MessageGroupId"`
}

// size is what SQS counts against the limits: the body, and each attribute's name, type and value.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html.
func (m message) size() int {
	n := len(m.MessageBody)
	for name, v := range m.MessageAttributes {
		n += len(name) + len(v.DataType) + len(v.BinaryValue)
		if v.StringValue != nil {
			n += len(*v.StringValue)
		}
	}
	return n
}

// content checks all of a message that has nothing to do with its queue.
func (m message) content(sender string) (queue.Content, error) {
	content := queue.Content{Body: m.MessageBody, Sender: sender}
	if m.MessageBody == "" {
		return content, missingParameter("MessageBody")
	}
	if err := checkText(m.MessageBody, "the message body"); err != nil {
		return content, err
	}
	if len(m.MessageAttributes) > maxMessageAttributes {
		return content, invalidParameter("Number of message attributes [%d] exceeds the allowed maximum [%d].",
			len(m.MessageAttributes), maxMessageAttributes)
	}
	for _, name := range slices.Sorted(maps.Keys(m.MessageAttributes)) {
		value, err := m.MessageAttributes[name].check(name)
		if err != nil {
			return content, err
		}
		if content.Attributes == nil {
			content.Attributes = map[string]queue.Attribute{}
		}
		content.Attributes[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(m.MessageSystemAttributes)) {
		v := m.MessageSystemAttributes[name]
		if name != "AWSTraceHeader" || v.DataType != "String" || v.StringValue == nil {
			return content, invalidParameter("Message system attribute name '%s' is invalid: "+
				"only AWSTraceHeader, of type String, can be sent.", name)
		}
		content.TraceHeader = *v.StringValue
	}
	return content, nil
}

// checkText refuses what cannot stand in an XML document, as SQS does.
func checkText(text, where string) error {
	for _, r := range text {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= ' ' && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
		default:
			return invalidContents(fmt.Sprintf("Invalid binary character '#x%X' was found in %s, the set of allowed characters is "+
				"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", r, where))
		}
	}
	return nil
}

// check gives the attribute as it is kept.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-message-attributes.
func (v attributeValue) check(name string) (queue.Attribute, error) {
	value := queue.Attribute{DataType: v.DataType, BinaryValue: v.BinaryValue}
	if v.StringValue != nil {
		value.StringValue = *v.StringValue
	}
	if err := checkAttributeName(name); err != nil {
		return value, err
	}
	if len(v.StringListValues)+len(v.BinaryListValues) > 0 {
		return value, unsupported("Message attribute list values in SendMessage operation are not supported.")
	}
	if v.DataType == "" {
		return value, invalidParameter("Message (user) attribute '%s' must contain a non-empty message attribute type.", name)
	}
	kind, _, _ := strings.Cut(v.DataType, ".")
	given := value.StringValue != "" && v.BinaryValue == nil
	switch kind {
	case "String":
	case "Number":
		if _, err := strconv.ParseFloat(value.StringValue, 64); given && err != nil {
			return value, invalidParameter("Can't cast the value of message (user) attribute '%s' to a number.", name)
		}
	case "Binary":
		given = len(v.BinaryValue) > 0 && v.StringValue == nil
	default:
		return value, invalidParameter("The type of message (user) attribute '%s' is invalid. You must use only the "+
			"following supported type prefixes: Binary, Number, String.", name)
	}
	if len(v.DataType) > 256 {
		return value, invalidParameter("The type of message (user) attribute '%s' is longer than 256 bytes.", name)
	}
	if !given {
		return value, invalidParameter("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, kind)
	}
	return value, checkText(value.StringValue, "message attribute '"+name+"'")
}

func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	wrongRune := strings.IndexFunc(name, func(r rune) bool { return !isWord(r) && r != '.' }) >= 0
	switch {
	case name == "" || len(name) > 256:
		return invalidParameter("Message (user) attribute name must be between 1 and 256 characters in length.")
	case wrongRune:
		return invalidParameter("The message attribute name '%s' is invalid. Attribute name can contain A-Z, a-z, 0-9, "+
			"underscore (_), hyphen (-), and period (.) characters.", name)
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "."), strings.Contains(name, ".."):
		return invalidParameter("The message attribute name '%s' must not begin or end with a period, or have two in succession.", name)
	case strings.HasPrefix(lower, "aws."), strings.HasPrefix(lower, "amazon."):
		return invalidParameter("The message attribute name '%s' begins with a prefix that is reserved for AWS.", name)
	}
	return nil
}

// checkID refuses a group or deduplication id that SQS does not take; no id is fine.
func checkID(parameter string, id *string) error {
	if id == nil {
		return nil
	}
	graphic := func(r rune) bool { return r > ' ' && r < 0x7F }
	if *id == "" || len(*id) > 128 || strings.IndexFunc(*id, func(r rune) bool { return !graphic(r) }) >= 0 {
		return invalidValue(*id, parameter,
			parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}
