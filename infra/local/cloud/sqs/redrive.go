package sqs

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// redrivePolicy says where messages go that were received too often.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html.
type redrivePolicy struct {
	Target          string `json:"deadLetterTargetArn"`
	MaxReceiveCount int    `json:"maxReceiveCount"`
}

// String gives the policy as it is stored; empty for none.
func (p redrivePolicy) String() string {
	if p == (redrivePolicy{}) {
		return ""
	}
	return `{"deadLetterTargetArn":` + strconv.Quote(p.Target) + `,"maxReceiveCount":` + strconv.Itoa(p.MaxReceiveCount) + `}`
}

// parseRedrivePolicy reads a policy; an empty one is none.
func parseRedrivePolicy(value string) (redrivePolicy, error) {
	if value == "" || value == "{}" {
		return redrivePolicy{}, nil
	}
	refuse := func(reason string) (redrivePolicy, error) {
		return redrivePolicy{}, invalidValue(value, attrRedrive, reason)
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
	if _, err := parseARN(*p.Target); err != nil {
		return refuse("Invalid value for deadLetterTargetArn.")
	}
	return redrivePolicy{Target: *p.Target, MaxReceiveCount: count}, nil
}

// redrive gives the policy; the zero value for none.
func (a attributes) redrive() redrivePolicy {
	p, _ := parseRedrivePolicy(a[attrRedrive]) // valid since it was set
	return p
}

// allowPolicy says which queues may have this one as their dead-letter queue.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

func checkRedriveAllowPolicy(value string) error {
	if value == "" {
		return nil
	}
	var p allowPolicy
	if err := json.Unmarshal([]byte(value), &p); err != nil {
		return invalidAttributeValue(attrRedriveAllow, "")
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
	return invalidAttributeValue(attrRedriveAllow, "")
}

func (a attributes) allowsSource(arn string) bool {
	var p allowPolicy
	if json.Unmarshal([]byte(a[attrRedriveAllow]), &p) != nil {
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

// checkTarget refuses attributes for the queue at a that send its dead letters where they cannot go.
func (s *Service) checkTarget(a address, wanted attributes) error {
	policy := wanted.redrive()
	if policy.Target == "" {
		return nil
	}
	refuse := func(reason string) error { return invalidValue(policy, attrRedrive, reason) }
	target := s.byARN(policy.Target)
	switch {
	case target == nil:
		return refuse("Dead letter target does not exist.")
	case target.address == a:
		return refuse("Dead letter target owner and source must not be the same queue.")
	case target.Attributes.fifo() != wanted.fifo():
		return refuse("Dead-letter queue must be same type of queue as the source.")
	case !target.Attributes.allowsSource(a.arn()):
		return refuse("Source queue is not allowed by the dead-letter queue's RedriveAllowPolicy.")
	}
	return nil
}

// byARN gives the queue that arn names; nil when there is none.
func (s *Service) byARN(arn string) *entry {
	a, err := parseARN(arn)
	if err != nil {
		return nil
	}
	return s.queues[a]
}

func parseARN(arn string) (address, error) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || slices.Contains(parts[3:], "") {
		return address{}, invalidParameter("%q is no ARN of a queue", arn)
	}
	return address{region: parts[3], account: parts[4], name: parts[5]}, nil
}
