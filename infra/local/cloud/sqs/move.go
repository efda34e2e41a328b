package sqs

import (
	"cmp"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
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

// due returns how many messages have been due to move by now: the first at once, the others one after the other.
func (t *moveTask) due(now time.Time) int {
	if t.Rate == 0 {
		return t.ToMove
	}
	longest := time.Duration(t.ToMove/t.Rate+1) * time.Second // by then all are due, however long ago that was
	elapsed := min(now.Sub(t.Started), longest)
	return min(t.ToMove, 1+int(elapsed*time.Duration(t.Rate)/time.Second))
}

// next returns when the next message is due.
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

// moving returns the queues with a running task, which is their newest, in order.
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
			t.fail(refusal.NoSuchQueue().Query)
			return
		}
		e.messages.Take(m)
		// A message that is moved counts as new. No other has its deduplication id, so that it cannot be swallowed.
		moved := m.Content
		if e.Attributes.FIFO() {
			moved.DeduplicationID = m.ID
		}
		to.messages.Send(now, s.cfg.NewID(), moved, 0)
		t.Moved++
	}
	if t.Moved >= t.ToMove || e.messages.Peek(now) == nil {
		t.Status = taskCompleted
	}
}

// next returns how long it is until passing time may make a message of e available; zero when it will not.
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
