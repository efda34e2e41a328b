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

const arn = "arn:aws:sqs:eu-west-1:000000000000:"

// pipe makes a queue whose messages are dead after one receipt, and the queue that they go to.
func (s *system) pipe(t *testing.T, suffix string) (url, dead string) {
	t.Helper()
	dead = s.queue(t, "dead"+suffix, nil)
	url = s.queue(t, "q"+suffix, map[string]string{
		"RedrivePolicy":     `{"deadLetterTargetArn":"` + arn + "dead" + suffix + `","maxReceiveCount":1}`,
		"VisibilityTimeout": "1",
	})
	return url, dead
}

// kill receives what is on url until nothing is.
func (s *system) kill(t *testing.T, url string) {
	t.Helper()
	for len(s.receive(t, url)) > 0 {
		s.clock.Advance(time.Second)
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", ".fifo"} {
		t.Run("queue"+suffix, func(t *testing.T) {
			t.Parallel()
			s := start(t, cloud.Config{})
			url, dead := s.pipe(t, suffix)
			in := sqs.SendMessageInput{
				QueueUrl: &url, MessageBody: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{
					"kind": {DataType: aws.String("String"), StringValue: aws.String("x")},
				},
			}
			if suffix != "" {
				in.MessageGroupId, in.MessageDeduplicationId = aws.String("g"), aws.String("d")
			}
			sent := s.send(t, in)
			s.kill(t, url)
			got := s.receive(t, dead)
			if len(got) != 1 || *got[0].MessageId != *sent.MessageId || *got[0].Body != "m" {
				t.Fatalf("%+v", got)
			}
			attributes := got[0].Attributes
			if attributes["DeadLetterQueueSourceArn"] != arn+"q"+suffix || attributes["ApproximateReceiveCount"] != "2" ||
				*got[0].MessageAttributes["kind"].StringValue != "x" {
				t.Fatalf("%+v", got[0])
			}
			if suffix != "" && attributes["MessageGroupId"] != "g" {
				t.Fatalf("%v", attributes)
			}
			sources, err := s.sqs.ListDeadLetterSourceQueues(t.Context(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead})
			if err != nil || strings.Join(sources.QueueUrls, " ") != url {
				t.Fatalf("%+v, %v", sources, err)
			}
		})
	}
}

func TestWithoutItsDeadLetterQueueNothingDies(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url, dead := s.pipe(t, "")
	if _, err := s.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &dead}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &url, Attributes: map[string]string{"DelaySeconds": "0"},
	}); err != nil {
		t.Fatal(err)
	}
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
	for range 3 {
		if got := bodies(s.receive(t, url)); got != "m" {
			t.Fatal(got)
		}
		s.clock.Advance(time.Second)
	}
}

func (s *system) move(t *testing.T, in sqs.StartMessageMoveTaskInput) string {
	t.Helper()
	out, err := s.sqs.StartMessageMoveTask(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.TaskHandle
}

// tasks tells a queue's tasks, the newest first, a line each.
func (s *system) tasks(t *testing.T, source string) string {
	t.Helper()
	out, err := s.sqs.ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: &source, MaxResults: aws.Int32(10)})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, task := range out.Results {
		all = append(all, fmt.Sprintf("%s %d/%d %s %s %t", *task.Status, task.ApproximateNumberOfMessagesMoved,
			aws.ToInt64(task.ApproximateNumberOfMessagesToMove), aws.ToString(task.DestinationArn), aws.ToString(task.FailureReason),
			task.TaskHandle != nil))
	}
	return strings.Join(all, "\n")
}

func TestRedriveToWhereEachDied(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", ".fifo"} {
		t.Run("queue"+suffix, func(t *testing.T) {
			t.Parallel()
			s := start(t, cloud.Config{})
			one, dead := s.pipe(t, suffix)
			two := s.queue(t, "two"+suffix, map[string]string{
				"RedrivePolicy": `{"deadLetterTargetArn":"` + arn + "dead" + suffix + `","maxReceiveCount":1}`, "VisibilityTimeout": "1",
			})
			for i, url := range []string{one, two, one} {
				in := sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(strconv.Itoa(i))}
				if suffix != "" {
					in.MessageGroupId, in.MessageDeduplicationId = aws.String("g"), in.MessageBody
				}
				s.send(t, in)
			}
			s.kill(t, one)
			s.kill(t, two)
			before := s.receive(t, dead)
			s.clock.Advance(time.Minute)
			s.move(t, sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn + "dead" + suffix)})
			got := s.receive(t, one)
			if bodies(got) != "0 2" || bodies(s.receive(t, two)) != "1" || s.counts(t, dead) != "0 0 0" {
				t.Fatalf("%q, left %s", bodies(got), s.counts(t, dead))
			}
			if m := got[0]; m.Attributes["ApproximateReceiveCount"] != "1" || *m.MessageId == *before[0].MessageId {
				t.Fatalf("a message that is moved is new: %+v", m)
			}
			if got := s.tasks(t, arn+"dead"+suffix); got != "COMPLETED 3/3   false" {
				t.Fatal(got)
			}
		})
	}
}

func TestMoveTasks(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	_, dead := s.pipe(t, "")
	other := s.queue(t, "other", nil)
	for i := range 10 {
		s.send(t, sqs.SendMessageInput{QueueUrl: &dead, MessageBody: aws.String(strconv.Itoa(i))})
	}
	paced := sqs.StartMessageMoveTaskInput{
		SourceArn: aws.String(arn + "dead"), DestinationArn: aws.String(arn + "other"), MaxNumberOfMessagesPerSecond: aws.Int32(1),
	}
	handle := s.move(t, paced)
	s.clock.Advance(1999 * time.Millisecond)
	if got := s.tasks(t, arn+"dead"); got != "RUNNING 2/10 "+arn+"other  true" || s.counts(t, other) != "2 0 0" {
		t.Fatal(got, s.counts(t, other))
	}
	_, err := s.sqs.StartMessageMoveTask(t.Context(), &paced)
	if code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), "already a task running") {
		t.Fatal(err)
	}
	cancel := func() (int64, string) {
		out, err := s.sqs.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
		if err != nil {
			return 0, code(err)
		}
		return out.ApproximateNumberOfMessagesMoved, ""
	}
	if moved, refused := cancel(); moved != 2 || refused != "" {
		t.Fatal(moved, refused)
	}
	s.clock.Advance(time.Hour)
	if got := s.counts(t, dead); got != "8 0 0" {
		t.Fatal(got)
	}
	if _, refused := cancel(); refused != "InvalidParameterValue" {
		t.Fatal(refused)
	}
	// The destination goes away under the next task.
	s.move(t, paced)
	if _, err := s.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &other}); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(time.Second)
	want := "FAILED 1/8 " + arn + "other AWS.SimpleQueueService.NonExistentQueue false\nCANCELLED 2/10 " + arn + "other  false"
	if got := s.tasks(t, arn+"dead"); got != want || s.counts(t, dead) != "7 0 0" {
		t.Fatal(got, s.counts(t, dead))
	}
	// Nothing says where these messages died.
	s.move(t, sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn + "dead")})
	if got := s.tasks(t, arn+"dead"); !strings.HasPrefix(got, "FAILED 0/7  CouldNotDetermineMessageSource false") {
		t.Fatal(got)
	}
}

// TestAMoveIsNoDuplicate moves a message to a FIFO queue that has just been sent one under the same deduplication id.
func TestAMoveIsNoDuplicate(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url, dead := s.pipe(t, ".fifo")
	for body, to := range map[string]string{"there": url, "moved": dead} {
		s.send(t, sqs.SendMessageInput{
			QueueUrl: &to, MessageBody: &body, MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d"),
		})
	}
	s.move(t, sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn + "dead.fifo"), DestinationArn: aws.String(arn + "q.fifo")})
	if got := bodies(s.receive(t, url)); got != "there moved" || s.counts(t, dead) != "0 0 0" {
		t.Fatalf("%q, left %s", got, s.counts(t, dead))
	}
}

// TestMoveTaskOfLongAgo comes back to a task after its messages expired, when the nanoseconds times the rate pass 64 bits.
func TestMoveTaskOfLongAgo(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	_, dead := s.pipe(t, "")
	s.queue(t, "other", nil)
	for range 3 {
		s.send(t, sqs.SendMessageInput{QueueUrl: &dead, MessageBody: aws.String("m")})
	}
	s.move(t, sqs.StartMessageMoveTaskInput{
		SourceArn: aws.String(arn + "dead"), DestinationArn: aws.String(arn + "other"), MaxNumberOfMessagesPerSecond: aws.Int32(500),
	})
	s.clock.Advance(300 * 24 * time.Hour)
	if got := s.tasks(t, arn+"dead"); got != "COMPLETED 1/3 "+arn+"other  false" {
		t.Fatal(got)
	}
}

func TestMoveTaskRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	s.pipe(t, "")
	s.pipe(t, ".fifo")
	starts := map[string]struct {
		source, destination string
		rate                *int32
		want                string
	}{
		"no source":              {"", "", nil, "MissingParameter"},
		"no such source":         {arn + "none", "", nil, "ResourceNotFoundException"},
		"a source of nonsense":   {"dead", "", nil, "ResourceNotFoundException"},
		"no dead-letter queue":   {arn + "q", "", nil, "InvalidParameterValue"},
		"no such destination":    {arn + "dead", arn + "none", nil, "ResourceNotFoundException"},
		"to itself":              {arn + "dead", arn + "dead", nil, "InvalidParameterValue"},
		"to another type":        {arn + "dead", arn + "q.fifo", nil, "InvalidParameterValue"},
		"none a second":          {arn + "dead", "", aws.Int32(0), "InvalidParameterValue"},
		"too many a second":      {arn + "dead", "", aws.Int32(501), "InvalidParameterValue"},
		"of an empty queue":      {arn + "dead", arn + "q", nil, ""},
		"of an empty FIFO queue": {arn + "dead.fifo", "", nil, ""},
	}
	for name, c := range starts {
		in := &sqs.StartMessageMoveTaskInput{SourceArn: &c.source, MaxNumberOfMessagesPerSecond: c.rate}
		if c.destination != "" {
			in.DestinationArn = &c.destination
		}
		if _, err := s.sqs.StartMessageMoveTask(t.Context(), in); code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	for handle, want := range map[string]string{
		"nonsense":     "InvalidParameterValue",
		"bm9uc2Vuc2U=": "InvalidParameterValue",     // nonsense
		"aWQgYXJu":     "ResourceNotFoundException", // id arn
		"aWQgYXJuOmF3czpzcXM6ZXUtd2VzdC0xOjAwMDAwMDAwMDAwMDpkZWFk": "ResourceNotFoundException", // id of no task, ARN of dead
	} {
		_, err := s.sqs.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
		if code(err) != want {
			t.Errorf("%s: %v, want %s", handle, err, want)
		}
	}
}
