package sqs_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// hider notes for how many seconds a message was hidden, and how long after the beginning.
type hider struct {
	mu    sync.Mutex
	began time.Time
	told  [][2]int
	err   error
}

func (h *hider) ChangeMessageVisibility(_ context.Context, in *awssqs.ChangeMessageVisibilityInput, _ ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityOutput, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, [2]int{int(time.Since(h.began).Seconds()), int(in.VisibilityTimeout)})
	return &awssqs.ChangeMessageVisibilityOutput{}, h.err
}

// TestAMessageComesAgainWithinSeconds: the queue's visibility timeout, twelve minutes, is meant for work that goes on.
func TestAMessageComesAgainWithinSeconds(t *testing.T) {
	t.Parallel()
	away, bad := fault.New(fault.Unavailable, "The database cannot be reached."), fault.New(fault.Invalid, "The message cannot be read.")
	cases := map[string]struct {
		receives int
		takes    time.Duration
		err      error
		want     [][2]int
		fails    bool
	}{
		"work that succeeds":                               {1, time.Second, nil, [][2]int{{0, 45}}, false},
		"work that goes on is hidden for as long":          {1, 40 * time.Second, nil, [][2]int{{0, 45}, {15, 45}, {30, 45}}, false},
		"a first failure":                                  {1, time.Second, away, [][2]int{{0, 45}, {1, 5}}, true},
		"a second":                                         {2, time.Second, away, [][2]int{{0, 45}, {1, 10}}, true},
		"a third":                                          {3, time.Second, away, [][2]int{{0, 45}, {1, 15}}, true},
		"a fourth is left to the schedule":                 {4, time.Second, away, [][2]int{{0, 45}}, false},
		"a message that is bad becomes a dead letter":      {4, time.Second, bad, [][2]int{{0, 45}, {1, 15}}, true},
		"a failure that nobody classified becomes one too": {4, time.Second, errors.New("surprise"), [][2]int{{0, 45}, {1, 15}}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &hider{began: time.Now()}
				f := sqs.Flight{Client: h, URL: "q", Stored: true, Log: slog.New(slog.DiscardHandler)}
				err := f.Work(t.Context(), "receipt", c.receives, func() error {
					<-time.After(c.takes)
					return c.err
				})
				if (err != nil) != c.fails || !slices.Equal(h.told, c.want) {
					t.Errorf("error %v, told %v, want %v", err, h.told, c.want)
				}
			})
		})
	}
}

func TestWorkGoesOnWhereNobodyCanSay(t *testing.T) {
	t.Parallel()
	h := &hider{began: time.Now(), err: errors.New("AccessDenied")}
	f := sqs.Flight{Client: h, URL: "q", Log: slog.New(slog.DiscardHandler)}
	if err := f.Work(t.Context(), "receipt", 1, func() error { return nil }); err != nil {
		t.Error(err)
	}
}
