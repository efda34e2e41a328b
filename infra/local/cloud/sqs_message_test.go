package cloud_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

// TestMessageRoundTrip sends what a message can hold. The SDK itself checks the checksums of bodies.
func TestMessageRoundTrip(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", nil)
	trace := "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
	body := "tabs\t, lines\r\n, <markup> & 日本語 🎉"
	sent := s.send(t, sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &body,
		MessageAttributes: map[string]types.MessageAttributeValue{
			"Hello":      {DataType: aws.String("String"), StringValue: aws.String("There")},
			"Help.Me":    {DataType: aws.String("String"), StringValue: aws.String("Me")},
			"General":    {DataType: aws.String("String"), StringValue: aws.String("Kenobi")},
			"count.kind": {DataType: aws.String("Number.int"), StringValue: aws.String("-1.5e3")},
			"raw":        {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255, 1}},
		},
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &trace},
		},
	})
	if sent.MD5OfMessageSystemAttributes == nil || sent.SequenceNumber != nil {
		t.Fatalf("%+v", sent)
	}
	got := s.receive(t, url)
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	m := got[0]
	if *m.Body != body || *m.MessageId != *sent.MessageId || *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes {
		t.Fatalf("%+v, sent %+v", m, sent)
	}
	if string(m.MessageAttributes["raw"].BinaryValue) != "\x00\xff\x01" || *m.MessageAttributes["count.kind"].StringValue != "-1.5e3" {
		t.Fatalf("%+v", m.MessageAttributes)
	}
	now := strconv.FormatInt(s.clock.Now().UnixMilli(), 10)
	want := map[string]string{
		"AWSTraceHeader": trace, "SenderId": cloud.Account, "SentTimestamp": now, "ApproximateReceiveCount": "1",
		"ApproximateFirstReceiveTimestamp": now,
	}
	if fmt.Sprint(m.Attributes) != fmt.Sprint(want) {
		t.Fatalf("%v", m.Attributes)
	}
}

// TestAttributeChecksums holds checksums that SQS itself gave for these attributes.
func TestAttributeChecksums(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", map[string]string{"VisibilityTimeout": "0"})
	text := func(value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	sent := s.send(t, sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String("msg"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"Help.Me": text("Me"), "Hello": text("There"), "General": text("Kenobi"),
		},
	})
	if *sent.MD5OfMessageAttributes != "4c360f3fdafd970e05fae2f149d997f5" || *sent.MD5OfMessageBody != "6e2baaf3b97dbeef01c0043275f9a0e7" {
		t.Fatalf("%+v", sent)
	}
	cases := map[string]struct {
		filters []string
		names   int
		want    string
	}{
		"all":               {[]string{"All"}, 3, "4c360f3fdafd970e05fae2f149d997f5"},
		"any prefix":        {[]string{".*"}, 3, "4c360f3fdafd970e05fae2f149d997f5"},
		"by name":           {[]string{"General", "Hello"}, 2, "fca026605781cb4126a1e9044df24232"},
		"one is not there":  {[]string{"Hello", "Foo"}, 1, "a311262e065454b75da111d535b8dacd"},
		"by prefix":         {[]string{"Hel.*"}, 2, "83fee93c1bcd8b9a5a923ffacdc636c7"},
		"none of them":      {[]string{"Foo"}, 0, ""},
		"none asked for":    {nil, 0, ""},
		"a name of nothing": {[]string{"AWS."}, 0, ""},
	}
	for name, c := range cases {
		out, err := s.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MessageAttributeNames: c.filters})
		if err != nil {
			t.Fatal(err)
		}
		m := out.Messages[0]
		if aws.ToString(m.MD5OfMessageAttributes) != c.want || len(m.MessageAttributes) != c.names {
			t.Errorf("%s: %s, %d attributes", name, aws.ToString(m.MD5OfMessageAttributes), len(m.MessageAttributes))
		}
	}
}

func TestVisibilityAndReceiveCount(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", map[string]string{"VisibilityTimeout": "10"})
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
	first := s.receive(t, url)[0]
	if got := s.counts(t, url); got != "0 1 0" {
		t.Fatal(got)
	}
	firstAt := s.clock.Now()
	s.clock.Advance(10 * time.Second)
	second := s.receive(t, url)[0]
	if second.Attributes["ApproximateReceiveCount"] != "2" ||
		second.Attributes["ApproximateFirstReceiveTimestamp"] != strconv.FormatInt(firstAt.UnixMilli(), 10) {
		t.Fatalf("%v", second.Attributes)
	}
	if *first.ReceiptHandle == *second.ReceiptHandle {
		t.Fatal("two receipts have one handle")
	}
	// An older receipt deletes nothing, and SQS does not say so.
	s.delete(t, url, first)
	if got := s.counts(t, url); got != "0 1 0" {
		t.Fatal(got)
	}
	s.clock.Advance(time.Minute) // the last receipt still does, though its timeout ran out
	s.delete(t, url, second)
	s.delete(t, url, second)
	if got := s.counts(t, url); got != "0 0 0" {
		t.Fatal(got)
	}
}

func (s *system) delete(t *testing.T, url string, m types.Message) {
	t.Helper()
	_, err := s.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
	if err != nil {
		t.Fatal(err)
	}
}

func TestChangeMessageVisibility(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", map[string]string{"VisibilityTimeout": "10"})
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
	m := s.receive(t, url)[0]
	change := func(seconds int32) error {
		_, err := s.sqs.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
		})
		return err
	}
	steps := []struct {
		name    string
		after   time.Duration
		seconds int32
		want    string
	}{
		{"longer", 0, 100, ""},
		{"still in flight", 99 * time.Second, 43_000, ""},
		{"beyond twelve hours in all", 0, 43_200, "InvalidParameterValue"},
		{"negative", 0, -1, "InvalidParameterValue"},
		{"too much", 0, 43_201, "InvalidParameterValue"},
		{"at once", 0, 0, ""},
		{"not in flight any more", 0, 10, "AWS.SimpleQueueService.MessageNotInflight"},
	}
	for _, step := range steps {
		s.clock.Advance(step.after)
		if got := code(change(step.seconds)); got != step.want {
			t.Fatalf("%s: %q, want %q", step.name, got, step.want)
		}
	}
	s.delete(t, url, m)
	if got := code(change(10)); got != "InvalidParameterValue" {
		t.Fatalf("of a deleted message: %q", got)
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", map[string]string{"DelaySeconds": "5"})
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("as-the-queue")})
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("longer"), DelaySeconds: 900})
	if got := s.counts(t, url); got != "0 0 2" {
		t.Fatal(got)
	}
	s.clock.Advance(5 * time.Second)
	if got := bodies(s.receive(t, url)); got != "as-the-queue" {
		t.Fatal(got)
	}
	s.clock.Advance(895 * time.Second)
	if got := bodies(s.receive(t, url)); got != "as-the-queue longer" {
		t.Fatal(got)
	}
	_, err := s.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m"), DelaySeconds: 901})
	if code(err) != "InvalidParameterValue" {
		t.Fatal(err)
	}
	fifo := s.queue(t, "q.fifo", nil)
	_, err = s.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &fifo, MessageBody: aws.String("m"), DelaySeconds: 1, MessageGroupId: aws.String("g"),
		MessageDeduplicationId: aws.String("d"),
	})
	if code(err) != "InvalidParameterValue" {
		t.Fatal(err)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", map[string]string{"MessageRetentionPeriod": "60"})
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("old")})
	s.clock.Advance(59 * time.Second)
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("new")})
	s.clock.Advance(time.Second)
	if got := bodies(s.receive(t, url)); got != "new" {
		t.Fatal(got)
	}
}

func TestFIFO(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q.fifo", map[string]string{"ContentBasedDeduplication": "true"})
	var sequences []string
	send := func(group, body string) *sqs.SendMessageOutput {
		return s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageGroupId: &group})
	}
	for _, body := range []string{"a1", "b1", "a2", "b2"} {
		sequences = append(sequences, *send(body[:1], body).SequenceNumber)
	}
	for i := 1; i < len(sequences); i++ {
		if sequences[i] <= sequences[i-1] {
			t.Fatalf("%v", sequences)
		}
	}
	again := send("a", "a1")
	if *again.SequenceNumber != sequences[0] {
		t.Fatal("a duplicate is not the first")
	}
	got, err := s.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 3, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	if err != nil || bodies(got.Messages) != "a1 a2 b1" {
		t.Fatalf("%s, %v", bodies(got.Messages), err)
	}
	first := got.Messages[0].Attributes
	if first["MessageGroupId"] != "a" || first["SequenceNumber"] != sequences[0] || len(first["MessageDeduplicationId"]) != 64 {
		t.Fatalf("%v", first)
	}
	if got := bodies(s.receive(t, url)); got != "" {
		t.Fatalf("%s: both groups are in flight", got)
	}
	if got := s.counts(t, url); got != "1 3 0" {
		t.Fatal(got)
	}
	s.delete(t, url, got.Messages[2])
	if got := bodies(s.receive(t, url)); got != "b2" {
		t.Fatal(got)
	}
	s.clock.Advance(30 * time.Second)
	_, err = s.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: got.Messages[0].ReceiptHandle})
	if code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), "expired") {
		t.Fatal(err)
	}
	if got := bodies(s.receive(t, url)); got != "a1 a2 b2" {
		t.Fatal(got)
	}
}

func TestFairQueueKeepsTheGroup(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", nil)
	for range 2 {
		s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m"), MessageGroupId: aws.String("tenant")})
	}
	got := s.receive(t, url)
	if len(got) != 2 || got[0].Attributes["MessageGroupId"] != "tenant" || got[0].Attributes["SequenceNumber"] != "" {
		t.Fatalf("%+v", got)
	}
}
