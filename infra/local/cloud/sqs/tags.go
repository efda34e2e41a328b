package sqs

import (
	"context"
	"maps"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

const maxTags = 50

type tagQueueInput struct {
	queueInput
	Tags map[string]string
}

func (s *Service) tagQueue(_ context.Context, scope awsjson.Scope, in tagQueueInput) (nothing, error) {
	return s.changing(scope, in.QueueURL, func(_ time.Time, e *entry) error {
		if len(in.Tags) == 0 {
			return refusal.MissingParameter("Tags")
		}
		tags := maps.Clone(e.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, in.Tags)
		if err := checkTags(tags); err != nil {
			return err
		}
		e.Tags = tags
		e.touch()
		return nil
	})
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return refusal.InvalidParameter("Too many tags added for queue: %d, at most %d are allowed.", len(tags), maxTags)
	}
	for key, value := range tags {
		if key == "" || len([]rune(key)) > 128 {
			return refusal.InvalidParameter("Tag keys must be between 1 and 128 characters in length.")
		}
		if len([]rune(value)) > 256 {
			return refusal.InvalidParameter("Tag values must be between 0 and 256 characters in length.")
		}
	}
	return nil
}

type untagQueueInput struct {
	queueInput
	TagKeys []string
}

func (s *Service) untagQueue(_ context.Context, scope awsjson.Scope, in untagQueueInput) (nothing, error) {
	return s.changing(scope, in.QueueURL, func(_ time.Time, e *entry) error {
		if len(in.TagKeys) == 0 {
			return refusal.InvalidParameter("Tag keys must be between 1 and 128 characters in length.")
		}
		for _, key := range in.TagKeys {
			delete(e.Tags, key)
		}
		e.touch()
		return nil
	})
}

type listQueueTagsOutput struct {
	Tags map[string]string `json:",omitempty"`
}

func (s *Service) listQueueTags(_ context.Context, scope awsjson.Scope, in queueInput) (listQueueTagsOutput, error) {
	var out listQueueTagsOutput
	err := s.on(scope, in.QueueURL, func(_ time.Time, e *entry) error {
		out.Tags = maps.Clone(e.Tags)
		return nil
	})
	return out, err
}
