package sqs

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
)

// What becomes of a task.
const (
	taskRunning   = "RUNNING"
	taskCompleted = "COMPLETED"
	taskCancelled = "CANCELLED"
	taskFailed    = "FAILED"
)

const (
	maxTasks    = 10  // how many of a queue's tasks are remembered
	maxMoveRate = 500 // messages a second
)

// moveTask moves a dead-letter queue's messages to another queue, or back to where each died. Nothing runs it: each call to the
// service first moves what has come due.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html.
type moveTask struct {
	ID          string    `json:"id"`
	Destination string    `json:"destination,omitempty"` // an ARN; empty: where each message died
	Rate        int       `json:"rate,omitempty"`        // messages a second; zero: all at once
	Started     time.Time `json:"started"`
	ToMove      int       `json:"to_move"`
	Moved       int       `json:"moved"`
	Status      string    `json:"status"`
	Failure     string    `json:"failure,omitempty"`
}

// due gives how many messages have been due to move by now: the first at once, the others one after the other.
func (t *moveTask) due(now time.Time) int {
	if t.Rate == 0 {
		return t.ToMove
	}
	return min(t.ToMove, 1+int(now.Sub(t.Started)*time.Duration(t.Rate)/time.Second))
}

// next gives when the next message is due.
func (t *moveTask) next() time.Time {
	return t.Started.Add((time.Duration(t.Moved)*time.Second + time.Duration(t.Rate) - 1) / time.Duration(max(t.Rate, 1)))
}

func (t *moveTask) fail(reason string) { t.Status, t.Failure = taskFailed, reason }

// moveDue moves what the running tasks have due.
func (s *Service) moveDue(now time.Time) {
	for _, e := range s.moving() {
		if t := e.Tasks[0]; t.Moved < t.due(now) {
			s.move(now, e, t)
		}
	}
}

// moving gives the queues with a running task, which is their newest, in order.
func (s *Service) moving() []*entry {
	var found []*entry
	for _, e := range s.queues {
		if len(e.Tasks) > 0 && e.Tasks[0].Status == taskRunning {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.arn(), b.arn()) })
	return found
}

func (s *Service) move(now time.Time, e *entry, t *moveTask) {
	e.touch()
	for t.Moved < t.due(now) {
		m := e.messages.Peek(now)
		if m == nil {
			break // what is left is in flight, and stays
		}
		destination := t.Destination
		if destination == "" {
			destination = m.Source
		}
		if destination == "" {
			t.fail("CouldNotDetermineMessageSource")
			return
		}
		to := s.byARN(destination)
		if to == nil {
			t.fail(noSuchQueue().Query)
			return
		}
		e.messages.Take(m)
		// A message that is moved counts as new. No other has its deduplication id, so that it cannot be swallowed.
		content := m.Content
		if e.Attributes.fifo() {
			content.DeduplicationID = m.ID
		}
		to.messages.Send(now, s.cfg.NewID(), content, 0)
		t.Moved++
	}
	if t.Moved >= t.ToMove || e.messages.Peek(now) == nil {
		t.Status = taskCompleted
	}
}

// next gives how long it is until passing time may make a message of e available; zero when it will not.
func (s *Service) next(now time.Time, e *entry) time.Duration {
	next := e.messages.Next(now)
	for _, source := range s.moving() {
		if at := source.Tasks[0].next(); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if next.IsZero() {
		return 0
	}
	return next.Sub(now)
}

type startMessageMoveTaskInput struct {
	SourceARN                    string `json:"SourceArn"`
	DestinationARN               string `json:"DestinationArn"`
	MaxNumberOfMessagesPerSecond *int
}

type startMessageMoveTaskOutput struct{ TaskHandle string }

func (s *Service) startMessageMoveTask(
	_ context.Context, _ awsjson.Scope, in startMessageMoveTaskInput,
) (startMessageMoveTaskOutput, error) {
	var out startMessageMoveTaskOutput
	err := s.do(func(now time.Time) error {
		source, err := s.source(in.SourceARN)
		if err != nil {
			return err
		}
		task := &moveTask{ID: s.cfg.NewID(), Destination: in.DestinationARN, Started: now, Status: taskRunning}
		if rate := in.MaxNumberOfMessagesPerSecond; rate != nil {
			if *rate < 1 || *rate > maxMoveRate {
				return invalidValue(*rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
			}
			task.Rate = *rate
		}
		if err := s.checkMove(source, in.DestinationARN); err != nil {
			return err
		}
		task.ToMove = source.messages.Count(now).Visible
		source.Tasks = append([]*moveTask{task}, source.Tasks...)
		source.Tasks = source.Tasks[:min(len(source.Tasks), maxTasks)]
		s.move(now, source, task)
		out.TaskHandle = source.taskHandle(task)
		return nil
	})
	return out, err
}

func (s *Service) source(arn string) (*entry, error) {
	if arn == "" {
		return nil, missingParameter("SourceArn")
	}
	e := s.byARN(arn)
	if e == nil {
		return nil, noSuchResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	return e, nil
}

func (s *Service) checkMove(source *entry, destination string) error {
	if !s.hasSources(source) {
		return invalidParameter("Source queue must be configured as a Dead Letter Queue.")
	}
	if slices.Contains(s.moving(), source) {
		return invalidParameter("There is already a task running. Only one active task is allowed for a source queue arn " +
			"at a given time.")
	}
	if destination == "" {
		return nil
	}
	to := s.byARN(destination)
	switch {
	case to == nil:
		return noSuchResource("The resource that you specified for the DestinationArn parameter doesn't exist.")
	case to == source:
		return invalidParameter("Source queue arn and destination queue arn must not be the same.")
	case to.Attributes.fifo() != source.Attributes.fifo():
		return invalidParameter("Source queue and destination queue must be of the same type.")
	}
	return nil
}

// hasSources reports whether e is the dead-letter queue of any queue.
func (s *Service) hasSources(e *entry) bool {
	for _, other := range s.queues {
		if other.Attributes.redrive().Target == e.arn() {
			return true
		}
	}
	return false
}

type cancelMessageMoveTaskInput struct{ TaskHandle string }

type cancelMessageMoveTaskOutput struct{ ApproximateNumberOfMessagesMoved int }

func (s *Service) cancelMessageMoveTask(
	_ context.Context, _ awsjson.Scope, in cancelMessageMoveTaskInput,
) (cancelMessageMoveTaskOutput, error) {
	var out cancelMessageMoveTaskOutput
	err := s.do(func(time.Time) error {
		id, arn, err := parseTaskHandle(in.TaskHandle)
		if err != nil {
			return err
		}
		source, err := s.source(arn)
		if err != nil {
			return err
		}
		for _, t := range source.Tasks {
			if t.ID != id {
				continue
			}
			if t.Status != taskRunning {
				return invalidParameter("Only active tasks can be cancelled.")
			}
			t.Status = taskCancelled
			source.touch()
			out.ApproximateNumberOfMessagesMoved = t.Moved
			return nil
		}
		return noSuchResource("Task does not exist.")
	})
	return out, err
}

func (e *entry) taskHandle(t *moveTask) string {
	return base64.StdEncoding.EncodeToString([]byte(t.ID + " " + e.arn()))
}

func parseTaskHandle(handle string) (id, arn string, err error) {
	plain, err := base64.StdEncoding.DecodeString(handle)
	id, arn, ok := strings.Cut(string(plain), " ")
	if err != nil || !ok {
		return "", "", invalidParameter("Value for parameter TaskHandle is invalid.")
	}
	return id, arn, nil
}

type listMessageMoveTasksInput struct {
	SourceARN  string `json:"SourceArn"`
	MaxResults *int
}

type listMessageMoveTasksOutput struct {
	Results []taskResult `json:",omitempty"`
}

type taskResult struct {
	TaskHandle                        string `json:",omitempty"` // of a running task alone
	Status                            string
	SourceARN                         string `json:"SourceArn"`
	DestinationARN                    string `json:"DestinationArn,omitempty"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	FailureReason                     string `json:",omitempty"`
	StartedTimestamp                  int64
}

func (s *Service) listMessageMoveTasks(
	_ context.Context, _ awsjson.Scope, in listMessageMoveTasksInput,
) (listMessageMoveTasksOutput, error) {
	var out listMessageMoveTasksOutput
	err := s.do(func(time.Time) error {
		source, err := s.source(in.SourceARN)
		if err != nil {
			return err
		}
		limit := 1
		if in.MaxResults != nil {
			if limit = *in.MaxResults; limit < 1 || limit > maxTasks {
				return invalidValue(limit, "MaxResults", "Must be between 1 and 10, if provided.")
			}
		}
		for _, t := range source.Tasks[:min(limit, len(source.Tasks))] {
			out.Results = append(out.Results, source.describeTask(t))
		}
		return nil
	})
	return out, err
}

func (e *entry) describeTask(t *moveTask) taskResult {
	result := taskResult{
		Status: t.Status, SourceARN: e.arn(), DestinationARN: t.Destination, MaxNumberOfMessagesPerSecond: t.Rate,
		ApproximateNumberOfMessagesMoved: t.Moved, ApproximateNumberOfMessagesToMove: t.ToMove, FailureReason: t.Failure,
		StartedTimestamp: t.Started.UnixMilli(),
	}
	if t.Status == taskRunning {
		result.TaskHandle = e.taskHandle(t)
	}
	return result
}
