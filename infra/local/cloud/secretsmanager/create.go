package secretsmanager

import (
	"context"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

const (
	maxValue       = 65536
	maxDescription = 2048
)

// writing is what the operations that write a value have in common. ClientRequestToken is the new version's id, by which they
// are idempotent.
type writing struct {
	ClientRequestToken string
	value
}

// check refuses a value that cannot be stored, or has no token.
func (w writing) check() error {
	size := len(w.SecretBinary)
	if w.SecretString != nil {
		size = len(*w.SecretString)
	}
	switch {
	case w.SecretString != nil && w.SecretBinary != nil:
		return invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	case w.given() && (size == 0 || size > maxValue):
		return validation("The secret value must have length between 1 and %d.", maxValue)
	case w.ClientRequestToken != "" && (len(w.ClientRequestToken) < 32 || len(w.ClientRequestToken) > 64):
		return invalidParameter("ClientRequestToken must be 32-64 characters long.")
	case w.given() && w.ClientRequestToken == "":
		return invalidRequest("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	}
	return nil
}

// notOffered are members that ask for what this service does not have.
type notOffered struct {
	KmsKeyID          string `json:"KmsKeyId"`
	AddReplicaRegions []map[string]any
}

func (n notOffered) check() error {
	if n.KmsKeyID != "" {
		return invalidRequest("KmsKeyId is not offered by the local cloud: its secrets are not encrypted.")
	}
	if len(n.AddReplicaRegions) > 0 {
		return invalidRequest("AddReplicaRegions is not offered by the local cloud: it does not replicate.")
	}
	return nil
}

type createSecretInput struct {
	Name        string
	Description string
	Tags        []tag
	writing
	notOffered
}

type writtenOutput struct {
	ARN       string
	Name      string
	VersionID string `json:"VersionId,omitempty"`
}

// createSecret makes a secret, with a first version where a value is given.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html.
func (s *Service) createSecret(_ context.Context, scope awsjson.Scope, in createSecretInput) (writtenOutput, error) {
	var out writtenOutput
	if err := in.check(); err != nil {
		return out, err
	}
	err := s.do(func(now time.Time) error {
		a := address{account: scope.Account, region: scope.Region, name: in.Name}
		if existing := s.secrets[a]; existing != nil {
			v := existing.version(in.ClientRequestToken)
			switch {
			case existing.deleted():
				return invalidRequest(
					"You can't create this secret because a secret with this name is already scheduled for deletion.")
			case v == nil || !v.Value.equal(in.value):
				return exists("The operation failed because the secret %s already exists.", in.Name)
			}
			out = writtenOutput{ARN: existing.ARN, Name: existing.Name, VersionID: v.ID}
			return nil
		}
		made := secret{
			Name: in.Name, ARN: a.arn(suffix(s.cfg.NewID())), Description: in.Description, Tags: in.Tags, Created: now, Changed: now,
		}
		out = writtenOutput{ARN: made.ARN, Name: made.Name}
		if in.given() {
			if _, err := made.add(now, in.ClientRequestToken, in.value, []string{stageCurrent}); err != nil {
				return err
			}
			out.VersionID = in.ClientRequestToken
		}
		return s.keep(a, made)
	})
	return out, err
}

func (in createSecretInput) check() error {
	if err := checkName(in.Name); err != nil {
		return err
	}
	if err := checkDescription(in.Description); err != nil {
		return err
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	if err := in.notOffered.check(); err != nil {
		return err
	}
	return in.writing.check()
}

func checkDescription(description string) error {
	if len([]rune(description)) > maxDescription {
		return validation("Description must have length less than or equal to %d.", maxDescription)
	}
	return nil
}

type updateSecretInput struct {
	SecretID    string `json:"SecretId"`
	Description *string
	writing
	notOffered
}

// updateSecret changes the description, and makes a version where a value is given.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html.
func (s *Service) updateSecret(_ context.Context, scope awsjson.Scope, in updateSecretInput) (writtenOutput, error) {
	if err := in.notOffered.check(); err != nil {
		return writtenOutput{}, err
	}
	if err := in.writing.check(); err != nil {
		return writtenOutput{}, err
	}
	if in.Description != nil {
		if err := checkDescription(*in.Description); err != nil {
			return writtenOutput{}, err
		}
	}
	var out writtenOutput
	_, err := s.change(scope, in.SecretID, func(now time.Time, changed *secret) error {
		out = writtenOutput{ARN: changed.ARN, Name: changed.Name}
		if in.Description != nil {
			changed.Description, changed.Changed = *in.Description, now
		}
		if !in.given() {
			return nil
		}
		v, err := changed.add(now, in.ClientRequestToken, in.value, []string{stageCurrent})
		if err != nil {
			return err
		}
		out.VersionID = v.ID
		return nil
	})
	return out, err
}
