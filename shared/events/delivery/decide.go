package delivery

import (
	"fmt"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

const (
	// busyWait is the least wait after an answer that says that the endpoint, or what stands before it, is overloaded.
	busyWait = time.Minute
	// longestRest is the longest wait that an answer may ask for.
	longestRest = 24 * time.Hour
	// givenUp is how long everything must have failed before a subscription is disabled.
	givenUp = 120 * time.Hour
	// jitter is how much a wait may differ from the schedule's, either way.
	jitter = 0.2
)

// The answers that mean more than their class.
const (
	gone            = 410
	tooManyRequests = 429
	badGateway      = 502
	gatewayTimeout  = 504
)

// Schedule holds the waits between attempts: one more attempt is made than there are waits.
type Schedule []time.Duration

// UsualSchedule spreads eight attempts over a little more than a day.
func UsualSchedule() Schedule {
	return Schedule{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
	}
}

// Outcome is how an attempt went.
type Outcome struct {
	StatusCode int           // 0: there was no answer
	RetryAfter time.Duration // the rest that the answer asked for; 0: none
}

// Decision is what is to become of a delivery, and of its subscription.
type Decision struct {
	Status Status
	At     time.Time // of the next attempt, while waiting
	// Rest is how long the endpoint is to be left alone with everything.
	Rest time.Duration
	// Disable, when not "", says why nothing more is to be sent there.
	Disable string
}

// Decide says what follows from an attempt. Only 2xx is success; a redirection is not followed and is a failure. number counts the
// attempts, this one included, from 1; chance is from 0 up to 1 and spreads the waits; failingSince is when the endpoint began to
// fail, zero when this is its first failure.
func (s Schedule) Decide(o Outcome, number int, chance float64, now, failingSince time.Time) Decision {
	switch {
	case o.StatusCode >= 200 && o.StatusCode < 300:
		return Decision{Status: Delivered}
	case o.StatusCode == gone:
		return Decision{Status: Dead, Disable: "The endpoint answered 410: it is gone."}
	}
	d := Decision{Status: Dead}
	if number > len(s) && !failingSince.IsZero() && now.Sub(failingSince) >= givenUp {
		d.Disable = fmt.Sprintf("Everything has failed for %d hours.", int(givenUp.Hours()))
	}
	rest := min(o.RetryAfter, longestRest)
	if rest > 0 {
		d.Rest = rest
	}
	if number > len(s) {
		return d
	}
	wait := time.Duration(float64(s[max(number, 1)-1]) * (1 - jitter + 2*jitter*chance))
	switch o.StatusCode {
	case tooManyRequests, badGateway, gatewayTimeout:
		wait = max(wait, busyWait)
	default:
	}
	d.Status, d.At = Waiting, now.Add(max(wait, rest))
	return d
}

// ParseSchedule reads waits such as "5s 5m 30m". fault.Invalid: it is no list of 1 to 20 positive waits of at most a day.
func ParseSchedule(waits []string) (Schedule, error) {
	s := make(Schedule, 0, len(waits))
	for _, text := range waits {
		wait, err := time.ParseDuration(text)
		if err != nil || wait <= 0 || wait > 24*time.Hour {
			return nil, fault.New(fault.Invalid, "%.20q is no wait such as 5s, 30m or 10h.", text)
		}
		s = append(s, wait)
	}
	if len(s) == 0 || len(s) > 20 {
		return nil, fault.New(fault.Invalid, "A schedule has 1 to 20 waits.")
	}
	return s, nil
}
