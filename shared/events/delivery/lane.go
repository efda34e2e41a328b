package delivery

import (
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/event"
)

// Lane is the right to deliver to one endpoint, and what that needs.
type Lane struct {
	ID           string // the subscription's
	Owner        string
	CallbackURL  string
	RateLimit    int
	Secrets      Secrets
	FailingSince time.Time
	// SigningProblem, when not "", says why there are no secrets: nothing may be sent.
	SigningProblem string
	// Disabled says that nothing more is to be sent, as an answer asked for.
	Disabled bool
}

// Job is a delivery that is due.
type Job struct {
	DeliveryID string
	Attempts   int // made so far
	Event      event.Event
}

// Result is an attempt and what follows from it.
type Result struct {
	DeliveryID string
	Attempt    Attempt
	Decision   Decision
}

// Round is what a lane's worker has to store of a round of attempts.
type Round struct {
	At           time.Time
	Results      []Result
	FailingSince time.Time // as it is now; zero: something was taken
	RestUntil    time.Time // nothing is to be sent before; zero: at once
	Disable      string    // why nothing more is to be sent; "": it goes on
	Events       []event.Event
}

// AtAnotherAddress returns the round of a subscription that has another address by now: what was not taken is due there at once.
func (r Round) AtAnotherAddress() Round {
	r.Disable, r.Events, r.Results = "", nil, slices.Clone(r.Results)
	for i := range r.Results {
		if r.Results[i].Decision.Status != Delivered {
			r.Results[i].Decision = Decision{Status: Waiting, At: r.At}
		}
	}
	return r
}
