// Package delivery says what is sent to subscribers, and what becomes of it: who wants which event, what an answer means, when to
// try again. Pure.
//
// The form is that of Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package delivery

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/event"
)

// State is what a subscription is.
type State string

// The states. What happens while a subscription is paused waits for it; what happens while it is disabled passes it by.
const (
	Active   State = "active"
	Paused   State = "paused"
	Disabled State = "disabled"
)

// Subscription says who is told of what.
type Subscription struct {
	ID          string
	CallbackURL string
	Description string
	EventTypes  []string // filters, as event.Match takes them
	Databases   []string // kinds; none: all
	RateLimit   int      // deliveries in a second at the most
	State       State
	// Reason says why it is disabled.
	Reason       string
	FailingSince time.Time // zero: what was last sent was taken
	// SigningProblem says why nothing can be signed, and so nothing is sent; "": it can.
	SigningProblem string
	CreatedBy      string
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Once says which call a subscription was asked for with, so that the same call, repeated, does not make another.
type Once struct {
	Key   string // the caller's Idempotency-Key; "": none
	Asked string // a hash of what was asked for
}

// Wants reports whether a subscription is to be told of an event. A subscription to some databases is told of what concerns one of
// them, and of what concerns no database at all.
func (s Subscription) Wants(e event.Event) bool {
	if s.State == Disabled || e.Timestamp.Before(s.CreatedAt) {
		return false
	}
	if !slices.ContainsFunc(s.EventTypes, func(filter string) bool { return slices.Contains(event.Match(filter), e.Type) }) {
		return false
	}
	if len(s.Databases) == 0 {
		return true
	}
	concerned := databasesOf(e)
	return len(concerned) == 0 || slices.ContainsFunc(concerned, func(kind string) bool { return slices.Contains(s.Databases, kind) })
}

func databasesOf(e event.Event) []string {
	var data struct {
		Kind      string                     `json:"kind"`
		Databases map[string]json.RawMessage `json:"databases"`
	}
	_ = json.Unmarshal(e.Data, &data) // what has another form concerns no database
	var kinds []string
	for kind := range data.Databases {
		kinds = append(kinds, kind)
	}
	if data.Kind != "" {
		kinds = append(kinds, data.Kind)
	}
	return kinds
}

// Status is what became of a delivery.
type Status string

// The statuses. Dead is a delivery that will not be tried again by itself.
const (
	Waiting   Status = "waiting"
	Delivered Status = "delivered"
	Dead      Status = "dead"
)

// Statuses returns every status.
func Statuses() []Status { return []Status{Waiting, Delivered, Dead} }

// Delivery is one event for one subscriber.
type Delivery struct {
	ID             string
	SubscriptionID string
	EventID        string
	EventType      event.Type
	ReplayOf       string // the delivery that this one repeats; "" for the first
	Status         Status
	Attempts       int
	NextAttemptAt  time.Time
	LastStatus     int // HTTP status of the last answer; 0 when there was none
	LastError      string
	CreatedAt      time.Time
	FinishedAt     time.Time
}

// Attempt is one request to a subscriber.
type Attempt struct {
	Number     int
	StartedAt  time.Time
	Duration   time.Duration
	StatusCode int    // 0: no answer
	Answer     string // its beginning
	Error      string // why there was no answer
}

// Filter says which deliveries are asked for.
type Filter struct {
	Status Status // "": all
	Before string // only deliveries before this id; "": from the newest
	Limit  int
}

// Body returns what is sent for an event: always the same bytes, so that every attempt carries the same body.
func Body(e event.Event) ([]byte, error) {
	e.Timestamp = e.Timestamp.UTC()
	return json.Marshal(e)
}
