package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(serveVariable); path != "" {
		fmt.Fprintln(os.Stderr, serve(path))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

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
	url     string
	clock   *clock
	http    *http.Client
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
func run(t *testing.T, cfg cloud.Config) (s *system, stop func()) {
	t.Helper()
	clock := newClock()
	if cfg.Now == nil {
		cfg.Now = clock.Now
	}
	c, err := cloud.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, stopHTTP := serveHTTP(c)
	s.clock = clock
	return s, func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		stopHTTP()
	}
}

// serveHTTP serves c, which the caller closes.
func serveHTTP(c *cloud.Cloud) (s *system, stop func()) {
	server := httptest.NewServer(c)
	s, closeClients := client(server.URL)
	return s, func() {
		closeClients()
		server.Close()
	}
}

// client makes the clients of a cloud.
func client(url string) (s *system, closeClients func()) {
	transport := &http.Transport{}
	s = &system{url: url, http: &http.Client{Transport: transport}}
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
	})
	s.sqs = sqs.New(sqs.Options{
		Region: "eu-west-1", BaseEndpoint: &s.url, Credentials: credentials, HTTPClient: s.http, RetryMaxAttempts: 1,
	})
	s.secrets = secretsmanager.New(secretsmanager.Options{
		Region: "eu-west-1", BaseEndpoint: &s.url, Credentials: credentials, HTTPClient: s.http, RetryMaxAttempts: 1,
	})
	return s, transport.CloseIdleConnections
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

// send sends a message and gives the answer.
func (s *system) send(t *testing.T, in sqs.SendMessageInput) *sqs.SendMessageOutput {
	t.Helper()
	out, err := s.sqs.SendMessage(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// receive receives up to ten messages, with all that can be known of them.
func (s *system) receive(t *testing.T, url string) []sqstypes.Message {
	t.Helper()
	out, err := s.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

// bodies returns the bodies of messages, in order.
func bodies(messages []sqstypes.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return strings.Join(all, " ")
}

// attributes returns all of a queue's attributes.
func (s *system) attributes(t *testing.T, url string) map[string]string {
	t.Helper()
	out, err := s.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes
}

// counts returns how many messages are visible, in flight and delayed.
func (s *system) counts(t *testing.T, url string) string {
	t.Helper()
	a := s.attributes(t, url)
	return a["ApproximateNumberOfMessages"] + " " + a["ApproximateNumberOfMessagesNotVisible"] + " " +
		a["ApproximateNumberOfMessagesDelayed"]
}

// code returns the code of a refused call as clients see it; empty when it succeeded.
func code(err error) string {
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return refusal.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// post makes a call without an SDK, and gives status and body.
func (s *system) post(t *testing.T, target, body string) (int, string) {
	t.Helper()
	return s.do(t, http.MethodPost, map[string]string{"X-Amz-Target": target}, strings.NewReader(body))
}

func (s *system) do(t *testing.T, method string, header map[string]string, body io.Reader) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.url, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := s.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}
