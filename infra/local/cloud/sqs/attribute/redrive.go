package attribute

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

// RedrivePolicy says where messages go that were received too often.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html.
type RedrivePolicy struct {
	Target          string `json:"deadLetterTargetArn"`
	MaxReceiveCount int    `json:"maxReceiveCount"`
}

// String returns the policy as it is stored; empty for none.
func (p RedrivePolicy) String() string {
	if p == (RedrivePolicy{}) {
		return ""
	}
	encoded, _ := json.Marshal(p) // a text and a number
	return string(encoded)
}

// parseRedrive reads a policy; an empty one is none.
func parseRedrive(value string) (RedrivePolicy, error) {
	if value == "" || value == "{}" {
		return RedrivePolicy{}, nil
	}
	refuse := func(reason string) (RedrivePolicy, error) {
		return RedrivePolicy{}, refusal.InvalidValue(value, Redrive, reason)
	}
	var p struct {
		Target          *string      `json:"deadLetterTargetArn"`
		MaxReceiveCount *json.Number `json:"maxReceiveCount"` // clients write it as a number or as a string
	}
	if err := json.Unmarshal([]byte(value), &p); err != nil {
		return refuse("Redrive policy is not a valid JSON map.")
	}
	if p.Target == nil {
		return refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if p.MaxReceiveCount == nil {
		return refuse("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	count, err := strconv.Atoi(p.MaxReceiveCount.String())
	if err != nil || count < 1 || count > 1000 {
		return refuse("Invalid value for maxReceiveCount: " + p.MaxReceiveCount.String() +
			", valid values are from 1 to 1000 both inclusive.")
	}
	return RedrivePolicy{Target: *p.Target, MaxReceiveCount: count}, nil
}

// Redrive returns the policy for dead letters; the zero value for none.
func (a Set) Redrive() RedrivePolicy {
	p, _ := parseRedrive(a[Redrive]) // valid since it was set
	return p
}

// allowPolicy says which queues may have this one as their dead-letter queue.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

func checkAllow(value string) error {
	if value == "" {
		return nil
	}
	var p allowPolicy
	if err := json.Unmarshal([]byte(value), &p); err != nil {
		return refusal.InvalidAttributeValue(RedriveAllow, "")
	}
	switch p.Permission {
	case "allowAll", "denyAll":
		if len(p.Sources) == 0 {
			return nil
		}
	case "byQueue":
		if len(p.Sources) > 0 && len(p.Sources) <= 10 {
			return nil
		}
	}
	return refusal.InvalidAttributeValue(RedriveAllow, "")
}

// AllowsSource reports whether the queue with an ARN may send its dead letters to this one.
func (a Set) AllowsSource(arn string) bool {
	var p allowPolicy
	if json.Unmarshal([]byte(a[RedriveAllow]), &p) != nil {
		return true // none is set
	}
	switch p.Permission {
	case "denyAll":
		return false
	case "byQueue":
		return slices.Contains(p.Sources, arn)
	}
	return true
}
