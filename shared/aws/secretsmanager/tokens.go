package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Putter is the part of the Secrets Manager client that keeps pairs.
type Putter interface {
	PutSecretValue(ctx context.Context, in *awssecrets.PutSecretValueInput, opts ...func(*awssecrets.Options)) (*awssecrets.PutSecretValueOutput, error)
}

// Owner is the part of the Secrets Manager client that makes secrets and deletes them.
type Owner interface {
	CreateSecret(ctx context.Context, in *awssecrets.CreateSecretInput, opts ...func(*awssecrets.Options)) (*awssecrets.CreateSecretOutput, error)
	DeleteSecret(ctx context.Context, in *awssecrets.DeleteSecretInput, opts ...func(*awssecrets.Options)) (*awssecrets.DeleteSecretOutput, error)
}

// Readable reads the pairs of tokens that OAuth gave, each in a secret of its own. Secrets Manager keeps the pair before the current one.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
type Readable struct{ Client Client }

// Pairs reads and keeps pairs.
type Pairs struct {
	Readable
	Putter Putter
}

// Vault reads and keeps pairs, and makes and deletes their secrets.
type Vault struct {
	Pairs
	Owner Owner
}

// stored is a pair as the secret has it.
type stored struct {
	Version int64  `json:"version"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// Read returns the current pair; fault.NotFound when there is no such secret.
func (r Readable) Read(ctx context.Context, name string) (grant.Pair, error) {
	return r.read(ctx, name, "AWSCURRENT")
}

// Previous returns the pair before the current one; fault.NotFound when there is none.
func (r Readable) Previous(ctx context.Context, name string) (grant.Pair, error) {
	return r.read(ctx, name, "AWSPREVIOUS")
}

func (r Readable) read(ctx context.Context, name, stage string) (grant.Pair, error) {
	out, err := r.Client.GetSecretValue(ctx, &awssecrets.GetSecretValueInput{SecretId: aws.String(name), VersionStage: aws.String(stage)})
	if err != nil {
		return grant.Pair{}, refusal(err)
	}
	var s stored
	if err := json.Unmarshal([]byte(aws.ToString(out.SecretString)), &s); err != nil || s.Access == "" || s.Version < 1 {
		return grant.Pair{}, fault.New(fault.Internal, "the secret %s holds no pair of tokens", name)
	}
	return grant.Pair{Version: s.Version, Access: secret.Of(s.Access), Refresh: secret.Of(s.Refresh)}, nil
}

// Put makes a pair the current one; fault.Conflict when another pair of that version is there. Putting the same pair twice is putting it
// once.
func (p Pairs) Put(ctx context.Context, name string, pair grant.Pair) error {
	text, err := textOf(pair)
	if err != nil {
		return err
	}
	_, err = p.Putter.PutSecretValue(ctx, &awssecrets.PutSecretValueInput{
		SecretId: aws.String(name), SecretString: aws.String(text), ClientRequestToken: aws.String(versionID(name, pair.Version)),
	})
	return refusal(err)
}

// Create keeps the first pair of a new name.
func (v Vault) Create(ctx context.Context, name string, pair grant.Pair) error {
	text, err := textOf(pair)
	if err != nil {
		return err
	}
	_, err = v.Owner.CreateSecret(ctx, &awssecrets.CreateSecretInput{
		Name: aws.String(name), SecretString: aws.String(text), ClientRequestToken: aws.String(versionID(name, pair.Version)),
		Description: aws.String("Tokens of a Notion workspace that was connected by OAuth"),
	})
	return refusal(err)
}

// Delete forgets all pairs of a name, without a time in which that could be undone. That there are none is no error.
func (v Vault) Delete(ctx context.Context, name string) error {
	_, err := v.Owner.DeleteSecret(ctx, &awssecrets.DeleteSecretInput{SecretId: aws.String(name), ForceDeleteWithoutRecovery: aws.Bool(true)})
	if err = refusal(err); fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}

func textOf(p grant.Pair) (string, error) {
	text, err := json.Marshal(stored{p.Version, p.Access.Reveal(), p.Refresh.Reveal()}) //nolint:gosec // it goes where secrets are kept
	return string(text), err
}

// versionID returns the id of a secret's version: one a version of the pair, so that Secrets Manager itself refuses a second pair of it.
func versionID(name string, version int64) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name+"#"+strconv.FormatInt(version, 10))).String()
}

func refusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*types.ResourceNotFoundException)):
		return fault.Wrap(err, fault.NotFound, "There is no such secret.")
	case errors.As(err, new(*types.ResourceExistsException)):
		return fault.Wrap(err, fault.Conflict, "The secret has been changed by somebody else.")
	}
	return fault.Wrap(err, fault.Unavailable, "Secrets Manager cannot be reached. Try again in a moment.")
}
