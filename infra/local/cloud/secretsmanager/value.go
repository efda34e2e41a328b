package secretsmanager

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

// epoch is a time as the protocol writes it: seconds since 1970, with milliseconds.
type epoch time.Time

// MarshalJSON writes the time.
func (e epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(e).UnixMilli())/1000, 'f', -1, 64), nil
}

// IsZero lets a time that is not set be left out.
func (e epoch) IsZero() bool { return time.Time(e).IsZero() }

type secretInput struct {
	SecretID string `json:"SecretId"`
}

type secretOutput struct {
	ARN  string
	Name string
}

type getSecretValueInput struct {
	secretInput
	VersionID    string `json:"VersionId"`
	VersionStage string
}

type secretValue struct {
	ARN           string
	Name          string
	VersionID     string   `json:"VersionId"`
	VersionStages []string `json:",omitempty"`
	CreatedDate   epoch
	value
}

// getSecretValue reads a version: the one that is asked for, else the one labelled AWSCURRENT.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html.
func (s *Service) getSecretValue(_ context.Context, scope awsjson.Scope, in getSecretValueInput) (secretValue, error) {
	var out secretValue
	err := s.do(func(now time.Time) error {
		a, found, err := s.live(scope, in.SecretID)
		if err != nil {
			return err
		}
		v, err := found.choose(in.VersionID, in.VersionStage)
		if err != nil {
			return err
		}
		out = found.read(v)
		return s.access(a, found, v, now)
	})
	return out, err
}

func (s *secret) choose(id, stage string) (*version, error) {
	if id == "" {
		if stage == "" {
			stage = stageCurrent
		}
		if v := s.at(stage); v != nil {
			return v, nil
		}
		return nil, notFound("Secrets Manager can't find the specified secret value for staging label: %s", stage)
	}
	v := s.version(id)
	if v == nil {
		return nil, notFound("Secrets Manager can't find the specified secret value for VersionId: %s", id)
	}
	if stage != "" && !slices.Contains(v.Stages, stage) {
		return nil, invalidRequest("You provided a VersionStage that is not associated to the provided VersionId.")
	}
	return v, nil
}

func (s *secret) read(v *version) secretValue {
	return secretValue{
		ARN: s.ARN, Name: s.Name, VersionID: v.ID, VersionStages: v.Stages, CreatedDate: epoch(v.Created), value: v.Value,
	}
}

// access keeps the day on which a version was last read.
func (s *Service) access(a address, found *secret, v *version, now time.Time) error {
	today := day(now)
	if found.Accessed.Equal(today) && v.Accessed.Equal(today) {
		return nil
	}
	changed := found.clone()
	changed.Accessed = today
	changed.version(v.ID).Accessed = today
	return s.keep(a, changed)
}

type putSecretValueInput struct {
	secretInput
	VersionStages []string
	writing
}

type putSecretValueOutput struct {
	ARN           string
	Name          string
	VersionID     string `json:"VersionId"`
	VersionStages []string
}

// putSecretValue makes a version and labels it: AWSCURRENT unless other labels are named.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html.
func (s *Service) putSecretValue(_ context.Context, scope awsjson.Scope, in putSecretValueInput) (putSecretValueOutput, error) {
	var out putSecretValueOutput
	if err := in.check(); err != nil {
		return out, err
	}
	if !in.given() {
		return out, invalidRequest("You must provide either SecretString or SecretBinary.")
	}
	stages := in.VersionStages
	if len(stages) == 0 {
		stages = []string{stageCurrent}
	}
	if err := checkStages(stages); err != nil {
		return out, err
	}
	_, err := s.change(scope, in.SecretID, func(now time.Time, changed *secret) error {
		v, err := changed.add(now, in.ClientRequestToken, in.value, stages)
		if err != nil {
			return err
		}
		out = putSecretValueOutput{ARN: changed.ARN, Name: changed.Name, VersionID: v.ID, VersionStages: v.Stages}
		return nil
	})
	return out, err
}

func checkStages(stages []string) error {
	if len(stages) > 20 {
		return validation("VersionStages must have length less than or equal to 20.")
	}
	for _, stage := range stages {
		if stage == "" || len(stage) > 256 {
			return validation("A staging label must have length between 1 and 256.")
		}
	}
	return nil
}

type updateStageInput struct {
	secretInput
	VersionStage        string
	RemoveFromVersionID string `json:"RemoveFromVersionId"`
	MoveToVersionID     string `json:"MoveToVersionId"`
}

// updateSecretVersionStage moves a label to a version, or takes it off one.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html.
func (s *Service) updateSecretVersionStage(_ context.Context, scope awsjson.Scope, in updateStageInput) (secretOutput, error) {
	if err := checkStages([]string{in.VersionStage}); err != nil {
		return secretOutput{}, err
	}
	changed, err := s.change(scope, in.SecretID, func(now time.Time, changed *secret) error {
		changed.Changed = now
		return changed.move(in.VersionStage, in.RemoveFromVersionID, in.MoveToVersionID)
	})
	return secretOutput{ARN: changed.ARN, Name: changed.Name}, err
}

// move moves a label from one version to another. A label that is attached must be named with the version that it leaves.
func (s *secret) move(stage, from, to string) error {
	before := s.at(stage)
	if from != "" && (before == nil || before.ID != from) {
		return invalidParameter("Not a valid version: staging label %s is not attached to version %s.", stage, from)
	}
	if to == "" {
		switch {
		case before == nil || from == "":
			return invalidParameter("You must name the version to move staging label %s to, or the one to remove it from.", stage)
		case stage == stageCurrent:
			return invalidParameter("You can only move staging label AWSCURRENT to a different secret version. " +
				"It can't be completely removed.")
		}
		before.detach(stage)
		return nil
	}
	target := s.version(to)
	switch {
	case target == nil:
		return invalidParameter("Not a valid version: %s.", to)
	case before != nil && before != target && from == "":
		return invalidParameter("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to "+
			"version %s, so you must explicitly reference that version in RemoveFromVersionId.", stage, before.ID)
	}
	s.attach(stage, target)
	return nil
}
