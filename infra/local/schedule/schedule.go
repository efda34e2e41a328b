// Package schedule invokes functions at the times that a template's schedules give, as EventBridge does.
package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

// Invoker calls a function. [lambdahost.Host] is one.
type Invoker interface {
	Invoke(ctx context.Context, function string, event []byte) (lambdahost.Result, error)
}

// Config says what a scheduler runs.
type Config struct {
	Functions []template.Function
	Invoker   Invoker
	Region    string
	AccountID string
	Now       func() time.Time
	NewID     func() string // ids of events
	Log       *slog.Logger
}

// Scheduler invokes functions at their times.
type Scheduler struct {
	config  Config
	entries []entry
}

type entry struct {
	function   string
	schedule   template.Schedule
	expression Expression
}

// New makes a scheduler. It fails on an expression that is none.
func New(config Config) (*Scheduler, error) {
	s := &Scheduler{config: config}
	for _, f := range config.Functions {
		for _, schedule := range f.Schedules {
			expression, err := Parse(schedule.Expression)
			if err != nil {
				return nil, fmt.Errorf("schedule %s of function %s: %w", schedule.Name, f.Name, err)
			}
			s.entries = append(s.entries, entry{f.Name, schedule, expression})
		}
	}
	return s, nil
}

// Run invokes functions until ctx ends, and returns when nothing of it goes on.
func (s *Scheduler) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, e := range s.entries {
		running.Go(func() {
			for {
				due := e.expression.Next(s.config.Now())
				if due.IsZero() || !sleep(ctx, due.Sub(s.config.Now())) {
					return
				}
				running.Go(func() { s.fire(ctx, e, due) })
			}
		})
	}
	running.Wait()
}

// sleep reports whether it slept so long; not when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// fire invokes a function, again after one minute and after two more when it fails, as Lambda does with asynchronous invocations. The
// event stays the same.
func (s *Scheduler) fire(ctx context.Context, e entry, due time.Time) {
	event, err := s.event(e, due)
	if err != nil {
		s.config.Log.ErrorContext(ctx, "a schedule has no event", "function", e.function, "schedule", e.schedule.Name, "error", err)
		return
	}
	for _, pause := range []time.Duration{time.Minute, 2 * time.Minute, 0} {
		result, err := s.config.Invoker.Invoke(ctx, e.function, event)
		if ctx.Err() != nil || err == nil && !result.Failed {
			return
		}
		var reason any = err
		if err == nil {
			reason = string(result.Payload) // what the function failed with
		}
		s.config.Log.WarnContext(ctx, "a scheduled invocation failed", "function", e.function, "schedule", e.schedule.Name,
			"error", reason, "again_in", pause.String())
		if pause == 0 || !sleep(ctx, pause) {
			return
		}
	}
}

// event returns the schedule's input, or EventBridge's own event.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
func (s *Scheduler) event(e entry, due time.Time) ([]byte, error) {
	if e.schedule.Input != "" {
		return []byte(e.schedule.Input), nil
	}
	rule := fmt.Sprintf("arn:aws:events:%s:%s:rule/%s-%s", s.config.Region, s.config.AccountID, e.function, e.schedule.Name)
	return json.Marshal(events.EventBridgeEvent{
		Version: "0", ID: s.config.NewID(), DetailType: "Scheduled Event", Source: "aws.events", AccountID: s.config.AccountID,
		Time: due, Region: s.config.Region, Resources: []string{rule}, Detail: json.RawMessage("{}"),
	})
}
