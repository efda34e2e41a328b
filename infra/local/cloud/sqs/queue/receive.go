package queue

import (
	"errors"
	"time"
)

// ErrTooManyInFlight says that a standard queue gives out nothing until some of what is in flight is deleted.
var ErrTooManyInFlight = errors.New("too many messages are in flight")

// Request is what a consumer asks for.
type Request struct {
	Max         int           // how many messages at most
	Visibility  time.Duration // how long they are in flight
	MaxAttempts int           // after how many receipts a message is dead; zero: never
}

// Receive hands out the oldest messages that are available, a FIFO queue's by group, and takes out of the queue those that
// would have been given out but are dead. What is older than the queue's retention it drops.
func (q *Queue) Receive(now time.Time, r Request) (delivered, dead []*Message, err error) {
	q.expire(now)
	if len(q.messages) >= MaxInFlight && q.Count(now).InFlight >= MaxInFlight {
		if q.settings.FIFO {
			return nil, nil, nil
		}
		return nil, nil, ErrTooManyInFlight
	}
	for m := range q.candidates(now) {
		if r.MaxAttempts > 0 && m.Attempts >= r.MaxAttempts {
			dead = append(dead, m)
			continue
		}
		delivered = append(delivered, m)
		if len(delivered) >= r.Max {
			break
		}
	}
	for _, m := range dead {
		q.remove(m)
	}
	for _, m := range delivered {
		q.deliver(now, m, r.Visibility)
	}
	return delivered, dead, nil
}

// Peek returns the oldest message that is available; nil when there is none.
func (q *Queue) Peek(now time.Time) *Message {
	q.expire(now)
	for m := range q.candidates(now) {
		return m
	}
	return nil
}

// Take removes a message that Peek gave, because it moves elsewhere.
func (q *Queue) Take(m *Message) { q.remove(m) }

// candidates yields what may be given out now, in order. The queue must not change meanwhile.
func (q *Queue) candidates(now time.Time) func(yield func(*Message) bool) {
	if q.settings.FIFO {
		return func(yield func(*Message) bool) { q.byGroup(now, yield) }
	}
	return func(yield func(*Message) bool) {
		for _, m := range q.messages {
			if !m.inFlight(now) && !now.Before(q.availableAt(m)) && !yield(m) {
				return
			}
		}
	}
}

// byGroup yields all that a group may give before the next group's, the group with the oldest message first.
func (q *Queue) byGroup(now time.Time, yield func(*Message) bool) {
	done := map[string]bool{}
	for _, m := range q.messages {
		if m.inFlight(now) {
			done[m.Group] = true
		}
	}
	for i, first := range q.messages {
		if done[first.Group] {
			continue
		}
		done[first.Group] = true
		for _, m := range q.messages[i:] {
			if m.Group != first.Group {
				continue
			}
			if now.Before(q.availableAt(m)) {
				break // what comes after it is due later
			}
			if !yield(m) {
				return
			}
		}
	}
}

func (q *Queue) deliver(now time.Time, m *Message, visibility time.Duration) {
	if m.Receives == 0 {
		m.FirstReceivedAt = now
	}
	m.Receives++
	m.Attempts++
	m.ReceivedAt = now
	m.InFlightUntil = now.Add(visibility)
	q.changes.Messages[m.Sequence] = m
}
