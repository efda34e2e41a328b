// Package queue is one SQS queue as a state machine: pure, told the time, without input or output. It knows visibility, delay,
// retention, message groups, deduplication and death after too many receipts; it knows nothing of HTTP, names or files.
//
// On a FIFO queue nothing of a group is given out while one of the group is in flight, and what is given out is the group's
// oldest. SQS itself gives out the messages before one whose timeout was extended beyond theirs; here they wait for it.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-how-it-works.html and
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html.
package queue

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// Limits that SQS sets and no attribute changes.
const (
	DeduplicationWindow = 5 * time.Minute
	MaxVisibility       = 12 * time.Hour
	MaxInFlight         = 120_000
)

// What may be wrong with a receipt.
var (
	ErrUnknown     = errors.New("the message is gone, or was received again")
	ErrExpired     = errors.New("the receipt has expired")
	ErrNotInFlight = errors.New("the message is not in flight")
	ErrTooLong     = errors.New("the message would be in flight for more than twelve hours")
)

// Settings are the attributes that decide what a queue does with its messages.
type Settings struct {
	FIFO          bool
	PerGroupDedup bool          // a FIFO queue's deduplication ids are each group's own
	Delay         time.Duration // on a FIFO queue it holds for the messages that are already there too
	Retention     time.Duration
}

// Queue is a queue and its messages. It is not safe for concurrent use.
type Queue struct {
	settings Settings
	messages []*Message // by Sequence
	byID     map[string]*Message
	sent     map[string]Duplicate // a FIFO queue's sends of the last five minutes
	recent   []Duplicate          // the same, oldest first
	last     uint64               // the greatest Sequence given
	oldest   time.Time            // no message was enqueued before it
	changes  Changes
}

// New makes an empty queue.
func New(settings Settings) *Queue {
	q := &Queue{settings: settings, byID: map[string]*Message{}, sent: map[string]Duplicate{}}
	q.Saved()
	return q
}

// Configure changes the settings; FIFO stays what it was.
func (q *Queue) Configure(settings Settings) {
	settings.FIFO = q.settings.FIFO
	q.settings = settings
}

// Send puts a message at the end, under id, and gives the id and sequence by which it is known. To a FIFO queue a
// deduplication id that was sent in the last five minutes adds nothing, and what it gives is the message then sent. On a
// FIFO queue delay has no effect: the queue's own holds.
func (q *Queue) Send(now time.Time, id string, content Content, delay time.Duration) (string, uint64) {
	if q.settings.FIFO {
		if d, ok := q.duplicate(now, content); ok {
			return d.ID, d.Sequence
		}
	}
	m := &Message{ID: id, Content: content, SentAt: now, EnqueuedAt: now, AvailableAt: now.Add(delay)}
	q.append(now, m)
	if q.settings.FIFO {
		q.remember(now, m)
	}
	return m.ID, m.Sequence
}

// Bury puts a message that died in source at the end: with its id, content, receipts and time of sending. On a standard
// queue its retention goes on; on a FIFO queue it begins anew, and the message's id becomes its deduplication id.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html.
func (q *Queue) Bury(now time.Time, m *Message, source string) {
	dead := *m
	dead.Source, dead.Attempts = source, 0
	dead.InFlightUntil, dead.AvailableAt = time.Time{}, now
	if q.settings.FIFO {
		dead.EnqueuedAt, dead.DeduplicationID = now, dead.ID
	}
	q.append(now, &dead)
}

func (q *Queue) append(now time.Time, m *Message) {
	// From the clock, so that it goes on growing over a restart without being stored.
	q.last = max(q.last+1, uint64(max(now.UnixNano(), 0)))
	m.Sequence = q.last
	q.Restore(m)
	q.changes.Messages[m.Sequence] = m
}

// Restore puts back a message as it was stored. Messages are restored in the order of their sequence.
func (q *Queue) Restore(m *Message) {
	q.last = max(q.last, m.Sequence)
	if len(q.messages) == 0 || m.EnqueuedAt.Before(q.oldest) {
		q.oldest = m.EnqueuedAt
	}
	q.messages = append(q.messages, m)
	q.byID[m.ID] = m
}

// Delete removes a received message. A message that is gone already is no error. An older receipt than the last one
// deletes nothing, which a standard queue says nothing of; on a FIFO queue it, and a receipt whose visibility timeout ran
// out, is ErrExpired.
func (q *Queue) Delete(now time.Time, r Receipt) error {
	q.expire(now)
	m := q.byID[r.ID]
	switch {
	case m == nil:
		return nil
	case q.settings.FIFO && (m.Receives != r.Receive || !m.inFlight(now)):
		return ErrExpired
	case m.Receives == r.Receive:
		q.remove(m)
	}
	return nil
}

// ChangeVisibility makes a message in flight visible again when visibility has passed from now on; zero is at once. It
// fails with ErrUnknown, ErrNotInFlight, or ErrTooLong when the message would be in flight for more than twelve hours.
func (q *Queue) ChangeVisibility(now time.Time, r Receipt, visibility time.Duration) error {
	q.expire(now)
	m := q.byID[r.ID]
	until := now.Add(visibility)
	switch {
	case m == nil || m.Receives != r.Receive:
		return ErrUnknown
	case !m.inFlight(now):
		return ErrNotInFlight
	case until.Sub(m.ReceivedAt) > MaxVisibility:
		return ErrTooLong
	}
	m.InFlightUntil = until
	q.changes.Messages[m.Sequence] = m
	return nil
}

// Release makes every message that is in flight visible: its consumer is known to be dead.
func (q *Queue) Release(now time.Time) {
	for _, m := range q.messages {
		if m.inFlight(now) {
			m.InFlightUntil = time.Time{}
			q.changes.Messages[m.Sequence] = m
		}
	}
}

// Purge removes every message, those in flight too. What was sent is still remembered for deduplication.
func (q *Queue) Purge() {
	for _, m := range q.messages {
		q.changes.Messages[m.Sequence] = nil
	}
	q.messages = nil
	clear(q.byID)
}

// Count is how many messages a queue holds, by what can be done with them.
type Count struct{ Visible, InFlight, Delayed int }

// Count counts. On a FIFO queue a message that waits for its group is visible.
func (q *Queue) Count(now time.Time) Count {
	q.expire(now)
	var n Count
	for _, m := range q.messages {
		switch {
		case m.inFlight(now):
			n.InFlight++
		case now.Before(q.availableAt(m)):
			n.Delayed++
		default:
			n.Visible++
		}
	}
	return n
}

// Next returns the first time after now at which passing time alone may make a message available; zero when none will.
func (q *Queue) Next(now time.Time) time.Time {
	q.expire(now)
	var next time.Time
	for _, m := range q.messages {
		for _, t := range []time.Time{m.InFlightUntil, q.availableAt(m)} {
			if t.After(now) && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return next
}

func (q *Queue) availableAt(m *Message) time.Time {
	if q.settings.FIFO {
		return m.EnqueuedAt.Add(q.settings.Delay)
	}
	return m.AvailableAt
}

// expire drops what is older than the queue's retention. What looks at messages calls it first.
func (q *Queue) expire(now time.Time) {
	if len(q.messages) == 0 || now.Before(q.oldest.Add(q.settings.Retention)) {
		return
	}
	q.oldest = now
	q.messages = slices.DeleteFunc(q.messages, func(m *Message) bool {
		if now.Before(m.EnqueuedAt.Add(q.settings.Retention)) {
			if m.EnqueuedAt.Before(q.oldest) {
				q.oldest = m.EnqueuedAt
			}
			return false
		}
		delete(q.byID, m.ID)
		q.changes.Messages[m.Sequence] = nil
		return true
	})
}

func (q *Queue) remove(m *Message) {
	i, found := slices.BinarySearchFunc(q.messages, m.Sequence, func(m *Message, sequence uint64) int {
		return cmp.Compare(m.Sequence, sequence)
	})
	if found {
		q.messages = slices.Delete(q.messages, i, i+1)
	}
	delete(q.byID, m.ID)
	q.changes.Messages[m.Sequence] = nil
}
