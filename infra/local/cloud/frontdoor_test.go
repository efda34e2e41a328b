package cloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	s.queue(t, "q", nil)
	const sendMessage, getSecret = "AmazonSQS.SendMessage", "secretsmanager.GetSecretValue"
	cases := map[string]struct {
		method, target, body string
		status               int
		want                 string
	}{
		"no target":                   {"POST", "", "{}", 404, "UnknownOperationException"},
		"another service":             {"POST", "DynamoDB_20120810.GetItem", "{}", 404, "UnknownOperationException"},
		"no such operation":           {"POST", "AmazonSQS.Nonsense", "{}", 400, "UnsupportedOperation"},
		"an operation not offered":    {"POST", "AmazonSQS.AddPermission", "{}", 400, "AddPermission is not offered"},
		"a service without operation": {"POST", "AmazonSQS", "{}", 400, "UnsupportedOperation"},
		"GET":                         {"GET", sendMessage, "", 405, "InvalidHttpRequest"},
		"no body":                     {"POST", sendMessage, "", 400, "SerializationException"},
		"no JSON":                     {"POST", sendMessage, "{", 400, "SerializationException"},
		"no object":                   {"POST", sendMessage, "[]", 400, "SerializationException"},
		"null":                        {"POST", sendMessage, "null", 400, "SerializationException"},
		"two objects":                 {"POST", sendMessage, "{}{}", 400, "SerializationException"},
		"a number for a text":         {"POST", sendMessage, `{"QueueUrl":"q","MessageBody":1}`, 400, "MessageBody"},
		"a fraction for a number":     {"POST", sendMessage, `{"QueueUrl":"q","MessageBody":"x","DelaySeconds":1.5}`, 400, "DelaySeconds"},
		"not UTF-8":                   {"POST", sendMessage, "{\"QueueUrl\":\"q\",\"MessageBody\":\"\xff\"}", 400, "UTF-8"},
		"too large":                   {"POST", sendMessage, strings.Repeat(" ", 8<<20) + "{}", 413, "RequestEntityTooLarge"},
		"deeply nested":               {"POST", sendMessage, `{"a":` + strings.Repeat("[", 100_000), 400, "SerializationException"},
		"secrets: no JSON":            {"POST", getSecret, "{", 400, "SerializationException"},
		"secrets: no id":              {"POST", getSecret, "{}", 400, "ValidationException"},
		"secrets: rotation":           {"POST", "secretsmanager.RotateSecret", "{}", 400, "RotateSecret is not offered"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, answer := s.do(t, c.method, map[string]string{"X-Amz-Target": c.target}, strings.NewReader(c.body))
			if status != c.status || !strings.Contains(answer, c.want) || !json.Valid([]byte(answer)) {
				t.Fatalf("%d %s", status, answer)
			}
		})
	}
}

func TestRegionsAreApart(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{Region: "us-west-2"})
	s.queue(t, "q", nil) // signed for eu-west-1
	const target, body = "AmazonSQS.GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["QueueArn"]}`
	signed := func(region string) string {
		return "AWS4-HMAC-SHA256 Credential=local/20260301/" + region + "/sqs/aws4_request, SignedHeaders=host, Signature=0"
	}
	cases := map[string]struct {
		authorization string
		status        int
		want          string
	}{
		"the same":        {signed("eu-west-1"), 200, "arn:aws:sqs:eu-west-1:000000000000:q"},
		"another":         {signed("eu-west-2"), 400, "QueueDoesNotExist"},
		"unsigned":        {"", 400, "QueueDoesNotExist"},
		"no region in it": {signed("../../x"), 400, "QueueDoesNotExist"},
		"nonsense":        {"Credential=", 400, "QueueDoesNotExist"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, answer := s.do(t, "POST", map[string]string{"X-Amz-Target": target, "Authorization": c.authorization},
				strings.NewReader(body))
			if status != c.status || !strings.Contains(answer, c.want) {
				t.Fatalf("%d %s", status, answer)
			}
		})
	}
}

func TestRegionIsTakenFromASignatureOnlyWhereItIsOne(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{Region: "us-west-2"})
	header := map[string]string{
		"X-Amz-Target":  "secretsmanager.CreateSecret",
		"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260301/a:b/secretsmanager/aws4_request",
	}
	_, answer := s.do(t, http.MethodPost, header, strings.NewReader(`{"Name":"s"}`))
	if !strings.Contains(answer, "arn:aws:secretsmanager:us-west-2:") {
		t.Fatal(answer)
	}
}

func TestQueueURLBegins(t *testing.T) {
	t.Parallel()
	asCalled := start(t, cloud.Config{})
	if url := asCalled.queue(t, "q", nil); url != asCalled.url+"/000000000000/q" {
		t.Fatal(url)
	}
	configured := start(t, cloud.Config{BaseURL: "http://localhost:4566/"})
	url := configured.queue(t, "q", nil)
	if url != "http://localhost:4566/000000000000/q" {
		t.Fatal(url)
	}
	configured.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("found by its name")})
}

func TestErrorsCarryBothCodes(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	_, err := s.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
	if typed, ok := errors.AsType[*sqstypes.QueueDoesNotExist](err); !ok ||
		typed.ErrorCode() != "AWS.SimpleQueueService.NonExistentQueue" || typed.ErrorFault() != smithy.FaultClient {
		t.Fatalf("%T %v", err, err)
	}
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || response.RequestID == "" || response.HTTPStatusCode() != http.StatusBadRequest {
		t.Fatalf("%T %v", err, err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var target atomic.Value
	var fault atomic.Value
	target.Store("")
	s := start(t, cloud.Config{Faults: func(called string) error {
		if called == target.Load() {
			return fault.Load().(func(string) error)(called)
		}
		return nil
	}})
	url := s.queue(t, "q", nil)
	calls := map[string]func() error{
		"AmazonSQS.SendMessage": func() error {
			_, err := s.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")})
			return err
		},
		"secretsmanager.ListSecrets": func() error {
			_, err := s.secrets.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{})
			return err
		},
	}
	cases := []struct {
		fault func(string) error
		want  map[string]string
	}{
		{cloud.Throttled, map[string]string{
			"AmazonSQS.SendMessage": "RequestThrottled", "secretsmanager.ListSecrets": "ThrottlingException",
		}},
		{func(string) error { return cloud.Unavailable() }, map[string]string{
			"AmazonSQS.SendMessage": "ServiceUnavailable", "secretsmanager.ListSecrets": "ServiceUnavailable",
		}},
		{func(string) error { return errors.New("secret cause") }, map[string]string{
			"AmazonSQS.SendMessage": "InternalFailure", "secretsmanager.ListSecrets": "InternalFailure",
		}},
	}
	for called, call := range calls {
		for _, c := range cases {
			fault.Store(c.fault)
			target.Store(called)
			err := call()
			if code(err) != c.want[called] || strings.Contains(err.Error(), "secret cause") {
				t.Errorf("%s: %v, want %s", called, err, c.want[called])
			}
		}
		fault.Store(func(string) error { return http.ErrAbortHandler })
		if err := call(); !errors.Is(err, io.EOF) {
			t.Errorf("%s over a connection that is cut: %v", called, err)
		}
		target.Store("")
		if err := call(); err != nil {
			t.Errorf("%s without a fault: %v", called, err)
		}
	}
}

// FuzzCalls calls every operation with what comes: the answer is JSON, and never an internal failure.
func FuzzCalls(f *testing.F) {
	for _, target := range []string{
		"CreateQueue", "SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "SetQueueAttributes",
		"ChangeMessageVisibility", "GetQueueAttributes", "ListQueues", "StartMessageMoveTask", "CancelMessageMoveTask",
	} {
		f.Add("AmazonSQS."+target, `{"QueueUrl":"q","QueueName":"r","MessageBody":"m","Attributes":{"RedrivePolicy":"{}"},"NextToken":"eA==",`+
			`"Entries":[{"Id":"a","MessageBody":"m","ReceiptHandle":"eA=="}],"ReceiptHandle":"eA==","VisibilityTimeout":0,"TaskHandle":"eA=="}`)
	}
	for _, target := range []string{
		"CreateSecret", "GetSecretValue", "PutSecretValue", "UpdateSecret", "DeleteSecret", "ListSecrets", "UpdateSecretVersionStage",
		"BatchGetSecretValue", "TagResource",
	} {
		f.Add("secretsmanager."+target, `{"Name":"s","SecretId":"arn:aws:secretsmanager:us-east-1:000000000000:secret:s","SecretString":"v",`+
			`"ClientRequestToken":"00000000000000000000000000000000","VersionStage":"AWSCURRENT","Tags":[{"Key":"k"}],"SecretIdList":["s"]}`)
	}
	f.Fuzz(func(t *testing.T, target, body string) {
		c, err := cloud.Open(cloud.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		call := func(target, body string) *httptest.ResponseRecorder {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond) // of long polls
			defer cancel()
			request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
			request.Header.Set("X-Amz-Target", target)
			answer := httptest.NewRecorder()
			c.ServeHTTP(answer, request)
			return answer
		}
		call("AmazonSQS.CreateQueue", `{"QueueName":"q"}`)
		call("AmazonSQS.SendMessage", `{"QueueUrl":"q","MessageBody":"m"}`)
		call("secretsmanager.CreateSecret", `{"Name":"s","SecretString":"v","ClientRequestToken":"11111111111111111111111111111111"}`)
		for range 2 {
			answer := call(target, body)
			if answer.Code >= 500 || !json.Valid(answer.Body.Bytes()) {
				t.Fatalf("%s %s: %d %s", target, body, answer.Code, answer.Body)
			}
		}
	})
}
