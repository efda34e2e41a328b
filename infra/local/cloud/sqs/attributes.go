package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
)

// attributes are a queue's attributes as clients set and read them, every value valid and every default filled in.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html.
type attributes map[string]string

const (
	attrContentDedup    = "ContentBasedDeduplication"
	attrDedupScope      = "DeduplicationScope"
	attrDelay           = "DelaySeconds"
	attrFIFO            = "FifoQueue"
	attrKMSKey          = "KmsMasterKeyId"
	attrKMSReuse        = "KmsDataKeyReusePeriodSeconds"
	attrMaxSize         = "MaximumMessageSize"
	attrPolicy          = "Policy"
	attrRedrive         = "RedrivePolicy"
	attrRedriveAllow    = "RedriveAllowPolicy"
	attrRetention       = "MessageRetentionPeriod"
	attrSSE             = "SqsManagedSseEnabled"
	attrThroughputLimit = "FifoThroughputLimit"
	attrVisibility      = "VisibilityTimeout"
	attrWait            = "ReceiveMessageWaitTimeSeconds"
)

// maxMessageSize is the most that a message, or a batch of them, may weigh.
const maxMessageSize = 1 << 20

func defaultAttributes(fifo bool) attributes {
	a := attributes{
		attrDelay: "0", attrMaxSize: strconv.Itoa(maxMessageSize), attrRetention: "345600", attrVisibility: "30", attrWait: "0",
		attrSSE: "true",
	}
	if fifo {
		a[attrFIFO], a[attrContentDedup], a[attrDedupScope], a[attrThroughputLimit] = "true", "false", "queue", "perQueue"
	}
	return a
}

func (a attributes) fifo() bool { return a[attrFIFO] == "true" }

func (a attributes) integer(name string) int {
	n, _ := strconv.Atoi(a[name]) // valid since it was set
	return n
}

func (a attributes) seconds(name string) time.Duration {
	return time.Duration(a.integer(name)) * time.Second
}

func (a attributes) settings() queue.Settings {
	return queue.Settings{
		FIFO: a.fifo(), PerGroupDedup: a[attrDedupScope] == "messageGroup", Delay: a.seconds(attrDelay),
		Retention: a.seconds(attrRetention),
	}
}

// with gives the attributes after changes. An empty value sets an attribute back to its default.
func (a attributes) with(changes map[string]string) (attributes, error) {
	changed := maps.Clone(a)
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		value, err := a.normal(name, strings.TrimSpace(changes[name]))
		if err != nil {
			return nil, err
		}
		if value == "" {
			value = defaultAttributes(a.fifo())[name]
		}
		if changed[name] = value; value == "" {
			delete(changed, name)
		}
	}
	if changed[attrThroughputLimit] == "perMessageGroupId" && changed[attrDedupScope] != "messageGroup" {
		return nil, invalidAttributeValue(attrThroughputLimit,
			"perMessageGroupId is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return changed, changed.encryption(changes)
}

// encryption keeps to one way of encrypting: a key of KMS, or SQS's own.
func (a attributes) encryption(changes map[string]string) error {
	key := changes[attrKMSKey] != ""
	own := strings.EqualFold(changes[attrSSE], "true")
	switch {
	case key && own:
		return invalidAttributeName("You can use one type of server-side encryption (SSE) at one time. " +
			"You can either enable KMS SSE or SQS SSE.")
	case own:
		delete(a, attrKMSKey)
		delete(a, attrKMSReuse)
	case key:
		a[attrSSE] = "false"
	}
	return nil
}

// normal checks one attribute's value and gives it as it is stored.
func (a attributes) normal(name, value string) (string, error) {
	switch name {
	case attrDelay:
		return number(name, value, 0, 900)
	case attrMaxSize:
		return number(name, value, 1024, maxMessageSize)
	case attrRetention:
		return number(name, value, 60, 1_209_600)
	case attrWait:
		return number(name, value, 0, 20)
	case attrVisibility:
		return number(name, value, 0, 43_200)
	case attrKMSReuse:
		return number(name, value, 60, 86_400)
	case attrKMSKey:
		return value, nil
	case attrSSE:
		return oneOf(name, strings.ToLower(value), "true", "false")
	case attrPolicy:
		if value != "" && !json.Valid([]byte(value)) {
			return "", invalidAttributeValue(name, "")
		}
		return value, nil
	case attrRedrive:
		p, err := parseRedrivePolicy(value)
		return p.String(), err
	case attrRedriveAllow:
		return value, checkRedriveAllowPolicy(value)
	case attrFIFO, attrContentDedup, attrDedupScope, attrThroughputLimit:
		return a.normalFIFO(name, value)
	}
	return "", unknownAttribute(name)
}

func (a attributes) normalFIFO(name, value string) (string, error) {
	if !a.fifo() {
		if name == attrDedupScope || name == attrThroughputLimit {
			return "", invalidAttributeName("You can specify the " + name + " only when FifoQueue is set to true.")
		}
		return "", unknownAttribute(name)
	}
	switch name {
	case attrFIFO:
		if !strings.EqualFold(value, "true") {
			return "", invalidAttributeValue(name, "Modifying queue type is not supported.")
		}
		return "true", nil
	case attrContentDedup:
		return oneOf(name, strings.ToLower(value), "true", "false")
	case attrDedupScope:
		return oneOf(name, value, "queue", "messageGroup")
	}
	return oneOf(name, value, "perQueue", "perMessageGroupId")
}

func number(name, value string, least, most int) (string, error) {
	if value == "" {
		return "", nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return "", invalidAttributeValue(name, "")
	}
	return strconv.Itoa(n), nil
}

func oneOf(name, value string, allowed ...string) (string, error) {
	if value != "" && !slices.Contains(allowed, value) {
		return "", invalidAttributeValue(name, "")
	}
	return value, nil
}
