// Package monitor looks, once a minute, whether everything is well, and has people told when it is not.
package monitor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/ops/alert"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// checkLimit is how long a service may take to answer.
const checkLimit = 5 * time.Second

// Check asks a service whether it is well.
type Check func(ctx context.Context) error

// Alerts keeps the alerts.
type Alerts interface {
	// Samples returns what is known but for reachability and dead letters.
	Samples(ctx context.Context, now time.Time) (alert.Samples, error)
	// Step stores what decide says changes.
	Step(ctx context.Context, now time.Time, decide func(open []alert.Alert) []alert.Change) error
}

// Monitor watches.
type Monitor struct {
	Checks  map[metric.Service]Check
	Alerts  func(ctx context.Context) (Alerts, error) // the database may be away
	Letters func(ctx context.Context) (map[string]int, error)
	Observe func(metric.Sample)
	Limits  alert.Limits
	Now     func() time.Time
	NewID   func() string
	Log     *slog.Logger
}

// Watch looks once. It may be called at any time, and twice at once: the state of the alerts decides what is new. While Postgres is away
// nothing can be kept; the checks are in the log, as metrics, and CloudWatch raises the alarm.
func (m Monitor) Watch(ctx context.Context) error {
	unreachable := m.check(ctx)
	letters, lettersErr := m.Letters(ctx)
	alerts, err := m.Alerts(ctx)
	if err != nil {
		return errors.Join(err, lettersErr)
	}
	now := m.Now()
	samples, err := alerts.Samples(ctx, now)
	if err != nil {
		return errors.Join(err, lettersErr)
	}
	samples.Unreachable, samples.DeadLetters = unreachable, letters
	verdicts := alert.Evaluate(samples, m.Limits)
	err = alerts.Step(ctx, now, func(open []alert.Alert) []alert.Change {
		changes := alert.Step(open, verdicts, now, m.Limits, m.NewID)
		for _, c := range changes {
			if c.Event != alert.Quiet {
				m.Log.WarnContext(ctx, "alert "+string(c.Event), "condition", c.Alert.Key.Condition, "subject", c.Alert.Key.Subject, "message", c.Alert.Message)
			}
		}
		return changes
	})
	return errors.Join(err, lettersErr)
}

// Rest resolves the alerts that are open: what they are of is watched no more. It may be called at any time.
func (m Monitor) Rest(ctx context.Context) error {
	alerts, err := m.Alerts(ctx)
	if err != nil {
		return err
	}
	now := m.Now()
	return alerts.Step(ctx, now, func(open []alert.Alert) []alert.Change {
		changes := make([]alert.Change, len(open))
		for i, a := range open {
			a.ResolvedAt = now
			changes[i] = alert.Change{Alert: a, Event: alert.Resolved}
		}
		return changes
	})
}

// check asks every service at once, and says why each cannot be reached, "" where it can. Of one that was not asked it says nothing.
func (m Monitor) check(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	var mu sync.Mutex
	found := map[string]string{}
	var asked sync.WaitGroup
	for service, check := range m.Checks {
		asked.Go(func() {
			began := m.Now()
			err := check(ctx)
			if errors.Is(err, fault.ErrNotAsked) {
				return
			}
			now := m.Now()
			s := metric.Sample{Service: metric.Check, Operation: string(service), At: now, Duration: now.Sub(began)}
			why := ""
			if err != nil && fault.KindOf(err) != fault.RateLimited { // busy is not ill
				s.Outcome, why = fault.KindOf(err).String(), fault.Message(err)
			}
			m.Observe(s)
			mu.Lock()
			defer mu.Unlock()
			found[string(service)] = why
		})
	}
	asked.Wait()
	return found
}
