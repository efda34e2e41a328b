package sqs

import (
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/attribute"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

// checkTarget refuses attributes for the queue at a that send its dead letters where they cannot go.
func (s *Service) checkTarget(a address, wanted attribute.Set) error {
	policy := wanted.Redrive()
	if policy.Target == "" {
		return nil
	}
	refuse := func(reason string) error { return refusal.InvalidValue(policy, attribute.Redrive, reason) }
	target := s.byARN(policy.Target)
	switch {
	case target == nil || target.region != a.region:
		return refuse("Dead letter target does not exist.")
	case target.address == a:
		return refuse("Dead letter target owner and source must not be the same queue.")
	case target.Attributes.FIFO() != wanted.FIFO():
		return refuse("Dead-letter queue must be same type of queue as the source.")
	case !target.Attributes.AllowsSource(a.arn()):
		return refuse("Source queue is not allowed by the dead-letter queue's RedriveAllowPolicy.")
	}
	return nil
}

// byARN returns the queue that arn names; nil when there is none.
func (s *Service) byARN(arn string) *entry {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" {
		return nil
	}
	return s.queues[address{region: parts[3], account: parts[4], name: parts[5]}]
}
