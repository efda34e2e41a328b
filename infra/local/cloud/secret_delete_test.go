package cloud_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

func TestDeleteSecret(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	id := s.secret(t, "s", "one")
	remove := func(in secretsmanager.DeleteSecretInput) (*secretsmanager.DeleteSecretOutput, string) {
		if in.SecretId == nil {
			in.SecretId = &id
		}
		out, err := s.secrets.DeleteSecret(t.Context(), &in)
		return out, code(err)
	}
	refusals := map[string]struct {
		in   secretsmanager.DeleteSecretInput
		want string
	}{
		"a short window":   {secretsmanager.DeleteSecretInput{RecoveryWindowInDays: aws.Int64(6)}, "InvalidParameterException"},
		"a long window":    {secretsmanager.DeleteSecretInput{RecoveryWindowInDays: aws.Int64(31)}, "InvalidParameterException"},
		"forced and later": {secretsmanager.DeleteSecretInput{RecoveryWindowInDays: aws.Int64(7), ForceDeleteWithoutRecovery: aws.Bool(true)}, "InvalidParameterException"},
		"no such secret":   {secretsmanager.DeleteSecretInput{SecretId: aws.String("none")}, "ResourceNotFoundException"},
	}
	for name, c := range refusals {
		if _, got := remove(c.in); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	marked, refused := remove(secretsmanager.DeleteSecretInput{RecoveryWindowInDays: aws.Int64(7)})
	if refused != "" || !marked.DeletionDate.Equal(s.clock.Now().Add(7*24*time.Hour)) {
		t.Fatalf("%+v, %s", marked, refused)
	}
	s.refusesAll(t, id)
	if _, got := remove(secretsmanager.DeleteSecretInput{}); got != "InvalidRequestException" {
		t.Fatal(got)
	}
	described, err := s.secrets.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil || !described.DeletedDate.Equal(s.clock.Now()) {
		t.Fatalf("%+v, %v", described, err)
	}
	for range 2 {
		if _, err := s.secrets.RestoreSecret(t.Context(), &secretsmanager.RestoreSecretInput{SecretId: &id}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.get(t, id, ""); got != "one" {
		t.Fatal(got)
	}
	// The window ends.
	remove(secretsmanager.DeleteSecretInput{RecoveryWindowInDays: aws.Int64(7)})
	s.clock.Advance(7*24*time.Hour - 1)
	if got := s.get(t, id, ""); got != "InvalidRequestException" {
		t.Fatal(got)
	}
	s.clock.Advance(1)
	if got := s.get(t, id, ""); got != "ResourceNotFoundException" {
		t.Fatal(got)
	}
	// Forced, it is gone at once, and its name is free.
	again := s.secret(t, "s", "two")
	if again == id {
		t.Fatal("a secret made anew has the old ARN")
	}
	for range 2 {
		if _, got := remove(secretsmanager.DeleteSecretInput{SecretId: aws.String("s"), ForceDeleteWithoutRecovery: aws.Bool(true)}); got != "" {
			t.Fatal(got)
		}
	}
	s.secret(t, "s", "three")
}

func (s *system) refusesAll(t *testing.T, id string) {
	t.Helper()
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"get": func() error {
			_, err := s.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
			return err
		},
		"put": func() error {
			_, err := s.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &id, SecretString: aws.String("x")})
			return err
		},
		"update": func() error {
			_, err := s.secrets.UpdateSecret(ctx, &secretsmanager.UpdateSecretInput{SecretId: &id, SecretString: aws.String("x")})
			return err
		},
		"tag": func() error {
			_, err := s.secrets.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: &id, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
			return err
		},
	} {
		if got := code(call()); got != "InvalidRequestException" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
