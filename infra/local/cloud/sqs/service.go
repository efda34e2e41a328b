// Package sqs is Amazon SQS on one machine: the operations of its API over the state machines of package queue, long polls, the
// moving of dead letters, and what is stored of it all.
//
// It offers less than SQS in this: queue policies are stored and never asked, keys of KMS likewise, FIFO throughput has no
// limit, and ReceiveRequestAttemptId is ignored. It is kinder in that a deleted queue's name is free at once and attributes take
// effect at once, and stricter in that it always refuses to change the visibility of a message that is not in flight, as is
// documented, where SQS now and then allows it.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html.
package sqs

import (
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

// Store is where the service keeps its state. Write makes all changes or none; a nil value removes its key.
type Store interface {
	Each(prefix string, f func(key string, value []byte) error) error
	Write(changes map[string][]byte) error
}

// Config is what the service depends on. All of it is required.
type Config struct {
	Store Store
	Now   func() time.Time
	NewID func() string // of messages and tasks: unique, without colons
	// KeepInFlight leaves messages that were in flight when the process ended in flight until their visibility timeout
	// runs out. Without it they are visible at once, since whoever received them is taken to have ended too.
	KeepInFlight bool
}

// Service answers SQS calls. It is safe for concurrent use.
type Service struct {
	cfg    Config
	closed chan struct{}
	close  func()

	mu     sync.Mutex
	queues map[address]*entry
}

// address is what tells queues apart.
type address struct{ account, region, name string }

func (a address) arn() string { return "arn:aws:sqs:" + a.region + ":" + a.account + ":" + a.name }

func (a address) url(base string) string { return base + "/" + a.account + "/" + a.name }

// entry is a queue and what is known of it beside its messages.
type entry struct {
	address
	record
	messages *queue.Queue
	unsaved  bool          // the record changed since it was written
	changed  chan struct{} // closed when the queue next changes
}

// touch says that the record must be written.
func (e *entry) touch() { e.unsaved = true }

// wake lets the polls that wait look again.
func (e *entry) wake() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// Open makes the service from what its store holds.
func Open(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, closed: make(chan struct{}), queues: map[address]*entry{}}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends the polls that wait, with no messages.
func (s *Service) Close() { s.close() }

// Operations returns the operations by name.
func (s *Service) Operations() map[string]awsjson.Operation {
	return map[string]awsjson.Operation{
		"CancelMessageMoveTask":        awsjson.Typed(s.cancelMessageMoveTask),
		"ChangeMessageVisibility":      awsjson.Typed(s.changeMessageVisibility),
		"ChangeMessageVisibilityBatch": awsjson.Typed(s.changeMessageVisibilityBatch),
		"CreateQueue":                  awsjson.Typed(s.createQueue),
		"DeleteMessage":                awsjson.Typed(s.deleteMessage),
		"DeleteMessageBatch":           awsjson.Typed(s.deleteMessageBatch),
		"DeleteQueue":                  awsjson.Typed(s.deleteQueue),
		"GetQueueAttributes":           awsjson.Typed(s.getQueueAttributes),
		"GetQueueUrl":                  awsjson.Typed(s.getQueueURL),
		"ListDeadLetterSourceQueues":   awsjson.Typed(s.listDeadLetterSourceQueues),
		"ListMessageMoveTasks":         awsjson.Typed(s.listMessageMoveTasks),
		"ListQueueTags":                awsjson.Typed(s.listQueueTags),
		"ListQueues":                   awsjson.Typed(s.listQueues),
		"PurgeQueue":                   awsjson.Typed(s.purgeQueue),
		"ReceiveMessage":               awsjson.Typed(s.receiveMessage),
		"SendMessage":                  awsjson.Typed(s.sendMessage),
		"SendMessageBatch":             awsjson.Typed(s.sendMessageBatch),
		"SetQueueAttributes":           awsjson.Typed(s.setQueueAttributes),
		"StartMessageMoveTask":         awsjson.Typed(s.startMessageMoveTask),
		"TagQueue":                     awsjson.Typed(s.tagQueue),
		"UntagQueue":                   awsjson.Typed(s.untagQueue),
	}
}

// NotOffered is the answer to an operation that SQS has and this service has not.
func NotOffered(operation string) *awsjson.Error {
	return refusal.Unsupported(operation + " is not offered by the local cloud.")
}

// do runs f alone, after what passing time does, and writes what changed before anybody learns of it. Where writing
// fails, what changed stays in memory and is written with the next change.
func (s *Service) do(f func(now time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	s.moveDue(now)
	err := f(now)
	if unwritten := s.save(); unwritten != nil {
		return unwritten
	}
	return err
}

// on runs f on the queue at url alone.
func (s *Service) on(scope awsjson.Scope, url string, f func(now time.Time, e *entry) error) error {
	return s.do(func(now time.Time) error {
		e, err := s.find(scope, url)
		if err != nil {
			return err
		}
		return f(now, e)
	})
}

type nothing struct{}

// changing makes an operation with no answer of its own.
func (s *Service) changing(
	scope awsjson.Scope, url string, f func(now time.Time, e *entry) error,
) (nothing, error) {
	return nothing{}, s.on(scope, url, f)
}
