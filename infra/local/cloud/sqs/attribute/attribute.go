// Package attribute is a queue's attributes: their defaults, their limits, and what a queue does by them. It is pure.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html.
package attribute

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

// Set is a queue's attributes as clients set and read them, every value valid and every default filled in.
type Set map[string]string

// The attributes that can be set.
const (
	ContentDedup    = "ContentBasedDeduplication"
	DedupScope      = "DeduplicationScope"
	Delay           = "DelaySeconds"
	FIFOQueue       = "FifoQueue"
	KMSKey          = "KmsMasterKeyId"
	KMSReuse        = "KmsDataKeyReusePeriodSeconds"
	MaxSize         = "MaximumMessageSize"
	Policy          = "Policy"
	Redrive         = "RedrivePolicy"
	RedriveAllow    = "RedriveAllowPolicy"
	Retention       = "MessageRetentionPeriod"
	SSE             = "SqsManagedSseEnabled"
	ThroughputLimit = "FifoThroughputLimit"
	Visibility      = "VisibilityTimeout"
	Wait            = "ReceiveMessageWaitTimeSeconds"
)

// MaxMessageSize is the most bytes that a message, or a batch of them, may have.
const MaxMessageSize = 1 << 20

// Default returns the attributes of a queue of which nothing is said.
func Default(fifo bool) Set {
	a := Set{
		Delay: "0", MaxSize: strconv.Itoa(MaxMessageSize), Retention: "345600", Visibility: "30", Wait: "0",
		SSE: "true",
	}
	if fifo {
		a[FIFOQueue], a[ContentDedup], a[DedupScope], a[ThroughputLimit] = "true", "false", "queue", "perQueue"
	}
	return a
}

// FIFO reports whether they are a FIFO queue's.
func (a Set) FIFO() bool { return a[FIFOQueue] == "true" }

// Integer returns an attribute that is a number.
func (a Set) Integer(name string) int {
	n, _ := strconv.Atoi(a[name]) // valid since it was set
	return n
}

// Seconds returns an attribute that is a number of seconds.
func (a Set) Seconds(name string) time.Duration {
	return time.Duration(a.Integer(name)) * time.Second
}

// Settings returns what of them the state machine goes by.
func (a Set) Settings() queue.Settings {
	return queue.Settings{
		FIFO: a.FIFO(), PerGroupDedup: a[DedupScope] == "messageGroup", Delay: a.Seconds(Delay),
		Retention: a.Seconds(Retention),
	}
}

// With returns the attributes after changes. An empty value sets an attribute back to its default.
func (a Set) With(changes map[string]string) (Set, error) {
	changed := maps.Clone(a)
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		value, err := a.normal(name, strings.TrimSpace(changes[name]))
		if err != nil {
			return nil, err
		}
		if value == "" {
			value = Default(a.FIFO())[name]
		}
		if changed[name] = value; value == "" {
			delete(changed, name)
		}
	}
	if changed[ThroughputLimit] == "perMessageGroupId" && changed[DedupScope] != "messageGroup" {
		return nil, refusal.InvalidAttributeValue(ThroughputLimit,
			"perMessageGroupId is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return changed, changed.encryption(changes)
}

// encryption keeps to one way of encrypting: a key of KMS, or SQS's own.
func (a Set) encryption(changes map[string]string) error {
	key := changes[KMSKey] != ""
	own := strings.EqualFold(changes[SSE], "true")
	switch {
	case key && own:
		return refusal.InvalidAttributeName("You can use one type of server-side encryption (SSE) at one time. " +
			"You can either enable KMS SSE or SQS SSE.")
	case own:
		delete(a, KMSKey)
		delete(a, KMSReuse)
	case key:
		a[SSE] = "false"
	}
	return nil
}

// normal checks one attribute's value and gives it as it is stored.
func (a Set) normal(name, value string) (string, error) {
	switch name {
	case Delay:
		return number(name, value, 0, 900)
	case MaxSize:
		return number(name, value, 1024, MaxMessageSize)
	case Retention:
		return number(name, value, 60, 1_209_600)
	case Wait:
		return number(name, value, 0, 20)
	case Visibility:
		return number(name, value, 0, 43_200)
	case KMSReuse:
		return number(name, value, 60, 86_400)
	case KMSKey:
		return value, nil
	case SSE:
		return oneOf(name, strings.ToLower(value), "true", "false")
	case Policy:
		if value != "" && !json.Valid([]byte(value)) {
			return "", refusal.InvalidAttributeValue(name, "")
		}
		return value, nil
	case Redrive:
		p, err := parseRedrive(value)
		return p.String(), err
	case RedriveAllow:
		return value, checkAllow(value)
	case FIFOQueue, ContentDedup, DedupScope, ThroughputLimit:
		return a.normalFIFO(name, value)
	}
	return "", refusal.UnknownAttribute(name)
}

func (a Set) normalFIFO(name, value string) (string, error) {
	if !a.FIFO() {
		if name == DedupScope || name == ThroughputLimit {
			return "", refusal.InvalidAttributeName("You can specify the " + name + " only when FifoQueue is set to true.")
		}
		return "", refusal.UnknownAttribute(name)
	}
	switch name {
	case FIFOQueue:
		if !strings.EqualFold(value, "true") {
			return "", refusal.InvalidAttributeValue(name, "Modifying queue type is not supported.")
		}
		return "true", nil
	case ContentDedup:
		return oneOf(name, strings.ToLower(value), "true", "false")
	case DedupScope:
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
		return "", refusal.InvalidAttributeValue(name, "")
	}
	return strconv.Itoa(n), nil
}

func oneOf(name, value string, allowed ...string) (string, error) {
	if value != "" && !slices.Contains(allowed, value) {
		return "", refusal.InvalidAttributeValue(name, "")
	}
	return value, nil
}
