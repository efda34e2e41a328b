package sqs

import (
	"context"
	"maps"
	"strconv"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/attribute"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

type setQueueAttributesInput struct {
	queueInput
	Attributes map[string]string
}

func (s *Service) setQueueAttributes(_ context.Context, scope awsjson.Scope, in setQueueAttributesInput) (nothing, error) {
	return s.changing(scope, in.QueueURL, func(now time.Time, e *entry) error {
		if len(in.Attributes) == 0 {
			return refusal.MissingParameter("Attribute.Name")
		}
		wanted, err := e.Attributes.With(in.Attributes)
		if err != nil {
			return err
		}
		if _, set := in.Attributes[attribute.Redrive]; set { // a policy of before stands, whatever became of its target
			if err := s.checkTarget(e.address, wanted); err != nil {
				return err
			}
		}
		e.Attributes, e.Modified = wanted, now
		e.messages.Configure(wanted.Settings())
		e.touch()
		return nil
	})
}

type getQueueAttributesInput struct {
	queueInput
	AttributeNames []string
}

type getQueueAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *Service) getQueueAttributes(
	_ context.Context, scope awsjson.Scope, in getQueueAttributesInput,
) (getQueueAttributesOutput, error) {
	out := getQueueAttributesOutput{Attributes: map[string]string{}}
	err := s.on(scope, in.QueueURL, func(now time.Time, e *entry) error {
		all := e.describe(now)
		for _, name := range in.AttributeNames {
			value, set := all[name]
			switch {
			case name == "All":
				maps.Copy(out.Attributes, all)
			case set:
				out.Attributes[name] = value
			case !isAttribute(name):
				return refusal.UnknownAttribute(name)
			}
		}
		return nil
	})
	return out, err
}

// describe returns every attribute that the queue has now.
func (e *entry) describe(now time.Time) map[string]string {
	count := e.messages.Count(now)
	all := map[string]string{
		"QueueArn":                              e.arn(),
		"CreatedTimestamp":                      strconv.FormatInt(e.Created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(e.Modified.Unix(), 10),
		"ApproximateNumberOfMessages":           strconv.Itoa(count.Visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(count.InFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(count.Delayed),
	}
	maps.Copy(all, e.Attributes)
	return all
}

// isAttribute reports whether queues may have the attribute, set or not.
func isAttribute(name string) bool {
	switch name {
	case attribute.Policy, attribute.Redrive, attribute.RedriveAllow, attribute.KMSKey, attribute.KMSReuse,
		attribute.FIFOQueue, attribute.ContentDedup, attribute.DedupScope, attribute.ThroughputLimit:
		return true
	}
	return false
}
