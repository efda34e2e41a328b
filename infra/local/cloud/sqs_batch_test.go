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

// outcome tells a batch's answer in a line: ids that succeeded, and ids with the code that they failed with.
func outcome[T any](successful []T, id func(T) *string, failed []types.BatchResultErrorEntry, err error) string {
	if err != nil {
		return code(err)
	}
	var all []string
	for _, entry := range successful {
		all = append(all, *id(entry))
	}
	for _, entry := range failed {
		all = append(all, fmt.Sprintf("%s:%s:%t", *entry.Id, *entry.Code, entry.SenderFault))
	}
	return strings.Join(all, " ")
}

func TestSendMessageBatch(t *testing.T) {
	t.Parallel()
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	many := func(n int) (entries []types.SendMessageBatchRequestEntry) {
		for i := range n {
			entries = append(entries, entry(strconv.Itoa(i), "m"))
		}
		return entries
	}
	grouped := func(id, group, deduplication string) types.SendMessageBatchRequestEntry {
		e := entry(id, id)
		if group != "" {
			e.MessageGroupId = &group
		}
		if deduplication != "" {
			e.MessageDeduplicationId = &deduplication
		}
		return e
	}
	late := entry("late", "m")
	late.DelaySeconds = 901
	half := strings.Repeat("x", 1<<19)
	cases := map[string]struct {
		fifo    bool
		entries []types.SendMessageBatchRequestEntry
		want    string
		counts  string
	}{
		"ten":              {entries: many(10), want: "0 1 2 3 4 5 6 7 8 9", counts: "10 0 0"},
		"eleven":           {entries: many(11), want: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", counts: "0 0 0"},
		"none":             {entries: []types.SendMessageBatchRequestEntry{}, want: "AWS.SimpleQueueService.EmptyBatchRequest", counts: "0 0 0"},
		"one id twice":     {entries: append(many(2), entry("1", "m")), want: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", counts: "0 0 0"},
		"an id too long":   {entries: []types.SendMessageBatchRequestEntry{entry(strings.Repeat("x", 81), "m")}, want: "AWS.SimpleQueueService.InvalidBatchEntryId", counts: "0 0 0"},
		"an id of symbols": {entries: []types.SendMessageBatchRequestEntry{entry("a:b", "m")}, want: "AWS.SimpleQueueService.InvalidBatchEntryId", counts: "0 0 0"},
		"a mebibyte":       {entries: []types.SendMessageBatchRequestEntry{entry("a", half), entry("b", half)}, want: "a b", counts: "2 0 0"},
		"more than that":   {entries: []types.SendMessageBatchRequestEntry{entry("a", half), entry("b", half+"x")}, want: "AWS.SimpleQueueService.BatchRequestTooLong", counts: "0 0 0"},
		"some fail": {
			entries: []types.SendMessageBatchRequestEntry{entry("good", "m"), late, entry("odd", "\x01")},
			want:    "good late:InvalidParameterValue:true odd:InvalidMessageContents:true", counts: "1 0 0",
		},
		"fifo": {fifo: true, entries: []types.SendMessageBatchRequestEntry{
			grouped("a", "g", "1"), grouped("b", "g", "2"), grouped("c", "g", "1"),
		}, want: "a b c", counts: "2 0 0"},
		"fifo without group":         {fifo: true, entries: []types.SendMessageBatchRequestEntry{grouped("a", "g", "1"), grouped("b", "", "2")}, want: "InvalidParameterValue", counts: "0 0 0"},
		"fifo without deduplication": {fifo: true, entries: []types.SendMessageBatchRequestEntry{grouped("a", "g", "1"), grouped("b", "g", "")}, want: "InvalidParameterValue", counts: "0 0 0"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, cloud.Config{})
			queue := "q"
			if c.fifo {
				queue = "q.fifo"
			}
			url := s.queue(t, queue, nil)
			out, err := s.sqs.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: c.entries})
			if err != nil {
				out = &sqs.SendMessageBatchOutput{}
			}
			got := outcome(out.Successful, func(e types.SendMessageBatchResultEntry) *string { return e.Id }, out.Failed, err)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := s.counts(t, url); got != c.counts {
				t.Errorf("the queue holds %s, want %s", got, c.counts)
			}
			for _, entry := range out.Successful {
				if *entry.MessageId == "" || *entry.MD5OfMessageBody == "" || c.fifo != (entry.SequenceNumber != nil) {
					t.Errorf("%+v", entry)
				}
			}
		})
	}
}

func TestEntryLargerThanItsQueueAllows(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", map[string]string{"MaximumMessageSize": "1024"})
	out, err := s.sqs.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{
		QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("large"), MessageBody: aws.String(strings.Repeat("x", 1025))},
			{Id: aws.String("small"), MessageBody: aws.String(strings.Repeat("x", 1024))},
			{Id: aws.String("attributes"), MessageBody: aws.String(strings.Repeat("x", 1010)), MessageAttributes: map[string]types.MessageAttributeValue{
				"name": {DataType: aws.String("String"), StringValue: aws.String("value")},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := outcome(out.Successful, func(e types.SendMessageBatchResultEntry) *string { return e.Id }, out.Failed, err)
	if got != "small large:InvalidParameterValue:true attributes:InvalidParameterValue:true" {
		t.Fatal(got)
	}
}

func TestDeleteAndChangeInBatches(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", map[string]string{"VisibilityTimeout": "10"})
	for _, body := range []string{"a", "b"} {
		s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	}
	got := s.receive(t, url)
	changed, err := s.sqs.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("longer"), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 100},
			{Id: aws.String("nonsense"), ReceiptHandle: aws.String("nonsense"), VisibilityTimeout: 100},
			{Id: aws.String("negative"), ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: -1},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	line := outcome(changed.Successful, func(e types.ChangeMessageVisibilityBatchResultEntry) *string { return e.Id }, changed.Failed, nil)
	if line != "longer nonsense:ReceiptHandleIsInvalid:true negative:InvalidParameterValue:true" {
		t.Fatal(line)
	}
	s.clock.Advance(10 * time.Second)
	changed, err = s.sqs.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("expired"), ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: 5},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	line = outcome(changed.Successful, func(e types.ChangeMessageVisibilityBatchResultEntry) *string { return e.Id }, changed.Failed, nil)
	if line != "expired:AWS.SimpleQueueService.MessageNotInflight:true" {
		t.Fatal(line)
	}
	deleted, err := s.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{
		QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("a"), ReceiptHandle: got[0].ReceiptHandle},
			{Id: aws.String("nonsense"), ReceiptHandle: aws.String("nonsense")},
			{Id: aws.String("b"), ReceiptHandle: got[1].ReceiptHandle},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	line = outcome(deleted.Successful, func(e types.DeleteMessageBatchResultEntry) *string { return e.Id }, deleted.Failed, nil)
	if line != "a b nonsense:ReceiptHandleIsInvalid:true" || s.counts(t, url) != "0 0 0" {
		t.Fatal(line, s.counts(t, url))
	}
	for name, call := range map[string]func() error{
		"delete": func() error {
			_, err := s.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{}})
			return err
		},
		"change": func() error {
			_, err := s.sqs.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{}})
			return err
		},
	} {
		if got := code(call()); got != "AWS.SimpleQueueService.EmptyBatchRequest" {
			t.Errorf("%s nothing: %s", name, got)
		}
	}
}
