package cloud_test

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

func TestSendMessageRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	standard, fifo := s.queue(t, "q", nil), s.queue(t, "q.fifo", nil)
	small := s.queue(t, "small", map[string]string{"MaximumMessageSize": "1024"})
	attribute := func(name string, v types.MessageAttributeValue) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: v}
	}
	text := func(kind, value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
	}
	eleven := map[string]types.MessageAttributeValue{}
	for i := range 11 {
		eleven[strconv.Itoa(i)] = text("String", "x")
	}
	id := func(in sqs.SendMessageInput, group, deduplication *string) sqs.SendMessageInput {
		in.MessageBody, in.MessageGroupId, in.MessageDeduplicationId = aws.String("m"), group, deduplication
		return in
	}
	with := func(attributes map[string]types.MessageAttributeValue) sqs.SendMessageInput {
		return sqs.SendMessageInput{QueueUrl: &standard, MessageBody: aws.String("m"), MessageAttributes: attributes}
	}
	body := func(url, body string) sqs.SendMessageInput {
		return sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}
	}
	onFIFO, onStandard := sqs.SendMessageInput{QueueUrl: &fifo}, sqs.SendMessageInput{QueueUrl: &standard}
	long := strings.Repeat("x", 129)
	const invalid = "InvalidParameterValue"
	cases := map[string]struct {
		in      sqs.SendMessageInput
		want    string
		message string
	}{
		"no queue":                       {body("", "m"), "MissingParameter", "QueueUrl"},
		"no such queue":                  {body(s.url+"/000000000000/none", "m"), "AWS.SimpleQueueService.NonExistentQueue", ""},
		"another account's":              {body(s.url+"/123456789012/q", "m"), "AWS.SimpleQueueService.NonExistentQueue", ""},
		"no URL":                         {body("http://[::1", "m"), "AWS.SimpleQueueService.NonExistentQueue", ""},
		"a bare name":                    {body("q", "m"), "", ""},
		"no body":                        {body(standard, ""), "MissingParameter", "MessageBody"},
		"the largest":                    {body(standard, strings.Repeat("x", 1<<20)), "", ""},
		"larger":                         {body(standard, strings.Repeat("x", 1<<20+1)), invalid, "shorter than 1048576 bytes"},
		"larger than the queue's":        {body(small, strings.Repeat("é", 513)), invalid, "shorter than 1024 bytes"},
		"a control character":            {body(standard, "a\x00b"), "InvalidMessageContents", "#x0"},
		"a surrogate":                    {body(standard, "\uFFFE"), "InvalidMessageContents", "#xFFFE"},
		"fifo: no group":                 {id(onFIFO, nil, aws.String("d")), "MissingParameter", "MessageGroupId"},
		"fifo: no deduplication id":      {id(onFIFO, aws.String("g"), nil), invalid, "ContentBasedDeduplication"},
		"fifo: an empty group":           {id(onFIFO, aws.String(""), aws.String("d")), invalid, "1 to 128 in length"},
		"fifo: a long group":             {id(onFIFO, &long, aws.String("d")), invalid, "1 to 128 in length"},
		"fifo: a group with a space":     {id(onFIFO, aws.String("a b"), aws.String("d")), invalid, "alphanumeric"},
		"fifo: a long id":                {id(onFIFO, aws.String("g"), &long), invalid, "MessageDeduplicationId"},
		"standard: deduplication id":     {id(onStandard, nil, aws.String("d")), invalid, "not valid for this queue type"},
		"standard: a bad group":          {id(onStandard, aws.String("a b"), nil), invalid, "MessageGroupId"},
		"eleven attributes":              {with(eleven), invalid, "[11]"},
		"attribute: no value":            {with(attribute("a", text("String", ""))), invalid, "non-empty value of type 'String'"},
		"attribute: no type":             {with(attribute("a", text("", "x"))), invalid, "type"},
		"attribute: a wrong type":        {with(attribute("a", text("Date", "x"))), invalid, "Binary, Number, String"},
		"attribute: a long type":         {with(attribute("a", text("String."+strings.Repeat("x", 250), "x"))), invalid, "256"},
		"attribute: no number":           {with(attribute("a", text("Number", "x"))), invalid, "number"},
		"attribute: an infinity":         {with(attribute("a", text("Number", "Inf"))), invalid, "number"},
		"attribute: text as bytes":       {with(attribute("a", text("Binary", "x"))), invalid, "'Binary'"},
		"attribute: a control character": {with(attribute("a", text("String", "\x01"))), "InvalidMessageContents", "#x1"},
		"attribute: a list": {with(attribute("a", types.MessageAttributeValue{
			DataType: aws.String("String"), StringListValues: []string{"x"},
		})), "AWS.SimpleQueueService.UnsupportedOperation", "list"},
		"attribute name: empty":     {with(attribute("", text("String", "x"))), invalid, "between 1 and 256"},
		"attribute name: a space":   {with(attribute("a b", text("String", "x"))), invalid, "'a b' is invalid"},
		"attribute name: dots":      {with(attribute("a..b", text("String", "x"))), invalid, "period"},
		"attribute name: reserved":  {with(attribute("AWS.x", text("String", "x"))), invalid, "reserved"},
		"system attribute: another": {sqs.SendMessageInput{QueueUrl: &standard, MessageBody: aws.String("m"), MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"x": {DataType: aws.String("String"), StringValue: aws.String("x")}}}, invalid, "AWSTraceHeader"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.sqs.SendMessage(t.Context(), &c.in)
			if code(err) != c.want || err != nil && !strings.Contains(err.Error(), c.message) {
				t.Fatalf("%v, want %s: %s", err, c.want, c.message)
			}
		})
	}
}

func TestReceiveMessageRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{Region: "eu-west-1"})
	s.queue(t, "q", nil)
	const invalid = "InvalidParameterValue"
	cases := map[string]struct{ in, want string }{
		"none":                {`"MaxNumberOfMessages":0`, invalid},
		"eleven":              {`"MaxNumberOfMessages":11`, invalid},
		"a long wait":         {`"WaitTimeSeconds":21`, invalid},
		"a negative wait":     {`"WaitTimeSeconds":-1`, invalid},
		"a long timeout":      {`"VisibilityTimeout":43201`, invalid},
		"an enormous timeout": {`"VisibilityTimeout":9223372036854775807`, invalid},
		"a number too large":  {`"VisibilityTimeout":1e99`, "SerializationException"},
		"an unknown name":     {`"MessageSystemAttributeNames":["Colour"]`, "InvalidAttributeName"},
		"an unknown old name": {`"AttributeNames":["Colour"]`, "InvalidAttributeName"},
	}
	for name, c := range cases {
		status, answer := s.post(t, "AmazonSQS.ReceiveMessage", `{"QueueUrl":"q",`+c.in+`}`)
		if status != 400 || !strings.Contains(answer, c.want) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}

func TestReceiptHandles(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url, other := s.queue(t, "q", nil), s.queue(t, "other", nil)
	s.send(t, sqs.SendMessageInput{QueueUrl: &other, MessageBody: aws.String("m")})
	cases := map[string]struct{ handle, want string }{
		"none":                      {"", "MissingParameter"},
		"nonsense":                  {"nonsense!", "ReceiptHandleIsInvalid"},
		"nonsense, encoded":         {base64.StdEncoding.EncodeToString([]byte("a b c d")), "ReceiptHandleIsInvalid"},
		"no receipt's number":       {base64.StdEncoding.EncodeToString([]byte(arn + "q id x")), "ReceiptHandleIsInvalid"},
		"of another queue":          {*s.receive(t, other)[0].ReceiptHandle, "ReceiptHandleIsInvalid"},
		"of a message that is gone": {base64.StdEncoding.EncodeToString([]byte(arn + "q id 1")), ""},
	}
	for name, c := range cases {
		_, err := s.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: &c.handle})
		if code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if got := s.counts(t, other); got != "0 1 0" {
		t.Fatal(got)
	}
}
