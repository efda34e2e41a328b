package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secret "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	queue "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/infra/local/template"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	secrettext "github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/secret/seal"
)

// appSecret is the logical id of the secret that holds what a person sets.
const appSecret = "AppSecret"

// provision makes in the local cloud what the template declares, as a deployment does.
type provision struct {
	queues  *sqs.Client
	secrets *secretsmanager.Client
}

func newProvision(cloudURL string) provision {
	anybody := credentials.NewStaticCredentialsProvider("local", "local", "")
	return provision{
		queues:  sqs.New(sqs.Options{BaseEndpoint: aws.String(cloudURL), Region: region, Credentials: anybody}),
		secrets: secretsmanager.New(secretsmanager.Options{BaseEndpoint: aws.String(cloudURL), Region: region, Credentials: anybody}),
	}
}

// apply makes queues and secrets that are missing and sets the others as the template says; given is laid over the app secret.
func (p provision) apply(ctx context.Context, tpl *template.Template, app given) error {
	for _, q := range tpl.Queues { // all of them before any attribute, because one may name another as its dead-letter queue
		if err := p.createQueue(ctx, q); err != nil {
			return fmt.Errorf("make queue %s: %w", q.Name, err)
		}
	}
	for _, q := range tpl.Queues {
		attributes := maps.Clone(q.Attributes)
		delete(attributes, "FifoQueue") // which is for ever
		if len(attributes) == 0 {
			continue
		}
		input := &sqs.SetQueueAttributesInput{QueueUrl: aws.String(q.URL), Attributes: attributes}
		if _, err := p.queues.SetQueueAttributes(ctx, input); err != nil {
			return fmt.Errorf("set queue %s: %w", q.Name, err)
		}
	}
	for _, s := range tpl.Secrets {
		var values given
		if s.ID == appSecret {
			values = app
		}
		if err := p.keepSecret(ctx, s, values); err != nil {
			return fmt.Errorf("keep secret %s: %w", s.Name, err)
		}
	}
	return nil
}

func (p provision) createQueue(ctx context.Context, q template.Queue) error {
	_, err := p.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(q.Name)})
	if _, missing := errors.AsType[*queue.QueueDoesNotExist](err); !missing {
		return err
	}
	input := &sqs.CreateQueueInput{QueueName: aws.String(q.Name)}
	if fifo, ok := q.Attributes["FifoQueue"]; ok {
		input.Attributes = map[string]string{"FifoQueue": fifo}
	}
	_, err = p.queues.CreateQueue(ctx, input)
	return err
}

// given is what the app secret is to hold.
type given struct {
	values map[string]string           // those that are empty are taken out
	settle func(fields map[string]any) // sets what depends on what the secret holds
}

// keepSecret makes a secret when it is missing, and lays values over what it holds: what functions put there stays.
func (p provision) keepSecret(ctx context.Context, s template.Secret, values given) error {
	current, err := p.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.Name)})
	if _, missing := errors.AsType[*secret.ResourceNotFoundException](err); missing {
		text, err := overlay(s.Value, values)
		if err != nil {
			return err
		}
		_, err = p.secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
			Name: aws.String(s.Name), Description: aws.String(s.Description), SecretString: aws.String(text),
		})
		return err
	}
	if err != nil || values.values == nil {
		return err
	}
	text, err := overlay(aws.ToString(current.SecretString), values)
	if err != nil || text == aws.ToString(current.SecretString) {
		return err
	}
	_, err = p.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String(s.Name), SecretString: aws.String(text)})
	return err
}

// overlay returns a JSON object with what is given set, what is given empty removed, and what depends on the rest settled.
func overlay(object string, given given) (string, error) {
	if given.values == nil {
		return object, nil
	}
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		return "", errors.New("it does not hold a JSON object") // which it held, its error might show
	}
	for name, value := range given.values {
		if value == "" {
			delete(fields, name)
		} else {
			fields[name] = value
		}
	}
	if given.settle != nil {
		given.settle(fields)
	}
	text, err := json.Marshal(fields)
	return string(text), err
}

// secrets returns what the app secret holds of the settings.
func (s *system) secrets(v values) given {
	result := given{values: map[string]string{
		config.DatabaseURL:             v.databaseURL,
		config.DatabaseCA:              s.settings.values[config.DatabaseCA],
		config.MigrationDatabaseURL:    s.settings.migrationURL(),
		config.NotionToken:             v.notionToken,
		config.SupabaseServiceRoleKey:  s.settings.values[config.SupabaseServiceRoleKey],
		config.SupabaseJWTSecret:       s.settings.values[config.SupabaseJWTSecret],
		config.NotionOAuthClientSecret: cmp.Or(v.oauth.Secret, s.settings.values[config.NotionOAuthClientSecret]),
		config.SupabaseWebhookSecret:   v.webhookSecret,
		config.TracingHeaders:          s.settings.values[config.TracingHeaders],
	}}
	var key [32]byte
	_, _ = rand.Read(key[:]) // which never fails
	fresh := base64.StdEncoding.EncodeToString(key[:])
	result.settle = func(fields map[string]any) { sealUnder(fields, s.settings.values[config.WebhookSealingKey], fresh) }
	return result
}

// ownSealingKey names the key that the local system made up, in the app secret; no function reads it.
const ownSealingKey = "LOCAL_SEALING_KEY"

// sealUnder sets the keys that secrets in the database are sealed under: the one that is given, else the system's own, which is made up once.
// Behind it stands the one before, so that what that sealed opens: one that was given by mistake seals nothing any more once it is taken
// away, and nothing is lost with it. What was kept and is no key is let go.
func sealUnder(fields map[string]any, given, fresh string) {
	text, _ := fields[config.WebhookSealingKey].(string)
	kept := slices.DeleteFunc(strings.Fields(text), func(word string) bool {
		_, err := seal.ParseRing(secrettext.Of(word))
		return err != nil
	})
	own, _ := fields[ownSealingKey].(string)
	if own == "" && len(kept) > 0 && !slices.Contains(strings.Fields(given), kept[len(kept)-1]) {
		own = kept[len(kept)-1]
	}
	own = cmp.Or(own, fresh)
	fields[ownSealingKey] = own
	ring := strings.Fields(cmp.Or(given, own))
	for _, key := range append([]string{own}, kept...) {
		if len(ring) < 2 && !slices.Contains(ring, key) {
			ring = append(ring, key)
		}
	}
	fields[config.WebhookSealingKey] = strings.Join(ring, " ")
}
