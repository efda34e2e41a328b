package app

import (
	"context"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// TestCheckWhoseQueueIsAway: a check against Notion that could not be handed over is not under way.
func TestCheckWhoseQueueIsAway(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	queued(t, &two)
	c := two[0]
	requests := c.consistencyRequests(c.pool)
	send := requests.Send
	requests.Send = func(context.Context, string) error { return fault.New(fault.Unavailable, "away") }
	if _, err := requests.Start(t.Context(), "schedule"); err == nil {
		t.Fatal("it was handed over")
	}
	requests.Send = send
	report, err := requests.Read(t.Context(), "test")
	if err != nil || report.UnderWay != nil {
		t.Errorf("%+v is under way, %v", report.UnderWay, err)
	}
	if _, err := requests.Start(t.Context(), "a person"); err != nil {
		t.Error(err)
	}
}

// TestCheckThatWasLost: a check of which nothing was heard for an hour is not under way, and is begun again.
func TestCheckThatWasLost(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	queued(t, &two)
	c := two[0]
	requests := c.consistencyRequests(c.pool)
	if _, err := requests.Start(t.Context(), "schedule"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.pool.Exec(t.Context(), `update integration.consistency_runs set touched_at = now() - interval '1 hour', created_at = now() - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	report, err := requests.Read(t.Context(), "test")
	if err != nil || report.UnderWay != nil {
		t.Errorf("%+v is under way, %v", report.UnderWay, err)
	}
}
