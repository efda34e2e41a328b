package secretsmanager

import (
	"context"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

const maxTags = 50

type tag struct {
	Key   string
	Value string
}

type tagResourceInput struct {
	secretInput
	Tags []tag
}

type nothing struct{}

func (s *Service) tagResource(_ context.Context, scope awsjson.Scope, in tagResourceInput) (nothing, error) {
	_, err := s.change(scope, in.SecretID, func(_ time.Time, changed *secret) error {
		for _, t := range in.Tags {
			i := slices.IndexFunc(changed.Tags, func(old tag) bool { return old.Key == t.Key })
			if i < 0 {
				changed.Tags = append(changed.Tags, t)
			} else {
				changed.Tags[i] = t
			}
		}
		return checkTags(changed.Tags)
	})
	return nothing{}, err
}

func checkTags(tags []tag) error {
	if len(tags) > maxTags {
		return validation("A secret has at most %d tags.", maxTags)
	}
	for _, t := range tags {
		if t.Key == "" || len([]rune(t.Key)) > 128 || len([]rune(t.Value)) > 256 {
			return validation("A tag's key must have length between 1 and 128, its value between 0 and 256.")
		}
	}
	return nil
}

type untagResourceInput struct {
	secretInput
	TagKeys []string
}

func (s *Service) untagResource(_ context.Context, scope awsjson.Scope, in untagResourceInput) (nothing, error) {
	_, err := s.change(scope, in.SecretID, func(_ time.Time, changed *secret) error {
		changed.Tags = slices.DeleteFunc(changed.Tags, func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		return nil
	})
	return nothing{}, err
}
