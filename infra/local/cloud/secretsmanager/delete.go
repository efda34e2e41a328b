package secretsmanager

import (
	"context"
	"errors"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

const (
	minWindow     = 7
	maxWindow     = 30
	defaultWindow = 30
)

type deleteSecretInput struct {
	secretInput
	RecoveryWindowInDays       *int
	ForceDeleteWithoutRecovery bool
}

type deleteSecretOutput struct {
	ARN          string
	Name         string
	DeletionDate epoch
}

// deleteSecret marks a secret for deletion; forced, it deletes at once, and is idempotent then: a secret that is not there is
// no error.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html.
func (s *Service) deleteSecret(_ context.Context, scope awsjson.Scope, in deleteSecretInput) (deleteSecretOutput, error) {
	var out deleteSecretOutput
	window, err := in.window()
	if err != nil {
		return out, err
	}
	err = s.do(func(now time.Time) error {
		a, found, err := s.find(scope, in.SecretID)
		switch refusal, _ := errors.AsType[*awsjson.Error](err); {
		case in.ForceDeleteWithoutRecovery && refusal != nil && refusal.Type == noSuchSecret().Type:
			out = deleteSecretOutput{ARN: a.arn(suffix(s.cfg.NewID())), Name: a.name, DeletionDate: epoch(now)}
			return nil
		case err != nil:
			return err
		}
		out = deleteSecretOutput{ARN: found.ARN, Name: found.Name, DeletionDate: epoch(now.Add(window))}
		if in.ForceDeleteWithoutRecovery {
			return s.remove(a)
		}
		if found.deleted() {
			return invalidRequest("You tried to perform the operation on a secret that's currently marked deleted.")
		}
		marked := found.clone()
		marked.DeletedAt, marked.GoneAt = now, now.Add(window)
		return s.keep(a, marked)
	})
	return out, err
}

func (in deleteSecretInput) window() (time.Duration, error) {
	days := defaultWindow
	if in.RecoveryWindowInDays != nil {
		days = *in.RecoveryWindowInDays
	}
	switch {
	case in.ForceDeleteWithoutRecovery && in.RecoveryWindowInDays != nil:
		return 0, invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case in.ForceDeleteWithoutRecovery:
		return 0, nil
	case days < minWindow || days > maxWindow:
		return 0, invalidParameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	return time.Duration(days) * 24 * time.Hour, nil
}

// restoreSecret takes back a deletion whose window has not ended. It is idempotent.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RestoreSecret.html.
func (s *Service) restoreSecret(_ context.Context, scope awsjson.Scope, in secretInput) (secretOutput, error) {
	var out secretOutput
	err := s.do(func(time.Time) error {
		a, found, err := s.find(scope, in.SecretID)
		if err != nil {
			return err
		}
		out = secretOutput{ARN: found.ARN, Name: found.Name}
		restored := found.clone()
		restored.DeletedAt, restored.GoneAt = time.Time{}, time.Time{}
		return s.keep(a, restored)
	})
	return out, err
}
