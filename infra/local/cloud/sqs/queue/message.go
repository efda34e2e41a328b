package queue

import "time"

// Attribute is a value that the sender put beside the body.
type Attribute struct {
	DataType    string `json:"type"`
	StringValue string `json:"string,omitempty"`
	BinaryValue []byte `json:"binary,omitempty"`
}

// Content is what the sender said. It never changes.
type Content struct {
	Body            string               `json:"body"`
	Attributes      map[string]Attribute `json:"attributes,omitempty"`
	TraceHeader     string               `json:"trace,omitempty"`
	Sender          string               `json:"sender,omitempty"`
	Group           string               `json:"group,omitempty"`
	DeduplicationID string               `json:"deduplication,omitempty"`
}

// Message is what the sender said and what became of it.
type Message struct {
	ID       string `json:"id"`
	Sequence uint64 `json:"sequence"` // its place in the queue
	Content

	SentAt          time.Time `json:"sent"`
	EnqueuedAt      time.Time `json:"enqueued"`         // what retention counts from
	AvailableAt     time.Time `json:"available"`        // the end of the delay that a standard queue gave it
	InFlightUntil   time.Time `json:"in_flight_until"`  // the end of its last visibility timeout
	ReceivedAt      time.Time `json:"received"`         // its last receipt
	FirstReceivedAt time.Time `json:"first_received"`   // its first
	Receives        int       `json:"receives"`         // ever
	Attempts        int       `json:"attempts"`         // in this queue: a dead-letter queue begins anew
	Source          string    `json:"source,omitempty"` // the queue that it died in
}

// inFlight reports whether a consumer has it.
func (m *Message) inFlight(now time.Time) bool { return now.Before(m.InFlightUntil) }

// Receipt is one receipt of a message: which message, and which of its receipts. Only the last one counts.
type Receipt struct {
	ID      string
	Receive int
}

// Receipt returns the message's last receipt.
func (m *Message) Receipt() Receipt { return Receipt{ID: m.ID, Receive: m.Receives} }
