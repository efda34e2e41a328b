package sqs

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

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
				return refusal.InvalidValue(*rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
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
		return nil, refusal.MissingParameter("SourceArn")
	}
	e := s.byARN(arn)
	if e == nil {
		return nil, refusal.NoSuchResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	return e, nil
}

func (s *Service) checkMove(source *entry, destination string) error {
	if !s.hasSources(source) {
		return refusal.InvalidParameter("Source queue must be configured as a Dead Letter Queue.")
	}
	if slices.Contains(s.moving(), source) {
		return refusal.InvalidParameter("There is already a task running. Only one active task is allowed for a source queue arn " +
			"at a given time.")
	}
	if destination == "" {
		return nil
	}
	to := s.byARN(destination)
	switch {
	case to == nil:
		return refusal.NoSuchResource("The resource that you specified for the DestinationArn parameter doesn't exist.")
	case to == source:
		return refusal.InvalidParameter("Source queue arn and destination queue arn must not be the same.")
	case to.Attributes.FIFO() != source.Attributes.FIFO():
		return refusal.InvalidParameter("Source queue and destination queue must be of the same type.")
	}
	return nil
}

// hasSources reports whether e is the dead-letter queue of any queue.
func (s *Service) hasSources(e *entry) bool {
	for _, other := range s.queues {
		if other.Attributes.Redrive().Target == e.arn() {
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
				return refusal.InvalidParameter("Only active tasks can be cancelled.")
			}
			t.Status = taskCancelled
			source.touch()
			out.ApproximateNumberOfMessagesMoved = t.Moved
			return nil
		}
		return refusal.NoSuchResource("Task does not exist.")
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
		return "", "", refusal.InvalidParameter("Value for parameter TaskHandle is invalid.")
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
				return refusal.InvalidValue(limit, "MaxResults", "Must be between 1 and 10, if provided.")
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
