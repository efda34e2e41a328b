// Package secretsmanager reads secrets from AWS Secrets Manager.
package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Client is the part of the Secrets Manager client that is used.
type Client interface {
	GetSecretValue(ctx context.Context, in *awssecrets.GetSecretValueInput, opts ...func(*awssecrets.Options)) (*awssecrets.GetSecretValueOutput, error)
}

// App is the secret in which a person sets what the integration needs: a JSON object of strings, named as in .env.example. It is
// remembered for TTL.
type App struct {
	client Client
	id     string
	ttl    time.Duration
	now    func() time.Time

	mu     sync.Mutex
	values map[string]secret.Text
	until  time.Time
}

// NewApp makes an App for the secret with that name or ARN.
func NewApp(client Client, id string, ttl time.Duration, now func() time.Time) *App {
	return &App{client: client, id: id, ttl: ttl, now: now}
}

// Get returns a value of the secret, an empty one when it is not set. fault.Unavailable: the secret cannot be read now.
func (a *App) Get(ctx context.Context, name string) (secret.Text, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := a.now(); now.After(a.until) {
		values, err := a.read(ctx)
		if err != nil {
			return secret.Text{}, err
		}
		a.values, a.until = values, now.Add(a.ttl)
	}
	return a.values[name], nil
}

// rereadAfter is how old what is remembered has to be before Reread forgets it, so that what stays wrong is not asked for all the time.
const rereadAfter = 10 * time.Second

// Reread has the next Get read the secret again, unless it was read just now: for who finds that something in it is out of date.
func (a *App) Reread() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now().Sub(a.until.Add(-a.ttl)) >= rereadAfter {
		a.until = time.Time{}
	}
}

func (a *App) read(ctx context.Context) (map[string]secret.Text, error) {
	out, err := a.client.GetSecretValue(ctx, &awssecrets.GetSecretValueInput{SecretId: aws.String(a.id)})
	if missing := (*types.ResourceNotFoundException)(nil); errors.As(err, &missing) {
		return nil, fault.Wrap(err, fault.Unavailable, "The secret that APP_SECRET_ARN names does not exist")
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "Secrets Manager cannot be reached. Try again in a moment.")
	}
	var values map[string]secret.Text
	if err := json.Unmarshal([]byte(aws.ToString(out.SecretString)), &values); err != nil {
		return nil, fault.New(fault.Unavailable, "The secret that APP_SECRET_ARN names is no JSON object of strings. Set it as .env.example shows.")
	}
	return values, nil
}
