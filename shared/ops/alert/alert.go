// Package alert says when a person is to be told: what is known goes in, what holds comes out, and what changed. Pure.
package alert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Condition is what a person is told of.
type Condition string

// The conditions.
const (
	ServiceUnavailable Condition = "service_unavailable" // subject: the service
	HighErrorRate      Condition = "high_error_rate"     // subject: the service
	SyncFailure        Condition = "sync_failure"
	TokenExpiry        Condition = "token_expiry"  //nolint:gosec // no credential; subject: the provider
	DeadLetters        Condition = "dead_letters"  // subject: the queue
	StaleData          Condition = "stale_data"    // subject: the database
	DeletesHeld        Condition = "deletes_held"  // subject: the database
	Inconsistent       Condition = "inconsistency" // the last check found records that differ
	SyncStalled        Condition = "sync_stalled"  // subject: the database
	WorkspaceFull      Condition = "workspace_full"
)

// Limits say from when on a condition holds.
type Limits struct {
	ErrorRate   float64 // more than this share of calls failed
	Calls       int64   // of at least so many
	FailedSyncs int     // more than so many failed in a row
	TokenExpiry time.Duration
	Freshness   time.Duration // a database was not brought into step for longer than this
	Standstill  time.Duration // nobody has worked on a database's sync for longer than this
	RepeatEvery time.Duration // what still holds is told again after this
}

// Defaults are the specification's limits.
func Defaults() Limits {
	return Limits{
		ErrorRate: 0.05, Calls: 10, FailedSyncs: 3, TokenExpiry: 24 * time.Hour, Freshness: time.Hour, Standstill: 2 * time.Minute, RepeatEvery: time.Hour,
	}
}

// Of returns the limits of a connection whose databases are synced at that interval, zero for as often as may be: one that is synced seldom
// is out of date when a sync was missed.
func (l Limits) Of(interval time.Duration) Limits {
	l.Freshness = max(l.Freshness, 2*interval)
	return l
}

// Window is the stretch of time in which an error rate is looked at.
const Window = 15 * time.Minute

// Rate is how calls went.
type Rate struct{ Calls, Errors int64 }

// Samples are what is known. What a map does not have is not known, and stays as it was.
type Samples struct {
	Now          time.Time
	Unreachable  map[string]string        // by service, why it cannot be reached; "" when it can
	Rates        map[string]Rate          // by service, of the last Window
	FailedSyncs  int                      // in a row
	Tokens       map[string]time.Time     // by provider, when its token expires; zero: it has none that does
	DeadLetters  map[string]int           // by queue
	Freshness    map[string]time.Duration // by database, since it was brought into step
	Stalled      map[string]time.Duration // by database, for how long its sync has waited with nobody at work on it
	Held         map[string]int           // by database, deletions that wait for a person
	Inconsistent int                      // records that the last check found to differ
	Full         *Full                    // Notion takes no more pages; nil: it does
}

// Full is a workspace that takes no more pages.
type Full struct {
	Reason  string
	Waiting int // records that wait to be created there
}

// Key names an alert.
type Key struct {
	Condition Condition
	Subject   string
}

// Verdict says whether a condition holds, and in what words.
type Verdict struct {
	Holds   bool
	Message string
}

// Evaluate judges everything that is known.
func Evaluate(s Samples, l Limits) map[Key]Verdict {
	verdicts := map[Key]Verdict{}
	say := func(c Condition, subject string, holds bool, format string, args ...any) {
		verdicts[Key{c, subject}] = Verdict{holds, fmt.Sprintf(format, args...)}
	}
	for service, why := range s.Unreachable {
		say(ServiceUnavailable, service, why != "", "%s", why)
	}
	for service, r := range s.Rates {
		holds := r.Calls > 0 && r.Calls >= l.Calls && float64(r.Errors)/float64(r.Calls) > l.ErrorRate
		say(HighErrorRate, service, holds, "%d of %d calls failed in %d minutes (%.2f %%).", r.Errors, r.Calls, int(Window.Minutes()), 100*float64(r.Errors)/float64(max(r.Calls, 1)))
	}
	say(SyncFailure, "", s.FailedSyncs > l.FailedSyncs, "The last %d syncs failed. GET /sync/status says why.", s.FailedSyncs)
	for provider, at := range s.Tokens {
		left := at.Sub(s.Now)
		text := fmt.Sprintf("The token of %s expires at %s. Connect it again.", provider, at.UTC().Format(time.RFC3339))
		if left <= 0 {
			text = fmt.Sprintf("The token of %s expired at %s. Connect it again.", provider, at.UTC().Format(time.RFC3339))
		}
		say(TokenExpiry, provider, !at.IsZero() && left <= l.TokenExpiry, "%s", text)
	}
	for queue, n := range s.DeadLetters {
		say(DeadLetters, queue, n > 0, "%d messages could not be worked on and lie in the dead letters. Look at the logs, then redrive them.", n)
	}
	for database, age := range s.Freshness {
		say(StaleData, database, age > l.Freshness, "It was last brought into step %s ago.", age.Round(time.Minute))
	}
	for database, age := range s.Stalled {
		say(SyncStalled, database, age > l.Standstill, "Nobody has worked on its sync for %s. It is handed over again every minute; the logs of sync-worker and sync-schedule say why.", age.Round(time.Minute))
	}
	for database, n := range s.Held {
		say(DeletesHeld, database, n > 0, "%d deletions are held until somebody decides: POST /sync/held/{id}.", n)
	}
	say(Inconsistent, "", s.Inconsistent > 0, "%d records differ between Notion and Supabase. GET /data-consistency lists them.", s.Inconsistent)
	full := cmp.Or(s.Full, &Full{})
	say(WorkspaceFull, "", s.Full != nil, "%d records wait to be created in Notion. %s", full.Waiting, full.Reason)
	return verdicts
}

// Alert is a condition that held, and whether it still does.
type Alert struct {
	ID             string
	Key            Key
	Message        string
	RaisedAt       time.Time
	ResolvedAt     time.Time // zero: it still holds
	ToldAt         time.Time // when it was last told of
	AcknowledgedBy string
	AcknowledgedAt time.Time
	SilencedUntil  time.Time // zero: it is not
}

// Change is what becomes of an alert.
type Change struct {
	Alert Alert
	Event Event
}

// Event is what others are told.
type Event string

// The events.
const (
	Quiet    Event = ""         // nobody is told: the words changed, or it is acknowledged or silenced
	Raised   Event = "raised"   // it holds, or still holds
	Resolved Event = "resolved" // it holds no more
)

// Step returns what changes from the alerts that are open to what now holds. A condition of which nothing is known stays as it is; one is
// told of once, and again at most every RepeatEvery, unless somebody has acknowledged or silenced it. newID gives ids for new alerts.
func Step(open []Alert, verdicts map[Key]Verdict, now time.Time, l Limits, newID func() string) []Change {
	known := map[Key]Alert{}
	for _, a := range open {
		known[a.Key] = a
	}
	var changes []Change
	for _, key := range slices.SortedFunc(maps.Keys(verdicts), func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Condition, b.Condition), cmp.Compare(a.Subject, b.Subject))
	}) {
		v := verdicts[key]
		a, isOpen := known[key]
		switch {
		case v.Holds && !isOpen:
			changes = append(changes, Change{Alert{ID: newID(), Key: key, Message: v.Message, RaisedAt: now, ToldAt: now}, Raised})
		case v.Holds:
			quiet := a.AcknowledgedBy != "" || now.Before(a.SilencedUntil)
			due := now.Sub(a.ToldAt) >= l.RepeatEvery
			if a.Message == v.Message && (quiet || !due) {
				continue
			}
			a.Message = v.Message
			e := Quiet
			if due && !quiet {
				a.ToldAt, e = now, Raised
			}
			changes = append(changes, Change{a, e})
		case isOpen:
			a.ResolvedAt = now
			changes = append(changes, Change{a, Resolved})
		}
	}
	return changes
}

func (c Condition) title() string {
	switch c {
	case ServiceUnavailable:
		return "%s cannot be reached"
	case HighErrorRate:
		return "Many calls to %s fail"
	case SyncFailure:
		return "Syncs fail"
	case TokenExpiry:
		return "The token of %s expires"
	case DeadLetters:
		return "Dead letters in the queue %s"
	case StaleData:
		return "%s are out of date"
	case SyncStalled:
		return "The sync of %s stands still"
	case DeletesHeld:
		return "Deletions of %s are held"
	case Inconsistent:
		return "Notion and Supabase differ"
	case WorkspaceFull:
		return "The Notion workspace is full"
	}
	return string(c)
}

// Title names an alert for people.
func (k Key) Title() string {
	name := k.Condition.title()
	subject := map[string]string{"notion": "Notion", "supabase": "Supabase", "secrets": "Secrets Manager", "queue": "SQS"}[k.Subject]
	if subject == "" {
		subject = k.Subject
	}
	if k.Subject == "" || !strings.Contains(name, "%s") {
		return name
	}
	title := fmt.Sprintf(name, subject)
	return strings.ToUpper(title[:1]) + title[1:]
}
