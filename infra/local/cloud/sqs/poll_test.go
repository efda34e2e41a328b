package sqs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is the operations without HTTP, in a synctest bubble, where time passes only while everything waits.
type service struct {
	*sqs.Service
	t *testing.T
}

func open(t *testing.T) service {
	t.Helper()
	memory, err := store.Open("")
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	s, err := sqs.Open(sqs.Config{Store: memory.Bucket("sqs"), Now: time.Now, NewID: func() string {
		last++
		return fmt.Sprint("id", last)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return service{s, t}
}

// call returns the answer as JSON, or the error's type.
func (s service) call(ctx context.Context, operation, input string) string {
	s.t.Helper()
	out, err := s.Operations()[operation](ctx, awsjson.Scope{Account: "1", Region: "r"}, []byte(input))
	if err != nil {
		return err.Error()
	}
	encoded, err := json.Marshal(out)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(encoded)
}

// must is call for what must succeed.
func (s service) must(operation, input string) map[string]any {
	s.t.Helper()
	answer := s.call(s.t.Context(), operation, input)
	out := map[string]any{}
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		s.t.Fatalf("%s: %s", operation, answer)
	}
	return out
}

func bodies(answer string) string {
	var out struct{ Messages []struct{ Body string } }
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		return answer
	}
	var all []string
	for _, m := range out.Messages {
		all = append(all, m.Body)
	}
	return strings.Join(all, " ")
}

func handle(received map[string]any) string {
	return received["Messages"].([]any)[0].(map[string]any)["ReceiptHandle"].(string)
}

// TestLongPoll begins a poll of twenty seconds and does something three seconds later: each case says what the poll then
// gives, and when.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	const send = `{"QueueUrl":"q","MessageBody":"sent"}`
	cases := map[string]struct {
		queue  string                                        // q when empty
		before func(s service) string                        // gives a receipt handle
		then   func(s service, handle string, cancel func()) // after three seconds
		want   string
		after  time.Duration
	}{
		"nothing happens": {want: "", after: 20 * time.Second},
		"a message is sent": {
			then: func(s service, _ string, _ func()) { s.must("SendMessage", send) }, want: "sent", after: 3 * time.Second,
		},
		"a message is there already": {
			before: func(s service) string { s.must("SendMessage", send); return "" }, want: "sent", after: 0,
		},
		"a delay ends": {
			before: func(s service) string {
				s.must("SendMessage", `{"QueueUrl":"q","MessageBody":"late","DelaySeconds":7}`)
				return ""
			},
			want: "late", after: 7 * time.Second,
		},
		"a visibility timeout ends": {
			before: func(s service) string {
				s.must("SendMessage", send)
				return handle(s.must("ReceiveMessage", `{"QueueUrl":"q","VisibilityTimeout":11}`))
			},
			want: "sent", after: 11 * time.Second,
		},
		"a message is given back": {
			before: func(s service) string {
				s.must("SendMessage", send)
				return handle(s.must("ReceiveMessage", `{"QueueUrl":"q"}`))
			},
			then: func(s service, handle string, _ func()) {
				s.must("ChangeMessageVisibility", `{"QueueUrl":"q","ReceiptHandle":"`+handle+`","VisibilityTimeout":0}`)
			},
			want: "sent", after: 3 * time.Second,
		},
		"a group becomes free": {
			queue: "q.fifo",
			before: func(s service) string {
				s.must("SendMessage", `{"QueueUrl":"q.fifo","MessageBody":"first","MessageGroupId":"g"}`)
				s.must("SendMessage", `{"QueueUrl":"q.fifo","MessageBody":"second","MessageGroupId":"g"}`)
				return handle(s.must("ReceiveMessage", `{"QueueUrl":"q.fifo"}`))
			},
			then: func(s service, handle string, _ func()) {
				s.must("DeleteMessage", `{"QueueUrl":"q.fifo","ReceiptHandle":"`+handle+`"}`)
			},
			want: "second", after: 3 * time.Second,
		},
		"the caller goes away": {
			then: func(_ service, _ string, cancel func()) { cancel() }, want: "", after: 3 * time.Second,
		},
		"the service closes": {
			then: func(s service, _ string, _ func()) { s.Close() }, want: "", after: 3 * time.Second,
		},
		"the queue is deleted": {
			then: func(s service, _ string, _ func()) { s.must("DeleteQueue", `{"QueueUrl":"q"}`) },
			want: "com.amazonaws.sqs#QueueDoesNotExist: The specified queue does not exist.", after: 3 * time.Second,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				s.must("CreateQueue", `{"QueueName":"q"}`)
				s.must("CreateQueue", `{"QueueName":"q.fifo","Attributes":{"FifoQueue":"true","ContentBasedDeduplication":"true"}}`)
				var handle string
				if c.before != nil {
					handle = c.before(s)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.then != nil {
					time.AfterFunc(3*time.Second, func() { c.then(s, handle, cancel) })
				}
				if c.queue == "" {
					c.queue = "q"
				}
				start := time.Now()
				got := bodies(s.call(ctx, "ReceiveMessage", `{"QueueUrl":"`+c.queue+`","WaitTimeSeconds":20}`))
				if after := time.Since(start); got != c.want || after != c.after {
					t.Fatalf("%q after %s, want %q after %s", got, after, c.want, c.after)
				}
			})
		})
	}
}

// TestOnePollGetsAMessage has many polls wait for one message, which wakes them all.
func TestOnePollGetsAMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.must("CreateQueue", `{"QueueName":"q"}`)
		got := make(chan string, 20)
		for range cap(got) {
			go func() {
				got <- bodies(s.call(t.Context(), "ReceiveMessage", `{"QueueUrl":"q","WaitTimeSeconds":5}`))
			}()
		}
		synctest.Wait()
		s.must("SendMessage", `{"QueueUrl":"q","MessageBody":"sent"}`)
		count := 0
		for range cap(got) {
			if <-got == "sent" {
				count++
			}
		}
		if count != 1 {
			t.Fatalf("%d polls got it", count)
		}
	})
}

// TestMoveTaskKeepsItsPace moves five dead letters at two a second while a poll waits for each.
func TestMoveTaskKeepsItsPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.must("CreateQueue", `{"QueueName":"dead"}`)
		s.must("CreateQueue", `{"QueueName":"q","Attributes":{"RedrivePolicy":`+
			`"{\"deadLetterTargetArn\":\"arn:aws:sqs:r:1:dead\",\"maxReceiveCount\":1}"}}`)
		s.must("CreateQueue", `{"QueueName":"other"}`)
		for i := range 5 {
			s.must("SendMessage", fmt.Sprintf(`{"QueueUrl":"dead","MessageBody":"%d"}`, i))
		}
		start := time.Now()
		s.must("StartMessageMoveTask",
			`{"SourceArn":"arn:aws:sqs:r:1:dead","DestinationArn":"arn:aws:sqs:r:1:other","MaxNumberOfMessagesPerSecond":2}`)
		for i := range 5 {
			got := bodies(s.call(t.Context(), "ReceiveMessage", `{"QueueUrl":"other","WaitTimeSeconds":20}`))
			want := time.Duration(i) * 500 * time.Millisecond
			if got != strconv.Itoa(i) || time.Since(start) != want {
				t.Fatalf("%q after %s, want %d after %s", got, time.Since(start), i, want)
			}
		}
		list := s.call(t.Context(), "ListMessageMoveTasks", `{"SourceArn":"arn:aws:sqs:r:1:dead"}`)
		if !strings.Contains(list, `"COMPLETED"`) || !strings.Contains(list, `"ApproximateNumberOfMessagesMoved":5`) {
			t.Fatal(list)
		}
	})
}
