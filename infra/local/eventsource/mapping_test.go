package eventsource_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
	"github.com/act-platform/enhanced-integration/infra/local/eventsource"
	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

const (
	standardARN = "arn:aws:sqs:eu-west-1:000000000000:jobs"
	fifoARN     = standardARN + ".fifo"
)

// function handles one message of a batch; it is what the fake Lambda runs.
type function struct {
	handle func(events.SQSMessage) error
	raw    func() lambdahost.Result // when set, the result whatever the messages are

	mu      sync.Mutex
	batches [][]events.SQSMessage
	running int
	most    int
	changed chan struct{}
}

func (f *function) Invoke(_ context.Context, _ string, event []byte) (lambdahost.Result, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(event, &batch); err != nil {
		return lambdahost.Result{}, err
	}
	f.mu.Lock()
	f.batches = append(f.batches, batch.Records)
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.running--
		f.mu.Unlock()
		select {
		case f.changed <- struct{}{}:
		default:
		}
	}()
	if f.raw != nil {
		return f.raw(), nil
	}
	answer := events.SQSEventResponse{}
	for _, message := range batch.Records {
		if err := f.handle(message); err != nil {
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	payload, err := json.Marshal(answer)
	return lambdahost.Result{Payload: payload}, err
}

// system is a local cloud with a queue.
type system struct {
	client *sqs.Client
	queue  template.Queue
}

func newSystem(t *testing.T, arn string, attributes map[string]string) system {
	t.Helper()
	c, err := cloud.Open(cloud.Config{Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	client := sqs.New(sqs.Options{
		BaseEndpoint: aws.String(server.URL), Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if strings.HasSuffix(name, ".fifo") {
		attributes["FifoQueue"] = "true"
	}
	made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return system{client, template.Queue{Name: name, ARN: arn, URL: aws.ToString(made.QueueUrl)}}
}

// send sends messages, each "group/body" or "body".
func (s system) send(t *testing.T, messages ...string) {
	t.Helper()
	for i, message := range messages {
		input := &sqs.SendMessageInput{QueueUrl: aws.String(s.queue.URL), MessageBody: aws.String(message)}
		if group, _, ok := strings.Cut(message, "/"); ok {
			input.MessageGroupId, input.MessageDeduplicationId = aws.String(group), aws.String(fmt.Sprint(message, i))
		}
		if _, err := s.client.SendMessage(t.Context(), input); err != nil {
			t.Fatal(err)
		}
	}
}

// left returns how many messages the queue has, those in flight included.
func (s system) left(t *testing.T) int {
	t.Helper()
	out, err := s.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(s.queue.URL), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"} {
		var n int
		if _, err := fmt.Sscan(out.Attributes[name], &n); err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}

// run polls until the function has seen enough, as done tells.
func (s system) run(t *testing.T, f *function, m template.Mapping, done func(*function) bool) {
	t.Helper()
	f.changed = make(chan struct{}, 1)
	m.QueueARN = s.queue.ARN
	poller, err := eventsource.New(eventsource.Config{
		Functions: []template.Function{{Name: "f", Mappings: []template.Mapping{m}}}, Queues: []template.Queue{s.queue}, Queue: s.client,
		Invoker: f, Region: "eu-west-1", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		poller.Run(ctx)
		close(stopped)
	}()
	defer func() {
		cancel()
		<-stopped
	}()
	deadline := time.After(20 * time.Second)
	for {
		f.mu.Lock()
		enough := done(f)
		f.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-f.changed:
		case <-deadline:
			t.Fatalf("batches %v", f.batches)
		}
	}
}

// seen returns the bodies in the order in which the function saw them.
func (f *function) seen() []string {
	var bodies []string
	for _, batch := range f.batches {
		for _, message := range batch {
			bodies = append(bodies, message.Body)
		}
	}
	return bodies
}

func well(events.SQSMessage) error { return nil }

func TestMessagesAreHandledAndDeleted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, standardARN, map[string]string{"VisibilityTimeout": "600"})
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprint("message ", i))
	}
	s.send(t, want...)
	f := &function{handle: well}
	s.run(t, f, template.Mapping{BatchSize: 10, PartialFailures: true}, func(f *function) bool { return len(f.seen()) >= 25 })
	got := f.seen()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("handled %q", got)
	}
	if left := s.left(t); left != 0 {
		t.Errorf("%d messages are left", left)
	}
}

// TestResults: what a result leaves in the queue of two messages, of which the second is called by its id.
func TestResults(t *testing.T) {
	t.Parallel()
	fixed := func(payload string, failed bool) func() lambdahost.Result {
		return func() lambdahost.Result { return lambdahost.Result{Payload: []byte(payload), Failed: failed} }
	}
	for name, c := range map[string]struct {
		raw    func() lambdahost.Result
		handle func(events.SQSMessage) error
		whole  bool // the mapping does not say ReportBatchItemFailures
		left   int
	}{
		"both are well": {handle: well},
		"one fails": {handle: func(m events.SQSMessage) error {
			if m.Body == "two" {
				return errors.New("refused")
			}
			return nil
		}, left: 1},
		"the function fails":              {raw: fixed(`{"errorMessage":"x"}`, true), left: 2},
		"nothing is said":                 {raw: fixed(``, false)},
		"null":                            {raw: fixed(`null`, false)},
		"a list of null":                  {raw: fixed(`{"batchItemFailures":null}`, false)},
		"something else":                  {raw: fixed(`{"ok":true}`, false)},
		"a message that is not of it":     {raw: fixed(`{"batchItemFailures":[{"itemIdentifier":"x"}]}`, false), left: 2},
		"an empty id":                     {raw: fixed(`{"batchItemFailures":[{"itemIdentifier":""}]}`, false), left: 2},
		"what cannot be read":             {raw: fixed(`{"batchItemFailures":"all"}`, false), left: 2},
		"a whole batch, whatever is said": {raw: fixed(`{"batchItemFailures":[{"itemIdentifier":"x"}]}`, false), whole: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, standardARN, map[string]string{"VisibilityTimeout": "600"})
			s.send(t, "one", "two")
			f := &function{raw: c.raw, handle: c.handle}
			s.run(t, f, template.Mapping{BatchSize: 2, PartialFailures: !c.whole, MaximumConcurrency: 2}, func(f *function) bool { return len(f.seen()) >= 2 })
			if left := s.left(t); left != c.left {
				t.Errorf("%d messages are left, want %d", left, c.left)
			}
		})
	}
}

// TestFIFO: several pollers, and still each group is in order and one at a time; a message that fails comes again before the next of
// its group.
func TestFIFO(t *testing.T) {
	t.Parallel()
	s := newSystem(t, fifoARN, map[string]string{"VisibilityTimeout": "1"})
	var sent []string
	for i := range 12 {
		sent = append(sent, fmt.Sprintf("%c/%02d", 'a'+i%3, i))
	}
	s.send(t, sent...)
	var mu sync.Mutex
	var log []string
	busy, refused := map[string]bool{}, map[string]bool{}
	f := &function{handle: func(m events.SQSMessage) error {
		group, _, _ := strings.Cut(m.Body, "/")
		mu.Lock()
		defer mu.Unlock()
		if busy[group] {
			t.Errorf("%s while another of its group is handled", m.Body)
		}
		busy[group] = true
		mu.Unlock()
		mu.Lock()
		busy[group] = false
		if m.Body == "a/03" && !refused[m.Body] {
			refused[m.Body] = true
			return errors.New("refused")
		}
		log = append(log, m.Body)
		return nil
	}}
	s.run(t, f, template.Mapping{BatchSize: 1, PartialFailures: true, MaximumConcurrency: 4}, func(*function) bool {
		mu.Lock()
		defer mu.Unlock()
		return len(log) >= 12
	})
	for _, group := range []string{"a", "b", "c"} {
		var got []string
		for _, body := range log {
			if strings.HasPrefix(body, group+"/") {
				got = append(got, body)
			}
		}
		if !slices.IsSorted(got) || len(got) != 4 {
			t.Errorf("group %s: %q", group, got)
		}
	}
	if left := s.left(t); left != 0 {
		t.Errorf("%d messages are left", left)
	}
}

// TestMaximumConcurrency: as many batches at once as the mapping says, and no more.
func TestMaximumConcurrency(t *testing.T) {
	t.Parallel()
	s := newSystem(t, standardARN, map[string]string{})
	for i := range 12 {
		s.send(t, strconv.Itoa(i))
	}
	together := make(chan struct{})
	var mu sync.Mutex
	waiting := 0
	f := &function{handle: func(events.SQSMessage) error {
		mu.Lock()
		waiting++
		if waiting == 3 {
			close(together) // three are here at once
		}
		mu.Unlock()
		<-together
		return nil
	}}
	s.run(t, f, template.Mapping{BatchSize: 1, MaximumConcurrency: 3}, func(f *function) bool { return len(f.seen()) >= 12 })
	if f.most != 3 {
		t.Errorf("%d at once", f.most)
	}
}

func TestEvent(t *testing.T) {
	t.Parallel()
	s := newSystem(t, fifoARN, map[string]string{})
	_, err := s.client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(s.queue.URL), MessageBody: aws.String("ä"), MessageGroupId: aws.String("partners"), MessageDeduplicationId: aws.String("d"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"text": {DataType: aws.String("String"), StringValue: aws.String("x")}, "raw": {DataType: aws.String("Binary"), BinaryValue: []byte{1}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &function{handle: well}
	s.run(t, f, template.Mapping{BatchSize: 10}, func(f *function) bool { return len(f.batches) > 0 })
	m := f.batches[0][0]
	if m.Body != "ä" || m.MessageId == "" || m.ReceiptHandle == "" || m.Md5OfBody == "" || m.EventSource != "aws:sqs" || m.EventSourceARN != fifoARN || m.AWSRegion != "eu-west-1" {
		t.Errorf("message %+v", m)
	}
	if m.Attributes["MessageGroupId"] != "partners" || m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["SequenceNumber"] == "" || m.Attributes["SentTimestamp"] == "" {
		t.Errorf("attributes %v", m.Attributes)
	}
	text, raw := m.MessageAttributes["text"], m.MessageAttributes["raw"]
	if text.DataType != "String" || aws.ToString(text.StringValue) != "x" || raw.DataType != "Binary" || !slices.Equal(raw.BinaryValue, []byte{1}) {
		t.Errorf("message attributes %+v", m.MessageAttributes)
	}
}

// TestBatchUnderWayIsFinished: when the system stops, what a function did by then is deleted.
func TestBatchUnderWayIsFinished(t *testing.T) {
	t.Parallel()
	s := newSystem(t, standardARN, map[string]string{"VisibilityTimeout": "600"})
	s.send(t, "one")
	stopping := make(chan struct{})
	f := &function{handle: func(events.SQSMessage) error {
		<-stopping
		return nil
	}}
	f.changed = make(chan struct{}, 1)
	poller, err := eventsource.New(eventsource.Config{
		Functions: []template.Function{{Name: "f", Mappings: []template.Mapping{{QueueARN: standardARN, BatchSize: 1}}}},
		Queues:    []template.Queue{s.queue}, Queue: s.client, Invoker: f, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		poller.Run(ctx)
		close(stopped)
	}()
	for started := false; !started; {
		f.mu.Lock()
		started = f.running == 1
		f.mu.Unlock()
	}
	cancel()
	close(stopping)
	<-stopped
	if left := s.left(t); left != 0 {
		t.Errorf("%d messages are left", left)
	}
}

func TestNewRefusesAQueueThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := eventsource.New(eventsource.Config{Functions: []template.Function{{Name: "f", Mappings: []template.Mapping{{QueueARN: standardARN}}}}})
	if err == nil || !strings.Contains(err.Error(), standardARN) {
		t.Errorf("error %v", err)
	}
}

// script is a queue that gives what it is told, one answer a request, and then nothing until its time is over.
type script struct {
	receive func(wait time.Duration) ([]types.Message, error)
	deleted []string
}

func (s *script) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	messages, err := s.receive(time.Duration(in.WaitTimeSeconds) * time.Second)
	if messages == nil && err == nil {
		timer := time.NewTimer(time.Duration(in.WaitTimeSeconds) * time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return &sqs.ReceiveMessageOutput{Messages: messages}, err
}

func (s *script) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	for _, entry := range in.Entries {
		s.deleted = append(s.deleted, aws.ToString(entry.Id))
	}
	return &sqs.DeleteMessageBatchOutput{}, nil
}

func messages(group string, size int, ids ...string) []types.Message {
	var result []types.Message
	for _, id := range ids {
		m := types.Message{MessageId: aws.String(id), Body: aws.String(strings.Repeat("x", size))}
		if group != "" {
			m.Attributes = map[string]string{"MessageGroupId": group}
		}
		result = append(result, m)
	}
	return result
}

// runScript runs one poller on a scripted queue for a minute of its time.
func runScript(t *testing.T, queue *script, f *function, m template.Mapping) {
	t.Helper()
	m.MaximumConcurrency = 1
	poller, err := eventsource.New(eventsource.Config{
		Functions: []template.Function{{Name: "f", Mappings: []template.Mapping{m}}}, Queues: []template.Queue{{ARN: m.QueueARN}},
		Queue: queue, Invoker: f, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	poller.Run(ctx)
}

func sizes(f *function) []int {
	var result []int
	for _, batch := range f.batches {
		result = append(result, len(batch))
	}
	return result
}

// TestWindow: a batch closes when it is full or its window has passed since the first message.
func TestWindow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		batch int
		want  []int
	}{
		"the window passes": {100, []int{3}},
		"the batch is full": {2, []int{2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				given := [][]types.Message{messages("", 1, "1"), nil, messages("", 1, "2"), messages("", 1, "3")}
				began := time.Now()
				queue := &script{receive: func(wait time.Duration) ([]types.Message, error) {
					if len(given) == 0 || time.Since(began) > 10*time.Second {
						return nil, nil
					}
					next := given[0]
					given = given[1:]
					if next == nil { // nothing comes for a second
						time.Sleep(min(wait, time.Second)) //nolint:forbidigo // of the test's own time
						return []types.Message{}, nil
					}
					return next, nil
				}}
				f := &function{handle: well, changed: make(chan struct{}, 1)}
				runScript(t, queue, f, template.Mapping{QueueARN: standardARN, BatchSize: c.batch, Window: 5 * time.Second})
				if !slices.Equal(sizes(f), c.want) || !slices.Equal(queue.deleted, []string{"1", "2", "3"}) {
					t.Errorf("batches %v, deleted %v", sizes(f), queue.deleted)
				}
			})
		})
	}
}

// TestLargeBatchIsParted: its event would be over Lambda's limit. In a FIFO queue a group that failed in one part waits in the next.
func TestLargeBatchIsParted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arn     string
		fails   string
		want    []int
		deleted []string
	}{
		"one fails":                  {standardARN, "1", []int{2, 2}, []string{"2", "3", "4"}},
		"fifo, all well":             {fifoARN, "", []int{2, 2}, []string{"1", "2", "3", "4"}},
		"fifo, the second one fails": {fifoARN, "2", []int{2}, []string{"1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				given := messages("g", 2<<20, "1", "2", "3", "4")
				queue := &script{receive: func(time.Duration) ([]types.Message, error) {
					defer func() { given = nil }()
					return given, nil
				}}
				f := &function{changed: make(chan struct{}, 1), handle: func(m events.SQSMessage) error {
					if m.MessageId == c.fails {
						return errors.New("refused")
					}
					return nil
				}}
				runScript(t, queue, f, template.Mapping{QueueARN: c.arn, BatchSize: 10, PartialFailures: true})
				if !slices.Equal(sizes(f), c.want) || !slices.Equal(queue.deleted, c.deleted) {
					t.Errorf("batches %v, deleted %v", sizes(f), queue.deleted)
				}
			})
		})
	}
}

// TestQueueThatCannotBeReadIsTriedAgain, a second later, and what was received before is not lost.
func TestQueueThatCannotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, requests := time.Now(), []time.Duration{}
		queue := &script{receive: func(time.Duration) ([]types.Message, error) {
			requests = append(requests, time.Since(began))
			switch len(requests) {
			case 1:
				return messages("", 1, "1"), nil
			case 2, 3:
				return nil, errors.New("away")
			}
			return nil, nil
		}}
		f := &function{handle: well, changed: make(chan struct{}, 1)}
		runScript(t, queue, f, template.Mapping{QueueARN: standardARN, BatchSize: 10, Window: 5 * time.Second})
		if !slices.Equal(queue.deleted, []string{"1"}) || !slices.Equal(requests[:4], []time.Duration{0, 0, time.Second, 2 * time.Second}) {
			t.Errorf("deleted %v, requests at %v", queue.deleted, requests)
		}
	})
}
