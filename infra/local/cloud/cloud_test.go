package cloud_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests set.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) Advance(d time.Duration) { c.nanos.Add(int64(d)) }

// system is a cloud over real HTTP and the SDK's clients of it.
type system struct {
	*cloud.Cloud
	url     string
	clock   *clock
	sqs     *sqs.Client
	secrets *secretsmanager.Client
}

// start runs a cloud until the test ends.
func start(t *testing.T, cfg cloud.Config) *system {
	t.Helper()
	s, stop := run(t, cfg)
	t.Cleanup(stop)
	return s
}

// run runs a cloud until stop is called.
func run(t *testing.T, cfg cloud.Config) (*system, func()) {
	t.Helper()
	s := &system{clock: newClock()}
	if cfg.Now == nil {
		cfg.Now = s.clock.Now
	}
	var err error
	if s.Cloud, err = cloud.Open(cfg); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Cloud)
	s.url = server.URL
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
	})
	s.sqs = sqs.New(sqs.Options{
		Region: "eu-west-1", BaseEndpoint: &s.url, Credentials: credentials, HTTPClient: client, RetryMaxAttempts: 1,
	})
	s.secrets = secretsmanager.New(secretsmanager.Options{
		Region: "eu-west-1", BaseEndpoint: &s.url, Credentials: credentials, HTTPClient: client, RetryMaxAttempts: 1,
	})
	return s, func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
		server.Close()
	}
}

// queue makes a queue and gives its URL. A name that ends in .fifo makes a FIFO queue.
func (s *system) queue(t *testing.T, name string, attributes map[string]string) string {
	t.Helper()
	if attributes == nil {
		attributes = map[string]string{}
	}
	if strings.HasSuffix(name, ".fifo") {
		attributes["FifoQueue"] = "true"
	}
	out, err := s.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

func TestSendReceiveDelete(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{Path: filepath.Join(t.TempDir(), "cloud.db")})
	url := s.queue(t, "jobs", nil)
	if _, err := s.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	out, err := s.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
	})
	if err != nil || len(out.Messages) != 1 || *out.Messages[0].Body != "hello" {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = s.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: out.Messages[0].ReceiptHandle})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
	if _, ok := errors.AsType[*sqstypes.QueueDoesNotExist](err); !ok {
		t.Fatalf("%T %v", err, err)
	}
}

func TestSecretRoundTrip(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	made, err := s.secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("act/dev/app"), SecretString: aws.String("{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
		SecretId: made.ARN, SecretString: aws.String(`{"a":1}`),
	}); err != nil {
		t.Fatal(err)
	}
	got, err := s.secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("act/dev/app")})
	if err != nil || *got.SecretString != `{"a":1}` {
		t.Fatalf("%+v, %v", got, err)
	}
}
